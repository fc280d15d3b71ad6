"""`watch`: probes the pair every few seconds, and starts the failover when the active server is down.

Each probe has a slot: a message of a queue, visible when it is due. The schedule's call of each minute sends those of
the next minutes, and probes itself only where they fail. What a probe decides on is read now, never remembered from
an event: a failover that stood down, or an event that was lost, is made good by the next probe (I6). What outlives a
process (the failures in a row) is kept in the pair's table, by one conditional write for each probe.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricResolution, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, lambda_invoke, permission_checks, slot_queue, step_functions
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.adapters.slot_queue import SlotsNotSent
from msfailover.adapters.watch_table import WatchTable
from msfailover.decisions import replication, slots
from msfailover.decisions.admission import suppression
from msfailover.decisions.detection import (
    Diagnosis,
    Evidence,
    Finding,
    Observation,
    Streak,
    diagnose,
    is_down,
    worth_asking,
)
from msfailover.decisions.slots import Following, Turn
from msfailover.observations import Signal
from msfailover.pair import PairState, Role
from msfailover.request import Action, Request
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.notifications import attributes
from msfailover.runtime.settings import WatchSettings
from msfailover.verdict import Verdict
from msfailover.watching import Ports, Run, Watching

SETTINGS = read(WatchSettings, os.environ)
logger = observability.logger_for("watch")

HOLD_S = (0.1, 20.0)
"""Seconds for which a connection is held, at least and at most."""

SECOND_FIRST_S = 60.0
"""Seconds for which the second probe is asked first, once it had to answer in the first one's place."""

_process = uuid.uuid4().hex[:12]
"""Which process this is, for those who find what it kept."""
_well: Role | None = None
"""The active server, if the last probe found it well and nothing was to be done."""
_second_answers = False
"""Whether the last answer was the second probe's."""
_second_until = 0.0
"""Until when the second probe is asked first, by the clock of `time.monotonic`."""
_hold_from = 0.0
"""From when on a connection may be held again, by the clock of `time.monotonic`."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    if event.get("action") == "rights":
        return rights().to_json()
    taken = slot_queue.slots_in(event)
    if taken is not None:
        answers = [_take(slot) for slot in taken]
        started = [execution for each in answers for execution in each["started"]]
        return {"probes": sum(each["probes"] for each in answers), "started": started}
    if event.get("once"):
        execution = probe_once()
        return {"probes": 1, "started": [execution] if execution else []}
    return _tick()


def _tick() -> dict[str, Any]:
    """The schedule's call: seeds slots, and probes where they fail: until the next call, if the queue takes none."""
    try:
        kept = slots.believed(_watching().read(), _now_ms(), SETTINGS.interval_s)
        needed = slots.ran_out(kept, _now_ms(), SETTINGS.interval_s)
        undelivered = slots.are_not_delivered(kept, _now_ms(), SETTINGS.interval_s)
        _seed(kept)
    except (SlotsNotSent, BotoCoreError, ClientError) as error:
        logger.error("slots could not be seeded, probing until the next minute", extra={"why": str(error)[:300]})
        return _probe_a_minute()
    if not needed.is_yes:
        return {"probes": 0, "started": []}
    if undelivered:
        logger.error("no slot is taken, probing until the next minute", extra={"why": needed.sentence})
        return _probe_a_minute()
    return _take(0)


def _probe_a_minute() -> dict[str, Any]:
    return _probe_until_decided(Turn.of_minute(time.monotonic(), SETTINGS.tick_s, SETTINGS.timeout_s))


def _seed(kept: Watching) -> None:
    """Send the slots that are due next; then keep that they were. A death in between only doubles them."""
    now_ms = _now_ms()
    due = slots.to_seed(kept.seeded_until_ms, now_ms, SETTINGS.interval_s)
    if not due:
        return
    # A queue delays by whole seconds: to wait here for a part that is left spares each slot from doing so.
    rest_ms = (due[0] - now_ms) % 1000
    time.sleep(rest_ms / 1000)
    slot_queue.send(clients.sqs(), SETTINGS.queue, due, now_ms + rest_ms)
    try:
        _watching().seeded(due[-1], slots.farthest_ms(now_ms))
    except (BotoCoreError, ClientError) as error:
        logger.warning("that slots were seeded could not be kept", extra={"why": str(error)[:300]})


def _take(slot_ms: int) -> dict[str, Any]:
    """Probe in a slot, or in the schedule's own call (0), and go on until the question is decided."""
    early_s = (slot_ms - _now_ms()) / 1000
    time.sleep(min(max(0.0, early_s), slots.SHORTEST_S))
    # One that comes earlier still was sent by a clock that was ahead: taken as due now, it keeps no later one out.
    slot_ms = min(slot_ms, _now_ms())
    return _probe_until_decided(Turn.of_slot(slot_ms, time.monotonic(), SETTINGS.interval_s))


