"""`game_day`: moves the pair to the other server and home again, by calendar, and reports what came of it.

It asks readiness, asks the workflow for both moves as a person does, and reads how they end; it touches no server, no
fence and no record. Its own execution (GameDayMachine in observability.yaml) calls `step` until it is done. Every step
is decided on what is read now (decisions/game_days.py), and can run twice: a move has one name in one game day, and
what is kept is written only as it was read. Where that execution is cut short, EventBridge calls with the news of it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msfailover.adapters import clients, lambda_invoke, step_functions
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import game_days
from msfailover.decisions.game_days import Calendar, Move
from msfailover.game_day import GameDay, Phase
from msfailover.history import changes_in
from msfailover.pair import PairState, Role
from msfailover.request import BadRequest, execution_in
from msfailover.runtime import notifications, observability
from msfailover.runtime.environment import read
from msfailover.runtime.settings import GameDaySettings

SETTINGS = read(GameDaySettings, os.environ)
logger = observability.logger_for("game_day")

CALENDAR = Calendar(SETTINGS.serves_s, SETTINGS.target_s)
LEADS = f"{SETTINGS.machine.rpartition(':')[0]}:{SETTINGS.stack}-game-day"
"""The state machine that leads game days, by its ARN: no other may."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    if event.get("source") == "aws.states":
        answer = cut_short(event)
    elif event.get("action") == "step":
        answer = step(event)
    else:
        raise BadRequest(f"action is {str(event.get('action'))[:40]!r}, but step is needed.")
    logger.info("answered", extra={"answer": answer})
    return answer


def step(event: Mapping[str, Any]) -> dict[str, Any]:
    """Do what comes next, and say whether more does: `{"done", "wait_s", "result", "sentence"}`."""
    execution, scheduled = execution_in(event, LEADS), str(event.get("scheduled") or "")[:100]
    table = _table()
    day = table.game_day()
    if day is None or day.execution != execution:
        if day is not None and scheduled and day.scheduled == scheduled:
            return _answer("duplicate", f"The game day of {scheduled} was begun already: {day.execution}")
        return _begin(execution, scheduled, day)
    if day.phase is Phase.ENDED:
        return _report(day)
    return _kept(day, _next(day))


def _begin(execution: str, scheduled: str, before: GameDay | None) -> dict[str, Any]:
    """Begin, unless something forbids it. A game day that was left half done is reported first."""
    now, table = time.time(), _table()
    state = table.read()
    if before is not None and before.phase is not Phase.ENDED:
        how, _ = step_functions.outcome_of(clients.stepfunctions(), before.execution)
        if how == game_days.RUNNING:
            why = f"another game day is under way: {before.execution}"
            return _report(game_days.begin(execution, scheduled, state, why, CALENDAR, now), keep=False)
        before = table.put_game_day(game_days.interrupted(before, how, state, now), before.version)
    if before is not None and not before.reported:
        _report(before)
        before = table.game_day()
    why = game_days.forbidden(state, now) or game_days.readiness_forbids(_readiness())
    state, now = table.read(), time.time()  # readiness takes its time
    day = game_days.begin(execution, scheduled, state, why or game_days.forbidden(state, now), CALENDAR, now)
    day = table.put_game_day(day, before.version if before else 0)
    return _report(day) if day.phase is Phase.ENDED else _kept(day, _next(day))


def _next(day: GameDay) -> GameDay:
    if day.phase is Phase.SERVING:
        ready, state = _readiness(), _table().read()
        return game_days.while_serving(day, state, ready, CALENDAR, time.time())
    move = _follow(day)
    state, now = _table().read(), time.time()
    if day.phase is Phase.THERE:
        return game_days.after_there(day, move, state, CALENDAR, now)
    return game_days.after_home(day, move, state, now)


