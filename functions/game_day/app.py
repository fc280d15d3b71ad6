"""`game_day`: moves the pair to the other server and home again, by calendar, and reports what came of it.

It asks readiness, asks the workflow for both moves as a person does, and reads how they end; it touches no server, no
fence and no record. Its own execution (GameDayMachine in observability.yaml) calls `step` until it is done. Every step
is decided on what is read now (decisions/game_days.py), and can run twice: a move has one name in one game day, and
what is kept is written only as it was read. Where that execution is cut short, EventBridge calls with the news of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger
from msfailover.adapters import clients, lambda_invoke, step_functions
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import game_days
from msfailover.decisions.game_days import Calendar, Move
from msfailover.game_day import GameDay, Phase
from msfailover.history import changes_in
from msfailover.pair import PairState, Role
from msfailover.request import execution_in
from msfailover.runtime import notifications, observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler
from msfailover.runtime.settings import GameDaySettings

logger = observability.logger_for("game_day")
Days = Context[GameDaySettings]


@dataclass(frozen=True)
class Step:
    """A step of a game day's execution; `scheduled` is the calendar's moment that it is for."""

    execution: str
    scheduled: str


@dataclass(frozen=True)
class CutShort:
    """An execution that ended otherwise than by its last step, and how."""

    execution: str
    how: str


def step(context: Days, asked: Step) -> dict[str, Any]:
    """Do what comes next, and say whether more does: `{"done", "wait_s", "result", "sentence"}`."""
    _demand_led(context, asked.execution)
    day = _table(context).game_day()
    if day is None or day.execution != asked.execution:
        if day is not None and asked.scheduled and day.scheduled == asked.scheduled:
            return _answer("duplicate", f"The game day of {asked.scheduled} was begun already: {day.execution}")
        return _begin(context, asked.execution, asked.scheduled, day)
    if day.phase is Phase.ENDED:
        return _report(context, day)
    return _kept(context, day, _next(context, day))


def _begin(context: Days, execution: str, scheduled: str, before: GameDay | None) -> dict[str, Any]:
    """Begin, unless something forbids it. A game day that was left half done is reported first."""
    now, table, calendar = context.clock.time(), _table(context), _calendar(context)
    state = table.read()
    if before is not None and before.phase is not Phase.ENDED:
        how, _ = step_functions.outcome_of(context.clients.stepfunctions(), before.execution)
        if how == game_days.RUNNING:
            why = f"another game day is under way: {before.execution}"
            return _report(context, game_days.begin(execution, scheduled, state, why, calendar, now), keep=False)
        before = table.put_game_day(game_days.interrupted(before, how, state, now), before.version)
    if before is not None and not before.reported:
        _report(context, before)
        before = table.game_day()
    why = game_days.forbidden(state, now) or game_days.readiness_forbids(_readiness(context))
    state, now = table.read(), context.clock.time()  # readiness takes its time
    day = game_days.begin(execution, scheduled, state, why or game_days.forbidden(state, now), calendar, now)
    day = table.put_game_day(day, before.version if before else 0)
    return _report(context, day) if day.phase is Phase.ENDED else _kept(context, day, _next(context, day))


def _next(context: Days, day: GameDay) -> GameDay:
    calendar = _calendar(context)
    if day.phase is Phase.SERVING:
        ready, state = _readiness(context), _table(context).read()
        return game_days.while_serving(day, state, ready, calendar, context.clock.time())
    move = _follow(context, day)
    state, now = _table(context).read(), context.clock.time()
    if day.phase is Phase.THERE:
        return game_days.after_there(day, move, state, calendar, now)
    return game_days.after_home(day, move, state, now)


def _kept(context: Days, was: GameDay, day: GameDay) -> dict[str, Any]:
    """Keep what was decided, and say what comes next; a move that is due now is asked for in the next step."""
    if day != was:
        day = _table(context).put_game_day(day, was.version)
    if day.phase is Phase.ENDED:
        return _report(context, day)
    wait_s = 0 if day.phase is not was.phase else game_days.pause_s(day, _calendar(context))
    return {"done": False, "wait_s": wait_s, "result": "", "sentence": f"{day.phase} since {day.since:.0f}"}


def _follow(context: Days, day: GameDay) -> Move:
    """Read how the phase's move stands; where nothing is known of it, ask for it. Its name makes two requests one."""
    way, target = ("there", day.away) if day.phase is Phase.THERE else ("home", day.home)
    if day.home is None or target is None:
        return Move(game_days.MISSING, "")
    name = f"game-day-{way}-{hashlib.sha256(day.execution.encode()).hexdigest()[:20]}"
    execution = f"{context.settings.machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
    outcome, sentence = step_functions.outcome_of(context.clients.stepfunctions(), execution)
    if outcome == game_days.MISSING and context.clock.time() - day.since < game_days.KNOWN_WITHIN_S:
        _ask_for(context, day.home, target, name)
    return Move(outcome, sentence, _seconds_of(context, execution) if outcome != game_days.RUNNING else None)


