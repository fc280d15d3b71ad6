"""`replicate`: sends the replication to the active server, takes its result, and publishes how fresh the copy is.

Called by schedules, by two events (a command's end; software that was imported), by the workflow ("now", which waits
for the result), and by people (dry_run, verify). The result of a run comes by event *and* is asked for: the event is
best effort.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

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
from msfailover.runtime.polling import attempts
from msfailover.runtime.settings import ReplicateSettings
from msfailover.verdict import Verdict, no, unknown, yes

SETTINGS = read(ReplicateSettings, os.environ)
logger = observability.logger_for("replicate")

COMMAND_ENDED = "EC2 Command Status-change Notification"
SOFTWARE_IMPORTED = "Software Imported"
ACTIONS = "scheduled, now, dry_run, verify, accept_removal, status, rights"
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


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    action = _action_of(event)
    if action == "scheduled":
        verdict = scheduled(str(event.get("mode", "changes")))
    elif action == "collect":
        verdict = collect(event["detail"])
    elif action == "now":
        verdict = now(str(event.get("execution", "")))
    elif action == "imported":
        verdict = scheduled("changes", wanted=True)
    elif action == "accept_removal":
        verdict = accept_removal(str(event.get("confirm", "")))
    elif action == "dry_run":
        verdict = dry_run()
    elif action == "verify":
        verdict = verify()
    elif action == "status":
        verdict = status()
    elif action == "rights":
        verdict = rights()
    else:
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of {ACTIONS} is needed.")
    logger.info(verdict.sentence, extra={"asked": action, "answer": verdict.answer})
    return verdict.to_json()


def _action_of(event: Mapping[str, Any]) -> str:
    kind = event.get("detail-type")
    if kind == COMMAND_ENDED and isinstance(event.get("detail"), Mapping):
        return "collect"
    if kind == SOFTWARE_IMPORTED:
        return "imported"
    return str(event.get("action"))


def scheduled(mode: str, wanted: bool = False) -> Verdict:
    """Take the last run's result if it is there, and send the next run unless one is still going.

    Args:
        mode: changes or full.
        wanted: what made us send may have come too late for a run under way; another one follows that.
    """
    if mode not in ("changes", "full"):
        raise BadRequest(f"mode is {mode[:20]!r}, but one of changes, full is needed.")
    known = _ask_for_result(_known())
    verdict, order = replication.may_run(_table().read())
    if order is None:
        _publish(known)
        return verdict
    if replication.under_way(known, time.time(), SETTINGS.limit_s):
        if wanted:
            known = _change(lambda latest: replace(latest, wanted=not latest.ended))
        _publish(known)
        then = " Another one follows it." if known.wanted else ""
        return yes(f"The run sent {time.time() - known.sent_at:.0f} s ago still goes on; it is left alone.{then}")
    known = _send(order, mode)
    _publish(known)
    return yes(f"{verdict.sentence} (command {known.command})")


def now(execution: str) -> Verdict:
    """Replicate and wait for the whole set: the last copies of a switchover.

    A run that was sent before is no error: the host says that it is busy, and is asked again until that one has ended.

    Raises:
        NotReplicated: it did not become whole in time, or may not be done now.
        SourceLost: there is nobody any more who could carry it.
    """
    end = time.monotonic() + SETTINGS.limit_s
    result: dict[str, Any] = {}
    for _ in attempts(SETTINGS.limit_s, first_s=BUSY_PAUSE_S, most_s=BUSY_PAUSE_MOST_S):
        order, result = _carry(execution, max(0.0, end - time.monotonic()) + MARGIN_S)
        if result.get("outcome") != BUSY:
            break
    if result.get("complete") is not True:
        raise NotReplicated(f"The copy from {order.source} did not become whole: {result.get('reason')}")
    withheld = read_withheld(result)
    but = f", but the configuration is withheld: {withheld}" if withheld else ""
    return yes(
        f"The standby holds all of {order.source} as of this moment ({result.get('files')} files){but}.", **result
    )


def _carry(execution: str, wait_s: float) -> tuple[Order, dict[str, Any]]:
    """Send a run, wait for its result and keep it. Raises NotReplicated where it may not be sent, or has no result."""
    verdict, order = replication.may_run(_table().read(), execution)
    if order is None:
        raise NotReplicated(verdict.sentence)
    known = _send(order, "changes")
    try:
        server, whether_lost = SETTINGS.pair.server(order.source), partial(fallback.whether_lost, order.source, _put)
        told = run_command.result_while_there(clients.ssm(), server, known.command, wait_s, whether_lost)
    except (run_command.CommandFailed, run_command.CommandUnfinished) as error:
        raise NotReplicated(f"The copy from {order.source} did not become whole: {error}") from error
    result = replication.read_result(told)
    _take(known.command, result)
    return order, result


def _put(question: Question) -> Verdict:
    if question.function == "probe":
        return Probes(SETTINGS.probe_function, SETTINGS.second_probe, _table().read).ask_verdict(question.payload())
    function = {"server": SETTINGS.server_function}[question.function]
    return lambda_invoke.ask_verdict(clients.functions(), function, question.payload())


def collect(detail: Mapping[str, Any]) -> Verdict:
    """Take the result of the command that an event says has ended. Other documents' commands are not ours."""
    known, command = _known(), str(detail.get("command-id", ""))[:64]
    if not command or command != known.command:
        return no(f"Command {command or 'without an id'} is not the replication's last run.")
    known = _ask_for_result(known)
    _publish(known)
    if not known.ended:
        return unknown(f"{command} has not ended yet.")
    return scheduled("changes") if known.wanted else yes(f"The result of {command} was taken.")


