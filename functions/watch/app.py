"""`watch`: probes the pair every few seconds, and starts the failover when the active server is down.

Each probe has a slot: a message of a queue, visible when it is due. The schedule's call of each minute sends those of
the next minutes, and probes itself only where they fail. What a probe decides on is read now, never remembered from
an event: a failover that stood down, or an event that was lost, is made good by the next probe (I6). What outlives a
process (the failures in a row) is kept in the pair's table, by one conditional write for each probe.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
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
    Found,
    Observation,
    Streak,
    diagnose,
    is_down,
    worth_asking,
)
from msfailover.decisions.slots import Following, Turn
from msfailover.pair import PairState, Role
from msfailover.request import Action, Request
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action as HandlerAction
from msfailover.runtime.handler import Context, Event, Handler, without_request
from msfailover.runtime.notifications import attributes
from msfailover.runtime.settings import WatchSettings
from msfailover.verdict import Verdict
from msfailover.watching import Run, Watching

logger = observability.logger_for("watch")
Watch = Context[WatchSettings]

HOLD_S = (0.1, 20.0)
"""Seconds for which a connection is held, at least and at most."""

SECOND_FIRST_S = 60.0
"""Seconds for which the second probe is asked first, once it had to answer in the first one's place."""


@dataclass
class Memory:
    """What a process remembers from call to call. It may be lost at any time: then the next probe begins anew.

    Args:
        process: which one this is, for those who find what it kept.
        well: the active server, if the last probe found it well and nothing was to be done.
        second_answers: whether the last answer was the second probe's.
        second_until: until when the second probe is asked first, by the clock's `monotonic`.
        hold_from: from when on a connection may be held again, by the same clock.
    """

    process: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    well: Role | None = None
    second_answers: bool = False
    second_until: float = 0.0
    hold_from: float = 0.0


def _memory(context: Watch) -> Memory:
    return context.once("memory", Memory)


def _take_each(context: Watch, taken: list[int]) -> dict[str, Any]:
    """Probe in each slot that the queue handed over."""
    answers = [_take(context, slot) for slot in taken]
    started = [execution for each in answers for execution in each["started"]]
    return {"probes": sum(each["probes"] for each in answers), "started": started}


def _once(context: Watch) -> dict[str, Any]:
    execution = probe_once(context)
    return {"probes": 1, "started": [execution] if execution else []}


def _tick(context: Watch) -> dict[str, Any]:
    """The schedule's call: seeds slots, and probes where they fail: until the next call, if the queue takes none."""
    try:
        kept = slots.believed(_watching(context).read(), _now_ms(context), context.settings.interval_s)
        needed = slots.ran_out(kept, _now_ms(context), context.settings.interval_s)
        undelivered = slots.are_not_delivered(kept, _now_ms(context), context.settings.interval_s)
        _seed(context, kept)
    except (SlotsNotSent, BotoCoreError, ClientError) as error:
        logger.error("slots could not be seeded, probing until the next minute", extra={"why": str(error)[:300]})
        return _probe_a_minute(context)
    if not needed.is_yes:
        return {"probes": 0, "started": []}
    if undelivered:
        logger.error("no slot is taken, probing until the next minute", extra={"why": needed.sentence})
        return _probe_a_minute(context)
    return _take(context, 0)


def _probe_a_minute(context: Watch) -> dict[str, Any]:
    limits = context.settings.tick_s, context.settings.timeout_s
    return _probe_until_decided(context, Turn.of_minute(context.clock.monotonic(), *limits))


def _seed(context: Watch, kept: Watching) -> None:
    """Send the slots that are due next; then keep that they were. A death in between only doubles them."""
    now_ms = _now_ms(context)
    due = slots.to_seed(kept.seeded_until_ms, now_ms, context.settings.interval_s)
    if not due:
        return
    # A queue delays by whole seconds: to wait here for a part that is left spares each slot from doing so.
    rest_ms = (due[0] - now_ms) % 1000
    context.clock.sleep(rest_ms / 1000)
    slot_queue.send(context.clients.sqs(), context.settings.queue, due, now_ms + rest_ms)
    try:
        _watching(context).seeded(due[-1], slots.farthest_ms(now_ms))
    except (BotoCoreError, ClientError) as error:
        logger.warning("that slots were seeded could not be kept", extra={"why": str(error)[:300]})


