"""What a game day does next: when it begins, when it goes home and when it stays where it is, read after read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from msfailover.decisions import game_days
from msfailover.decisions.game_days import AMISS_READS, KNOWN_WITHIN_S, MISSING, MOVE_AT_MOST_S, RUNNING, Calendar, Move
from msfailover.game_day import GameDay, Phase, Result
from msfailover.pair import PairState, Role

from tests.samples import NOW, THEIRS, lease, state

CALENDAR = Calendar(serves_s=600.0, target_s=120.0)
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:ms-failover-game-day:one"
PROMOTED = Move("promoted", "ms2 is active.", 12.3)
AWAY = state(active=Role.MS2, epoch=2)
HOME_AGAIN = state(active=Role.MS1, epoch=3)


def ready(**answers: str) -> dict[str, Any]:
    """A readiness check that says yes to everything but what is named: `ready(certificate="no")`."""
    names = ("active server serves", "standby is fit", "standby's copy fresh", "certificate", "record as expected")
    given = {name.replace("_", " "): answer for name, answer in answers.items()}
    checks = [{"name": name, "answer": given.get(name, "yes"), "sentence": f"{name}, as seen."} for name in names]
    bad = [each["name"] for each in checks if each["answer"] != "yes"]
    return {
        "answer": "no" if bad else "yes", "sentence": f"Not ready: {', '.join(bad)}." if bad else "Ready.",
        "checks": checks,
    }  # fmt: skip


COPY = {"standby's copy fresh": "no"}


def begun(**changes: Any) -> GameDay:
    return replace(game_days.begin(EXECUTION, "2026-10-01T03:00:00Z", state(), "", CALENDAR, NOW), **changes)


def serving(**changes: Any) -> GameDay:
    day = game_days.after_there(begun(), PROMOTED, AWAY, CALENDAR, NOW)
    assert day.phase is Phase.SERVING
    return replace(day, **changes)


def going_home(**changes: Any) -> GameDay:
    day = game_days.while_serving(serving(), AWAY, ready(), CALENDAR, NOW + 600)
    assert day.phase is Phase.HOME
    return replace(day, **changes)


def read(day: GameDay, found: Mapping[str, Any] | None, after_s: float, record: PairState = AWAY) -> GameDay:
    return game_days.while_serving(day, record, found, CALENDAR, NOW + after_s)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (state(active=None), "not been adopted"),
        (state(held="The standby is not fit."), "held: The standby is not fit."),
        (state(maintenance_until=NOW + 60), "Maintenance until"),
        (state(mode="manual"), "In manual mode a person decides"),
        (state(mode="shadow"), "In shadow mode a person decides"),
        (state(acknowledged=False), "has not been acknowledged"),
        (state(lease=lease()), "holds the lease"),
        (state(lease=lease(), halted="the fence was not proven"), "holds the lease"),
    ],
)
def test_none_begins_where_the_record_forbids_it(record: PairState, why: str) -> None:
    assert why in game_days.forbidden(record, NOW)


def test_one_may_begin_with_a_pair_at_rest() -> None:
    assert game_days.forbidden(state(), NOW) == ""
    assert game_days.readiness_forbids(ready()) == ""
    assert (begun().phase, begun().home, begun().away) == (Phase.THERE, Role.MS1, Role.MS2)


@pytest.mark.parametrize("found", [None, {}, ready(certificate="no"), ready(certificate="unknown")])
def test_none_begins_unless_readiness_says_yes(found: Mapping[str, Any] | None) -> None:
    assert game_days.readiness_forbids(found)


def test_one_that_is_forbidden_has_ended_and_touched_nothing() -> None:
    day = game_days.begin(EXECUTION, "", state(), "In manual mode a person decides.", CALENDAR, NOW)
    assert (day.phase, day.result, day.severity) == (Phase.ENDED, Result.NOT_BEGUN, "warning")
    assert day.sentence == "Not begun: In manual mode a person decides."


def test_a_move_that_runs_is_followed_for_as_long_as_its_execution_may_take_and_no_longer() -> None:
    running = Move(RUNNING, "")
    assert game_days.after_there(begun(), running, state(lease=lease()), CALENDAR, NOW + 7200) == begun()
    late = game_days.after_there(begun(), running, state(lease=lease()), CALENDAR, NOW + MOVE_AT_MOST_S)
    assert (late.result, late.severity) == (Result.INTERRUPTED, "critical")


def test_a_move_that_nobody_knows_of_is_asked_for_again_for_a_minute_only() -> None:
    missing = Move(MISSING, "")
    assert game_days.after_there(begun(), missing, state(), CALENDAR, NOW + KNOWN_WITHIN_S - 1) == begun()
    there = game_days.after_there(begun(), missing, state(), CALENDAR, NOW + KNOWN_WITHIN_S)
    assert there.result is Result.NOT_BEGUN
    assert game_days.after_home(going_home(), missing, AWAY, NOW + 600 + KNOWN_WITHIN_S).result is Result.STAYED


@pytest.mark.parametrize(
    ("outcome", "record", "result"),
    [
        ("refused", state(), Result.NOT_BEGUN),
        ("refused", state(lease=lease(execution=THEIRS)), Result.NOT_BEGUN),
        ("blocked", state(), Result.NOT_MOVED),
        ("stood-down", state(), Result.NOT_MOVED),
        ("rolled-back", state(epoch=3), Result.NOT_MOVED),
        ("halted", state(lease=lease(), halted="no proof"), Result.INTERRUPTED),
        ("aborted", state(lease=lease()), Result.INTERRUPTED),
        ("promoted", state(active=Role.MS1, epoch=3), Result.INTERRUPTED),
        ("promoted", state(active=Role.MS2, epoch=2, lease=lease(epoch=3)), Result.INTERRUPTED),
    ],
)
def test_a_first_move_that_is_not_promoted_ends_the_day(outcome: str, record: PairState, result: Result) -> None:
    move = Move(outcome, "As the workflow says.")
    if record.lease and outcome == "promoted":  # the lease shows in the next read
        day = read(game_days.after_there(begun(), move, record, CALENDAR, NOW), ready(), 1, record)
    else:
        day = game_days.after_there(begun(), move, record, CALENDAR, NOW)
    assert (day.phase, day.result) == (Phase.ENDED, result)


def test_it_goes_home_when_the_time_is_over_and_readiness_says_yes() -> None:
    assert read(serving(), ready(), 599).phase is Phase.SERVING
    day = read(serving(), ready(), 600)
    assert (day.phase, day.amiss) == (Phase.HOME, "")


def test_it_waits_for_the_copy_of_the_new_direction_and_says_where_none_came() -> None:
    assert read(serving(), ready(**COPY), 1799).phase is Phase.SERVING
    day = read(serving(), ready(**COPY), 1800)
    assert (day.phase, day.amiss) == (Phase.HOME, "standby's copy fresh: standby's copy fresh, as seen.")


@pytest.mark.parametrize("name", ["certificate", "record as expected"])
@pytest.mark.parametrize("answer", ["no", "unknown"])
def test_it_goes_home_at_once_where_the_server_that_serves_is_amiss_read_after_read(name: str, answer: str) -> None:
    day = serving()
    for number in range(1, AMISS_READS):
        day = read(day, ready(**{name: answer}, **COPY), 30 * number)
        assert (day.phase, day.amiss_reads) == (Phase.SERVING, number)
    day = read(day, ready(**{name: answer}, **COPY), 90)
    assert (day.phase, day.amiss) == (Phase.HOME, f"{name}: {name}, as seen.")


def test_what_was_amiss_for_a_moment_only_changes_nothing() -> None:
    day = serving()
    for number in range(AMISS_READS * 3):
        day = read(day, ready(certificate="no") if number % 2 else ready(), 30 + number)
    assert day.phase is Phase.SERVING


def test_a_server_that_does_not_answer_is_left_to_the_watchdog() -> None:
    day = serving()
    for number in range(AMISS_READS * 2):
        day = read(day, ready(**{"active server serves": "no", "certificate": "no"}), 30 + number)
    assert day.phase is Phase.SERVING
    failed_over = read(day, ready(), 60, state(active=Role.MS1, epoch=3, acknowledged=False))
    assert (failed_over.result, failed_over.severity) == (Result.INTERRUPTED, "critical")
    assert "ms1 is active, epoch 3" in failed_over.sentence


@pytest.mark.parametrize("found", [ready(**{"standby is fit": "no"}), ready(**{"standby is fit": "unknown"}), None, {}])
def test_it_stays_where_it_serves_when_home_is_not_ready_within_twice_the_time(found: Mapping[str, Any] | None) -> None:
    day = read(serving(), found, 1799)
    assert day.phase is Phase.SERVING
    assert read(day, ready(), 1799).phase is Phase.HOME, "what is mended meanwhile keeps it no longer"
    stayed = read(day, found, 1800)
    assert (stayed.result, stayed.severity) == (Result.STAYED, "critical")
    assert "ms2 serves on; nothing moves it home." in stayed.sentence


@pytest.mark.parametrize(
    "changes", [{"maintenance_until": NOW + 9999}, {"mode": "manual"}, {"mode": "shadow"}, {"acknowledged": False}]
)
def test_what_a_person_has_set_meanwhile_ends_it_where_it_serves(changes: dict[str, Any]) -> None:
    day = read(serving(), ready(), 600, replace(AWAY, **changes))
    assert (day.phase, day.result) == (Phase.ENDED, Result.STAYED)


@pytest.mark.parametrize(
    "record",
    [
        replace(AWAY, lease=lease(target=Role.MS1, epoch=3)),
        state(active=Role.MS1, epoch=3),
        state(active=Role.MS2, epoch=4),
    ],
)
def test_it_moves_nothing_once_somebody_else_changes_the_pair(record: PairState) -> None:
    day = read(serving(), ready(), 600, record)
    assert (day.phase, day.result) == (Phase.ENDED, Result.INTERRUPTED)


def test_home_again_it_says_how_long_each_move_took_beside_the_target() -> None:
    day = game_days.after_home(going_home(), Move("promoted", "", 11.0), HOME_AGAIN, NOW + 620)
    assert (day.result, day.severity) == (Result.COMPLETED, "info")
    assert "there 12.3 s, home 11.0 s; within the target of 120 s." in day.sentence


def test_a_move_above_the_target_is_said_and_warned_of() -> None:
    day = game_days.after_home(going_home(), Move("promoted", "", 130.0), HOME_AGAIN, NOW + 800)
    assert (day.result, day.severity) == (Result.COMPLETED, "warning")
    assert "above the target of 120 s." in day.sentence


def test_home_again_because_something_was_amiss_is_another_result() -> None:
    day = game_days.after_home(going_home(amiss="certificate: It ends today."), PROMOTED, HOME_AGAIN, NOW + 620)
    assert (day.result, day.severity) == (Result.WENT_HOME, "error")
    assert "certificate: It ends today." in day.sentence


@pytest.mark.parametrize(
    ("outcome", "record", "result"),
    [
        ("blocked", AWAY, Result.STAYED),
        ("refused", AWAY, Result.STAYED),
        ("rolled-back", state(active=Role.MS2, epoch=4), Result.STAYED),
        ("refused", replace(AWAY, lease=lease(target=Role.MS1, epoch=3)), Result.INTERRUPTED),
        ("refused", HOME_AGAIN, Result.INTERRUPTED),
        ("halted", replace(AWAY, lease=lease(target=Role.MS1, epoch=3)), Result.INTERRUPTED),
        ("promoted", state(active=Role.MS2, epoch=4), Result.INTERRUPTED),
    ],
)
def test_a_move_home_that_is_not_promoted_is_critical(outcome: str, record: PairState, result: Result) -> None:
    day = game_days.after_home(going_home(), Move(outcome, "As the workflow says."), record, NOW + 620)
    assert (day.phase, day.result, day.severity) == (Phase.ENDED, result, "critical")


@pytest.mark.parametrize("day", [begun(), serving(), going_home()])
def test_one_whose_execution_was_cut_short_says_where_the_pair_is(day: GameDay) -> None:
    found = game_days.interrupted(day, "aborted", AWAY, NOW + 30)
    assert (found.phase, found.result, found.severity) == (Phase.ENDED, Result.INTERRUPTED, "critical")
    assert "ms2 is active, epoch 2." in found.sentence
    assert game_days.interrupted(found, "aborted", HOME_AGAIN, NOW + 99) == found, "the first end wins"


def test_it_is_read_as_often_as_its_time_asks_for() -> None:
    assert game_days.pause_s(serving(), CALENDAR) == 30
    assert game_days.pause_s(serving(), Calendar(5.0, 120.0)) == 2
    assert game_days.pause_s(begun(), CALENDAR) == 5


@pytest.mark.parametrize("day", [begun(), serving(), going_home(), game_days.interrupted(serving(), "x", AWAY, NOW)])
def test_what_is_kept_is_read_again_as_it_was(day: GameDay) -> None:
    assert GameDay.from_json(day.to_json()) == day


@pytest.mark.parametrize("damage", [{"phase": "lunch"}, {"home": "ms3"}, {"began_at": None}, {"result": "fine"}])
def test_what_is_no_game_day_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        GameDay.from_json({**begun().to_json(), **damage})
