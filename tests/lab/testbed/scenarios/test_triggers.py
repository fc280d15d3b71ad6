"""Triggers that are lost, doubled, or not true any more."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import never_both, run_scenario, taken_over


def test_a_blip_that_is_over_ends_as_stood_down_with_nothing_touched(tmp_path: Path) -> None:
    ran = run_scenario("transient", tmp_path)
    assert ran.report["outcome"] == "stood-down"
    assert ran.report["epoch"] == 1
    assert ran.report["writes"]["ms2"] == 0
    assert never_both(ran.report)
    ran.held("Nothing was touched")
    ran.held("The lease was given back")


def test_of_five_triggers_at_once_one_runs_and_four_are_refused(tmp_path: Path) -> None:
    ran = run_scenario("duplicate", tmp_path)
    assert taken_over(ran.report)
    counted = "The five ended as promoted, refused, refused, refused, refused."
    assert ran.held("One ran, four were refused") == counted


def test_the_watchdog_needs_no_event_to_see_that_the_server_died_after_all(tmp_path: Path) -> None:
    ran = run_scenario("level", tmp_path)
    assert taken_over(ran.report)
    ran.held("The false alarm stood down")
    ran.held("The watchdog started it")
