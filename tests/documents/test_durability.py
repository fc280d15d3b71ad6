"""Whatever a power cut leaves of a swap, the standby holds one whole set, and its marker is of that set.

What was written since the last sync of a file system may be lost, from any point on, on each file system by itself;
the content of a file that nobody synced may be lost although its name is there. CRASHES asks for more of them,
which takes a second or two each: MODULE_DEADLINE_S, in seconds, gives them the time. CRASHES=prefixes tries every
program that a cut may come before, with each file system by itself at the least and at the most that may be on it;
CRASHES=100000 everything in between, too, which on two file systems takes hours.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.documents.disks import Crash, Disks
from tests.documents.pair import CDS, CONFIG, DISTS, STATE, Pair
from tests.lab.testbed.hosts.inside import MODULE_DEADLINE_S

pytestmark = [pytest.mark.testbed, pytest.mark.timeout(max(900, MODULE_DEADLINE_S))]

ASKED = os.environ.get("CRASHES", "12")
EDGES = ASKED == "prefixes"
MOST = 1_000_000 if EDGES else int(ASKED)
LAYOUTS: dict[str, dict[str, tuple[str, ...]]] = {
    "one file system": {"a": (STATE, "/etc/opt/ssh-mgmt", "/var/opt/ssh-mgmt")},
    "state and configuration on one, software on another": {
        "a": (STATE, "/etc/opt/ssh-mgmt"), "b": ("/var/opt/ssh-mgmt",)
    },
    "state on one, sets on another": {"a": (STATE,), "b": ("/etc/opt/ssh-mgmt", "/var/opt/ssh-mgmt")},
}  # fmt: skip


@pytest.fixture
def on_disks(pair: Pair, request: pytest.FixtureRequest) -> Iterator[Disks]:
    """ms2's files on disks of their own."""
    disks = Disks(pair, "ms2", LAYOUTS[request.param])
    yield disks
    pair.put_aside("ms2")
    pair.servers["ms2"].power_off()  # whatever is still mounted goes
    pair.servers["ms2"].power_on()


def plant(pair: Pair, content: str) -> None:
    for directory in (CDS, DISTS, CONFIG):
        pair.write("ms1", f"{directory}/folder/file", content)
    pair.write("ms1", f"{CDS}/only {content}", content)


def rest(pair: Pair) -> None:
    pair.host("ms2").run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])


@pytest.mark.parametrize("on_disks", LAYOUTS, indirect=True)
def test_after_a_power_cut_at_any_point_of_a_swap_the_standby_holds_one_whole_set(pair: Pair, on_disks: Disks) -> None:
    plant(pair, "before")
    digests = {pair.assert_complete(pair.replicate())["digest"]: "before"}
    before = pair.holds("ms2")
    rest(pair)
    plant(pair, "after")
    pair.inside("ms1", f"{CDS}/only before").unlink()
    on_disks.record()
    digests[pair.assert_complete(pair.replicate())["digest"]] = "after"
    rest(pair)
    on_disks.recorded()
    holds = {"before": before, "after": pair.holds("ms2")}
    first = next(n for n, event in enumerate(on_disks.events) if event[0] == "sync")
    crashes = on_disks.crashes(first, edges=EDGES)
    on_disks.detach()
    seen = set()
    for crash in sample(crashes):
        on_disks.set_to(crash)
        held = recover(pair, f"{crash} of {on_disks.events}")
        (name,) = [name for name, each in holds.items() if each == held] or ["a mixture"]
        assert name in holds, f"{crash} of {on_disks.events}"
        marker = pair.inside("ms2", f"{STATE}/received.json")
        if marker.exists():
            assert digests[pair.marker()["digest"]] == name, f"{crash} of {on_disks.events}"
        seen.add(name)
        on_disks.detach()
    on_disks.attach()
    assert seen == {"before", "after"}, "the crashes tried do not reach from one set to the other"


def sample(crashes: list[Crash]) -> list[Crash]:
    """So many of them, the first and the last included."""
    if len(crashes) <= MOST:
        return crashes
    return [crashes[0], *random.Random(1).sample(crashes[1:-1], MOST - 2), crashes[-1]]


def recover(pair: Pair, what: str) -> dict[str, object]:
    """Start the standby's server, as a failover does; returns what it serves with."""
    started = pair.run("ms2", "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert started.code == 0, f"{started.stderr} after {what}"
    return dict(pair.holds("ms2"))
