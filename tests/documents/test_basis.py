"""An earlier copy is believed by size and time only after an unbroken sequence; otherwise contents are compared."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.documents.pair import CDS, CONFIG, DISTS, STATE, Ended, Pair

pytestmark = pytest.mark.testbed

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
AREA = "/var/opt/ssh-mgmt/server/.ms-failover"


generations = itertools.count(1)


def replace(pair: Pair, role: str = "ms1") -> int:
    """New contents for all files, of equal size and time: what a build that can be reproduced leaves behind.

    The first file to travel, `CDS/0`, has another size each time: that size is returned.
    """
    size = 20_000 + next(generations)
    pair.write(role, f"{CDS}/0", os.urandom(size))
    for directory in (CDS, DISTS, CONFIG):
        for name in ("a", "folder/b"):
            path = pair.write(role, f"{directory}/{name}.new", os.urandom(20_000))
            os.utime(path, ns=AT)
            path.replace(path.with_suffix(""))
    return size


@pytest.fixture(scope="module")
def built(prepared_pair: Pair) -> Pair:
    """Both hosts hold a set of files that are all of one size and one time."""
    prepared_pair.reset()
    replace(prepared_pair)
    prepared_pair.settle()
    return prepared_pair


@pytest.fixture
def replaced(built: Pair) -> Iterator[Pair]:
    """The same, with each file replaced on the active server since the last complete run."""
    replace(built)
    yield built
    for role in ("ms1", "ms2"):
        built.put_aside(role)


def rest(pair: Pair, role: str) -> None:
    """Wait until the standby has made ready for the next run."""
    pair.host(role).run(["flock", "-w", "20", f"{STATE}/receive.lock", "true"])


def broken(ended: Ended) -> None:
    assert ended.code != 0, ended.stdout
    assert ended.result["complete"] is False


def half_way(pair: Pair) -> subprocess.Popen[bytes]:
    """Begin a run, and return when its first file has arrived and the rest is held."""
    size = replace(pair)
    pair.hold_copies_after(30_000)
    run = pair.begin()
    pair.await_half(f"{CDS}/0", size=size)
    return run


def rsync_is_killed(pair: Pair, role: str) -> None:
    run = half_way(pair)
    pair.end(role, "rsync")
    pair.let_go()
    broken(pair.ended(run))


def the_sender_dies(pair: Pair) -> None:
    run = half_way(pair)
    pair.host("ms1").run(["pkill", "-KILL", "-x", "bash|ssh|rsync|timeout"], check=False)
    pair.let_go()
    run.communicate(timeout=30)


def the_source_changes(pair: Pair) -> None:
    run = half_way(pair)
    pair.write("ms1", f"{DISTS}/late", os.urandom(10))
    pair.let_go()
    broken(pair.ended(run))


def more_would_be_deleted_than_is_allowed(pair: Pair) -> None:
    for number in range(3):
        pair.write("ms1", f"{CDS}/deleted{number}", "x")
    pair.assert_complete(pair.replicate())
    replace(pair)
    pair.host("ms1").run(["bash", "-c", f"rm {CDS}/deleted*"])
    broken(pair.replicate(MaxDelete="1"))


def the_answer_to_the_commit_is_lost(pair: Pair) -> None:
    pair.stand_in("ms2", "mv", '/usr/bin/mv "$@"; case "$*" in *received.json) kill -KILL $PPID ;; esac')
    pair.replicate()
    pair.put_aside("ms2")


def the_receiver_dies_before_its_swap(pair: Pair) -> None:
    pair.stand_in("ms2", "sync", "kill -KILL $PPID")
    broken(pair.replicate())
    pair.put_aside("ms2")


def a_run_is_ended_at_its_limit(pair: Pair) -> None:
    pair.hold_copies_after(30_000)
    broken(pair.replicate(LimitSeconds="3"))
    pair.let_go()


def the_senders_lists_are_lost(pair: Pair) -> None:
    shutil.rmtree(pair.inside("ms1", f"{STATE}/sent"))


def one_list_is_damaged(pair: Pair) -> None:
    for path in pair.inside("ms1", f"{STATE}/sent").glob("*/last"):
        os.truncate(path, path.stat().st_size // 2)


def the_senders_lists_are_older_than_the_standby(pair: Pair) -> None:
    sent = pair.inside("ms1", f"{STATE}/sent")
    shutil.copytree(sent, sent.with_name("sent.old"), copy_function=shutil.copy2)
    pair.assert_complete(pair.replicate())
    replace(pair)
    shutil.rmtree(sent)
    sent.with_name("sent.old").rename(sent)


def the_standby_lost_what_it_had_made_ready(pair: Pair) -> None:
    shutil.rmtree(pair.inside("ms2", f"{AREA}/cds"))


def the_standby_lost_its_marker(pair: Pair) -> None:
    pair.inside("ms2", f"{STATE}/received.json").unlink()


def a_mode_on_the_standby_was_changed(pair: Pair) -> None:
    pair.inside("ms2", f"{CDS}/folder").chmod(0o777)


def the_direction_changes_twice(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    rest(pair, "ms2")
    for role in ("ms1", "ms2"):
        pair.set_epoch(role, 2, "active" if role == "ms2" else "standby")
    replace(pair, "ms2")
    pair.assert_complete(pair.replicate("ms2", epoch=2))
    rest(pair, "ms1")
    replace(pair, "ms2")  # never carried: the other host takes over without it
    for role in ("ms1", "ms2"):
        pair.set_epoch(role, 1, "active" if role == "ms1" else "standby")


BROKEN: tuple[Callable[[Pair], None], ...] = (
    lambda pair: rsync_is_killed(pair, "ms1"), lambda pair: rsync_is_killed(pair, "ms2"), the_sender_dies,
    the_source_changes, more_would_be_deleted_than_is_allowed, the_answer_to_the_commit_is_lost,
    the_receiver_dies_before_its_swap, a_run_is_ended_at_its_limit, the_senders_lists_are_lost,
    the_senders_lists_are_older_than_the_standby, the_standby_lost_what_it_had_made_ready, the_standby_lost_its_marker,
    a_mode_on_the_standby_was_changed, the_direction_changes_twice, one_list_is_damaged,
)  # fmt: skip
NAMES = ("rsync_is_killed_here", "rsync_is_killed_there", *(each.__name__ for each in BROKEN[2:]))


@pytest.mark.parametrize("happens", BROKEN, ids=NAMES)
def test_files_of_equal_size_and_time_are_carried_after(replaced: Pair, happens: Callable[[Pair], None]) -> None:
    happens(replaced)
    replaced.assert_complete(replaced.replicate())


def lists_of_directories(pair: Pair) -> list[bytes]:
    return [path.read_bytes() for path in sorted(pair.inside("ms1", f"{STATE}/sent").glob("*/directories"))]


def test_directories_are_listed_by_a_run_that_carries_some_and_by_one_that_finds_none_listed(built: Pair) -> None:
    built.write("ms1", f"{CDS}/folder/of-the-next-set", "x")
    built.assert_complete(built.replicate())
    built.assert_complete(built.replicate())
    listed = lists_of_directories(built)
    assert len(listed) == 3
    assert listed[1] == b"./\0./folder\0"
    for path in built.inside("ms1", f"{STATE}/sent").glob("*/directories"):
        path.unlink()
    built.assert_complete(built.replicate())
    assert lists_of_directories(built) == listed


@pytest.mark.parametrize("listed", [b"", b"./nowhere\0", b"./folder\0" * 3000, b"no end"])
def test_whatever_a_list_of_directories_says_each_change_is_carried(built: Pair, listed: bytes) -> None:
    built.assert_complete(built.replicate())
    built.assert_complete(built.replicate())
    for path in built.inside("ms1", f"{STATE}/sent").glob("*/directories"):
        path.write_bytes(listed)
    built.write("ms1", f"{CDS}/folder/came-{len(listed)}", "x")
    with built.inside("ms1", f"{DISTS}/a").open("r+b") as file:  # in place, which no directory shows
        file.write(str(len(listed)).encode())
    assert built.assert_complete(built.replicate())["changed"] >= 2
    built.assert_same()
