"""What other programs' suites expect of a run itself: what it reads, what it says, what it leaves when ended."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.documents.carried_contents import in_place
from tests.documents.pair import CDS, Pair

pytestmark = pytest.mark.testbed

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)


def a_file_that_was_only_read_is_not_carried_again(pair: Pair) -> None:
    os.utime(pair.write("ms1", f"{CDS}/read", "content"), ns=AT)
    pair.settle()
    pair.host("ms1").run(["cat", f"{CDS}/read"])
    assert pair.assert_complete(pair.replicate())["reason"] == "nothing changed"


def of_names_that_differ_by_case_the_changed_ones_are_found(pair: Pair) -> None:
    for name in ("1.txt", "1.TXT", "hello.txt", "Hello.txt"):
        pair.write("ms1", f"{CDS}/{name}", "1")
    pair.settle()
    for name in ("1.txt", "hello.txt"):
        with pair.inside("ms1", f"{CDS}/{name}").open("a") as file:
            file.write("2")
    assert pair.replicate(DryRun="yes").result["names"] == [f"{CDS}/1.txt", f"{CDS}/hello.txt"]
    pair.assert_complete(pair.replicate())


def a_dry_run_counts_what_the_run_then_carries(pair: Pair) -> None:
    for name in ("goes", "folder/goes", "folder/stays", "old", "mode", "content"):
        pair.write("ms1", f"{CDS}/{name}", name)
    pair.settle()
    top = pair.inside("ms1", CDS)
    for name in ("goes", "folder/goes"):
        (top / name).unlink()
    (top / "old").rename(top / "new")
    (top / "mode").chmod(0o600)
    (top / "content").write_text("changed")
    dry = pair.replicate(DryRun="yes").result
    assert dry["changed"] == len(dry["names"])
    assert pair.assert_complete(pair.replicate())["changed"] == dry["changed"]


def what_is_written_after_a_run_was_told_to_end_is_of_the_next_set(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/a", "first set")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    for number in range(300):
        pair.write("ms1", f"{CDS}/{number % 10}/{number}", os.urandom(1000))
    pair.write("ms1", f"{CDS}/a", os.urandom(100_000))
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half()
    pair.host("ms1").run(["pkill", "-TERM", "-x", "timeout"])
    for number in range(300, 310):
        pair.write("ms1", f"{CDS}/{number}", "after the signal")
    pair.let_go()
    ended = pair.ended(run)
    assert ended.code != 0
    assert "the run was killed by signal 15; the standby keeps its last complete set" in ended.result["reason"]
    assert pair.holds("ms2") == before
    pair.assert_complete(pair.replicate())
    assert pair.inside("ms2", f"{CDS}/309").read_text() == "after the signal"


def another_content_of_equal_size_and_time_on_the_standby_is_found_beside_another_change(pair: Pair) -> None:
    for name in ("folder/file", "other"):
        pair.write("ms1", f"{CDS}/{name}", "of the set")
    pair.settle()
    in_place(pair.inside("ms2", f"{CDS}/folder/file"), b"by hand!!!")
    pair.write("ms1", f"{CDS}/other", "changed")
    pair.assert_complete(pair.replicate())


def an_attribute_that_a_directory_lost_is_gone_on_the_standby(pair: Pair) -> None:
    top = pair.write("ms1", f"{CDS}/folder/sub/stays", "1").parents[2]
    for path in (top, top / "folder", top / "folder/sub"):
        for name in ("user.lost", "user.kept"):
            os.setxattr(path, name, b"value")
    pair.settle()
    for path in (top, top / "folder"):
        os.removexattr(path, "user.lost")
    pair.assert_complete(pair.replicate())
    pair.write("ms1", f"{CDS}/other", "a later set, which begins with what was made ready")
    pair.assert_complete(pair.replicate())
    os.removexattr(top / "folder/sub", "user.lost")
    pair.assert_complete(pair.replicate(Mode="full"))


RUNS: tuple[tuple[str, Callable[[Pair], None]], ...] = (
    ("rsync: xattrs", an_attribute_that_a_directory_lost_is_gone_on_the_standby),
    ("rsync: open-noatime, atimes", a_file_that_was_only_read_is_not_carried_again),
    ("rsync: compare", another_content_of_equal_size_and_time_on_the_standby_is_found_beside_another_change),
    ("csync2: case-compare", of_names_that_differ_by_case_the_changed_ones_are_found),
    ("rsync: delete (dry run)", a_dry_run_counts_what_the_run_then_carries),
    ("lsyncd: flush-queue-sigterm", what_is_written_after_a_run_was_told_to_end_is_of_the_next_set),
)


@pytest.mark.parametrize(("suites", "behaves"), RUNS, ids=[behaves.__name__ for _, behaves in RUNS])
def test_like_other_suites(pair: Pair, suites: str, behaves: Callable[[Pair], None]) -> None:
    assert suites
    behaves(pair)
