"""A set arrives whole or not at all, and the next run repairs what an earlier one could not do."""

from __future__ import annotations

import os
import shutil

import pytest

from lab.testbed.hosts.host import PATH
from lab.testbed.hosts.polling import wait_until
from tests.documents.pair import CDS, CONFIG, DISTS, STATE, Ended, Pair

pytestmark = pytest.mark.testbed

RSYNC = shutil.which("rsync", path=PATH)


def failed(ended: Ended) -> str:
    """The reason of a run that counts as failed."""
    assert ended.code != 0
    assert ended.result["complete"] is False
    assert ended.result["completed_at"] is None
    return str(ended.result["reason"])


def half_a_copy(pair: Pair) -> dict[str, object]:
    """ms2 holds a set; a copy of the next one is under way, its first file there. Returns what ms2 holds."""
    pair.write("ms1", f"{CDS}/a", "first set")
    pair.assert_complete(pair.replicate())
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(100_000))
    pair.hold_copies_after(150_000)
    pair.run_under_way = pair.begin()
    pair.await_half()
    return dict(pair.holds("ms2"))


def repaired(pair: Pair) -> None:
    """The next run makes both hosts the same."""
    pair.put_aside("ms1")
    pair.put_aside("ms2")
    pair.assert_complete(pair.replicate())


@pytest.mark.parametrize("role", ["ms1", "ms2"])
def test_with_rsync_killed_at_half_the_standby_keeps_its_last_set(pair: Pair, role: str) -> None:
    before = half_a_copy(pair)
    pair.end(role, "rsync")
    pair.let_go()
    assert "the standby keeps its last complete set" in failed(pair.ended(pair.run_under_way))
    assert pair.holds("ms2") == before
    repaired(pair)