def _take(context: Watch, slot_ms: int) -> dict[str, Any]:
    """Probe in a slot, or in the schedule's own call (0), and go on until the question is decided."""
    early_s = (slot_ms - _now_ms(context)) / 1000
    context.clock.sleep(min(max(0.0, early_s), slots.SHORTEST_S))
    # One that comes earlier still was sent by a clock that was ahead: taken as due now, it keeps no later one out.
    slot_ms = min(slot_ms, _now_ms(context))
    return _probe_until_decided(context, Turn.of_slot(slot_ms, context.clock.monotonic(), context.settings.interval_s))


def _probe_until_decided(context: Watch, turn: Turn) -> dict[str, Any]:
    due, probes, started = context.clock.monotonic(), 0, list[str]()
    while True:
        probes += 1
        following, execution = _probe_or_log(context, turn, due)
        if execution:
            started.append(execution)
        if following.goes_on:
            due = _wait_until(context, following.due)
        elif _held_to_its_end(context, turn.next_s - slots.MARGIN_S):
            due = context.clock.monotonic()
        else:
            return {"probes": probes, "started": started}
        turn = replace(turn, slot_ms=0)


def _probe_or_log(context: Watch, turn: Turn, due: float) -> tuple[Following, str | None]:
    """One probe; where AWS refuses a call of it (a throttle that outlasts the SDK's tries), the next one is due soon.

    To end here would be not to probe until the next slot, and on a busy account for the next one too.
    """
    try:
        return _probe(context, turn, due)
    except (BotoCoreError, ClientError) as error:
        logger.error("a probe failed", extra={"why": str(error)[:300]})
        again = max(due + context.settings.interval_s / 2, context.clock.monotonic())
        return Following(Streak(), again <= turn.again_s, again), None


def _wait_until(context: Watch, due: float) -> float:
    """Wait for the next probe; returns when it is due. The end of a held connection brings it forward."""
    if _held_to_its_end(context, due):
        return context.clock.monotonic()
    context.clock.sleep(max(0.0, due - context.clock.monotonic()))
    return due


def _held_to_its_end(context: Watch, until: float) -> bool:
    """Hold a connection to the active server; true where the server ended it, false where time was up or none is held.

    At most once in an interval: a server that ends whom it does not know is not to be probed without a pause. While
    anything is amiss or under way nothing is held, so that the probe is free for whoever needs it.
    """
    memory = _memory(context)
    while context.settings.holds_connection and memory.well is not None:
        now = context.clock.monotonic()
        if now < memory.hold_from or until - now < HOLD_S[0]:
            return False
        held = {"action": "hold", "server": memory.well, "seconds": round(min(until - now, HOLD_S[1]), 3)}
        try:
            answer = lambda_invoke.ask(context.clients.functions(), context.settings.probe_function, held)
        except FunctionFailed as error:
            logger.warning("no connection could be held", extra={"why": str(error)[:300]})
            return False
        if answer.get("ended") is True:
            memory.hold_from = context.clock.monotonic() + context.settings.interval_s
            return True
    return False


def rights(context: Watch) -> Verdict:
    """May we start a failover? Tried dry, with an input that is no JSON."""
    start = partial(step_functions.try_to_start, context.clients.stepfunctions(), context.settings.machine)
    return permission_checks.try_all({"states:StartExecution": start}, "InvalidExecutionInput")


def probe_once(context: Watch) -> str | None:
    """One probe, in no slot. Returns the execution that it started."""
    now = context.clock.monotonic()
    return _probe_or_log(context, Turn.alone(now), now)[1]


