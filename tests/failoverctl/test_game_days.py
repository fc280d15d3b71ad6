"""`status` and `history` of a stack with game days: the last one, and what it has left for a person to do."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import pytest
from msfailover.decisions import game_days
from msfailover.decisions.game_days import Calendar, Move
from msfailover.game_day import GameDay
from msfailover.history import Note
from msfailover.pair import PairState, Role

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import Region

NOW = time.time()
LEADS = "arn:aws:states:eu-central-1:123456789012:execution:demo-game-day:one"
CALENDAR = Calendar(600.0, 120.0)
BEFORE, AWAY = PairState(active=Role.MS1, epoch=1), PairState(active=Role.MS2, epoch=2)
BEGUN = game_days.begin(LEADS, "2026-10-01T03:00:00Z", BEFORE, "", CALENDAR, NOW - 900)
SERVING = game_days.after_there(BEGUN, Move("promoted", "", 12.0), AWAY, CALENDAR, NOW - 880)
CUT = game_days.interrupted(SERVING, "aborted", AWAY, NOW - 300)


def kept(region: Region, day: GameDay, active: str = "ms1", epoch: int = 1) -> None:
    """Have the region keep that game day, and the record say who is active."""
    region.parameters["GameDaySchedule"] = "cron(0 3 1 * ? *)"
    # In a whole run this module was imported long ago, and a game day that began then would have ended since.
    since = time.time() - NOW
    began, until, ended = (at + since if at else 0.0 for at in (day.began_at, day.until, day.ended_at))
    day = replace(day, began_at=began, since=day.since + since, until=until, ended_at=ended)
    region.items["game-day"] = day.to_json()
    region.items["state"] = {**region.items["state"], "active": active, "epoch": epoch}


def said_of(ctl: Run) -> list[dict[str, Any]]:
    return [each for each in ctl("status", "--json").json()["problems"] if each["see"] == "game-day"]


def test_where_there_is_no_calendar_nobody_asks_for_a_game_day(ctl: Run, region: Region) -> None:
    region.items["game-day"] = CUT.to_json()
    assert ctl("status", "--json").json()["game_day"] is None
    assert [call["Key"]["item"]["S"] for name, call in region.asked if name == "GetItem"].count("game-day") == 0


def test_before_the_first_one_nothing_is_said(ctl: Run, region: Region) -> None:
    region.parameters["GameDaySchedule"] = "rate(30 days)"
    assert "game day" not in ctl("status").out


def test_one_that_is_under_way_is_a_line_and_no_problem(ctl: Run, region: Region) -> None:
    kept(region, SERVING, "ms2", 2)
    assert re.search(r"under way for \d+ min: ms2 serves since", ctl("status").flat)
    assert said_of(ctl) == []


def test_one_that_went_well_is_a_line_and_all_is_well(ctl: Run, region: Region) -> None:
    home = game_days.while_serving(SERVING, AWAY, {"checks": [{"name": "x", "answer": "yes"}]}, CALENDAR, NOW - 200)
    there = PairState(active=Role.MS1, epoch=3)
    kept(region, game_days.after_home(home, Move("promoted", "", 11.0), there, NOW - 180), "ms1", 3)
    said = ctl("status")
    assert "game day" in said.flat
    assert "ago): ms2 served, and ms1 serves again. Until a server served: there 12.0 s" in said.flat
    assert said_of(ctl) == []


def test_a_pair_that_one_has_left_on_the_other_server_is_a_problem_with_the_way_home(ctl: Run, region: Region) -> None:
    kept(region, CUT, "ms2", 2)
    (problem,) = said_of(ctl)
    assert "left the pair on ms2, and home is ms1" in problem["sentence"]
    assert problem["command"].startswith('failoverctl switchover --reason "…"')


def test_where_somebody_has_moved_the_pair_since_or_left_it_there_for_a_day_it_is_none(
    ctl: Run, region: Region
) -> None:
    kept(region, CUT, "ms2", 4)
    assert said_of(ctl) == []
    kept(region, replace(CUT, ended_at=NOW - 90_000), "ms2", 2)
    assert said_of(ctl) == []


def test_one_that_was_never_reported_is_said_to_be_left_half_done(ctl: Run, region: Region) -> None:
    kept(region, replace(SERVING, until=NOW - 700), "ms2", 2)
    (problem,) = said_of(ctl)
    assert "was left half done. ms2 serves, and nothing moves the pair home to ms1." in problem["sentence"]
    kept(region, replace(SERVING, until=NOW - 700), "ms1", 3)
    (problem,) = said_of(ctl)
    assert "It was not reported." in problem["sentence"]


def test_what_can_not_be_read_is_said(ctl: Run, region: Region) -> None:
    kept(region, SERVING)
    region.items["game-day"]["phase"] = "lunch"
    (problem,) = said_of(ctl)
    assert "can't be read" in problem["sentence"]


def test_its_end_is_a_line_of_the_history(ctl: Run, region: Region) -> None:
    note = Note(2, "game-day", Role.MS2, CUT.sentence, "game-day", CUT.ended_at, CUT.kept())
    region.history = [note.to_json()]
    said = ctl("history").flat
    assert "game day: interrupted" in said
    assert "Nothing moves the pair home to ms1." in said


@pytest.mark.parametrize("name", ["watch", "alarm", "game-day"])
def test_a_person_can_not_sign_as_the_machinery_does(ctl: Run, name: str) -> None:
    said = ctl("switchover", "--reason", "why", "--by", name, "--yes")
    assert said.code == 2
    assert "how the machinery signs" in said.err
