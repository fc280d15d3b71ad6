"""`replicate`: sends the replication to the active server, takes its result, and publishes how fresh the copy is.

Called by schedules, by two events (a command's end; software that was imported), by the workflow ("now", which waits
for the result), and by people (dry_run, verify). The result of a run comes by event *and* is asked for: the event is
best effort.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, lambda_invoke, permission_checks, run_command
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.decisions import fallback, replication
from msfailover.decisions.replication import Order
from msfailover.freshness import BUSY, Freshness
from msfailover.history import read_withheld
from msfailover.pair import Role
from msfailover.questions import Question
from msfailover.request import BadRequest
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.runtime.settings import ReplicateSettings
from msfailover.verdict import Verdict, no, unknown, yes

logger = observability.logger_for("replicate")
Replicate = Context[ReplicateSettings]

COMMAND_ENDED = "EC2 Command Status-change Notification"
SOFTWARE_IMPORTED = "Software Imported"
MARGIN_S = 10
DRY_RUN_LIMIT_S = 60
BUSY_PAUSE_S = 1.0
BUSY_PAUSE_MOST_S = 5.0
NAMES_AT_MOST = "999999999"
"""More than any directory holds: what a person accepts to be deleted on the standby."""


class NotReplicated(Exception):
    """The workflow asked for a copy now, and it did not become whole; the standby keeps its last complete set."""


class NotVerified(Exception):
    """The two copies could not be compared by content; nothing is known of drift."""


@dataclass(frozen=True)
class Run:
    """A run that is to be sent.

    Args:
        mode: changes or full.
        wanted: what made us send may have come too late for a run under way; another one follows that.
    """

    mode: str
    wanted: bool = False


def scheduled(context: Replicate, run: Run) -> Verdict:
    """Take the last run's result if it is there, and send the next run unless one is still going."""
    table, clock = PairTable.of(context), context.clock
    known = _ask_for_result(context, table.freshness())
    verdict, order = replication.may_run(table.read())
    if order is None:
        _publish(context, known)
        return verdict
    if replication.under_way(known, clock.time(), context.settings.limit_s):
        if run.wanted:
            # Onto what is known now, as all that is kept: an event and the schedule may come at once.
            known = table.change_freshness(lambda latest: replace(latest, wanted=not latest.ended))
        _publish(context, known)
        then = " Another one follows it." if known.wanted else ""
        return yes(f"The run sent {clock.time() - known.sent_at:.0f} s ago still goes on; it is left alone.{then}")
    known = _send(context, order, run.mode)
    _publish(context, known)
    return yes(f"{verdict.sentence} (command {known.command})")


def now(context: Replicate, execution: str) -> Verdict:
    """Replicate and wait for the whole set: the last copies of a switchover.

    A run that was sent before is no error: the host says that it is busy, and is asked again until that one has ended.

    Raises:
        NotReplicated: it did not become whole in time, or may not be done now.
        SourceLost: there is nobody any more who could carry it.
    """
    limit_s, clock = context.settings.limit_s, context.clock
    end = clock.monotonic() + limit_s
    result: dict[str, Any] = {}
    for _ in context.attempts(limit_s, first_s=BUSY_PAUSE_S, most_s=BUSY_PAUSE_MOST_S):
        order, result = _carry(context, execution, max(0.0, end - clock.monotonic()) + MARGIN_S)
        if result.get("outcome") != BUSY:
            break
    if result.get("complete") is not True:
        raise NotReplicated(f"The copy from {order.source} did not become whole: {result.get('reason')}")
    withheld = read_withheld(result)
    but = f", but the configuration is withheld: {withheld}" if withheld else ""
    return yes(
        f"The standby holds all of {order.source} as of this moment ({result.get('files')} files){but}.", **result
    )


def _carry(context: Replicate, execution: str, wait_s: float) -> tuple[Order, dict[str, Any]]:
    """Send a run, wait for its result and keep it. Raises NotReplicated where it may not be sent, or has no result."""
    verdict, order = replication.may_run(PairTable.of(context).read(), execution)
    if order is None:
        raise NotReplicated(verdict.sentence)
    known = _send(context, order, "changes")
    server = context.settings.pair.server(order.source)
    whether_lost = partial(fallback.whether_lost, order.source, partial(_put, context))
    try:
        told = run_command.result_while_there(context.clients.ssm(), server, known.command, wait_s, whether_lost)
    except (run_command.CommandFailed, run_command.CommandUnfinished) as error:
        raise NotReplicated(f"The copy from {order.source} did not become whole: {error}") from error
    result = replication.read_result(told)
    _take(context, known.command, result)
    return order, result