def _kept(was: GameDay, day: GameDay) -> dict[str, Any]:
    """Keep what was decided, and say what comes next; a move that is due now is asked for in the next step."""
    if day != was:
        day = _table().put_game_day(day, was.version)
    if day.phase is Phase.ENDED:
        return _report(day)
    wait_s = 0 if day.phase is not was.phase else game_days.pause_s(day, CALENDAR)
    return {"done": False, "wait_s": wait_s, "result": "", "sentence": f"{day.phase} since {day.since:.0f}"}


def _follow(day: GameDay) -> Move:
    """Read how the phase's move stands; where nothing is known of it, ask for it. Its name makes two requests one."""
    way, target = ("there", day.away) if day.phase is Phase.THERE else ("home", day.home)
    if day.home is None or target is None:
        return Move(game_days.MISSING, "")
    name = f"game-day-{way}-{hashlib.sha256(day.execution.encode()).hexdigest()[:20]}"
    execution = f"{SETTINGS.machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
    outcome, sentence = step_functions.outcome_of(clients.stepfunctions(), execution)
    if outcome == game_days.MISSING and time.time() - day.since < game_days.KNOWN_WITHIN_S:
        _ask_for(day.home, target, name)
    return Move(outcome, sentence, _seconds_of(execution) if outcome != game_days.RUNNING else None)


def _ask_for(home: Role, target: Role, name: str) -> None:
    wanted = game_days.move_request(home, target)
    asked = {
        "action": wanted.action.value,
        "target": target.value,
        "reason": wanted.reason,
        "requested_by": wanted.requested_by,
    }
    step_functions.start(clients.stepfunctions(), SETTINGS.machine, name, asked)
    logger.info("a move was asked for", extra={"name_of_move": name, "target": target})


def _seconds_of(execution: str) -> float | None:
    """Seconds until a server served again in a move, as the history has it."""
    lines = changes_in(_table().history(20))
    return next((each.recovery_s for each in lines if each.execution == execution), None)


def _readiness() -> dict[str, Any] | None:
    """A readiness check of now; None where none could be made."""
    try:
        return lambda_invoke.ask(clients.functions(), SETTINGS.readiness_function, {"action": "check"})
    except FunctionFailed as error:
        logger.warning("readiness could not be asked", extra={"why": str(error)[:300]})
        return None


def cut_short(event: Mapping[str, Any]) -> dict[str, Any]:
    """End the game day whose execution has failed, was aborted or ran out of time, and report it."""
    about = event.get("detail")
    detail: Mapping[str, Any] = about if isinstance(about, Mapping) else {}
    execution, how = execution_in({"execution": detail.get("executionArn")}, LEADS), str(detail.get("status"))[:40]
    day = _table().game_day()
    if day is None or day.execution != execution:
        return _answer("", "It had begun nothing.")
    if day.phase is not Phase.ENDED:
        ended = game_days.interrupted(day, how.lower().replace("_", "-"), _table().read(), time.time())
        day = _table().put_game_day(ended, day.version)
    return _report(day)


def _report(day: GameDay, keep: bool = True) -> dict[str, Any]:
    """Note the end in the history, notify, and keep that this is done. Again where it is not known to be.

    Args:
        keep: whether this is the game day that is kept; one that another one forbids is not.
    """
    if not day.reported:
        noted = {"action": "note_game_day", "game_day": day.to_json()}
        lambda_invoke.ask(clients.functions(), SETTINGS.pair_function, noted)
        _notify(day, _table().read())
        if keep:
            _table().put_game_day(replace(day, reported=True), day.version)
    return _answer(day.result.value if day.result else "", day.sentence)


def _notify(day: GameDay, state: PairState) -> None:
    name = SETTINGS.pair.name
    message = notifications.of_game_day(name, state, day, SETTINGS.stack)
    about = notifications.attributes(name, day.result.value if day.result else "", day.severity)
    clients.sns().publish(
        TopicArn=SETTINGS.topic, Subject=message.subject, Message=message.body, MessageAttributes=about
    )


def _answer(result: str, sentence: str) -> dict[str, Any]:
    return {"done": True, "wait_s": 0, "result": result, "sentence": sentence}


def _table() -> PairTable:
    return PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)