def _probe(context: Watch, turn: Turn, due: float) -> tuple[Following, str | None]:
    """Diagnose, keep, publish, and start a failover if it is due. What could not be kept counts for nothing."""
    memory = _memory(context)
    memory.well = None
    read_as, began_ms = _watching(context).read(), _now_ms(context)
    kept = slots.believed(read_as, began_ms, context.settings.interval_s)
    if turn.slot_ms:
        admitted = slots.admit(turn.slot_ms, kept, began_ms, context.settings.interval_s)
        if not admitted.is_yes:
            logger.debug(admitted.sentence, extra={"slot": turn.slot_ms})
            return Following(Streak(), False, due), None
    nothing = turn.next_beat(due, context.settings.interval_s), None
    if not turn.slot_ms and slots.is_elsewhere(kept, memory.process, began_ms, context.settings.interval_s):
        return nothing
    state = _table(context).read()
    if state.active is None:
        return nothing  # the pair has not been adopted yet
    so_far = slots.streak_of(kept, began_ms, _pace(context))
    # While a change is under way nothing hangs on this probe; it is not to be in the way of the functions that work.
    found = _diagnose(context, state, state.active, so_far)
    streak = so_far.after(state.active, found.diagnosis.finding, began_ms / 1000)
    following = turn.following(streak, due, context.clock.monotonic(), _pace(context))
    after, ended = _after(context, kept, state, state.active, found, turn, began_ms, following)
    if not _watching(context).keep(read_as, after):
        logger.debug("another process has probed meanwhile; this probe counts for nothing")
        return nothing
    if ended is not None:
        logger.info("probes", extra=ended.to_json())
    return following, _act(context, state, state.active, found.diagnosis, streak)


def _after(
    context: Watch, kept: Watching, state: PairState, active: Role, found: Found, turn: Turn,
    began_ms: int, next_: Following,
) -> tuple[Watching, Run | None]:  # fmt: skip
    """What is to be kept after a probe, in one write, and the run that has ended by it."""
    asked, answer = (found.asked.value, found.answer.answer.value) if found.asked and found.answer else ("", "")
    probed = slots.Probed(
        began_ms, active, state.epoch, found.ports(Role.MS1), found.ports(Role.MS2), asked, answer,
        found.diagnosis.finding, next_.streak, context.settings.threshold,
    )  # fmt: skip
    busy_s = slots.busy_for_s(next_, context.clock.monotonic(), _pace(context))
    busy_until_ms = _now_ms(context) + round(busy_s * 1000) if busy_s else 0
    return slots.after_probe(kept, probed, turn.slot_ms, busy_until_ms, _memory(context).process)


def _act(context: Watch, state: PairState, active: Role, diagnosis: Diagnosis, streak: Streak) -> str | None:
    """Publish what was found, and start a failover if it is due. Returns the execution that was started."""
    down = is_down(diagnosis, streak, context.settings.threshold)
    _publish(context, active, diagnosis)
    if diagnosis.finding is Finding.HEALTHY and state.held:
        _ask_pair(context, {"action": "release", "epoch": state.epoch})
    if diagnosis.finding is Finding.HEALTHY and state.lease is None and not _memory(context).second_answers:
        _memory(context).well = active
    if diagnosis.finding is not Finding.HEALTHY:
        logger.warning(down.sentence, extra={"finding": diagnosis.finding, "down": down.answer})
    return _start(context, state, active, down, streak.since) if down.is_yes else None


def _diagnose(context: Watch, state: PairState, active: Role, so_far: Streak) -> Found:
    memory = _memory(context)
    second_first = context.clock.monotonic() < memory.second_until
    try:
        probes = Probes(context.settings.probe_function, context.settings.second_probe, lambda: state)
        answer = probes.ask({"action": "probe"}, second_first=second_first)
        observed = {role: Observation.read(answer[role.value]) for role in Role}
    except (FunctionFailed, KeyError, ValueError) as error:
        return Found(Diagnosis(Finding.CUT_OFF, f"The probe could not be asked: {error}"))
    memory.second_answers, origin = answer.get("second") is True, str(answer.get("origin", ""))
    if memory.second_answers and not second_first:
        memory.second_until = context.clock.monotonic() + SECOND_FIRST_S
    found = _judge(context, active, observed, so_far, thoroughly=state.lease is None)
    return replace(found, diagnosis=replace(found.diagnosis, sentence=f"{found.diagnosis.sentence} {origin}".rstrip()))


def _judge(
    context: Watch, active: Role, observed: Mapping[Role, Observation], so_far: Streak, thoroughly: bool
) -> Found:
    observation, other = observed[active], observed[active.other]
    # The dearer questions are asked only when the cheap one has a bad answer, and theirs could make a difference.
    if not thoroughly:
        return Found(diagnose(active, observation, other), observed)
    wanted, answer = worth_asking(observation, other, so_far.reaches(active, context.settings.threshold)), None
    if wanted is Evidence.SESSIONS:
        answer = _ask(context, context.settings.sessions_function, {"action": "status", "server": active})
    elif wanted is Evidence.POWER:
        answer = _ask(context, context.settings.server_function, {"action": "power", "server": active})
    sessions, power = (answer if wanted is each else None for each in (Evidence.SESSIONS, Evidence.POWER))
    return Found(diagnose(active, observation, other, sessions, power), observed, wanted, answer)