def _put(context: Replicate, question: Question) -> Verdict:
    settings = context.settings
    if question.function == "probe":
        probes = Probes(settings.probe_function, settings.second_probe, PairTable.of(context).read)
        return probes.ask_verdict(question.payload())
    function = {"server": settings.server_function}[question.function]
    return lambda_invoke.ask_verdict(context.clients.functions(), function, question.payload())


def collect(context: Replicate, command: str) -> Verdict:
    """Take the result of the command that an event says has ended. Other documents' commands are not ours."""
    known = PairTable.of(context).freshness()
    if not command or command != known.command:
        return no(f"Command {command or 'without an id'} is not the replication's last run.")
    known = _ask_for_result(context, known)
    _publish(context, known)
    if not known.ended:
        return unknown(f"{command} has not ended yet.")
    return scheduled(context, Run("changes")) if known.wanted else yes(f"The result of {command} was taken.")


def accept_removal(context: Replicate, confirm: str) -> Verdict:
    """Carry what was removed on the active server, however much of it: a person has looked, and says so for this run.

    Args:
        confirm: the pair's name, typed.
    """
    table, pair = PairTable.of(context), context.settings.pair.name
    if not replication.removal_accepted(confirm, pair):
        raise BadRequest(f'confirm is {confirm[:40]!r}, but the pair\'s name is needed: "{pair}".')
    known = _ask_for_result(context, table.freshness())
    verdict, order = replication.may_run(table.read())
    if order is None:
        return verdict
    if replication.under_way(known, context.clock.time(), context.settings.limit_s):
        return no("A run is still under way; ask again when it has ended.")
    known = _send(context, order, "changes", MostRemovedPercent="100", MaxDelete=NAMES_AT_MOST)
    return yes(f"{verdict.sentence} What was removed is carried this once. (command {known.command})")


def dry_run(context: Replicate) -> Verdict:
    """What has changed on the active server since the last whole set? Asks its host; the standby is not asked."""
    verdict, order = replication.may_run(PairTable.of(context).read())
    if order is None:
        return verdict
    parameters = {**_carried(context.settings), "DryRun": "yes"}
    command = _send_document(context, context.settings.document, order, parameters)
    result = _await(context, order, command, DRY_RUN_LIMIT_S)
    return yes(f"{result.get('reason')}.", names=result.get("names"), changed=result.get("changed"))


def verify(context: Replicate) -> Verdict:
    """Do both hosts hold the same, by content? Waits for the comparison, publishes drift and keeps the result.

    Raises:
        NotVerified: it could not be made, or not be finished.
    """
    settings, table = context.settings, PairTable.of(context)
    verdict, order = replication.may_run(table.read())
    if order is None:
        return verdict
    config = "" if settings.config_path == "none" else settings.config_path
    paths = " ".join(filter(None, (settings.software_paths if settings.software else "", config)))
    parameters = {"Paths": paths, "LimitSeconds": str(settings.limit_s)}
    command = _send_document(context, settings.verify_document, order, parameters)
    result = _await(context, order, command, settings.limit_s + MARGIN_S)
    table.change_freshness(lambda latest: replace(latest, deep=result))
    metrics = _metrics(context)
    metrics.add_metric("ReplicationDrift", MetricUnit.Count, int(result.get("drifted") or 0))
    metrics.flush_metrics()
    found = yes if result.get("identical") is True else no
    if found is no:
        logger.warning("the standby's files differ", extra={"drift": result.get("drift")})
    return found(f"{result.get('files')} files compared by content: {result.get('reason')}.", **result)


def _await(context: Replicate, order: Order, command: str, wait_s: float) -> dict[str, Any]:
    server = context.settings.pair.server(order.source)
    try:
        return run_command.result(context.clients.ssm(), server, command, wait_s)
    except (run_command.CommandFailed, run_command.CommandUnfinished) as error:
        raise NotVerified(f"{order.source} could not be asked: {error}") from error


def status(context: Replicate) -> Verdict:
    """Is the standby's copy fresh enough to be promoted with? Readiness asks often, and so keeps the metric alive."""
    table = PairTable.of(context)
    known = table.freshness()
    _publish(context, known)
    return replication.is_fresh(known, table.read(), context.clock.time(), context.settings.oldest_s)