def _probe_until_decided(turn: Turn) -> dict[str, Any]:
    due, probes = time.monotonic(), 0
    started: list[str] = []
    while True:
        probes += 1
        following, execution = _probe_or_log(turn, due)
        if execution:
            started.append(execution)
        if following.goes_on:
            due = _wait_until(following.due)
        elif _held_to_its_end(turn.next_s - slots.MARGIN_S):
            due = time.monotonic()
        else:
            return {"probes": probes, "started": started}
        turn = replace(turn, slot_ms=0)


def _probe_or_log(turn: Turn, due: float) -> tuple[Following, str | None]:
    """One probe; where AWS refuses a call of it (a throttle that outlasts the SDK's tries), the next one is due soon.

    To end here would be not to probe until the next slot, and on a busy account for the next one too.
    """
    try:
        return _probe(turn, due)
    except (BotoCoreError, ClientError) as error:
        logger.error("a probe failed", extra={"why": str(error)[:300]})
        again = max(due + SETTINGS.interval_s / 2, time.monotonic())
        return Following(Streak(), again <= turn.again_s, again), None


def _wait_until(due: float) -> float:
    """Wait for the next probe; returns when it is due. The end of a held connection brings it forward."""
    if _held_to_its_end(due):
        return time.monotonic()
    time.sleep(max(0.0, due - time.monotonic()))
    return due


def _held_to_its_end(until: float) -> bool:
    """Hold a connection to the active server; true where the server ended it, false where time was up or none is held.

    At most once in an interval: a server that ends whom it does not know is not to be probed without a pause. While
    anything is amiss or under way nothing is held, so that the probe is free for whoever needs it.
    """
    global _hold_from
    while SETTINGS.holds_connection and _well is not None:
        now = time.monotonic()
        if now < _hold_from or until - now < HOLD_S[0]:
            return False
        held = {"action": "hold", "server": _well, "seconds": round(min(until - now, HOLD_S[1]), 3)}
        try:
            if lambda_invoke.ask(clients.functions(), SETTINGS.probe_function, held).get("ended") is True:
                _hold_from = time.monotonic() + SETTINGS.interval_s
                return True
        except FunctionFailed as error:
            logger.warning("no connection could be held", extra={"why": str(error)[:300]})
            return False
    return False


def rights() -> Verdict:
    """May we start a failover? Tried dry, with an input that is no JSON."""
    refused = {"states:StartExecution": lambda: step_functions.try_to_start(clients.stepfunctions(), SETTINGS.machine)}
    return permission_checks.try_all(refused, "InvalidExecutionInput")


def probe_once() -> str | None:
    """One probe, in no slot. Returns the execution that it started."""
    now = time.monotonic()
    return _probe_or_log(Turn.alone(now), now)[1]


def _probe(turn: Turn, due: float) -> tuple[Following, str | None]:
    """Diagnose, keep, publish, and start a failover if it is due. What could not be kept counts for nothing."""
    global _well
    _well = None
    read_as, began_ms = _watching().read(), _now_ms()
    kept = slots.believed(read_as, began_ms, SETTINGS.interval_s)
    if turn.slot_ms:
        admitted = slots.admit(turn.slot_ms, kept, began_ms, SETTINGS.interval_s)
        if not admitted.is_yes:
            logger.debug(admitted.sentence, extra={"slot": turn.slot_ms})
            return Following(Streak(), False, due), None
    nothing = turn.next_beat(due, SETTINGS.interval_s), None
    if not turn.slot_ms and slots.is_elsewhere(kept, _process, began_ms, SETTINGS.interval_s):
        return nothing
    state = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read()
    if state.active is None:
        return nothing  # the pair has not been adopted yet
    so_far = slots.streak_of(kept, began_ms, _pace())
    # While a change is under way nothing hangs on this probe; it is not to be in the way of the functions that work.
    found = _diagnose(state, state.active, so_far)
    streak = so_far.after(state.active, found.diagnosis.finding, began_ms / 1000)
    following = turn.following(streak, due, time.monotonic(), _pace())
    after, ended = _after(kept, state, state.active, found, turn, began_ms, following)
    if not _watching().keep(read_as, after):
        logger.debug("another process has probed meanwhile; this probe counts for nothing")
        return nothing
    if ended is not None:
        logger.info("probes", extra=ended.to_json())
    return following, _act(state, state.active, found.diagnosis, streak)


@dataclass(frozen=True)
class Found:
    """What a probe found: the diagnosis, what it saw of each server, the dearer question that was asked, its answer."""

    diagnosis: Diagnosis
    observed: Mapping[Role, Observation] | None = None
    asked: Evidence | None = None
    answer: Verdict | None = None

    def ports(self, role: Role) -> Ports | None:
        return (self.observed[role].admin, self.observed[role].port) if self.observed else None


