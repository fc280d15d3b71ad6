"""Game days by calendar: there and home again, and each reason not to begin, to go home, or to stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.run import Run, never_both, run_scenario

REPORTED = ("In the history, once", "An event for machines", "A message, once", "In the status")


def reported(ran: Run) -> None:
    assert never_both(ran.report)
    for name in REPORTED:
        ran.held(name)


def test_the_calendar_moves_the_pair_there_and_home_again_once(tmp_path: Path) -> None:
    ran = run_scenario("game-day", tmp_path)
    reported(ran)
    assert ran.report["epoch"] == 3
    for name in ("It served as long as it was to", "Two changes, no more", "Measured against the target"):
        ran.held(name)


def test_a_game_day_that_must_not_begin_touches_nothing_and_says_why(tmp_path: Path) -> None:
    ran = run_scenario("game-day-not-begun", tmp_path)
    reported(ran)
    for reason in ("not ready", "a change runs", "maintenance", "manual mode", "unacknowledged"):
        ran.held(f"Not begun: {reason}")
    for name in ("Nothing was touched", "The lease was given back"):
        ran.held(name)


def test_a_game_day_goes_home_where_the_server_that_serves_is_amiss(tmp_path: Path) -> None:
    ran = run_scenario("game-day-amiss", tmp_path)
    reported(ran)
    for name in ("Moved there", "Moved home", "It says what was amiss", "The name leads home"):
        ran.held(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [("home-not-ready", "It says why it can't go home"), ("interrupted", "It says that it was cut short")],
)
def test_a_game_day_that_can_not_go_home_stays_where_it_serves_and_says_so(
    tmp_path: Path, name: str, says: str
) -> None:
    ran = run_scenario(f"game-day-{name}", tmp_path)
    reported(ran)
    ran.held(says)
    ran.held("It stays where it serves")


def test_an_outage_on_a_game_day_is_the_watchdog_s(tmp_path: Path) -> None:
    ran = run_scenario("game-day-server-dies", tmp_path)
    reported(ran)
    assert ran.report["epoch"] == 3
    for name in ("The watchdog fails over", "By the watchdog alone"):
        ran.held(name)
