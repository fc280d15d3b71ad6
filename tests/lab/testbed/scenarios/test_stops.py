"""A workflow that can't go on, or is killed: it stops where it is safe, and can be taken up again."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import never_both, run_scenario, taken_over


def test_an_execution_killed_after_the_fence_is_resumed_in_the_same_epoch(tmp_path: Path) -> None:
    ran = run_scenario("halfway", tmp_path)
    assert taken_over(ran.report)
    for name in ("Killed between fence and promotion", "The lease outlives its holder", "The same change went on"):
        ran.held(name)


def test_without_a_standby_nothing_is_touched(tmp_path: Path) -> None:
    ran = run_scenario("standby-down", tmp_path)
    assert ran.report["outcome"] == "blocked"
    assert ran.report["epoch"] == 1
    assert ran.report["writes"]["ms2"] == 0
    assert never_both(ran.report)
    for name in ("Nothing was touched", "The lease was given back", "The active server was let alone"):
        ran.held(name)


def test_with_a_standby_that_cannot_write_nothing_is_touched(tmp_path: Path) -> None:
    ran = run_scenario("standby-full", tmp_path)
    assert ran.report["outcome"] == "blocked"
    assert ran.report["epoch"] == 1
    assert ran.report["writes"]["ms2"] == 0
    for name in ("Nothing was touched", "The reason is the disk", "The active server was let alone"):
        ran.held(name)


def test_with_a_standby_that_the_functions_cannot_reach_nothing_is_touched(tmp_path: Path) -> None:
    ran = run_scenario("standby-unreachable", tmp_path)
    assert ran.report["outcome"] == "blocked"
    assert ran.report["epoch"] == 1
    assert ran.report["writes"]["ms2"] == 0
    for name in ("Readiness names it", "Its host answers Run Command", "The reason is the way to ms2",
                 "Nothing was touched", "The lease was given back", "The standby was not started",
                 "Mended, it is fit again"):  # fmt: skip
        ran.held(name)


def test_a_standby_that_does_not_start_halts_it_safe_recorded_and_resumable(tmp_path: Path) -> None:
    ran = run_scenario("start-fails", tmp_path)
    assert ran.report["outcome"] == "halted"
    assert never_both(ran.report)
    for name in ("Recorded for people", "The lease stays", "Safe meanwhile", "Resumable"):
        ran.held(name)


def test_a_host_that_slept_through_a_change_runs_nothing_of_it_when_it_wakes(tmp_path: Path) -> None:
    ran = run_scenario("late-wake", tmp_path)
    assert ran.report["epoch"] == 3
    assert ran.report["writes"]["ms2"] == 0
    assert never_both(ran.report)
    for name in ("Halted for a person", "What was ordered before is dead", "One service runs",
                 "Its host has confirmed the stop", "The second service was stopped"):  # fmt: skip
        ran.held(name)
