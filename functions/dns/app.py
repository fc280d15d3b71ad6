"""`dns`: the one record that agents go by.

Actions: status (where does it point?), move (compare-and-swap), rights (may we move it? tried dry).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from msfailover import observing
from msfailover.adapters import aws, dry, route53
from msfailover.environment import read
from msfailover.pair import Server
from msfailover.request import BadRequest, role_in
from msfailover.settings import DnsSettings
from msfailover.verdict import Verdict, no, yes

SETTINGS = read(DnsSettings, os.environ)
logger = observing.logger_for("dns")

SWAPS_AT_MOST = 3


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observing.begin(logger, event)
    action = event.get("action")
    if action == "status":
        verdict = status(SETTINGS.pair.server(role_in(event)))
    elif action == "move":
        verdict = move(SETTINGS.pair.server(role_in(event)))
    elif action == "rights":
        verdict = rights()
    else:
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of status, move, rights is needed.")
    logger.info(verdict.sentence, extra={"asked": action, "answer": verdict.answer})
    return verdict.to_json()


def status(server: Server) -> Verdict:
    """Does the record, as Route 53 holds it, point to the server?"""
    found = route53.read(aws.route53(), SETTINGS.zone, SETTINGS.record_name, _kind(server))
    values = found.values if found else ()
    word = yes if found == _wanted(server, found) else no
    return word(
        f"{SETTINGS.record_name} points to {', '.join(values) or 'nothing'}.",
        values=list(values),
        ttl_s=found.ttl_s if found else None,
    )


def rights() -> Verdict:
    """May we move the record? Tried with a batch that can't be."""
    client = aws.route53()
    return dry.try_all(
        {
            "route53:ChangeResourceRecordSets": lambda: route53.try_to_swap(
                client, SETTINGS.zone, SETTINGS.record_name, SETTINGS.ttl_s
            ),
        },
        "InvalidChangeBatch",
    )


def move(server: Server) -> Verdict:
    """Point the record to the server. Whoever moved it in between is looked at again, not overwritten blindly.

    Raises:
        RecordMovedUnderneath: others moved it each time.
        StrangeRecord: it is not a simple record set.
    """
    for last in (False,) * (SWAPS_AT_MOST - 1) + (True,):
        found = route53.read(aws.route53(), SETTINGS.zone, SETTINGS.record_name, _kind(server))
        wanted = _wanted(server, found)
        if found == wanted:
            return yes(f"{SETTINGS.record_name} points to {server.role} already ({server.address}).")
        try:
            change = route53.swap(aws.route53(), SETTINGS.zone, found, wanted, f"ms-failover: {server.role} is active")
        except route53.RecordMovedUnderneath:
            if last:
                raise
            continue
        before = ", ".join(found.values) if found else "nothing"
        return yes(
            f"{SETTINGS.record_name} was moved from {before} to {server.role} ({server.address}).", change=change
        )
    raise AssertionError("unreachable: the last swap either returns or raises")


def _wanted(server: Server, found: route53.RecordSet | None) -> route53.RecordSet:
    name = found.name if found else SETTINGS.record_name
    return route53.RecordSet(name, _kind(server), SETTINGS.ttl_s, (server.address,))


def _kind(server: Server) -> str:
    return "AAAA" if ":" in server.address else "A"
