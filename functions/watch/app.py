"""`watch`: probes the pair every few seconds, and starts the failover when the active server is down.

Scheduled each minute, it goes on probing until the next tick. What it decides on is read now, never remembered from an
event: a failover that stood down, or an event that was lost, is made good by the next probe (I6).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricResolution, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, lambda_invoke, permission_checks, step_functions
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.decisions.admission import suppression
from msfailover.decisions.detection import (
    Diagnosis,
    Evidence,
    Finding,
    Observation,
    Streak,
    diagnose,
    goes_on,
    is_down,
    next_probe,
    worth_asking,
)
from msfailover.observations import Signal
from msfailover.pair import PairState, Role
from msfailover.request import Action, Request
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.settings import WatchSettings
from msfailover.verdict import Verdict

SETTINGS = read(WatchSettings, os.environ)
logger = observability.logger_for("watch")

MARGIN_S = 0.3
"""Seconds between the end of a tick's last probe, at the latest, and the next tick."""

_streak = Streak()
"""Carried from tick to tick while the process lives; a new process begins to count again, which only costs time."""
_probed_at = 0.0
"""When this process last probed, in seconds since 1970."""
_well: Role | None = None
"""The active server, if the last probe found it well and nothing was to be done."""
_second_answers = False
"""Whether the last answer was the second probe's: it is asked first until this tick ends."""
_hold_from = 0.0
"""From when on a connection may be held again, by the clock of `time.monotonic`."""
HOLD_S = (0.1, 20.0)
"""Seconds for which a connection is held, at least and at most."""
TICK_LATE_AT_MOST_S = 5.0
"""A tick that comes later than this counts from nothing: another process has probed meanwhile, or nobody."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    global _second_answers
    observability.begin(logger, event)
    if event.get("action") == "rights":
        return rights().to_json()
    _forget_what_is_old()
    _second_answers = False
    end = time.monotonic() + SETTINGS.tick_s
    due, probes = time.monotonic(), 0
    started: list[str] = []
    while True:
        probes += 1
        execution = _probe_or_log()
        if execution:
            started.append(execution)
        due = next_probe(_streak, SETTINGS.threshold, due, time.monotonic(), SETTINGS.interval_s)
        over = due + SETTINGS.timeout_s + MARGIN_S
        if event.get("once") or not goes_on(_streak, SETTINGS.threshold, over, end):
            return {"probes": probes, "started": started}
        due = _wait_until(due)


def _probe_or_log() -> str | None:
    """One probe; where AWS refuses a call of it (a throttle that outlasts the SDK's tries), the next one is due soon.

    To end here would be not to probe for the rest of the minute, and on a busy account for the next one too.
    """
    try:
        return probe_once()
    except (BotoCoreError, ClientError) as error:
        logger.error("a probe failed", extra={"why": str(error)[:300]})
        return None


def _wait_until(due: float) -> float:
    """Wait for the next probe; returns when it is due. The end of a held connection brings it forward.

    At most once in an interval: a server that ends whom it does not know is not to be probed without a pause. While
    anything is amiss or under way nothing is held, so that the probe is free for whoever needs it.
    """
    global _hold_from
    now = time.monotonic()
    if SETTINGS.holds_connection and _well is not None and now >= _hold_from and due - now >= HOLD_S[0]:
        held = {"action": "hold", "server": _well, "seconds": round(min(due - now, HOLD_S[1]), 3)}
        try:
            if lambda_invoke.ask(clients.functions(), SETTINGS.probe_function, held).get("ended") is True:
                _hold_from = time.monotonic() + SETTINGS.interval_s
                return min(due, time.monotonic())
        except FunctionFailed as error:
            logger.warning("no connection could be held", extra={"why": str(error)[:300]})
    time.sleep(max(0.0, due - time.monotonic()))
    return due


def _forget_what_is_old() -> None:
    """Failures in a row are only in a row if nobody else probed in between."""
    global _streak
    longest = SETTINGS.interval_s + 2 * SETTINGS.timeout_s + MARGIN_S + TICK_LATE_AT_MOST_S
    if time.time() - _probed_at > longest:
        _streak = Streak()


def rights() -> Verdict:
    """May we start a failover? Tried dry, with an input that is no JSON."""
    refused = {"states:StartExecution": lambda: step_functions.try_to_start(clients.stepfunctions(), SETTINGS.machine)}
    return permission_checks.try_all(refused, "InvalidExecutionInput")


def probe_once() -> str | None:
    """One probe: diagnose, publish, and start a failover if it is due. Returns the execution it started."""
    global _streak, _probed_at, _well
    _probed_at = time.time()
    _well = None
    state = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read()
    if state.active is None:
        return None  # the pair has not been adopted yet
    # While a change is under way nothing hangs on this probe; it is not to be in the way of the functions that work.
    diagnosis = _diagnose(state, state.active)
    _streak = _streak.after(state.active, diagnosis.finding)
    down = is_down(diagnosis, _streak, SETTINGS.threshold)
    _publish(state.active, diagnosis)
    if diagnosis.finding is Finding.HEALTHY and state.held:
        _ask_pair({"action": "release", "epoch": state.epoch})
    if diagnosis.finding is Finding.HEALTHY and state.lease is None and not _second_answers:
        _well = state.active
    if diagnosis.finding is not Finding.HEALTHY:
        logger.warning(down.sentence, extra={"finding": diagnosis.finding, "down": down.answer})
    return _start(state, state.active, down) if down.is_yes else None


def _diagnose(state: PairState, active: Role) -> Diagnosis:
    global _second_answers
    try:
        answer = _probes(state).ask({"action": "probe"}, second_first=_second_answers)
        observed = {role: _observation(answer[role.value]) for role in Role}
    except (FunctionFailed, KeyError, ValueError) as error:
        return Diagnosis(Finding.CUT_OFF, f"The probe could not be asked: {error}")
    _second_answers, origin = answer.get("second") is True, str(answer.get("origin", ""))
    found = _judge(active, observed, thoroughly=state.lease is None)
    return Diagnosis(found.finding, f"{found.sentence} {origin}".rstrip())


def _judge(active: Role, observed: Mapping[Role, Observation], thoroughly: bool) -> Diagnosis:
    observation, other = observed[active], observed[active.other]
    # The dearer questions are asked only when the cheap one has a bad answer, and theirs could make a difference.
    sessions = power = None
    if not thoroughly:
        return diagnose(active, observation, other)
    wanted = worth_asking(observation, other, _streak.reaches(active, SETTINGS.threshold))
    if wanted is Evidence.SESSIONS:
        sessions = _ask(SETTINGS.sessions_function, {"action": "status", "server": active})
    elif wanted is Evidence.POWER:
        power = _ask(SETTINGS.server_function, {"action": "power", "server": active})
    return diagnose(active, observation, other, sessions, power)


def _start(state: PairState, active: Role, down: Verdict) -> str | None:
    request = Request(Action.FAILOVER, active.other, down.sentence[:400], "watch")
    held = suppression(request, state, time.time())
    if held is not None or state.lease is not None or not SETTINGS.starts:
        why = held.sentence if held else "a change is under way" if state.lease else "starting is switched off"
        logger.warning("not started", extra={"why": why, "because": down.sentence})
        # Those who began a maintenance know, and a change under way notifies of its own end; else operators are
        # notified, once for each outage.
        if held is not None and state.lease is None and not state.held and state.maintenance_until <= time.time():
            _notify_held(held.sentence, state.epoch)
        return None
    # One name for each epoch and half minute: a doubled tick starts nothing twice, a failover that stood down can be
    # tried again. The lease is what keeps two from running at once.
    name = f"watch-epoch{state.epoch + 1}-{int(time.time() // 30)}"
    body = {"action": request.action, "target": request.target, "reason": request.reason, "requested_by": "watch"}
    execution = step_functions.start(clients.stepfunctions(), SETTINGS.machine, name, body)
    logger.warning("failover started", extra={"because": down.sentence, "started": execution or name})
    return execution


def _notify_held(why: str, epoch: int) -> None:
    answer = _ask_pair({"action": "hold", "sentence": why[:500], "requested_by": "watch", "epoch": epoch})
    message = answer.get("notification")
    if message is None:
        return
    try:
        clients.sns().publish(TopicArn=SETTINGS.topic, Subject=message["subject"], Message=message["message"])
    except (BotoCoreError, ClientError) as error:
        logger.error("SNS publish failed", extra={"why": str(error)[:300], "what": why})


def _ask_pair(payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return lambda_invoke.ask(clients.functions(), SETTINGS.pair_function, payload)
    except FunctionFailed as error:
        logger.error("the record could not be kept", extra={"why": str(error)[:300]})
        return {}


def _publish(active: Role, diagnosis: Diagnosis) -> None:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="watch")
    metrics.add_dimension("Pair", SETTINGS.pair.name)
    healthy = 1 if diagnosis.finding is Finding.HEALTHY else 0
    metrics.add_metric("ActiveServerAnswers", MetricUnit.Count, healthy, MetricResolution.High)
    metrics.add_metric("Probes", MetricUnit.Count, 1, MetricResolution.Standard)
    metrics.add_metadata("finding", diagnosis.finding.value)
    metrics.add_metadata("active", active.value)
    metrics.flush_metrics()


def _probes(state: PairState) -> Probes:
    return Probes(SETTINGS.probe_function, SETTINGS.second_probe, lambda: state)


def _observation(data: Mapping[str, Any]) -> Observation:
    return Observation(Signal(data["admin"]), Signal(data["port"]), str(data.get("sentence", ""))[:300])


def _ask(function: str, payload: Mapping[str, Any]) -> Verdict:
    return lambda_invoke.ask_verdict(clients.functions(), function, payload)
