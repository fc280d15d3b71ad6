"""`database_sessions`: who is connected to the database, and ending the sessions of a server that must be out.

Actions: status (has a server sessions? read several times in a row where asked), addresses (where does the database's
name lead to?), terminate (by an order of `pair`, which has just read the record; it is good for seconds), rights. It
judges by address, not by account: both servers use the same one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from msfailover.adapters import database_host
from msfailover.adapters.database_login import login_source
from msfailover.adapters.sessions import DatabaseProblem, Engine, engine_for
from msfailover.decisions.attribution import Finding, Names, over_reads, sessions_of
from msfailover.observations import OUR_NAME, parse_network
from msfailover.pair import Role, Server
from msfailover.request import BadRequest, role_in
from msfailover.runtime import observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.runtime.settings import SessionsSettings
from msfailover.verdict import Verdict, unknown, yes

logger = observability.logger_for("database_sessions")

PAUSE_BETWEEN_READS_S = 0.02
READS_AT_MOST = 10
PAUSE_BETWEEN_ROUNDS_S = 0.02
ROUNDS_AT_MOST = 5
ORDER_LASTS_AT_MOST_S = 20.0
"""An order that claims to be good for longer than this is refused: nobody has read the record for it."""


class OrderTooLate(Exception):
    """An order to end sessions came without a time, or after it; the record may say otherwise by now. It ended none."""


Sessions = Context[SessionsSettings]


@dataclass(frozen=True)
class About:
    """A request about one server; `more` are addresses that whoever asks knows of it, beside those configured."""

    role: Role
    more: tuple[str, ...]
    reads: int = 1
    proof: bool = False
    not_after: object = None

    def server(self, settings: SessionsSettings) -> Server:
        server = settings.pair.server(self.role)
        return replace(server, addresses=tuple(dict.fromkeys((*server.addresses, *self.more))))


def addresses(context: Sessions) -> Verdict:
    """Where does the database's name lead to now, as seen from inside the VPC? The database itself is not asked."""
    host, found = context.settings.host, list(_leads_to(context))
    if not found:
        return unknown(f"Where {host} leads to is not known: no address of it could be read.")
    return yes(f"{host} leads to {', '.join(found)}.", database_addresses=found)


def status(context: Sessions, asked: About) -> Verdict:
    """As `sessions_seen`, with `database_addresses` in its evidence: where the database's name leads to, and every
    address that the list was read from. The name may have been moved since the one, and between two reads."""
    leads_to = _leads_to(context)
    seen = sessions_seen(context, asked.server(context.settings), asked.reads, asked.proof)
    return seen.having(database_addresses=list(dict.fromkeys((*leads_to, *seen.evidence.get("read_from", ())))))


def sessions_seen(context: Sessions, server: Server, reads: int, proof: bool) -> Verdict:
    """Has the server sessions? *No* only when every read in a row saw none, and the origin of every session.

    Args:
        server: the server.
        reads: how many reads in a row.
        proof: whether nothing may come any more, its access being revoked. Then connections that have not logged in
            count too, and they and logins under way are waited for until they have ended, for as long as the setting
            says at most. The reads are spread over the time that EC2 may take until the changed rule is in effect
            (RevokeSecurityGroupIngress: "a small delay might occur"), and over the time in which the database may hold
            connections that it shows nobody.
    """
    pause = PAUSE_BETWEEN_READS_S
    try:
        if proof:
            finding, late_login_s = _without_logins(context, server)
            spread_s = max(context.settings.access_settles_s, _unseen_for(context.settings.late_login_s, late_login_s))
            pause = max(pause, spread_s / max(1, reads - 1))
        else:
            finding, _ = _find(context, server)
        findings = [finding]
        while findings[-1].verdict.is_no and len(findings) < reads:
            context.clock.sleep(pause)
            findings.append(_find(context, server, proof=proof)[0])
    except DatabaseProblem as problem:
        return unknown(f"Whether {server.role} has sessions is not known: {problem.sentence}")
    return over_reads(findings)


def _without_logins(context: Sessions, server: Server) -> tuple[Finding, float | None]:
    """As `_find`, when what has connected and not logged in has ended, or its time is over: nobody can end it."""
    for _ in context.attempts(context.settings.late_login_s):
        found = _find(context, server, proof=True)
        if not found[0].logins_only:
            break
    return found