def _ask_for(context: Days, home: Role, target: Role, name: str) -> None:
    wanted = game_days.move_request(home, target)
    asked = {
        "action": wanted.action.value,
        "target": target.value,
        "reason": wanted.reason,
        "requested_by": wanted.requested_by,
    }
    step_functions.start(context.clients.stepfunctions(), context.settings.machine, name, asked)
    logger.info("a move was asked for", extra={"name_of_move": name, "target": target})


def _seconds_of(context: Days, execution: str) -> float | None:
    """Seconds until a server served again in a move, as the history has it."""
    lines = changes_in(_table(context).history(20))
    return next((each.recovery_s for each in lines if each.execution == execution), None)


def _readiness(context: Days) -> dict[str, Any] | None:
    """A readiness check of now; None where none could be made."""
    try:
        function = context.settings.readiness_function
        return lambda_invoke.ask(context.clients.functions(), function, {"action": "check"})
    except FunctionFailed as error:
        logger.warning("readiness could not be asked", extra={"why": str(error)[:300]})
        return None


def cut_short(context: Days, asked: CutShort) -> dict[str, Any]:
    """End the game day whose execution has failed, was aborted or ran out of time, and report it."""
    _demand_led(context, asked.execution)
    table = _table(context)
    day = table.game_day()
    if day is None or day.execution != asked.execution:
        return _answer("", "It had begun nothing.")
    if day.phase is not Phase.ENDED:
        how = asked.how.lower().replace("_", "-")
        day = table.put_game_day(game_days.interrupted(day, how, table.read(), context.clock.time()), day.version)
    return _report(context, day)


def _report(context: Days, day: GameDay, keep: bool = True) -> dict[str, Any]:
    """Note the end in the history, notify, and keep that this is done. Again where it is not known to be.

    Args:
        keep: whether this is the game day that is kept; one that another one forbids is not.
    """
    if not day.reported:
        noted = {"action": "note_game_day", "game_day": day.to_json()}
        lambda_invoke.ask(context.clients.functions(), context.settings.pair_function, noted)
        _notify(context, day, _table(context).read())
        if keep:
            _table(context).put_game_day(replace(day, reported=True), day.version)
    return _answer(day.result.value if day.result else "", day.sentence)


def _notify(context: Days, day: GameDay, state: PairState) -> None:
    settings, name = context.settings, context.settings.pair.name
    message = notifications.of_game_day(name, state, day, settings.stack)
    about = notifications.attributes(name, day.result.value if day.result else "", day.severity)
    context.clients.sns().publish(
        TopicArn=settings.topic, Subject=message.subject, Message=message.body, MessageAttributes=about
    )


def _answer(result: str, sentence: str) -> dict[str, Any]:
    return {"done": True, "wait_s": 0, "result": result, "sentence": sentence}


def _calendar(context: Days) -> Calendar:
    return Calendar(context.settings.serves_s, context.settings.target_s)


def _demand_led(context: Days, execution: str) -> None:
    """Raise BadRequest for an execution of another state machine than the one that leads game days."""
    machine = context.settings.machine.rpartition(":")[0]
    execution_in({"execution": execution}, f"{machine}:{context.settings.stack}-game-day")


def _table(context: Days) -> PairTable:
    return PairTable(context.clients.dynamodb(), context.settings.table, context.settings.pair.name)


def _name_of(event: Event) -> object:
    """An event of Step Functions names no action."""
    return "cut_short" if event.get("source") == "aws.states" else event.get("action")


def _step_in(event: Event) -> Step:
    return Step(str(event.get("execution")), str(event.get("scheduled") or "")[:100])


def _cut_short_in(event: Event) -> CutShort:
    about = event.get("detail")
    detail: Event = about if isinstance(about, Mapping) else {}
    return CutShort(str(detail.get("executionArn")), str(detail.get("status"))[:40])


def _log(logger: Logger, _event: Event, answer: Mapping[str, Any]) -> None:
    logger.info("answered", extra={"answer": answer})


ACTIONS: dict[str, Action[GameDaySettings, Any]] = {
    "step": Action(_step_in, step),
    "cut_short": Action(_cut_short_in, cut_short),
}
handler = Handler(logger, ACTIONS, Context(read(GameDaySettings, os.environ), clients), _log, _name_of)