def rights(context: Replicate) -> Verdict:
    """May the replication be sent to both servers? Tried dry: the order lacks what it needs, so nothing is sent."""
    settings = context.settings
    return permission_checks.try_all(
        {
            f"ssm:SendCommand of {name} to {role}": partial(
                run_command.try_to_send, context.clients.ssm(), settings.pair.server(role), document
            )
            for name, document in (("replicate", settings.document), ("verify", settings.verify_document))
            for role in Role
        },
        "InvalidParameters",
    )


def _send(context: Replicate, order: Order, mode: str, **accepted: str) -> Freshness:
    settings = context.settings
    bounds = {"LimitSeconds": str(settings.limit_s), "MostRemovedPercent": str(settings.most_removed_percent)}
    parameters = {**_carried(settings), **bounds, "Mode": mode, **accepted}
    before = context.clock.time()  # the run may begin before the answer to our order is here
    command = _send_document(context, settings.document, order, parameters)
    return PairTable.of(context).change_freshness(lambda latest: replication.sent(latest, command, order, before))


def _carried(settings: ReplicateSettings) -> dict[str, str]:
    return {
        "SoftwarePaths": settings.software_paths,
        "ReplicateSoftware": "yes" if settings.software else "no",
        "ConfigPath": settings.config_path,
    }


def _send_document(context: Replicate, document: str, order: Order, parameters: Mapping[str, str]) -> str:
    """Send a document to the active server. It is told the epoch, and refuses the order in any other."""
    pair = context.settings.pair
    source, target = pair.server(order.source), pair.other(order.source)
    told = {"Epoch": str(order.epoch), "StandbyAddress": target.address, **parameters}
    return run_command.send(context.clients.ssm(), source, document, told)


def _ask_for_result(context: Replicate, known: Freshness) -> Freshness:
    if known.ended or not known.command:
        return known
    server = context.settings.pair.server(Role(known.server))
    try:
        result = replication.read_result(run_command.result(context.clients.ssm(), server, known.command, 0))
    except run_command.CommandUnfinished:
        return known
    except run_command.CommandFailed as error:
        result = {"complete": False, "reason": str(error)[:500]}
    except (ClientError, BotoCoreError) as error:
        logger.warning("the result could not be asked for", extra={"why": str(error)[:300]})
        return known
    return _take(context, known.command, result)


def _take(context: Replicate, command: str, result: Mapping[str, Any]) -> Freshness:
    known = PairTable.of(context).change_freshness(
        lambda latest: replication.arrived(latest, command, result, context.clock.time())
    )
    if result.get("complete") is not True:
        logger.warning("replication not complete", extra={"result": dict(result)})
    return known


def _publish(context: Replicate, known: Freshness) -> None:
    """How old the copy is. What the last run came to is in what is kept of it."""
    if known.as_of:
        metrics = _metrics(context)
        age_s = max(0.0, context.clock.time() - known.as_of)
        metrics.add_metric("ReplicationAge", MetricUnit.Seconds, age_s)
        metrics.flush_metrics()


def _metrics(context: Replicate) -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="replicate")
    metrics.add_dimension("Pair", context.settings.pair.name)
    return metrics


def _name_of(event: Event) -> object:
    """An event of EventBridge names no action."""
    kind = event.get("detail-type")
    if kind == COMMAND_ENDED and isinstance(event.get("detail"), Mapping):
        return "collect"
    return "imported" if kind == SOFTWARE_IMPORTED else event.get("action")


def _run_in(event: Event) -> Run:
    mode = str(event.get("mode", "changes"))
    if mode not in ("changes", "full"):
        raise BadRequest(f"mode is {mode[:20]!r}, but one of changes, full is needed.")
    return Run(mode)


def _command_in(event: Event) -> str:
    """The command of an event that says that one has ended; empty where it names none."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise BadRequest(f"detail is {str(detail)[:40]!r}, but the event of a command's end is needed.")
    return str(detail.get("command-id", ""))[:64]


def _log(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    logger.info(answer["sentence"], extra={"asked": _name_of(event), "answer": answer["answer"]})


ACTIONS: dict[str, Action[ReplicateSettings, Any]] = {
    "scheduled": Action(_run_in, scheduled),
    "now": Action(lambda event: str(event.get("execution", "")), now),
    "dry_run": without_request(dry_run),
    "verify": without_request(verify),
    "accept_removal": Action(lambda event: str(event.get("confirm", "")), accept_removal),
    "status": without_request(status),
    "rights": without_request(rights),
    "collect": Action(_command_in, collect, named=False),
    "imported": Action(lambda _event: Run("changes", wanted=True), scheduled, named=False),
}
handler = Handler(logger, ACTIONS, Context(read(ReplicateSettings, os.environ), clients), _log, _name_of)