def _start(context: Watch, state: PairState, active: Role, down: Verdict, since: float) -> str | None:
    request = Request(Action.FAILOVER, active.other, down.sentence[:400], "watch")
    table, now = _table(context), context.clock.time()
    copy = replication.fresh_enough(table.freshness, state, now, context.settings.oldest_copy_s)
    held = suppression(request, state, now, copy)
    if held is not None or state.lease is not None or not context.settings.starts:
        why = held.sentence if held else "a change is under way" if state.lease else "starting is switched off"
        logger.warning("not started", extra={"why": why, "because": down.sentence})
        # Those who began a maintenance know, and a change under way notifies of its own end; else operators are
        # notified, once for each outage.
        known = state.lease is not None or state.held or state.maintenance_until > now
        if held is not None and not known:
            _notify_held(context, held.sentence, state.epoch)
        return None
    # One name for each epoch and half minute: a doubled tick starts nothing twice, a failover that stood down can be
    # tried again. The lease is what keeps two from running at once.
    name = f"watch-epoch{state.epoch + 1}-{int(context.clock.time() // 30)}"
    body: dict[str, Any] = {"action": request.action, "target": request.target, "reason": request.reason}
    body |= {"requested_by": "watch", "first_failed_at": round(since, 3)}
    execution = step_functions.start(context.clients.stepfunctions(), context.settings.machine, name, body)
    logger.warning("failover started", extra={"because": down.sentence, "started": execution or name})
    return execution


def _notify_held(context: Watch, why: str, epoch: int) -> None:
    answer = _ask_pair(context, {"action": "hold", "sentence": why[:500], "requested_by": "watch", "epoch": epoch})
    message = answer.get("notification")
    if message is None:
        return
    try:
        context.clients.sns().publish(
            TopicArn=context.settings.topic,
            Subject=message["subject"],
            Message=message["message"],
            MessageAttributes=attributes(context.settings.pair.name, "held", "critical"),
        )
    except (BotoCoreError, ClientError) as error:
        logger.error("SNS publish failed", extra={"why": str(error)[:300], "what": why})


def _ask_pair(context: Watch, payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return lambda_invoke.ask(context.clients.functions(), context.settings.pair_function, payload)
    except FunctionFailed as error:
        logger.error("the record could not be kept", extra={"why": str(error)[:300]})
        return {}


def _publish(context: Watch, active: Role, diagnosis: Diagnosis) -> None:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="watch")
    metrics.add_dimension("Pair", context.settings.pair.name)
    healthy = 1 if diagnosis.finding is Finding.HEALTHY else 0
    metrics.add_metric("ActiveServerAnswers", MetricUnit.Count, healthy, MetricResolution.High)
    metrics.add_metadata("finding", diagnosis.finding.value)
    metrics.add_metadata("active", active.value)
    metrics.flush_metrics()


def _table(context: Watch) -> PairTable:
    return PairTable(context.clients.dynamodb(), context.settings.table, context.settings.pair.name)


def _watching(context: Watch) -> WatchTable:
    return WatchTable(context.clients.dynamodb(), context.settings.table, context.settings.pair.name)


def _pace(context: Watch) -> slots.Pace:
    return slots.Pace(context.settings.interval_s, context.settings.timeout_s, context.settings.threshold)


def _now_ms(context: Watch) -> int:
    return round(context.clock.time() * 1000)


def _ask(context: Watch, function: str, payload: Mapping[str, Any]) -> Verdict:
    return lambda_invoke.ask_verdict(context.clients.functions(), function, payload)


def _name_of(event: Event) -> str:
    """The queue's calls hold slots; the schedule's hold nothing that is read."""
    if event.get("action") == "rights":
        return "rights"
    if slot_queue.slots_in(event) is not None:
        return "slots"
    return "once" if event.get("once") else "tick"


ACTIONS: dict[str, HandlerAction[WatchSettings, Any]] = {
    "tick": without_request(_tick),
    "slots": HandlerAction(lambda event: slot_queue.slots_in(event) or [], _take_each),
    "once": without_request(_once),
    "rights": without_request(rights),
}
handler = Handler(logger, ACTIONS, Context(read(WatchSettings, os.environ), clients), name_of=_name_of)
