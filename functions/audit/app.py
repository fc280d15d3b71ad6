"""`audit`: are the invariants true right now? Scheduled each minute, and independent of every workflow.

It reads the record, access groups, sessions and the DNS record, and judges (decisions/audit.py). A server
that must be out is put out by itself: its access is revoked and its sessions are ended, unless AUDIT_ACTS
says no. Its service is told to stop, too: as long as it is seen to run, or its host has not confirmed that it does not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from msfailover.adapters import best_effort, clients, event_bus, lambda_invoke, signing_key
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.chain import ChainHead
from msfailover.decisions import announcements, audit, database_path, services
from msfailover.decisions.audit import Act, Finding, Judged, Kind, Seen
from msfailover.pair import PairState, Role
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.runtime.settings import AuditSettings
from msfailover.signatures import Signature
from msfailover.verdict import Verdict, unknown

logger = observability.logger_for("audit")
Audit = Context[AuditSettings]

SERVICES = (Finding.TWO_SERVICES, Finding.ACTIVE_WITHOUT_DATABASE)
"""What has a metric and an alarm of its own, and is unknown where a host is silent, which is no news each minute."""

LINES_AT_MOST = 100
"""Lines of the history that are written from one run to the next at most."""

READS_AT_MOST = 3
"""A record that changes while the audit reads makes what was read worthless; so it reads again."""


def check(context: Audit) -> dict[str, Any]:
    """Read, judge and publish; then put out and stop whoever must be, and tell what is new."""
    state, judged = observe(context)
    risk = audit.split_brain_risk(judged) if state else unknown("The record changed each time the audit read it.")
    for each in judged:
        if not each.verdict.is_no:
            logger.warning(each.verdict.sentence, extra={"finding": each.finding, "answer": each.verdict.answer})
    publish(context, state, risk, judged)  # before anything is done: what is done can take longer than this call may
    done = [act(context, state, each) for each in _acts(context, state, judged)] if state else []
    if state:
        best_effort.result_of(lambda: announce(context, state, judged), None, "events for machines", logger)
    if state and context.settings.signing_key:
        best_effort.result_of(lambda: _sign(context, state.chain), None, "a signature of the history", logger)
    findings = {each.finding.value: each.verdict.to_json() for each in judged}
    return {"risk": risk.to_json(), "findings": findings, "done": done}


def observe(context: Audit) -> tuple[PairState | None, tuple[Judged, ...]]:
    """Read everything, and judge it. No state where the record never stood still meanwhile."""
    table = PairTable.of(context)
    before = table.read()
    for _ in range(READS_AT_MOST):
        seen, record, runs, reach, holder = _see(context, before)
        after = table.read()
        if after.version == before.version:
            _keep_path(context, after, seen)
            active = seen[after.active or Role.MS1]
            return after, (
                *audit.judge(after, context.settings.pair, seen, record),
                *services.judge(after, runs, active.sessions, reach),
                *audit.not_recorded(after, holder),
            )
        before = after
    return None, ()


def _acts(context: Audit, state: PairState, judged: tuple[Judged, ...]) -> list[Act]:
    if not context.settings.acts:
        return []
    confirmed = (services.may_be_stopped(state), services.epoch_of(state)) in _stopped(context)
    return [*audit.acts(state, judged), *services.acts(state, judged, confirmed)]


def act(context: Audit, state: PairState, wanted: Act) -> dict[str, str]:
    """Do one thing against a server that must be out, if the record still says so; returns what came of it."""
    settings, what = context.settings, {"act": wanted.kind.value, "server": wanted.server.value}
    if PairTable.of(context).read().version != state.version:
        return {**what, "sentence": "It was left undone: the record has changed."}
    function = {
        Kind.KEEP_OUT: settings.access_function,
        Kind.END_SESSIONS: settings.pair_function,
        Kind.STOP_AGAIN: settings.server_function,
    }[wanted.kind]
    epoch = services.epoch_of(state)
    whole = {"every": True} if wanted.kind is Kind.END_SESSIONS else {}
    answer = _ask(context, function, {"action": wanted.kind, "server": wanted.server, "epoch": epoch, **whole})
    if wanted.kind is Kind.STOP_AGAIN:
        stopped = _stopped(context)
        stopped.clear()
        stopped.update({(wanted.server, epoch)} if answer.is_yes else ())
    logger.warning(answer.sentence, extra={"acted": wanted.kind, "server": wanted.server, "answer": answer.answer})
    return {**what, "sentence": answer.sentence}


def announce(context: Audit, state: PairState, judged: tuple[Judged, ...]) -> None:
    """Put on the event bus what is new since the last time: lines of the history, and findings that have changed.

    At least once: what could not be put, or not be noted as put, comes again a minute later.
    """
    settings, table, last = context.settings, PairTable.of(context), state.chain.number
    known = table.announced()
    found = [*announcements.found_by_audit(judged), *announcements.found_by_readiness(table.readiness())]
    # The first time, and where the chain begins anew, there is nothing to count from: what was before is no news.
    after = min(int(known.get("number", last)), last)
    lines = table.history(LINES_AT_MOST) if last > after else []
    names, before = (settings.pair.name, settings.stack), known.get("findings", {})
    events = announcements.of_lines(*names, lines, after, last)
    events += announcements.of_findings(*names, found, before, context.clock.time())
    event_bus.put(context.clients.events(), [(each.kind, each.detail) for each in events])
    now = {**before, **{each.key: each.state for each in found}}
    if events or (last, now) != (known.get("number"), before):
        table.put_announced(last, now)


def _sign(context: Audit, head: ChainHead) -> None:
    """Sign the history's last line, and with it all before, if that was not done yet. Best effort."""
    settings, table = context.settings, PairTable.of(context)
    signed = context.once("signed", set[int])  # the numbers of lines; a process that has none reads the table
    if not head.number or head.number in signed or table.is_signed(head.number):
        return
    unsigned = Signature(settings.pair.name, head.number, head.digest, round(context.clock.time(), 3))
    table.put_signature(signing_key.sign(context.clients.kms(), settings.signing_key, unsigned), head.expires_at)
    signed.add(head.number)
    logger.info("the history is signed", extra={"number": head.number, "digest": head.digest})


