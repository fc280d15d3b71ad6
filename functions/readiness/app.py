"""`readiness`: could we fail over right now? Asked on a schedule and by people; it also keeps the other functions warm.

Calls every function that the workflow calls, in its form that only reads, so that permissions and paths are exercised
all the time and not for the first time in a failover. One metric, `Ready`: 1 only where every check says yes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, lambda_invoke
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.other_functions import put
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import machine, readiness
from msfailover.pair import PairState, Role
from msfailover.questions import Question, of_readiness
from msfailover.request import BadRequest, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.runtime.settings import ReadinessSettings
from msfailover.verdict import Verdict, no, unknown, yes

logger = observability.logger_for("readiness")
Readiness = Context[ReadinessSettings]

SEEN_THROUGH = {"database-access": "access", "database-sessions": "sessions", "dns": "dns"}
"""Whose status a viewer is shown, and the word for it in the settings."""
AT_ONCE = 5
"""Questions asked side by side: enough to be quick, few enough not to start a process of a function for each."""


@dataclass(frozen=True)
class Seen:
    """Whose status of which server is asked for, by a word of `SEEN_THROUGH`."""

    function: str
    server: Role


def status(context: Readiness, asked: Seen) -> dict[str, Any]:
    """Ask one function for its status of one server: for people who see the pair and may not call what also acts."""
    function = context.settings.function(asked.function)
    return lambda_invoke.ask(context.clients.functions(), function, {"action": "status", "server": asked.server.value})


def check(context: Readiness) -> dict[str, Any]:
    """Ask everybody, and judge; publish and keep: `{"answer", "sentence", "at", "checks": [...]}`."""
    state = _table(context).read()
    if state.active is None:
        verdict, checks = no("Not ready: the pair has not been adopted; run adopt first."), []
    else:
        checks = _checks(context, state.active, state)
        verdict = readiness.summary(checks)
    found = {
        "answer": verdict.answer.value,
        "sentence": verdict.sentence,
        "at": round(context.clock.time(), 3),
        "checks": [each.to_json() for each in checks],
    }
    _publish(context, verdict.is_yes)
    _keep(context, found)
    return found


def _checks(context: Readiness, active: Role, state: PairState) -> list[readiness.Check]:
    settings = context.settings
    asked = of_readiness(active, second_probe=bool(settings.second_probe))
    answers = lambda_invoke.side_by_side(partial(_ask, context), asked, AT_ONCE)
    if state.lease is None:
        _remember_machines(context, state, answers)
    return readiness.judge(active, state, answers, _people(context), settings.path_is_direct)


def _remember_machines(context: Readiness, state: PairState, answers: Mapping[str, Verdict]) -> None:
    """Keep which instances own their server's addresses, at rest and in this epoch: nothing else shows of a terminated
    one that it was the server's machine. Best effort; without it a terminated machine proves nothing."""
    now = context.clock.time()
    seen = {
        role.value: machine.remembered(context.settings.pair.server(role), state, now)
        for role in Role
        if answers[f"machine {role}"].evidence.get("owns") is True
    }
    table = _table(context)
    try:
        table.put_machines({**table.machines(), **seen})
    except (BotoCoreError, ClientError) as error:
        logger.error("the machines that were seen could not be kept", extra={"why": str(error)[:300]})


def _ask(context: Readiness, question: Question) -> Verdict:
    return put(context, question).having(answered_at=context.clock.time())


def _people(context: Readiness) -> Verdict:
    """Is anybody notified? A topic without a subscription notifies no one."""
    try:
        attributes = context.clients.sns().get_topic_attributes(TopicArn=context.settings.topic)["Attributes"]
    except (BotoCoreError, ClientError) as error:
        return unknown(f"Whether anybody is notified is not known: {str(error)[:300]}")
    confirmed = int(attributes.get("SubscriptionsConfirmed", 0))
    return (yes if confirmed else no)(f"{confirmed} confirmed subscription(s) to the topic.")


def _publish(context: Readiness, ready: bool) -> None:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="readiness")
    metrics.add_dimension("Pair", context.settings.pair.name)
    metrics.add_metric("Ready", MetricUnit.Count, 1 if ready else 0)
    metrics.flush_metrics()


def _keep(context: Readiness, found: Mapping[str, Any]) -> None:
    kept = {"action": "keep_readiness", "readiness": found}
    try:
        lambda_invoke.ask(context.clients.functions(), context.settings.pair_function, kept)
    except FunctionFailed as error:
        logger.error("the result could not be kept", extra={"why": str(error)[:300]})


def _table(context: Readiness) -> PairTable:
    return PairTable(context.clients.dynamodb(), context.settings.table, context.settings.pair.name)


def _seen_in(event: Event) -> Seen:
    """Whose status is asked for. Raises BadRequest where no server is named, or none of `SEEN_THROUGH`."""
    function = str(event.get("function"))
    if function not in SEEN_THROUGH:
        raise BadRequest(f"function is {function[:40]!r}, but one of {', '.join(SEEN_THROUGH)} is needed.")
    return Seen(SEEN_THROUGH[function], role_in(event))


def _log(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    """A check's sentence, with what it found wanting; a status is another function's, which logs it."""
    if event["action"] == "check":
        log = logger.info if answer["answer"] == "yes" else logger.warning
        log(answer["sentence"], extra={"not_yes": [each for each in answer["checks"] if each["answer"] != "yes"]})


ACTIONS: dict[str, Action[ReadinessSettings, Any]] = {
    "check": without_request(check),
    "status": Action(_seen_in, status),
}
handler = Handler(logger, ACTIONS, Context(read(ReadinessSettings, os.environ), clients), _log)
