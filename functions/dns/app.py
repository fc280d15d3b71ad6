"""`dns`: the one record that agents go by.

Actions: status (where does it point?), update_record (compare-and-swap; only to the target of the change under way, or
to the active server), follow_record (wait until the name servers have a change; asked by an event, best effort), rights
(may we update it? tried dry).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msfailover.adapters import clients, permission_checks, route53
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import fence
from msfailover.pair import Role, Server
from msfailover.request import epoch_in, line_in, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.runtime.settings import DnsSettings
from msfailover.verdict import Verdict, no, yes

logger = observability.logger_for("dns")

SWAPS_AT_MOST = 3

FOLLOW_S = 90.0
"""Seconds within which all name servers should have a change: Route 53 says that it is generally within 60."""


class NotInSync(Exception):
    """Route 53 did not confirm in time that all of its name servers have a change."""


@dataclass(frozen=True)
class Update:
    """To whom the record is to point, by the order of which epoch."""

    role: Role
    epoch: int


def status(context: Context[DnsSettings], role: Role) -> Verdict:
    """Does the record, as Route 53 holds it, point to the server?"""
    settings, server = context.settings, context.settings.pair.server(role)
    found = route53.read(context.clients.route53(), settings.zone, settings.record_name, server.record_type)
    values = found.values if found else ()
    word = yes if found == _wanted(settings, server, found) else no
    return word(
        f"{settings.record_name} points to {', '.join(values) or 'nothing'}.",
        values=list(values),
        ttl_s=found.ttl_s if found else None,
    )


def follow_record(context: Context[DnsSettings], change: str) -> Verdict:
    """Wait until all of Route 53's name servers have a change, and publish how long that took.

    Beside the path: a promotion is decided on the record as Route 53 holds it, and waits for no name server.

    Args:
        change: as Route 53 calls it; empty where the record was right already.

    Raises:
        NotInSync: they do not have it when the time is over. The stack's operators are notified (OnFailure).
    """
    if not change:
        return yes("The record was right already: there is no change to follow.")
    for _ in context.attempts(FOLLOW_S, first_s=1.0, most_s=5.0):
        try:
            found = route53.change_of(context.clients.route53(), change)
        except (BotoCoreError, ClientError) as error:  # a read that failed has shown nothing; there are more
            logger.warning("the change could not be asked for", extra={"change": change, "why": str(error)[:300]})
            continue
        if not found.in_sync:
            continue
        took_s = max(0.0, context.clock.time() - found.submitted_at)
        _publish(context.settings.pair.name, took_s)
        return yes(f"All of Route 53's name servers have {change}, {took_s:.0f} s after it was accepted.")
    raise NotInSync(
        f"Route 53's name servers do not all have {change} within {FOLLOW_S:g} s; the record itself is right."
    )


def _publish(pair: str, took_s: float) -> None:
    metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="dns")
    metrics.add_dimension("Pair", pair)
    metrics.add_metric("RecordInSyncAfter", MetricUnit.Seconds, took_s)
    metrics.flush_metrics()


def rights(context: Context[DnsSettings]) -> Verdict:
    """May we update the record? Tried with a batch that can't be."""
    client, settings = context.clients.route53(), context.settings
    return permission_checks.try_all(
        {
            "route53:ChangeResourceRecordSets": lambda: route53.try_to_swap(
                client, settings.zone, settings.record_name, settings.ttl_s
            ),
        },
        "InvalidChangeBatch",
    )


def update_record(context: Context[DnsSettings], update: Update) -> Verdict:
    """Point the record to the server. If somebody changed it in between it is read again, not overwritten blindly.

    The pair's record is asked after Route 53 was, each time: whoever takes the change over meanwhile updates the record
    himself, and then this swap no longer finds what it has read. A swap that got no answer is not sent again by the
    client: moved there and back, the record would read as it did.

    Raises:
        NoReceipt: the server is neither the target of a change whose fence is proven, nor active, in that epoch.
        RecordMovedUnderneath: others moved it each time.
        StrangeRecord: it is not a simple record set.
    """
    settings, client = context.settings, context.clients.route53()
    server = settings.pair.server(update.role)
    for last in (False,) * (SWAPS_AT_MOST - 1) + (True,):
        found = route53.read(client, settings.zone, settings.record_name, server.record_type)
        fence.demand_name(PairTable.of(context).read(), server.role, update.epoch)
        wanted = _wanted(settings, server, found)
        if found == wanted:
            return yes(f"{settings.record_name} points to {server.role} already ({server.address}).")
        try:
            change = route53.swap(
                context.clients.route53_once(), settings.zone, found, wanted, f"ms-failover: {server.role} is active"
            )
        except (route53.RecordMovedUnderneath, ClientError, BotoCoreError) as error:
            if last or (isinstance(error, ClientError | BotoCoreError) and not clients.may_pass(error)):
                raise
            continue
        before = ", ".join(found.values) if found else "nothing"
        return yes(
            f"{settings.record_name} was moved from {before} to {server.role} ({server.address}).", change=change
        )
    raise AssertionError("unreachable: the last swap either returns or raises")


def _wanted(settings: DnsSettings, server: Server, found: route53.RecordSet | None) -> route53.RecordSet:
    name = found.name if found else settings.record_name
    return route53.RecordSet(name, server.record_type, settings.ttl_s, (server.address,))


def _change_in(event: Event) -> str:
    return "" if event.get("change") == "" else line_in(event, "change")


ACTIONS: dict[str, Action[DnsSettings, Any]] = {
    "status": Action(role_in, status),
    "update_record": Action(lambda event: Update(role_in(event), epoch_in(event)), update_record),
    "follow_record": Action(_change_in, follow_record),
    "rights": without_request(rights),
}
handler = Handler(logger, ACTIONS, Context(read(DnsSettings, os.environ), clients))