def test_with_the_active_host_dead_at_half_the_standby_keeps_its_last_set_and_can_be_started(pair: Pair) -> None:
    before = half_a_copy(pair)
    pair.servers["ms1"].power_off()
    promoted = pair.run("ms2", "start", Epoch="2", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert promoted.code == 0, promoted.stderr
    assert pair.holds("ms2") == before
    pair.servers["ms1"].power_on()


def test_with_the_standby_dead_at_half_it_comes_back_with_its_last_set(pair: Pair) -> None:
    before = half_a_copy(pair)
    pair.servers["ms2"].power_off()
    pair.let_go()
    pair.end("ms1", "ssh")  # what would notice after 15 s
    failed(pair.ended(pair.run_under_way))
    pair.servers["ms2"].power_on()
    assert pair.holds("ms2") == before
    repaired(pair)


def test_a_source_that_changes_during_the_copy_counts_as_failed(pair: Pair) -> None:
    before = half_a_copy(pair)
    pair.write("ms1", f"{CDS}/b", "an import is under way")
    pair.let_go()
    assert failed(pair.ended(pair.run_under_way)).startswith("source changed")
    assert pair.holds("ms2") == before
    repaired(pair)


def test_files_that_vanish_during_the_copy_are_a_failure(pair: Pair) -> None:
    before = half_a_copy(pair)
    pair.inside("ms1", f"{CDS}/c").unlink()
    pair.let_go()
    assert failed(pair.ended(pair.run_under_way)).startswith("source changed")
    assert pair.holds("ms2") == before
    repaired(pair)


def test_a_standby_that_is_gone_when_it_is_told_of_the_copy_ends_the_run_with_a_reason(pair: Pair) -> None:
    pair.settle()
    pair.write("ms1", f"{CDS}/one", "1")
    ends = f"$(echo {STATE}/run.*/ends)"
    gone = "pkill -KILL -x ssh; for _ in {1..200}; do pgrep -x ssh >/dev/null || break; sleep 0.01; done"
    pair.stand_in("ms1", "rsync", f'{gone}; echo connection 1<>"{ends}"; exit 12')
    assert "rsync ended with code 12" in failed(pair.replicate())
    assert not pair.inside("ms2", f"{CDS}/one").exists()
    repaired(pair)


def test_a_session_that_a_cut_network_left_behind_gives_way_to_the_next_run(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.leave_session()
    pair.assert_complete(pair.replicate(timeout_s=25))


def test_a_session_that_makes_ready_for_the_next_run_is_not_ended_by_it(pair: Pair) -> None:
    waits = 'if [ "$1" = -al ]; then until [ -e /var/lib/go-on ]; do sleep 0.02; done; fi'
    pair.stand_in("ms2", "cp", f'{waits}; exec /usr/bin/cp "$@"')
    pair.inside("ms2", "/var/lib/go-on").unlink(missing_ok=True)
    for directory in (CDS, DISTS, CONFIG):
        pair.write("ms1", f"{directory}/one", "1")
    pair.assert_complete(pair.replicate())
    pair.write("ms1", f"{DISTS}/two", "2")
    run = pair.begin()
    seen = ["pgrep", "-f", "^flock -w 30 9"]
    wait_until("the next run waits", lambda: pair.host("ms2").run(seen, check=False).returncode == 0, deadline_s=10)
    pair.write("ms2", "/var/lib/go-on", "")
    assert pair.assert_complete(pair.ended(run))["mode"] == "changes", "what the session made ready is not there"


@pytest.mark.parametrize("code", [23, 24])
def test_rsyncs_partial_successes_are_failures(pair: Pair, code: int) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.stand_in("ms1", "rsync", f'{RSYNC} "$@"; exit {code}')
    assert {23: "rsync ended with code 23", 24: "source changed"}[code] in failed(pair.replicate())
    assert not pair.inside("ms2", f"{CDS}/one").exists()
    repaired(pair)


def test_an_rsync_that_leaves_something_out_and_says_nothing_is_found_out(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.write("ms1", f"{CDS}/two", "2")
    pair.stand_in("ms1", "rsync", f'exec {RSYNC} --exclude=/two "$@"')
    assert "what arrived is not what was sent, even after a whole copy" in failed(pair.replicate())
    assert not pair.inside("ms2", f"{CDS}/one").exists()
    repaired(pair)


def test_a_run_that_is_still_going_is_left_alone(pair: Pair) -> None:
    half_a_copy(pair)
    second = pair.replicate()
    assert second.code == 0
    assert second.result["outcome"] == "busy"
    assert second.result["complete"] is False
    pair.let_go()
    pair.assert_complete(pair.ended(pair.run_under_way))


def test_an_order_that_is_carried_out_twice_waits_for_the_first_and_says_complete(pair: Pair) -> None:
    half_a_copy(pair)
    second = pair.begin()
    asks = ["pgrep", "-x", "flock"]
    wait_until("the second one waits", lambda: pair.host("ms1").run(asks, check=False).returncode == 0, deadline_s=10)
    pair.let_go()
    pair.assert_complete(pair.ended(pair.run_under_way))
    assert pair.assert_complete(pair.ended(second))["reason"] == "nothing changed"


def test_a_run_that_hangs_is_ended_at_its_limit_with_all_that_it_started(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", os.urandom(100_000))
    pair.hold_copies_after(50_000)
    assert failed(pair.replicate(LimitSeconds="2")).startswith("the run was ended at its limit of 2 s")
    left = pair.host("ms1").run(["pgrep", "-x", "rsync|ssh"], check=False)
    assert left.stdout == ""
    repaired(pair)


def test_the_marker_carries_the_manifests_digest_as_both_sides_computed_it(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    result = pair.assert_complete(pair.replicate())
    marker = pair.marker()
    assert marker["digest"] == result["digest"]
    assert marker["epoch"] == 1
    assert set(marker["sets"]) == {CDS, DISTS, CONFIG}
    pair.write("ms1", f"{CDS}/two", "2")
    again = pair.assert_complete(pair.replicate())
    assert pair.marker()["digest"] == again["digest"] != result["digest"]


def test_a_standby_that_lost_its_marker_is_sent_everything_anew(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    pair.inside("ms2", f"{STATE}/received.json").unlink()
    pair.write("ms1", f"{DISTS}/two", "2")
    pair.assert_complete(pair.replicate())
    assert set(pair.marker()["sets"]) == {CDS, DISTS, CONFIG}
    pair.settle()
    pair.inside("ms2", f"{STATE}/received.json").unlink()
    pair.assert_complete(pair.replicate())
    assert set(pair.marker()["sets"]) == {CDS, DISTS, CONFIG}, "though nothing changed"