def publish(context: Audit, state: PairState | None, risk: Verdict, judged: tuple[Judged, ...]) -> None:
    """Publish the risk as it was found, before anything was done about it: operators are notified all the same.

    What the record says goes with it, for the dashboard.
    """
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="audit")
    metrics.add_dimension("Pair", context.settings.pair.name)
    wrong = {each.finding for each in judged if each.verdict.is_yes}
    askew = any(each.verdict.is_yes and not each.is_risk and each.finding not in SERVICES for each in judged)
    seen_whole = all(e.verdict.is_yes or e.verdict.is_no for e in judged if e.finding not in SERVICES)
    blind = not (risk.is_yes or risk.is_no) or not seen_whole
    metrics.add_metric("SplitBrainRisk", MetricUnit.Count, 1 if risk.is_yes else 0)
    metrics.add_metric("AuditUnknown", MetricUnit.Count, 1 if blind else 0)
    metrics.add_metric("NotAsRecorded", MetricUnit.Count, 1 if askew else 0)
    metrics.add_metric("TwoServices", MetricUnit.Count, 1 if Finding.TWO_SERVICES in wrong else 0)
    metrics.add_metric("WithoutDatabase", MetricUnit.Count, 1 if Finding.ACTIVE_WITHOUT_DATABASE in wrong else 0)
    for name, value in _recorded(state, context.clock.time()).items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.flush_metrics()


def _recorded(state: PairState | None, now: float) -> dict[str, int]:
    """The record in numbers; none where it never stood still, or nobody is active yet."""
    if state is None or state.active is None:
        return {}
    found = {
        "ActiveServer": 1 if state.active is Role.MS1 else 2,
        "ChangeUnderWay": 1 if state.lease else 0,
        "Halted": 1 if state.halted else 0,
    }
    # Sent only while they are so: a metric costs by the hour, and alarms count the hours.
    open_ended = {
        "ModeNotAutomatic": state.mode != "automatic",
        "InMaintenance": state.maintenance_until > now,
        "Unacknowledged": not state.acknowledged,
    }
    return found | {name: 1 for name, is_so in open_ended.items() if is_so}


