"""`readiness`: could we fail over right now? Asked on a schedule and by people; it also keeps the other functions warm.

Calls every function that the workflow calls, in its form that only reads, so that permissions and paths are exercised
all the time and not for the first time in a failover. One metric, `Ready`: 1 only where every check says yes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, lambda_invoke
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.decisions import machine, readiness
from msfailover.pair import PairState, Role
from msfailover.questions import Question, of_readiness
from msfailover.request import BadRequest, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.settings import ReadinessSettings
from msfailover.verdict import Verdict, no, unknown, yes

SETTINGS = read(ReadinessSettings, os.environ)
logger = observability.logger_for("readiness")

SEEN_THROUGH = {"database-access": "access", "database-sessions": "sessions", "dns": "dns"}
"""Whose status a viewer is shown, and the word for it in the settings."""
AT_ONCE = 5
"""Questions asked side by side: enough to be quick, few enough not to start a process of a function for each."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    if event.get("action") == "status":
        return status(event)
    if event.get("action") != "check":
        raise BadRequest(f"action is {str(event.get('action'))[:40]!r}, but check or status is needed.")
    found = check()
    _publish(found["answer"] == "yes")
    log = logger.info if found["answer"] == "yes" else logger.warning
    log(found["sentence"], extra={"not_yes": [each for each in found["checks"] if each["answer"] != "yes"]})
    try:
        lambda_invoke.ask(clients.functions(), SETTINGS.pair_function, {"action": "keep_readiness", "readiness": found})
    except FunctionFailed as error:
        logger.error("the result could not be kept", extra={"why": str(error)[:300]})
    return found


def status(event: Mapping[str, Any]) -> dict[str, Any]:
    """Ask one function for its status of one server: for people who see the pair and may not call what also acts.

    Raises:
        BadRequest: it names no server, or a function that is not among `SEEN_THROUGH`.
    """
    function = str(event.get("function"))
    if function not in SEEN_THROUGH:
        raise BadRequest(f"function is {function[:40]!r}, but one of {', '.join(SEEN_THROUGH)} is needed.")
    asked = {"action": "status", "server": role_in(event).value}
    return lambda_invoke.ask(clients.functions(), SETTINGS.function(SEEN_THROUGH[function]), asked)


def check() -> dict[str, Any]:
    """Ask everybody, and judge: `{"answer", "sentence", "at", "checks": [...]}`."""
    state = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read()
    if state.active is None:
        verdict, checks = no("Not ready: the pair has not been adopted; run adopt first."), []
    else:
        checks = _checks(state.active, state)
        verdict = readiness.summary(checks)
    return {
        "answer": verdict.answer.value,
        "sentence": verdict.sentence,
        "at": round(time.time(), 3),
        "checks": [each.to_json() for each in checks],
    }


def _checks(active: Role, state: PairState) -> list[readiness.Check]:
    asked = of_readiness(active, second_probe=bool(SETTINGS.second_probe))
    answers = lambda_invoke.side_by_side(_ask, asked, AT_ONCE)
    if state.lease is None:
        _remember_machines(state, answers)
    return readiness.judge(active, state, answers, _people(), SETTINGS.path_is_direct)


def _remember_machines(state: PairState, answers: Mapping[str, Verdict]) -> None:
    """Keep which instances own their server's addresses, at rest and in this epoch: nothing else shows of a terminated
    one that it was the server's machine. Best effort; without it a terminated machine proves nothing."""
    now = time.time()
    seen = {
        role.value: machine.remembered(SETTINGS.pair.server(role), state, now)
        for role in Role
        if answers[f"machine {role}"].evidence.get("owns") is True
    }
    table = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)
    try:
        table.put_machines({**table.machines(), **seen})
    except (BotoCoreError, ClientError) as error:
        logger.error("the machines that were seen could not be kept", extra={"why": str(error)[:300]})


def _ask(question: Question) -> Verdict:
    if question.function == "probe":
        record = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read
        answer = Probes(SETTINGS.probe_function, SETTINGS.second_probe, record).ask_verdict(question.payload())
    else:
        function = SETTINGS.function(question.function)
        answer = lambda_invoke.ask_verdict(clients.functions(), function, question.payload())
    return Verdict(answer.answer, answer.sentence, {**answer.evidence, "answered_at": time.time()})


def _people() -> Verdict:
    """Is anybody notified? A topic without a subscription notifies no one."""
    try:
        attributes = clients.sns().get_topic_attributes(TopicArn=SETTINGS.topic)["Attributes"]
    except (BotoCoreError, ClientError) as error:
        return unknown(f"Whether anybody is notified is not known: {str(error)[:300]}")
    confirmed = int(attributes.get("SubscriptionsConfirmed", 0))
    return (yes if confirmed else no)(f"{confirmed} confirmed subscription(s) to the topic.")


def _publish(ready: bool) -> None:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="readiness")
    metrics.add_dimension("Pair", SETTINGS.pair.name)
    metrics.add_metric("Ready", MetricUnit.Count, 1 if ready else 0)
    metrics.flush_metrics()
