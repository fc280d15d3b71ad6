"""A run as it happens: what a person sees in the terminal, and what a log gets where there is no terminal.

The conductor gives a callable that returns a `Snapshot`; `watch` looks at it a few times a second, in a thread of its
own, and shows it. Looking must be cheap for both sides: the machine that draws is the machine that is measured.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from local.report.record import Event, Step

LOOKS_PER_S = 8


@dataclass(frozen=True)
class Snapshot:
    """What is so at this moment; all moments in seconds since 1970.

    Args:
        at: now.
        scenario, headline: as in the record.
        started_at: when the scenario (or the setting up before it) began.
        doing: what is going on now, a few words.
        failure_at: when the fault struck, None before it.
        steps: the workflow's steps so far, in the order they were entered; `end` is None for those that run.
        door: the servers that may use the database now; None when that is not known.
        name: the server the name points to, None for none or unknown; `address` is what is answered.
        agents: how many agents are with each server, and with None: on their way.
        written: rows in the journal so far, of each server; the view makes rates of them.
        hosts: a word for each server's state ("running", "hangs", "off").
        log: the last sentences, oldest first, with their times; as many as may come between a few looks, since where
            there is no terminal each of them is printed, once.
    """

    at: float
    scenario: str
    headline: str
    started_at: float
    doing: str = ""
    failure_at: float | None = None
    steps: tuple[Step, ...] = ()
    door: frozenset[str] | None = None
    name: str | None = None
    address: str = ""
    agents: Mapping[str | None, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[str, str] = ("ms1", "ms2")
    log: tuple[Event, ...] = ()


class View(Protocol):
    """Something that shows snapshots. Entering it starts the showing, leaving it ends it, whatever happened."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, snapshot: Snapshot) -> None:
        """Show this one. Never raises for what is in the snapshot."""


class Watching:
    """Feeds a view from a callable, `LOOKS_PER_S` times a second, until left; then looks one last time."""

    def __init__(self, source: Callable[[], Snapshot], view: View, looks_per_s: float = LOOKS_PER_S) -> None:
        self._source = source
        self._view = view
        self._pause = 1 / looks_per_s
        self.trouble: Exception | None = None  # what the latest look stumbled over
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="live-view", daemon=True)

    def __enter__(self) -> Self:
        self._view.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=2)
        self._look()
        self._view.__exit__(kind, error, trace)

    def _go_on(self) -> None:
        while not self._over.wait(self._pause):
            self._look()

    def _look(self) -> None:
        # A source that stumbles (a host is going away under it) is asked again at the next look, and a view that
        # can't show something must not end the run, nor hide how it ended.
        try:
            self._view.update(self._source())
        except Exception as error:
            self.trouble = error
        else:
            self.trouble = None


def watch(source: Callable[[], Snapshot], console: Console | None = None, looks_per_s: float = LOOKS_PER_S) -> Watching:
    """The view that suits the console (stdout's by default): a live screen in a terminal, plain lines elsewhere.

    Use as a context manager around the run. Drawing a look costs some 3 ms of a processor; where `source` costs more
    than that, take fewer looks.
    """
    from local.report.plain import PlainView
    from local.report.screen import ScreenView

    console = console or Console()
    return Watching(source, ScreenView(console) if is_lively(console) else PlainView(console), looks_per_s)


def is_lively(console: Console) -> bool:
    """Whether the console can be redrawn in place: a terminal, and not a dumb one."""
    return console.is_terminal and not console.is_dumb_terminal


def plain_text(text: str, encoding: str = "utf-8") -> str:
    """One printable line that the encoding can hold.

    What hosts and functions say may be anything, a terminal obeys control codes, and a log in ASCII refuses the rest.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.encode(encoding, "replace").decode(encoding)
