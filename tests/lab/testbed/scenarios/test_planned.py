"""A person moves the service on purpose, home again, and to a server that will not have it."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import never_both, run_scenario, taken_over


def test_a_switchover_carries_the_last_files_and_is_without_service_for_less_than_3_s(tmp_path: Path) -> None:
    ran = run_scenario("switchover", tmp_path)
    assert taken_over(ran.report)
    for name in (
        "Dry, it says what it would do",
        "Nothing was touched",
        "Stopped cleanly first",
        "The last files came along",
        "Carried ahead",
        "Without service",
        "The copy of the new direction was made at once",
    ):
        ran.held(name)
    assert ran.report["agents"]["recovered"] == ran.report["agents"]["count"] == 20


def test_the_service_goes_there_and_comes_home_with_what_was_imported_meanwhile(tmp_path: Path) -> None:
    ran = run_scenario("failback", tmp_path)
    assert never_both(ran.report)
    assert ran.report["epoch"] == 3
    for name in (
        "There",
        "Without service, there",
        "Without service, back",
        "Carried ahead",
        "What ms2 imported came home",
    ):
        ran.held(name)


def test_a_target_that_does_not_start_has_the_service_brought_back_where_it_was(tmp_path: Path) -> None:
    ran = run_scenario("rollback", tmp_path)
    assert ran.report["outcome"] == "rolled-back"
    assert never_both(ran.report)
    assert ran.report["writes"]["ms2"] == 0
    for name in ("Home again in an epoch of its own", "The lease was given back", "The standby takes files again"):
        ran.held(name)


def test_a_source_that_dies_in_its_last_copy_is_neither_waited_for_nor_turned_back_to(tmp_path: Path) -> None:
    ran = run_scenario("source-dies-in-last-copy", tmp_path)
    assert taken_over(ran.report)
    for name in (
        "The lost source is not awaited",
        "The change continues without it, and says so",
        "The standby kept what it had",
        "It is known how old the files are",
    ):
        ran.held(name)
