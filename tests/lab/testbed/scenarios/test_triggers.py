"""Triggers that are lost, doubled, or not true any more."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.play import never_both, rehearse, taken_over


def test_a_blip_that_is_over_ends_as_stood_down_with_nothing_touched(tmp_path: Path) -> None:
    rehearsed = rehearse("transient", tmp_path)
    assert rehearsed.report["outcome"] == "stood-down"
    assert rehearsed.report["epoch"] == 1
    assert rehearsed.report["writes"]["ms2"] == 0
    assert never_both(rehearsed.report)
    rehearsed.held("Nothing was touched")
    rehearsed.held("The lease was given back")


def test_of_five_triggers_at_once_one_runs_and_four_are_refused(tmp_path: Path) -> None:
    rehearsed = rehearse("duplicate", tmp_path)
    assert taken_over(rehearsed.report)
    counted = "The five ended as promoted, refused, refused, refused, refused."
    assert rehearsed.held("One ran, four were refused") == counted


def test_the_watchdog_needs_no_event_to_see_that_the_server_died_after_all(tmp_path: Path) -> None:
    rehearsed = rehearse("level", tmp_path)
    assert taken_over(rehearsed.report)
    rehearsed.held("The false alarm stood down")
    rehearsed.held("The watchdog started it")