def _unseen_for(most_s: float, late_login_s: float | None) -> float:
    """Seconds to go on reading: what the database says it needs, or the setting where it says nothing or more."""
    if late_login_s is None:
        return most_s
    if late_login_s > most_s:
        logger.warning(
            "a login begun before access was revoked may still come after the last read: lower the database's limit",
            extra={"database_allows_s": late_login_s, "waited_s": most_s},
        )
    return min(late_login_s, most_s)


def terminate(context: Sessions, order: About) -> Verdict:
    """End every session of the server, and say whether any is left.

    An ended session can take a moment to go, and a login that was under way becomes a session that can be ended only
    when it is through: so it is done again, a few times within `ROUNDS_AT_MOST * PAUSE_BETWEEN_ROUNDS_S`.

    Args:
        order: `not_after` is until when (seconds since 1970) it is good. This function reads no record: whoever sends
            it has read that (`pair.end_sessions`), and what was so then may be otherwise soon after.

    Raises:
        OrderTooLate: the order's time is over, or it has none; from there on nothing is ended.
        DatabaseUnreachable, LoginRefused, RightsMissing: they could not be ended, or not all of them.
    """
    server = order.server(context.settings)
    for _ in range(ROUNDS_AT_MOST):
        found, _ = _find(context, server, proof=True)
        _demand_in_time(context.clock.time(), server, order.not_after)
        if not found.ids:
            return found.verdict
        done = _engine(context).terminate(found.ids)
        logger.info("sessions ended", extra={"server": server.role, "asked": done.asked, "gone": done.gone})
        context.clock.sleep(PAUSE_BETWEEN_ROUNDS_S)
    return _find(context, server)[0].verdict


def rights(context: Sessions) -> Verdict:
    """Could sessions be listed and ended, if they had to be? Ends nothing."""
    try:
        return _engine(context).can_list_and_terminate()
    except DatabaseProblem as problem:
        return unknown(f"Whether sessions could be ended is not known: {problem.sentence}")


def _find(context: Sessions, server: Server, *, proof: bool = False) -> tuple[Finding, float | None]:
    """The server's sessions, and for how long after access was revoked a login may still be under way unseen.

    Args:
        proof: whether it is to prove that nothing of the server is left and nothing can come.
    """
    settings = context.settings
    known = (*settings.pair.other(server.role).host_names, OUR_NAME)
    listing = _engine(context).list_sessions()
    found = sessions_of(server, listing, Names(vouched=settings.known_clients, known=known), proof=proof)
    return found, listing.late_login_s


def _demand_in_time(now: float, server: Server, not_after: object) -> None:
    at = float(not_after) if isinstance(not_after, int | float) and not isinstance(not_after, bool) else 0.0
    if now <= at <= now + ORDER_LASTS_AT_MOST_S and at > 0:
        return
    raise OrderTooLate(
        f"No session of {server.role} was ended: the order is good until {str(not_after)[:40]}, and it is {now:.0f};"
        " ask `pair` to end_sessions, which reads the record first."
    )


def _leads_to(context: Sessions) -> tuple[str, ...]:
    """Where the database's name leads to now. A connection that is kept from before it led elsewhere is let go."""
    found, led_to = database_host.addresses(context.settings.host), context.once("led_to", list[tuple[str, ...]])
    if led_to and led_to[-1] != found:
        _engine(context).close()
    led_to[:] = [found]
    return found


def _engine(context: Sessions) -> Engine:
    settings = context.settings
    return context.once("engine", lambda: engine_for(settings, login_source(settings)))


def _about_in(event: Event) -> About:
    role, more = role_in(event), event.get("addresses", [])
    if not isinstance(more, list) or not all(isinstance(each, str) and parse_network(each) for each in more):
        raise BadRequest(f"addresses is {str(more)[:60]!r}, but a list of addresses and networks is needed.")
    return About(role, tuple(more), proof=event.get("proof") is True, not_after=event.get("not_after"))


def _reads_in(event: Event) -> int:
    reads = event.get("reads", 1)
    if not isinstance(reads, int) or isinstance(reads, bool) or not 1 <= reads <= READS_AT_MOST:
        raise BadRequest(f"reads is {str(reads)[:20]!r}, but a whole number from 1 to {READS_AT_MOST} is needed.")
    return reads


ACTIONS: dict[str, Action[SessionsSettings, Any]] = {
    "status": Action(lambda event: replace(_about_in(event), reads=_reads_in(event)), status),
    "addresses": without_request(addresses),
    "terminate": Action(_about_in, terminate),
    "rights": without_request(rights),
}
handler = Handler(logger, ACTIONS, Context(read(SessionsSettings, os.environ)))