def _keep_path(context: Audit, state: PairState, seen: Mapping[Role, Seen]) -> None:
    """Have `pair` keep that the active server's sessions are seen as its own, once in an epoch: proofs rest on it.

    And have them read again where they are not listed any more: the path may be another one by now.
    """
    if state.active is None or state.lease is not None:
        return
    sessions = seen[state.active].sessions
    lost = database_path.is_absent(sessions) and database_path.list_is_believed(state).is_yes
    if lost or database_path.record(state, state.epoch, database_path.seen_by(sessions)) != state:
        told = _ask(context, context.settings.pair_function, {"action": "see_path"})
        logger.info(told.sentence, extra={"asked": "see_path", "answer": told.answer})


def _see(context: Audit, state: PairState) -> tuple[dict[Role, Seen], Verdict, dict[Role, Verdict], Verdict, Verdict]:
    """Access and sessions of both, where the DNS record points, whose service runs, the active one's database, and
    whether a change that holds the lease still runs."""
    settings, ask = context.settings, partial(_ask, context)
    questions = [(settings.access_function, {"action": "status", "server": role}) for role in Role]
    questions += [(settings.sessions_function, {"action": "status", "server": role}) for role in Role]
    with context.threads(max_workers=len(questions) + 4) as threads:
        asked = [threads.submit(ask, *question) for question in questions]
        # Of which server it is asked is all the same: where the record points stands in the evidence.
        record = threads.submit(ask, settings.dns_function, {"action": "status", "server": Role.MS1})
        runs = threads.submit(_runs, context, state)
        reaches = {"action": "reaches", "server": state.active}
        reach = threads.submit(ask, settings.server_function, reaches) if state.active else None
        left = audit.is_left(state)
        holder = threads.submit(ask, settings.pair_function, {"action": "holder_runs"}) if left else None
        access_groups, sessions = asked[: len(Role)], asked[len(Role) :]
        seen = {
            role: audit.seen_of(state, access_groups[at].result(), sessions[at].result(), settings.path_is_direct)
            for at, role in enumerate(Role)
        }
        nobody = unknown("Nobody is active.")
        held = holder.result() if holder else unknown("No change holds the lease.")
        return seen, record.result(), runs.result(), reach.result() if reach else nobody, held


def _runs(context: Audit, state: PairState) -> dict[Role, Verdict]:
    """Whose service runs, as the probe sees it?"""
    probes = Probes(context.settings.probe_function, context.settings.second_probe, lambda: state)
    try:
        found = probes.ask({"action": "probe"})
    except FunctionFailed as error:
        return {role: unknown(f"Whose service runs can't be seen: {error}") for role in Role}
    signals = {role: found.get(role.value) for role in Role}
    return {role: services.seen(role, each if isinstance(each, Mapping) else {}) for role, each in signals.items()}


def _stopped(context: Audit) -> set[tuple[Role | None, int]]:
    """The server whose host has confirmed that its service is stopped, and the epoch. Only a memory: a process that has
    forgotten asks again, and a service that is seen to run is stopped whatever was confirmed before."""
    return context.once("stopped", set[tuple[Role | None, int]])


def _ask(context: Audit, function: str, payload: Mapping[str, Any]) -> Verdict:
    return lambda_invoke.ask_verdict(context.clients.functions(), function, payload)


def _name_of(_event: Event) -> object:
    """There is one thing to do, whatever the event holds."""
    return "check"


def _log(logger: Logger, _event: Event, answer: Mapping[str, Any]) -> None:
    risk = answer["risk"]
    logger.info(risk["sentence"], extra={"risk": risk["answer"], "done": answer["done"]})


ACTIONS: dict[str, Action[AuditSettings, None]] = {"check": without_request(check)}
handler = Handler(logger, ACTIONS, Context(read(AuditSettings, os.environ), clients), _log, _name_of)
