"""Whatever a history holds: after a complete run the standby has the source's content; its marker says no more.

The operations keep sizes and times. Between them runs break off, lists get lost, the direction changes, and the standby
is set back to an earlier state of itself.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.documents.pair import CDS, DISTS, STATE, Pair
from tests.documents.trees import Entry

pytestmark = pytest.mark.testbed

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
NAMES = ("a", "b", "folder/c", "folder/d", "e")
SIZE = 5000
KEPT = ("/var/opt/ssh-mgmt", "/etc/opt/ssh-mgmt", STATE)
Held = dict[str, dict[str, Entry]]

OPERATIONS = ("rewrite", "rewrite", "swap", "rename_over", "link_then_rewrite", "touch", "remove")
EVENTS = (
    "run", "run", "broken_run", "unanswered_run", "lost_lists", "older_lists", "turn", "set_back", "spoilt_there",
    "full_run",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from(OPERATIONS), max_size=3), st.sampled_from(EVENTS), st.integers(0, 2**32)),
    min_size=2,
    max_size=4,
)


class History:
    """A pair, what happens to it, and what its markers have promised."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.active, self.standby, self.epoch = "ms1", "ms2", 1
        self.promised: dict[tuple[str, float], Held] = {}
        for top in (CDS, DISTS):
            for name in NAMES:
                self._put(self._path(top, name), random.Random(name))
        self.run()

    def do(self, operations: list[str], event: str, seed: int) -> None:
        dice = random.Random(seed)
        for operation in operations:
            getattr(self, operation)(dice)
        getattr(self, event)() if event.endswith("run") else getattr(self, event)(dice)
        self._check_marker()

    # What keeps size and time.

    def rewrite(self, dice: random.Random) -> None:
        path = self._any(dice)
        path.write_bytes(dice.randbytes(SIZE))
        os.utime(path, ns=AT)

    def swap(self, dice: random.Random) -> None:
        one, other = self._any(dice), self._any(dice)
        if not one.samefile(other):
            third = one.with_name("third")
            one.rename(third)
            other.rename(one)
            third.rename(other)

    def rename_over(self, dice: random.Random) -> None:
        path = self._any(dice)
        new = path.with_name("new")
        self._put(new, dice)
        new.replace(path)

    def link_then_rewrite(self, dice: random.Random) -> None:
        path = self._any(dice)
        twin = path.with_name(f"twin{dice.randrange(3)}")
        twin.unlink(missing_ok=True)
        twin.hardlink_to(path)
        path.write_bytes(dice.randbytes(SIZE))
        os.utime(path, ns=AT)

    def touch(self, dice: random.Random) -> None:
        os.utime(self._any(dice))

    def remove(self, dice: random.Random) -> None:
        self._any(dice).unlink()
        self._put(self._path(CDS, dice.choice(NAMES)), dice)

    # What interrupts a sequence.

    def run(self) -> None:
        self._complete()

    def full_run(self) -> None:
        self._complete("full")

    def broken_run(self) -> None:
        self.pair.stand_in(self.standby, "sync", "kill -KILL $PPID")
        self.pair.replicate(self.active, epoch=self.epoch)
        self.pair.put_aside(self.standby)

    def unanswered_run(self) -> None:
        dies = 'case "$*" in *received.json) kill -KILL $PPID ;; esac'
        self.pair.stand_in(self.standby, "mv", f'/usr/bin/mv "$@"; code=$?; {dies}; exit $code')
        self.pair.replicate(self.active, epoch=self.epoch)
        self.pair.put_aside(self.standby)

    def lost_lists(self, _: random.Random) -> None:
        shutil.rmtree(self.pair.inside(self.active, f"{STATE}/sent"), ignore_errors=True)
        self._complete()

    def older_lists(self, dice: random.Random) -> None:
        sent = self.pair.inside(self.active, f"{STATE}/sent")
        if not sent.exists():
            return
        old = sent.with_name("sent.old")
        shutil.copytree(sent, old)
        self._complete()
        self.rewrite(dice)
        shutil.rmtree(sent)
        old.rename(sent)
        self._complete()

    def turn(self, dice: random.Random) -> None:
        self._rest()
        self.active, self.standby, self.epoch = self.standby, self.active, self.epoch + 1
        self.pair.set_epoch(self.active, self.epoch, "active")
        self.pair.set_epoch(self.standby, self.epoch, "standby")
        self.rewrite(dice)
        self._complete()

    def set_back(self, dice: random.Random) -> None:
        self._rest()
        keep = " ".join(KEPT)
        host = self.pair.host(self.standby)
        host.run(["bash", "-c", f"rm -rf /var/lib/kept && mkdir /var/lib/kept && cp -a --parents {keep} /var/lib/kept"])
        self.rewrite(dice)
        self._complete()
        self._rest()
        host.run(["bash", "-c", f"rm -rf {keep} && cp -a /var/lib/kept/. / && rm -rf /var/lib/kept"])
        self._check_marker()
        self._complete()

    def spoilt_there(self, dice: random.Random) -> None:
        """Somebody writes on the standby, and puts size and time back: a full run repairs it."""
        self._rest()
        path = self.pair.inside(self.standby, f"{CDS}/{dice.choice(NAMES)}")
        if path.is_file():
            path.write_bytes(dice.randbytes(SIZE))
            os.utime(path, ns=AT)
        self._complete("full")

    def _complete(self, mode: str = "changes") -> None:
        ended = self.pair.replicate(self.active, epoch=self.epoch, Mode=mode)
        result = self.pair.assert_complete(ended)
        self.promised[self._said()] = self.pair.holds(self.standby)
        assert self._said()[0] == result["digest"]

    def _said(self) -> tuple[str, float]:
        path = self.pair.inside(self.standby, f"{STATE}/received.json")
        marker = json.loads(path.read_text())
        return marker["digest"], marker["completed_at"]

    def _check_marker(self) -> None:
        """What the marker promised once is there now."""
        if self._said() in self.promised:
            assert self.pair.holds(self.standby) == self.promised[self._said()]

    def _rest(self) -> None:
        self.pair.host(self.standby).run(["flock", "-w", "20", f"{STATE}/receive.lock", "true"])

    def _any(self, dice: random.Random) -> Path:
        files = sorted(path for top in (CDS, DISTS) for path in self.pair.inside(self.active, top).rglob("*"))
        return dice.choice([path for path in files if path.is_file()])

    def _path(self, top: str, name: str) -> Path:
        return self.pair.inside(self.active, f"{top}/{name}")

    @staticmethod
    def _put(path: Path, dice: random.Random) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dice.randbytes(SIZE))
        os.utime(path, ns=AT)


# HISTORIES asks for more. Each takes seconds: what fails is shown as it is, not made smaller.
@settings(
    max_examples=int(os.environ.get("HISTORIES", "4")), deadline=None, derandomize=True,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(steps=STEPS)
def test_after_a_complete_run_the_standby_has_the_sources_content(
    prepared_pair: Pair, steps: list[tuple[list[str], str, int]]
) -> None:
    prepared_pair.reset()
    history = History(prepared_pair)
    for operations, event, seed in steps:
        history.do(operations, event, seed)
    history.run()