def _after(
    kept: Watching, state: PairState, active: Role, found: Found, turn: Turn, began_ms: int, next_: Following
) -> tuple[Watching, Run | None]:
    """What is to be kept after a probe, in one write, and the run that has ended by it."""
    asked, answer = (found.asked.value, found.answer.answer.value) if found.asked and found.answer else ("", "")
    probed = slots.Probed(
        began_ms, active, state.epoch, found.ports(Role.MS1), found.ports(Role.MS2), asked, answer,
        found.diagnosis.finding, next_.streak, SETTINGS.threshold,
    )  # fmt: skip
    busy_s = slots.busy_for_s(next_, time.monotonic(), _pace())
    busy_until_ms = _now_ms() + round(busy_s * 1000) if busy_s else 0
    return slots.after_probe(kept, probed, turn.slot_ms, busy_until_ms, _process)


def _act(state: PairState, active: Role, diagnosis: Diagnosis, streak: Streak) -> str | None:
    """Publish what was found, and start a failover if it is due. Returns the execution that was started."""
    global _well
    down = is_down(diagnosis, streak, SETTINGS.threshold)
    _publish(active, diagnosis)
    if diagnosis.finding is Finding.HEALTHY and state.held:
        _ask_pair({"action": "release", "epoch": state.epoch})
    if diagnosis.finding is Finding.HEALTHY and state.lease is None and not _second_answers:
        _well = active
    if diagnosis.finding is not Finding.HEALTHY:
        logger.warning(down.sentence, extra={"finding": diagnosis.finding, "down": down.answer})
    return _start(state, active, down, streak.since) if down.is_yes else None


def _diagnose(state: PairState, active: Role, so_far: Streak) -> Found:
    global _second_answers, _second_until
    second_first = time.monotonic() < _second_until
    try:
        answer = _probes(state).ask({"action": "probe"}, second_first=second_first)
        observed = {role: _observation(answer[role.value]) for role in Role}
    except (FunctionFailed, KeyError, ValueError) as error:
        return Found(Diagnosis(Finding.CUT_OFF, f"The probe could not be asked: {error}"))
    _second_answers, origin = answer.get("second") is True, str(answer.get("origin", ""))
    if _second_answers and not second_first:
        _second_until = time.monotonic() + SECOND_FIRST_S
    found = _judge(active, observed, so_far, thoroughly=state.lease is None)
    return replace(found, diagnosis=replace(found.diagnosis, sentence=f"{found.diagnosis.sentence} {origin}".rstrip()))


def _judge(active: Role, observed: Mapping[Role, Observation], so_far: Streak, thoroughly: bool) -> Found:
    observation, other = observed[active], observed[active.other]
    # The dearer questions are asked only when the cheap one has a bad answer, and theirs could make a difference.
    if not thoroughly:
        return Found(diagnose(active, observation, other), observed)
    wanted, answer = worth_asking(observation, other, so_far.reaches(active, SETTINGS.threshold)), None
    if wanted is Evidence.SESSIONS:
        answer = _ask(SETTINGS.sessions_function, {"action": "status", "server": active})
    elif wanted is Evidence.POWER:
        answer = _ask(SETTINGS.server_function, {"action": "power", "server": active})
    sessions, power = (answer if wanted is each else None for each in (Evidence.SESSIONS, Evidence.POWER))
    return Found(diagnose(active, observation, other, sessions, power), observed, wanted, answer)


def _start(state: PairState, active: Role, down: Verdict, since: float) -> str | None:
    request = Request(Action.FAILOVER, active.other, down.sentence[:400], "watch")
    table, now = PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name), time.time()
    copy = replication.fresh_enough(table.freshness, state, now, SETTINGS.oldest_copy_s)
    held = suppression(request, state, now, copy)
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
    body: dict[str, Any] = {"action": request.action, "target": request.target, "reason": request.reason}
    body |= {"requested_by": "watch", "first_failed_at": round(since, 3)}
    execution = step_functions.start(clients.stepfunctions(), SETTINGS.machine, name, body)
    logger.warning("failover started", extra={"because": down.sentence, "started": execution or name})
    return execution


def _notify_held(why: str, epoch: int) -> None:
    answer = _ask_pair({"action": "hold", "sentence": why[:500], "requested_by": "watch", "epoch": epoch})
    message = answer.get("notification")
    if message is None:
        return
    try:
        clients.sns().publish(
            TopicArn=SETTINGS.topic,
            Subject=message["subject"],
            Message=message["message"],
            MessageAttributes=attributes(SETTINGS.pair.name, "held", "critical"),
        )
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
    metrics.add_metadata("finding", diagnosis.finding.value)
    metrics.add_metadata("active", active.value)
    metrics.flush_metrics()


def _watching() -> WatchTable:
    return WatchTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)


def _pace() -> slots.Pace:
    return slots.Pace(SETTINGS.interval_s, SETTINGS.timeout_s, SETTINGS.threshold)


def _now_ms() -> int:
    return round(time.time() * 1000)


def _probes(state: PairState) -> Probes:
    return Probes(SETTINGS.probe_function, SETTINGS.second_probe, lambda: state)


def _observation(data: Mapping[str, Any]) -> Observation:
    return Observation(Signal(data["admin"]), Signal(data["port"]), str(data.get("sentence", ""))[:300])


def _ask(function: str, payload: Mapping[str, Any]) -> Verdict:
    return lambda_invoke.ask_verdict(clients.functions(), function, payload)
