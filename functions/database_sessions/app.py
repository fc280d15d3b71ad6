"""`database_sessions`: who is connected to the database, and ending the sessions of a server that must be out.

Actions: status (has a server sessions? read several times in a row where asked), terminate, rights. It judges by
address, not by account: both servers use the same one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from msfailover import observing
from msfailover.adapters.database_login import LoginSettings, login_source
from msfailover.adapters.sessions import DatabaseProblem, DatabaseSettings, Engine, engine_for
from msfailover.environment import read
from msfailover.pair import Server
from msfailover.request import BadRequest, role_in
from msfailover.sessions import Finding, over_reads, sessions_of
from msfailover.settings import SessionsSettings
from msfailover.verdict import Verdict, unknown

SETTINGS = read(SessionsSettings, os.environ)
logger = observing.logger_for("database_sessions")

PAUSE_BETWEEN_READS_S = 0.1
READS_AT_MOST = 10


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observing.begin(logger, event)
    action = event.get("action")
    if action == "status":
        past_late_logins = event.get("past_late_logins") is True
        verdict = status(SETTINGS.pair.server(role_in(event)), _reads_in(event), past_late_logins)
    elif action == "terminate":
        verdict = terminate(SETTINGS.pair.server(role_in(event)))
    elif action == "rights":
        verdict = rights()
    else:
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of status, terminate, rights is needed.")
    logger.info(verdict.sentence, extra={"asked": action, "answer": verdict.answer})
    return verdict.to_json()


def status(server: Server, reads: int, past_late_logins: bool = False) -> Verdict:
    """Has the server sessions? *No* only when every read in a row saw none, and the origin of every session.

    Args:
        server: the server.
        reads: how many reads in a row.
        past_late_logins: for a proof. A connection that came through the door before it was shut can be invisible to
            the database until it has logged in; the reads are then spread until the database has given up on it, or
            for as long as the setting says, whichever is shorter.
    """
    findings: list[Finding] = []
    pause = PAUSE_BETWEEN_READS_S
    try:
        for count in range(reads):
            if count:
                time.sleep(pause)
            finding, late_login_s = _find(server)
            findings.append(finding)
            if past_late_logins and count == 0:
                pause = max(pause, _wait_for_late_logins(late_login_s) / max(1, reads - 1))
            if not finding.verdict.is_no:
                break
    except DatabaseProblem as problem:
        return unknown(f"Whether {server.role} has sessions is not known: {problem.sentence}")
    return over_reads(findings)


def _wait_for_late_logins(late_login_s: float | None) -> float:
    """Seconds to go on reading: what the database says it needs, or the setting where it says nothing or more."""
    if late_login_s is None:
        return SETTINGS.late_login_s
    if late_login_s > SETTINGS.late_login_s:
        logger.warning(
            "a login begun before the door was shut may still come after the last read: lower the database's limit",
            extra={"database_allows_s": late_login_s, "waited_s": SETTINGS.late_login_s},
        )
    return min(late_login_s, SETTINGS.late_login_s)


def terminate(server: Server) -> Verdict:
    """End every session of the server, and say whether any is left. An ended session can take a moment to go.

    Raises:
        DatabaseUnreachable, LoginRefused, RightsMissing: they could not be ended, or not all of them.
    """
    found, _ = _find(server)
    if found.ids:
        done = _engine().terminate(found.ids)
        logger.info("sessions ended", extra={"server": server.role, "asked": done.asked, "gone": done.gone})
    return _find(server)[0].verdict


def rights() -> Verdict:
    """Could sessions be listed and ended, if they had to be? Ends nothing."""
    try:
        return _engine().can_list_and_terminate()
    except DatabaseProblem as problem:
        return unknown(f"Whether sessions could be ended is not known: {problem.sentence}")


def _find(server: Server) -> tuple[Finding, float | None]:
    """The server's sessions, and for how long after a door was shut a login may still be under way unseen."""
    others = SETTINGS.pair.other(server.role).host_names + SETTINGS.known_hosts
    listing = _engine().list_sessions()
    return sessions_of(server, listing, others), listing.late_login_s


@cache
def _engine() -> Engine:
    database = DatabaseSettings(
        engine=SETTINGS.engine,
        host=SETTINGS.host,
        port=SETTINGS.port,
        database=SETTINGS.database,
        ca_file=SETTINGS.ca_file or None,
        tls=SETTINGS.tls,
        kill_with=SETTINGS.kill_with,
        connect_timeout_s=SETTINGS.connect_timeout_s,
        statement_timeout_s=SETTINGS.statement_timeout_s,
    )
    login = LoginSettings(secret_id=SETTINGS.secret, iam_user=SETTINGS.iam_user, host=SETTINGS.host, port=SETTINGS.port)
    return engine_for(database, login_source(login))


def _reads_in(event: Mapping[str, Any]) -> int:
    reads = event.get("reads", 1)
    if not isinstance(reads, int) or isinstance(reads, bool) or not 1 <= reads <= READS_AT_MOST:
        raise BadRequest(f"reads is {str(reads)[:20]!r}, but a whole number from 1 to {READS_AT_MOST} is needed.")
    return reads
