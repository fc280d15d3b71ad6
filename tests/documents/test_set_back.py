"""A list is believed only where it tells states apart: not after a disk was set back, nor within a clock's tick."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.disks import Disks
from tests.documents.pair import CDS, CONFIG, DISTS, STATE, Pair

pytestmark = pytest.mark.testbed

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
WHOLE_SECONDS = "-I 128"
SETS = ("/etc/opt/ssh-mgmt", "/var/opt/ssh-mgmt")


@pytest.fixture(params=["ms1", "ms2"])
def role(request: pytest.FixtureRequest) -> str:
    """The host whose disk it is about."""
    return str(request.param)


def powered_again(pair: Pair, role: str) -> None:
    """Take away whatever is still mounted."""
    pair.servers[role].power_off()
    pair.servers[role].power_on()


def rest(pair: Pair, role: str) -> None:
    pair.host(role).run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])


def write(pair: Pair, role: str, path: str, content: str) -> Path:
    """Write a file of one second on the disk that a host has mounted."""
    there = pair.inside(role, path)
    there.write_text(content)
    os.utime(there, (10**9, 10**9))
    return there


def build(pair: Pair, content: str) -> None:
    """Write a content of equal size and time into each file, where it is: no name, size or time changes."""
    for directory in (CDS, DISTS, CONFIG):
        path = pair.inside("ms1", f"{directory}/file")
        path.write_text(content)
        os.utime(path, ns=AT)
        os.utime(path.parent, ns=AT)


@pytest.mark.parametrize("disk", [(STATE, *SETS), SETS], ids=["with what it keeps of them", "sets alone"])
def test_a_standby_whose_disk_is_set_back_gets_contents_of_equal_size_and_time(
    pair: Pair, disk: tuple[str, ...]
) -> None:
    disks = Disks(pair, "ms2", {"disk": disk})
    try:
        build(pair, "before")
        pair.settle()
        rest(pair, "ms2")
        disks.snapshot()
        build(pair, "after!")
        pair.settle()
        rest(pair, "ms2")
        disks.set_back()
        assert pair.inside("ms2", f"{CDS}/file").read_text() == "before"
        pair.assert_complete(pair.replicate())
    finally:
        powered_again(pair, "ms2")


def test_an_active_host_whose_disk_is_set_back_has_its_contents_carried(pair: Pair) -> None:
    disks = Disks(pair, "ms1", {"disk": (STATE, *SETS)})
    try:
        build(pair, "before")
        pair.settle()
        pair.end("ms1", "ssh")  # the connection that is held lies on that disk
        disks.snapshot()
        build(pair, "after!")
        pair.settle()
        pair.end("ms1", "ssh")
        disks.set_back()
        pair.assert_complete(pair.replicate())
        assert pair.inside("ms2", f"{CDS}/file").read_text() == "before"
    finally:
        powered_again(pair, "ms1")


@pytest.fixture
def whole_seconds(pair: Pair, role: str) -> Iterator[str]:
    """A host whose sets lie on a file system that keeps times in whole seconds."""
    Disks(pair, role, {"disk": SETS}, options=WHOLE_SECONDS)
    yield role
    powered_again(pair, role)


def test_a_set_on_a_file_system_of_whole_seconds_comes_to_rest_and_is_carried_by_changes(
    pair: Pair, whole_seconds: str
) -> None:
    assert write(pair, whole_seconds, f"{CDS}/file", "1").stat().st_ctime_ns % 10**9 == 0
    for directory in (CDS, DISTS, CONFIG):
        for name in ("a", "b"):  # a standby of whole seconds can take no others
            write(pair, "ms1", f"{directory}/{name}", name)
    for path in (CDS, DISTS, CONFIG):
        for there in (*pair.inside("ms1", path).iterdir(), pair.inside("ms1", path)):
            os.utime(there, (10**9, 10**9))
    pair.settle()
    rest(pair, "ms2")
    write(pair, "ms1", f"{CDS}/a", "2")
    os.utime(pair.inside("ms1", CDS), (10**9, 10**9))
    assert pair.assert_complete(pair.replicate())["mode"] == "changes"
    pair.settle()


def listed(pair: Pair, role: str, since: str) -> str:
    """How the shared list of a directory says when its file changed, where it is made at a moment."""
    script = f'. {STATE}/bin/replication.sh; scan {CDS} {since} | grep -az "/file" | cut -z -c 35- | cut -z -f 1'
    return pair.host(role).run(["bash", "-c", script]).stdout.strip("\0")


def test_what_changed_in_the_second_of_a_list_counts_as_changed_again_where_a_clock_ticks_so(
    pair: Pair, whole_seconds: str
) -> None:
    second = int(write(pair, whole_seconds, f"{CDS}/file", "1").stat().st_ctime)
    assert "after" in listed(pair, whole_seconds, f"{second}.900000"), "it may change again, and say the same second"
    assert "after" not in listed(pair, whole_seconds, f"{second + 1}.000001")


def test_on_a_file_system_of_finer_times_what_changed_well_before_a_list_is_as_it_was(pair: Pair) -> None:
    changed = pair.write("ms1", f"{CDS}/file", "1").stat().st_ctime_ns
    for ahead, after in ((100_000, False), (-100_000, True)):
        since = (changed + ahead * 1000) // 1000
        assert ("after" in listed(pair, "ms1", f"{since // 10**6}.{since % 10**6:06}")) is after
