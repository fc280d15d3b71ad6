"""What a game day does next. Pure: every step of it is decided on what is read now, and can be run again.

| phase     | ends when                                                    | what follows                              |
|-----------|--------------------------------------------------------------|-------------------------------------------|
| there     | the switchover to the other server has ended                 | promoted: serving; else the game day ends |
| serving   | its time is over, the copy is fresh and readiness says yes   | home                                      |
|           | the server that serves is amiss, read after read             | home, at once                             |
|           | somebody else changes the pair, or has set what forbids it   | the game day ends where the pair is       |
|           | it can't go home for twice the time that it was to serve     | the game day ends where the pair is       |
| home      | the switchover home has ended                                | the game day ends                         |

Both moves are requests to the workflow like a person's, and are refused in a maintenance, in another mode than
automatic and without an acknowledgement, as the watchdog's are: `admission` decides that, here as under the lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msfailover.decisions.admission import admit
from msfailover.game_day import GameDay, Phase, Result
from msfailover.history import Outcome
from msfailover.pair import PairState, Role
from msfailover.request import GAME_DAY, Action, Request

MOVE_AT_MOST_S = 7500.0
"""Seconds that a move is followed: its execution ends within two hours (TimeoutSeconds of statemachine/)."""
KNOWN_WITHIN_S = 60.0
"""Seconds within which a move is asked for again where Step Functions knows nothing of it."""
AMISS_READS = 3
"""So many readings in a row say that the server that serves is amiss: after a move some things need a moment."""
RUNNING, MISSING = "running", "missing"

_COPY = "standby's copy fresh"
_OF_THE_SERVER = ("certificate", "sessions as they should be", "record as expected", "name resolves")
"""Readiness checks of the server that serves which going home mends. That it does not answer is not among them: then it
is the watchdog that acts."""
_CHANGED = "Something else than the game day changes the pair, or has changed it."
_UNSAID = "Readiness could not be asked."


@dataclass(frozen=True)
class Calendar:
    """What the owner has set.

    Args:
        serves_s: seconds that the other server serves before the pair goes home.
        target_s: seconds within which a server is to serve again.
    """

    serves_s: float
    target_s: float


@dataclass(frozen=True)
class Move:
    """What Step Functions says of a move: its outcome, `RUNNING` or `MISSING`, and its sentence."""

    outcome: str
    sentence: str
    took_s: float | None = None


def move_request(home: Role, target: Role) -> Request:
    """The request of a move, as it is admitted or refused."""
    way = "home" if target is home else "there"
    return Request(Action.SWITCHOVER, target, f"game day, {way}", GAME_DAY)


def forbidden(state: PairState, now: float) -> str:
    """Why no game day may begin, as far as the record says it; empty where it may."""
    if state.active is None:
        return "The pair has not been adopted."
    if state.held:
        return f"An automatic failover is held: {state.held}"
    return _refusal(move_request(state.active, state.active.other), state, now)


def begin(execution: str, scheduled: str, state: PairState, why_not: str, calendar: Calendar, now: float) -> GameDay:
    """The game day that begins, or one that has ended before it began.

    Args:
        why_not: why it must not begin; empty where it may.
    """
    until = now + MOVE_AT_MOST_S
    day = GameDay(execution, scheduled, now, state.active, state.epoch, calendar.target_s, Phase.THERE, now, until)
    return _end(day, Result.NOT_BEGUN, f"Not begun: {why_not}", now) if why_not else day


def readiness_forbids(ready: Mapping[str, Any] | None) -> str:
    """Why no game day may begin, by a readiness check of now; None where none could be made. Empty where it may."""
    if ready is None:
        return _UNSAID
    return "" if ready.get("answer") == "yes" else str(ready.get("sentence") or _UNSAID)


def after_there(day: GameDay, move: Move, state: PairState, calendar: Calendar, now: float) -> GameDay:
    """The game day after its first move was followed."""
    if (pending := _pending(day, move, now)) is not None:
        return pending
    day = replace(day, there_s=move.took_s)
    if move.outcome == Outcome.PROMOTED and day.left_away(state):
        return replace(day, phase=Phase.SERVING, since=now, until=now + 3 * calendar.serves_s)
    if move.outcome == Outcome.PROMOTED:
        return _end(day, Result.INTERRUPTED, f"{_CHANGED} {_where(state)}", now)
    if move.outcome in (Outcome.REFUSED, MISSING):
        return _end(day, Result.NOT_BEGUN, f"Not begun: {_of(move)}", now)
    stands = state.lease is None and state.active is day.home
    said = f"The move to {day.away} did not come to its end: {_of(move)} {_where(state)}"
    return _end(day, Result.NOT_MOVED if stands else Result.INTERRUPTED, said, now)


def while_serving(
    day: GameDay, state: PairState, ready: Mapping[str, Any] | None, calendar: Calendar, now: float
) -> GameDay:
    """The game day while the other server serves.

    Args:
        ready: a readiness check of now; None where none could be made.
    """
    if day.home is None or state.lease is not None or not day.left_away(state):
        return _end(day, Result.INTERRUPTED, f"{_CHANGED} {_where(state)}", now)
    if refusal := _refusal(move_request(day.home, day.home), state, now):
        return _end(day, Result.STAYED, f"{refusal} {day.away} serves on; nothing moves it home.", now)
    bad = _amiss(ready)
    others = {name: said for name, said in bad.items() if name not in (*_OF_THE_SERVER, _COPY)}
    of_the_server = " ".join(said for name, said in bad.items() if name in _OF_THE_SERVER)
    reads = day.amiss_reads + 1 if of_the_server else 0
    if others:
        if now < day.until:
            return replace(day, amiss_reads=reads)
        why = f"The pair can't go home to {day.home}: {' '.join(others.values())}"
        return _end(day, Result.STAYED, f"{why} {day.away} serves on; nothing moves it home.", now)
    if reads >= AMISS_READS:
        return _go_home(replace(day, amiss=of_the_server), now)
    if now >= day.until:
        return _go_home(replace(day, amiss=of_the_server or bad.get(_COPY, "")), now)
    if bad or now < day.since + calendar.serves_s:
        return replace(day, amiss_reads=reads)
    return _go_home(day, now)


def after_home(day: GameDay, move: Move, state: PairState, now: float) -> GameDay:
    """The game day after its move home was followed."""
    if (pending := _pending(day, move, now)) is not None:
        return pending
    day = replace(day, home_s=move.took_s)
    if move.outcome == Outcome.PROMOTED and state.lease is None and state.active is day.home:
        span = f"{day.away} served, and {day.home} serves again. {_in_words(day)}"
        if day.amiss:
            return _end(day, Result.WENT_HOME, f"Went home, because something was amiss: {day.amiss} {span}", now)
        return _end(day, Result.COMPLETED, span, now)
    if move.outcome == Outcome.PROMOTED:
        return _end(day, Result.INTERRUPTED, f"{_CHANGED} {_where(state)}", now)
    said = f"The move home to {day.home} did not come to its end: {_of(move)} {_where(state)}"
    stays = state.lease is None and state.active is day.away
    return _end(day, Result.STAYED if stays else Result.INTERRUPTED, said, now)


def interrupted(day: GameDay, how: str, state: PairState, now: float) -> GameDay:
    """The game day whose execution ended before it did.

    Args:
        how: Step Functions' word for that end.
    """
    if day.phase is Phase.ENDED:
        return day
    goes_on = {
        Phase.THERE: f"The move to {day.away}, if it was begun, comes to its own end.",
        Phase.HOME: f"The move home to {day.home}, if it was begun, comes to its own end.",
    }
    then = goes_on.get(day.phase, f"Nothing moves the pair home to {day.home}.")
    return _end(day, Result.INTERRUPTED, f"The game day's execution ended ({how}). {then} {_where(state)}", now)


def pause_s(day: GameDay, calendar: Calendar) -> int:
    """Whole seconds until it is read again."""
    return int(min(30.0, max(2.0, calendar.serves_s / 20))) if day.phase is Phase.SERVING else 5


def _pending(day: GameDay, move: Move, now: float) -> GameDay | None:
    """The game day as it is while a move is under way, or is to be asked for again; None where that is over."""
    if move.outcome == MISSING and now - day.since < KNOWN_WITHIN_S:
        return day
    if move.outcome != RUNNING:
        return None
    if now < day.until:
        return day
    return _end(day, Result.INTERRUPTED, f"The move {day.phase} has not ended after {MOVE_AT_MOST_S:.0f} s.", now)


def _go_home(day: GameDay, now: float) -> GameDay:
    return replace(day, phase=Phase.HOME, since=now, until=now + MOVE_AT_MOST_S)


def _refusal(wanted: Request, state: PairState, now: float) -> str:
    admission = admit(wanted, state, "", now)
    why = "" if admission.admitted else admission.sentence.removeprefix("Refused: ")
    return f"{why[:1].upper()}{why[1:]}"


def _amiss(ready: Mapping[str, Any] | None) -> dict[str, str]:
    """What a readiness check finds amiss, by the checks' names; unknown is amiss. What only follows is left out."""
    checks: Sequence[Mapping[str, Any]] = (ready or {}).get("checks") or ()
    if not checks:
        return {"readiness": _UNSAID}
    roots = [each for each in checks if each.get("answer") != "yes" and not each.get("because")]
    return {str(each.get("name")): f"{each.get('name')}: {each.get('sentence')}" for each in roots}


def _in_words(day: GameDay) -> str:
    """The seconds of both moves beside the target."""
    known = {"there": day.there_s, "home": day.home_s}
    told = ", ".join(f"{way} {took:.1f} s" for way, took in known.items() if took is not None)
    kept = "within" if day.in_time else "above"
    return f"Until a server served: {told}; {kept} the target of {day.target_s:g} s." if told else ""


def _of(move: Move) -> str:
    """How a move ended, in words."""
    if move.outcome == MISSING:
        return "its execution could not be started."
    return f"{move.outcome}. {move.sentence.removeprefix('Refused: ')}"


def _where(state: PairState) -> str:
    if state.lease is not None:
        return f"{state.lease.action} to {state.lease.target} holds the lease."
    return f"{state.active} is active, epoch {state.epoch}." if state.active else "No server is active."


def _end(day: GameDay, result: Result, sentence: str, now: float) -> GameDay:
    said = " ".join(sentence.split())
    return replace(day, phase=Phase.ENDED, since=now, until=now, result=result, sentence=said[:1500], ended_at=now)
