"""Whatever a tree looks like and whatever becomes of it: after a complete run both hosts hold the same."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.documents.pair import CDS, Pair

pytestmark = pytest.mark.testbed

# Each name tells of a way to get names wrong: blanks, lines, bytes that are no text, what looks like an option, a
# pattern, a comment, a host, or rsync's own.
NAMES = tuple(map(os.fsdecode, (
    b"plain", b"two words", b" ", b"a\nb", b"\n", b"-rf", b"--delete", b"*", b"?[a]", b"#note", b";note", b"host:path",
    b"\xc3\xa9t\xc3\xa9", b"\xe6\x97\xa5\xe6\x9c\xac", b"\xff\xfe", b"a\\b", b"\\n", b"$HOME", b"`id`", b"'\"", b"~",
    b".hidden", b".x.AbCdEf", b"tab\there", b"x" * 200, b"staging", b".ms-failover", b"%s", b"{a,b}", b"\r",
)))  # fmt: skip
ALWAYS = "always"  # an empty source is refused, and that is another test's
MODES = (0o000, 0o400, 0o600, 0o640, 0o644, 0o755, 0o777, 0o4755, 0o2750, 0o1777)
KINDS = ("file", "file", "file", "directory", "directory", "link", "twin", "sparse", "pipe")

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("make", "make", "change", "mode", "owner", "time", "remove", "rename", "replace", "list")),
        st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=14,
)


class Gardener:
    """Does to a tree what people and programs do to theirs; what exactly is drawn from a seed."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def do(self, action: str, seed: int) -> None:
        dice = random.Random(seed)
        found = self._names()
        if action == "make" or not found:
            self._make(dice, dice.choice(KINDS))
        else:
            getattr(self, f"_{action}")(dice.choice(found), dice)

    def _names(self) -> list[Path]:
        return sorted(path for path in self.top.rglob("*") if path.name != ALWAYS)

    def _place(self, dice: random.Random) -> Path:
        folders = [self.top, *(path for path in self._names() if _is_directory(path))]
        return dice.choice(folders) / dice.choice(NAMES)

    def _make(self, dice: random.Random, kind: str) -> None:
        path = self._place(dice)
        if os.path.lexists(path):
            return
        if kind == "directory":
            path.joinpath(*dice.choices(NAMES, k=dice.randrange(5))).mkdir(parents=True)
        elif kind == "link":
            path.symlink_to(dice.choice(("/etc/passwd", "../up//twice", "a\nb", "-rf", "plain")))
        elif kind == "twin":
            files = [each for each in self._names() if _is_file(each)]
            if files:
                path.hardlink_to(dice.choice(files))
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.write_bytes(dice.randbytes(dice.choice((0, 1, 100, 5000))))
            if kind == "sparse":
                os.truncate(path, 3_000_000)

    def _change(self, path: Path, dice: random.Random) -> None:
        if _is_file(path):
            before = path.stat()
            path.write_bytes(dice.randbytes(dice.choice((before.st_size % 9000, 10))))
            if dice.random() < 0.5:  # as silently as can be
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _mode(self, path: Path, dice: random.Random) -> None:
        if not path.is_symlink():
            path.chmod(dice.choice(MODES))

    def _owner(self, path: Path, dice: random.Random) -> None:
        os.lchown(path, dice.randrange(70_000), dice.randrange(70_000))

    def _time(self, path: Path, dice: random.Random) -> None:
        at = dice.randrange(2**31 * 10**9)
        os.utime(path, ns=(at, at), follow_symlinks=False)

    def _remove(self, path: Path, dice: random.Random) -> None:
        if _is_directory(path):
            shutil.rmtree(path)
        else:
            path.unlink()

    def _rename(self, path: Path, dice: random.Random) -> None:
        target = self._place(dice)
        if not os.path.lexists(target) and path not in target.parents:
            path.rename(target)

    def _replace(self, path: Path, dice: random.Random) -> None:
        """Something else by the same name."""
        self._remove(path, dice)
        if dice.random() < 0.5:
            path.mkdir()
        else:
            path.symlink_to("elsewhere")

    def _list(self, path: Path, dice: random.Random) -> None:
        if not path.is_symlink():
            entry = f"u:{dice.randrange(1000, 1010)}:{dice.choice(('r', 'rw', '-'))}"
            subprocess.run(["setfacl", "-m", entry, "--", path], check=True)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


# Each example takes seconds: what fails is shown as it is, not made smaller.
@settings(
    max_examples=5, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(planted=ACTIONS, rounds=st.lists(ACTIONS, min_size=2, max_size=2))
def test_after_each_complete_run_both_trees_are_equal(
    prepared_pair: Pair, planted: list[tuple[str, int]], rounds: list[list[tuple[str, int]]]
) -> None:
    prepared_pair.reset()
    prepared_pair.allow_kinds("setid")
    prepared_pair.write("ms1", f"{CDS}/{ALWAYS}", "here")
    gardener = Gardener(prepared_pair.inside("ms1", CDS))
    for actions in (planted, *rounds):
        for action, seed in actions:
            gardener.do(action, seed)
        prepared_pair.assert_complete(prepared_pair.replicate())
        assert diff(prepared_pair) == ""


def diff(pair: Pair) -> str:
    """What `diff -r` says of both copies; pipes have nothing to compare."""
    here, there = (str(pair.inside(role, CDS)) for role in ("ms1", "ms2"))
    done = subprocess.run(
        ["diff", "-r", "--no-dereference", here, there], text=True, capture_output=True, check=False, errors="replace"
    )
    return "".join(line for line in done.stdout.splitlines(keepends=True) if "is a fifo" not in line)
