"""What people change in the pair's record without moving the pair: mode, maintenance, acknowledgement.

| setting       | effect on a request that nobody stands behind (the watchdog's, the alarm's, a game day's) |
|---------------|------------------------------------------------------------------------------------------|
| automatic     | the mode that acts: admitted                                                             |
| manual        | refused; operators are notified once for each outage, and one of them decides             |
| shadow        | refused; what would have been done is written to the history, and operators are notified  |
| maintenance   | refused until its end, quietly: those who began it know                                  |
| acknowledged  | False after an automatic failover: the next one is refused until a person has looked     |

A person's own request is held up by none of these. Who checks them is `admission.suppression`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from msfailover.game_day import GameDay
from msfailover.history import Note
from msfailover.pair import PairState
from msfailover.request import GAME_DAY, LATEST, BadRequest, epoch_in, line_in, one_of, whole_in
from msfailover.text import clean

Lines = Callable[[], Sequence[Mapping[str, Any]]]
"""Reads the latest lines of the history."""

MODES = ("automatic", "manual", "shadow")
MAINTENANCE_AT_MOST_S = 30 * 86400
WISHES = ("set_mode", "maintenance", "acknowledge")
"""The actions by which people change the record."""
NOTED = (*WISHES, "note_game_day")
"""The actions that come to a note in the history."""

READINESS_AT_MOST = 100_000
"""Characters of a readiness check that is kept; DynamoDB keeps at most 400 KB in an item."""
AHEAD_AT_MOST_S = 60.0
"""Seconds that the clock of whoever checked may be ahead: a check from the future would keep out every later one."""


class Outdated(Exception):
    """What was asked is about what was so before: another epoch, or a setting changed since. Nothing was written."""


def is_note(line: Mapping[str, Any]) -> bool:
    """Whether a stored line of the history is a note, and not a change."""
    return line.get("outcome") == "noted"


def set_mode(state: PairState, mode: str) -> PairState:
    return replace(state, mode=mode)


def maintain(state: PairState, until: float) -> PairState:
    """The record with maintenance until then; 0 ends it."""
    return replace(state, maintenance_until=until)


def acknowledge(state: PairState, epoch: int) -> PairState:
    """The record with the automatic failover of an epoch acknowledged; that says nothing of a later one."""
    _demand_epoch(state, epoch, "acknowledgement")
    return replace(state, acknowledged=True)


def _demand_epoch(state: PairState, epoch: int, what: str) -> None:
    if state.epoch != epoch:
        raise Outdated(
            f"This {what} is about epoch {epoch}, and the pair is in {state.epoch}. Nothing was written; read it again."
        )


def _demand_still(event: Mapping[str, Any], now: object, wanted: object) -> None:
    """A setting that was read before it is changed is changed only while it is as it was read, or as wanted already."""
    if "was" in event and now not in (event["was"], wanted):
        raise Outdated(
            f"It was {str(event['was'])[:40]} when this was asked, and is {now} now."
            " Nothing was written; read it again."
        )


def wished(event: Mapping[str, Any], now: float) -> tuple[str, Callable[[PairState], PairState]]:
    """What one of `WISHES` comes to: the sentence for the history, and how the record changes.

    Args:
        event: the action, and what goes with it: `mode`, `seconds` of maintenance (0 ends it), or the `epoch` whose
            automatic failover is acknowledged; with the first two `was`, the setting as whoever asks has read it.
        now: seconds since 1970.

    Raises:
        BadRequest: what goes with it is missing or wrong.
        Outdated: (on the record, not here) it is about what was so before: a late wish undoes no later one.
    """
    action = one_of(event, "action", WISHES)
    if action == "set_mode":
        mode = one_of(event, "mode", MODES)

        def to_mode(state: PairState) -> PairState:
            _demand_still(event, state.mode, mode)
            return set_mode(state, mode)

        return f"The mode is {mode} now.", to_mode
    if action == "maintenance":
        seconds = whole_in(event, "seconds", 0, MAINTENANCE_AT_MOST_S)
        until = now + seconds if seconds else 0.0
        sentence = f"Maintenance until {moment(until)}." if seconds else "No maintenance any more."

        def to_maintenance(state: PairState) -> PairState:
            _demand_still(event, state.maintenance_until, until)
            return maintain(state, until)

        return sentence, to_maintenance
    epoch = epoch_in(event)
    sentence = "The last automatic failover is acknowledged; the next one may happen by itself."
    return sentence, lambda state: acknowledge(state, epoch)


def noting(
    event: Mapping[str, Any], now: float
) -> tuple[str, Callable[[PairState, Lines], tuple[PairState, Note] | None]]:
    """What one of `NOTED` comes to: its sentence, and from the record and the latest lines of the history the record as
    it is to be with the note; None where that is noted already, as the end of a game day may be.

    Raises:
        BadRequest: what goes with it is missing or wrong.
    """
    if event.get("action") == "note_game_day":
        day = _game_day_in(event)

        def ended(state: PairState, lines: Lines) -> tuple[PairState, Note] | None:
            known = any((each.get("game_day") or {}).get("execution") == day.execution for each in lines())
            note = Note(state.epoch, GAME_DAY, state.active, day.sentence, GAME_DAY, day.ended_at, day.kept())
            return None if known else (state, note)

        return day.sentence, ended
    sentence, alter = wished(event, now)
    action, by = str(event["action"]), line_in(event, "requested_by")
    return sentence, lambda state, _: (alter(state), Note(state.epoch, action, state.active, sentence, by, now))


def _game_day_in(event: Mapping[str, Any]) -> GameDay:
    given = event.get("game_day")
    try:
        day = GameDay.from_json(given) if isinstance(given, Mapping) else None
    except ValueError:
        day = None
    if day is None or day.result is None or not 0 < day.ended_at < LATEST:
        raise BadRequest(f"game_day is {str(given)[:60]}, but one that has ended is needed.")
    return replace(day, sentence=clean(day.sentence), execution=clean(day.execution, 300))


def hold(state: PairState, why: str, epoch: int) -> PairState:
    """The record with an automatic failover held; held already, it stays as it is. Raises `Outdated`."""
    _demand_epoch(state, epoch, "failover that is held")
    return state if state.held else replace(state, held=why)


def release(state: PairState, epoch: int) -> PairState:
    """The record after the active server was seen well again: the next outage is a new one. Raises `Outdated`."""
    _demand_epoch(state, epoch, "recovery")
    return replace(state, held="")


def readiness_in(event: Mapping[str, Any], now: float) -> Mapping[str, Any]:
    """A readiness check that is to be kept.

    Raises:
        BadRequest: it is no object of a size that can be kept, or does not say when it was made.
    """
    found = event.get("readiness")
    if not isinstance(found, Mapping) or len(json.dumps(found)) > READINESS_AT_MOST:
        raise BadRequest("readiness is not an object of a size that can be kept.")
    at = found.get("at")
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at <= now + AHEAD_AT_MOST_S:
        raise BadRequest(f"readiness was checked at {str(at)[:40]}, but a time that has come is needed.")
    return found


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