def accept_removal(confirm: str) -> Verdict:
    """Carry what was removed on the active server, however much of it: a person has looked, and says so for this run.

    Args:
        confirm: the pair's name, typed.
    """
    if not replication.removal_accepted(confirm, SETTINGS.pair.name):
        raise BadRequest(f'confirm is {confirm[:40]!r}, but the pair\'s name is needed: "{SETTINGS.pair.name}".')
    known = _ask_for_result(_known())
    verdict, order = replication.may_run(_table().read())
    if order is None:
        return verdict
    if replication.under_way(known, time.time(), SETTINGS.limit_s):
        return no("A run is still under way; ask again when it has ended.")
    known = _send(order, "changes", MostRemovedPercent="100", MaxDelete=NAMES_AT_MOST)
    return yes(f"{verdict.sentence} What was removed is carried this once. (command {known.command})")


def dry_run() -> Verdict:
    """What has changed on the active server since the last whole set? Asks its host; the standby is not asked."""
    verdict, order = replication.may_run(_table().read())
    if order is None:
        return verdict
    command = _send_document(SETTINGS.document, order, {**_carried(), "DryRun": "yes"})
    result = _await(order, command, DRY_RUN_LIMIT_S)
    return yes(f"{result.get('reason')}.", names=result.get("names"), changed=result.get("changed"))


def verify() -> Verdict:
    """Do both hosts hold the same, by content? Waits for the comparison, publishes drift and keeps the result.

    Raises:
        NotVerified: it could not be made, or not be finished.
    """
    verdict, order = replication.may_run(_table().read())
    if order is None:
        return verdict
    config = "" if SETTINGS.config_path == "none" else SETTINGS.config_path
    paths = " ".join(filter(None, (SETTINGS.software_paths if SETTINGS.software else "", config)))
    command = _send_document(SETTINGS.verify_document, order, {"Paths": paths, "LimitSeconds": str(SETTINGS.limit_s)})
    result = _await(order, command, SETTINGS.limit_s + MARGIN_S)
    _change(lambda latest: replace(latest, deep=result))
    metrics = _metrics()
    metrics.add_metric("ReplicationDrift", MetricUnit.Count, int(result.get("drifted") or 0))
    metrics.flush_metrics()
    found = yes if result.get("identical") is True else no
    if found is no:
        logger.warning("the standby's files differ", extra={"drift": result.get("drift")})
    return found(f"{result.get('files')} files compared by content: {result.get('reason')}.", **result)


