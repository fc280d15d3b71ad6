"""Behaviours of other replication programs' test suites, each in a folder of its own of one set."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.documents.pair import CDS, STATE, Pair, tree

# Plants its files, yields for the first copy, checks and changes them, yields for a run by changes, and once more for a
# run after the sender's lists were lost. It may end earlier.
Steps = Generator[None, None, None]


@dataclass(frozen=True)
class Folder:
    """Where a behaviour takes place.

    Args:
        here: its folder on the active server's host.
        there: the same folder on the standby.
        elsewhere: a directory outside the set, as a program on either host names it.
        here_elsewhere: that directory on the active server's host.
        there_elsewhere: that directory on the standby.
    """

    here: Path
    there: Path
    elsewhere: str
    here_elsewhere: Path
    there_elsewhere: Path

    def write(self, name: str | bytes, content: str | bytes = "content", *, mode: int = 0o644) -> Path:
        """Write a file on the active server's host, its directories included."""
        path = self.here / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def names_there(self) -> set[str]:
        """All names below the standby's folder."""
        return set(tree(self.there)) - {"."}


@dataclass(frozen=True)
class Behaviour:
    """What is expected, in words; the suites that try it, each "program: test"; and how it is tried here."""

    name: str
    suites: str
    steps: Callable[[Folder], Steps]


class Table:
    """Behaviours in the order of their definition."""

    def __init__(self) -> None:
        self.rows: list[Behaviour] = []

    def __call__(self, suites: str) -> Callable[[Callable[[Folder], Steps]], Callable[[Folder], Steps]]:
        """Add the decorated steps; their function's name says what is expected."""

        def add(steps: Callable[[Folder], Steps]) -> Callable[[Folder], Steps]:
            self.rows.append(Behaviour(steps.__name__, suites, steps))
            return steps

        return add


def try_all(pair: Pair, rows: Sequence[Behaviour]) -> dict[str, BaseException | None]:
    """Go through the steps of all behaviours, all of a round in one run; returns what was wrong with each.

    Raises AssertionError when a run does not say that it is complete.
    """
    folders = {row.name: _folder(pair, row.name) for row in rows}
    steps = {row.name: row.steps(folders[row.name]) for row in rows}
    wrong: dict[str, BaseException | None] = dict.fromkeys(folders)
    for lose_lists in (False, False, True):
        for name in list(steps):
            _go_on(steps, wrong, name)
        if lose_lists:
            pair.host("ms1").run(["rm", "-r", f"{STATE}/sent"])
        ended = pair.replicate()
        assert ended.code == 0, f"{ended.stdout}\n{ended.stderr}"
        for name, folder in folders.items():
            if wrong[name] is None and tree(folder.here) != tree(folder.there):
                wrong[name] = AssertionError(f"{_differences(folder)} after {ended.result['reason']}")
    for name in list(steps):
        _go_on(steps, wrong, name)
    assert not steps, f"more steps than rounds: {list(steps)}"
    return wrong


def _folder(pair: Pair, name: str) -> Folder:
    elsewhere = f"/var/opt/elsewhere/{name}"
    places = {role: (pair.inside(role, f"{CDS}/{name}"), pair.inside(role, elsewhere)) for role in ("ms1", "ms2")}
    here, here_elsewhere = places["ms1"]
    there, there_elsewhere = places["ms2"]
    for path in (here, here_elsewhere, there_elsewhere):
        path.mkdir(parents=True)
    return Folder(here, there, elsewhere, here_elsewhere, there_elsewhere)


def _go_on(steps: dict[str, Steps], wrong: dict[str, BaseException | None], name: str) -> None:
    try:
        next(steps[name])
    except StopIteration:
        del steps[name]
    except Exception as error:
        wrong[name] = wrong[name] or error
        del steps[name]


def _differences(folder: Folder) -> list[str]:
    here, there = tree(folder.here), tree(folder.there)
    return [
        f"{name!r}: {here.get(name)} here, {there.get(name)} there"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]