def _await(order: Order, command: str, wait_s: float) -> dict[str, Any]:
    try:
        return run_command.result(clients.ssm(), SETTINGS.pair.server(order.source), command, wait_s)
    except (run_command.CommandFailed, run_command.CommandUnfinished) as error:
        raise NotVerified(f"{order.source} could not be asked: {error}") from error


def status() -> Verdict:
    """Is the standby's copy fresh enough to be promoted with? Readiness asks often, and so keeps the metric alive."""
    known = _known()
    if known.as_of:
        metrics = _metrics()
        metrics.add_metric("ReplicationAge", MetricUnit.Seconds, _age(known))
        metrics.flush_metrics()
    return replication.is_fresh(known, _table().read(), time.time(), SETTINGS.oldest_s)


def rights() -> Verdict:
    """May the replication be sent to both servers? Tried dry: the order lacks what it needs, so nothing is sent."""
    return permission_checks.try_all(
        {
            f"ssm:SendCommand of {name} to {role}": partial(
                run_command.try_to_send, clients.ssm(), SETTINGS.pair.server(role), document
            )
            for name, document in (("replicate", SETTINGS.document), ("verify", SETTINGS.verify_document))
            for role in Role
        },
        "InvalidParameters",
    )


def _send(order: Order, mode: str, **accepted: str) -> Freshness:
    bounds = {"LimitSeconds": str(SETTINGS.limit_s), "MostRemovedPercent": str(SETTINGS.most_removed_percent)}
    parameters = {**_carried(), **bounds, "Mode": mode, **accepted}
    before = time.time()  # the run may begin before the answer to our order is here
    command = _send_document(SETTINGS.document, order, parameters)
    return _change(lambda latest: replication.sent(latest, command, order, before))


def _carried() -> dict[str, str]:
    return {
        "SoftwarePaths": SETTINGS.software_paths,
        "ReplicateSoftware": "yes" if SETTINGS.software else "no",
        "ConfigPath": SETTINGS.config_path,
    }


def _send_document(document: str, order: Order, parameters: Mapping[str, str]) -> str:
    """Send a document to the active server. It is told the epoch, and refuses the order in any other."""
    source, target = SETTINGS.pair.server(order.source), SETTINGS.pair.other(order.source)
    told = {"Epoch": str(order.epoch), "StandbyAddress": target.address, **parameters}
    return run_command.send(clients.ssm(), source, document, told)


def _ask_for_result(known: Freshness) -> Freshness:
    if known.ended or not known.command:
        return known
    server = SETTINGS.pair.server(Role(known.server))
    try:
        result = replication.read_result(run_command.result(clients.ssm(), server, known.command, 0))
    except run_command.CommandUnfinished:
        return known
    except run_command.CommandFailed as error:
        result = {"complete": False, "reason": str(error)[:500]}
    except (ClientError, BotoCoreError) as error:
        logger.warning("the result could not be asked for", extra={"why": str(error)[:300]})
        return known
    return _take(known.command, result)


def _take(command: str, result: Mapping[str, Any]) -> Freshness:
    known = _change(lambda latest: replication.arrived(latest, command, result, time.time()))
    if result.get("complete") is not True:
        logger.warning("replication not complete", extra={"result": dict(result)})
    return known


def _publish(known: Freshness) -> None:
    """How old the copy is. What the last run came to is in what is kept of it."""
    if known.as_of:
        metrics = _metrics()
        metrics.add_metric("ReplicationAge", MetricUnit.Seconds, _age(known))
        metrics.flush_metrics()


def _age(known: Freshness) -> float:
    return max(0.0, time.time() - known.as_of)


def _metrics() -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="replicate")
    metrics.add_dimension("Pair", SETTINGS.pair.name)
    return metrics


def _change(alter: Callable[[Freshness], Freshness]) -> Freshness:
    """Write what became known, onto what is known now: an event and the schedule may come at once."""
    return _table().change_freshness(alter)


def _known() -> Freshness:
    return _table().freshness()


def _table() -> PairTable:
    return PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)
