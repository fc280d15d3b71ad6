"""Sessions of PostgreSQL, from `pg_stat_activity` and, for logins under way, `pg_locks`.

Logins under way. Up to PostgreSQL 17 a connection is not in `pg_stat_activity` before its authentication is over.
Measured on 15.18: from the startup packet on, its process holds a lock on its own virtual transaction and is in
`pg_locks`, which shows no address; so a process that is only there is listed here as a login of hidden origin, which
makes the answer unknown until it is over. From version 18 on it is in `pg_stat_activity`, state `starting`. A login
under way can be ended by superusers only.

Before the startup packet (the TCP connection, TLS) no view shows it. Where we may read the host's TCP table
(tcp_table.py), it is listed from there, with its address, and nothing is missed. Elsewhere time must pass: the
server ends each of the two phases after `authentication_timeout`: measured with 4 s, a silent connection was closed
after 4.0 s, one that sent its startup packet at 3.7 s and then stayed silent after 7.7 s. So a list read later than
`authentication_timeout` after access was revoked misses nothing (`Listing.late_login_s`); a low one closes the gap.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Sequence
from typing import Any

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from msfailover.adapters.sessions.addresses import Addresses
from msfailover.adapters.sessions.interface import (
    DatabaseProblem,
    DatabaseUnreachable,
    Login,
    LoginRefused,
    LoginSource,
    RightsMissing,
    Termination,
    incomplete,
    not_the_writer,
    read_rows,
    ssl_context,
    where,
)
from msfailover.adapters.sessions.tcp_table import MAY_READ, READ, TcpTable, table_of
from msfailover.database import DatabaseSettings
from msfailover.observations import OUR_NAME, Listing, Session, SessionKind
from msfailover.verdict import Verdict, no, yes

GRANT = "GRANT pg_read_all_stats, pg_signal_backend TO the role that ms-failover logs in with"

_LOGINS = """
SELECT DISTINCT pid FROM pg_locks
 WHERE locktype = 'virtualxid' AND pid IS NOT NULL AND pid <> pg_backend_pid()
 LIMIT :limit
"""
# With each row what the server is at that moment: of a standby's sessions nobody needs to know who writes.
_LIST = """
SELECT pid, extract(epoch FROM backend_start)::numeric(20, 6)::text, usename::text, host(client_addr), client_port,
       backend_type, state, current_setting('authentication_timeout'),
       pg_is_in_recovery(), current_setting('transaction_read_only')
  FROM pg_stat_activity
 WHERE pid <> pg_backend_pid()
 LIMIT :limit
"""
_OWN = """
SELECT pid, extract(epoch FROM backend_start)::numeric(20, 6)::text FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
_ROUNDS = 3
_END = """
SELECT a.pid, pg_terminate_backend(a.pid)
  FROM pg_stat_activity AS a
  JOIN unnest(CAST(:pids AS int[]), CAST(:starts AS numeric[])) AS listed(pid, started)
    ON a.pid = listed.pid AND extract(epoch FROM a.backend_start)::numeric(20, 6) = listed.started
"""
_RIGHTS = """
SELECT pg_has_role('pg_read_all_stats', 'USAGE'), pg_has_role('pg_signal_backend', 'USAGE'),
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       (SELECT coalesce(string_agg(rolname, ', '), '') FROM
         (SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY rolname LIMIT 10) AS supers)
"""
_APPLIES = re.compile("logical replication (?!launcher)|pglogical apply")
"""Processes that apply another server's changes: PostgreSQL's own (before 16 "worker", then "apply worker" and others),
and pglogical's."""

_ID = re.compile(r"([0-9]{1,10})@([0-9]{1,13}\.[0-9]{6})")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class PostgreSQL:
    """The engine for PostgreSQL 13 and later, Amazon RDS and Aurora (each node by itself) included."""

    def __init__(self, settings: DatabaseSettings, login: LoginSource) -> None:
        self._settings = settings
        self._kept: Addresses[Connection] = Addresses(settings, login, self._connect, _close)

    def list_sessions(self) -> Listing:
        return self._kept.list(self._list, self._own_id)

    def terminate(self, session_ids: Sequence[str]) -> Termination:
        # What has only connected has no process number that we could name; the server ends it in its time.
        wanted = [_parse(each) for each in session_ids if not each.endswith("@tcp")]
        return self._kept.run(lambda connection: self._end(connection, wanted)) if wanted else Termination(0, 0)

    def can_list_and_terminate(self) -> Verdict:
        return self._kept.run(self._rights)

    def close(self) -> None:
        self._kept.close()

    def _connect(self, login: Login, address: str) -> Connection:
        host, port, database = where(self._settings, login, 5432)
        context = ssl_context(self._settings)
        try:
            # A socket of our own: connecting and answering have different limits.
            plain = socket.create_connection((address, port), self._settings.connect_timeout_s)
        except OSError as error:
            raise _unreachable(f"{host}:{port} ({address}) can't be connected to ({error})") from error
        try:
            # Twice the server's own limit at most: it cuts a statement itself, this is for when it does not answer.
            plain.settimeout(self._settings.statement_timeout_s + 1)
            return Connection(
                login.username,
                host=host,
                port=port,
                database=database or "postgres",
                password=login.password,
                sock=plain,
                ssl_context=context if context is not None else False,
                application_name=OUR_NAME,
                startup_params={"statement_timeout": str(round(self._settings.statement_timeout_s * 1000))},
            )
        except Exception as error:
            plain.close()
            raise _translated(error, login.username) from error

    def _run(self, connection: Connection, statement: str, **values: Any) -> list[list[Any]]:
        try:
            return connection.run(statement, **values) or []
        except Exception as error:
            raise _translated(error) from error

    def _list(self, connection: Connection) -> Listing:
        limit = self._settings.row_limit
        may_read = self._may_read_tcp(connection)
        for _ in range(_ROUNDS):
            table = self._tcp_table(connection) if may_read else None
            # Table and locks first: a process holds both until it is in the activity, so a login that ends in between
            # is found by the last statement. One that is not afterwards was ending; the next round tells.
            candidates = [row[0] for row in self._run(connection, _LOGINS, limit=limit + 1)]
            rows = self._run(connection, _LIST, limit=limit + 1)
            listed = {row[0] for row in rows}
            pending = [pid for pid in candidates if pid not in listed]
            silent = table.not_listed([(row[3], row[4]) for row in rows]) if table is not None else ()
            if not pending and not silent:
                break
        whole = len(rows) <= limit and len(candidates) <= limit
        return Listing(
            sessions=(*read_rows(_session, rows[:limit]), *(_login(pid) for pid in pending), *silent),
            gaps=() if whole else (incomplete(limit),),
            late_login_s=0.0 if table is not None else _seconds(rows[0][7]) if rows else None,
            not_writer=_not_writer(rows),
        )

    def _own_id(self, connection: Connection) -> str:
        (pid, started), *_ = self._run(connection, _OWN)
        return f"{pid}@{started}"

    def _may_read_tcp(self, connection: Connection) -> bool:
        return self._run(connection, MAY_READ) == [[True]]

    def _tcp_table(self, connection: Connection) -> TcpTable | None:
        """The host's TCP table, or None where it can't be had: then the list is what it is without."""
        limit = self._settings.row_limit
        try:
            return table_of(self._run(connection, READ, limit=limit + 1), limit)
        except DatabaseProblem as problem:
            if isinstance(problem, DatabaseUnreachable) and problem.lost:
                raise
            return None

    def _end(self, connection: Connection, wanted: list[tuple[int, str]]) -> Termination:
        try:
            return self._end_together(connection, wanted)
        except RightsMissing:
            # One that we may not end stops the statement before the rest; so each by itself.
            return self._end_one_by_one(connection, wanted)

    def _end_together(self, connection: Connection, wanted: list[tuple[int, str]]) -> Termination:
        pids, starts = [pid for pid, _ in wanted], [started for _, started in wanted]
        rows = self._run(connection, _END, pids=pids, starts=starts)
        asked = sum(1 for _, signalled in rows if signalled)
        return Termination(asked=asked, gone=len(wanted) - asked)

    def _end_one_by_one(self, connection: Connection, wanted: list[tuple[int, str]]) -> Termination:
        asked = gone = 0
        reasons: list[str] = []
        for each in wanted:
            try:
                done = self._end_together(connection, [each])
                asked, gone = asked + done.asked, gone + done.gone
            except RightsMissing as problem:
                reasons.append(problem.sentence)
        if reasons:
            raise RightsMissing(f"{len(reasons)} of {len(wanted)} sessions were not ended: {reasons[0]}")
        return Termination(asked, gone)

    def _rights(self, connection: Connection) -> Verdict:
        if why := _not_writer(self._run(connection, _LIST, limit=self._settings.row_limit)):
            return not_the_writer(why)
        (sees, ends, superuser, supers), *_ = self._run(connection, _RIGHTS)
        evidence = {"pg_read_all_stats": sees, "pg_signal_backend": ends, "superuser": superuser, "superusers": supers}
        lacking = [name for name, has in (("pg_read_all_stats", sees), ("pg_signal_backend", ends)) if not has]
        if lacking and not superuser:
            return no(f"The database role lacks {' and '.join(lacking)}: {GRANT}.", **evidence)
        limit = "" if superuser else f" Sessions of superusers ({supers or 'none'}) it can't end."
        sees_silent = self._may_read_tcp(connection) and self._tcp_table(connection) is not None
        evidence["connections_before_login"] = sees_silent
        silent = "sees" if sees_silent else "does not see, so a fence waits for them"
        return yes(
            f"The database role may list and end sessions.{limit} Connections before their login it {silent}.",
            **evidence,
        )


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except (InterfaceError, OSError, struct.error):
        return  # It was dead already.


def _session(row: list[Any]) -> Session:
    pid, started, user, address, port, backend, state, *_ = row
    if started is None:
        # What the role may not see is null, all of it: address, start, even what kind of process it is.
        return Session(id=f"{pid}@hidden", user=user, hidden=True)
    return Session(
        id=f"{pid}@{started}",
        kind=_kind(backend, state),
        address=address,
        user=user,
        local=address is None and port == -1,
    )


def _not_writer(rows: Sequence[Sequence[Any]]) -> str:
    """Why the server that listed these is not the writer; empty where it is.

    One that takes over another server's changes is not: who writes there does not write to the one it follows. So it is
    with the copy of a blue/green deployment, which is no standby and may be written to.
    """
    if not rows:
        return "it lists no process, not even its own."
    in_recovery, read_only = rows[0][8:10]
    applies = next((str(row[5]) for row in rows if _APPLIES.match(str(row[5] or ""))), "")
    if in_recovery is not False:
        return "it is a standby (pg_is_in_recovery)."
    if read_only != "off":
        return (
            "its transactions are read-only (default_transaction_read_only, of the server, the database or our role)."
        )
    if applies:
        return f"it applies another server's changes (a {applies})."
    return ""


def _login(pid: int) -> Session:
    return Session(id=f"{pid}@login", kind=SessionKind.LOGIN, hidden=True)


def _kind(backend: str | None, state: str | None) -> SessionKind:
    if backend == "walsender":
        return SessionKind.REPLICATION
    if backend == "client backend" or backend is None:
        return SessionKind.LOGIN if state == "starting" else SessionKind.CLIENT
    return SessionKind.BACKGROUND


def _parse(session_id: str) -> tuple[int, str]:
    found = _ID.fullmatch(session_id)
    if found is None:
        raise ValueError(f"{session_id[:40]!r} is not the id of a visible PostgreSQL session")
    return int(found[1]), found[2]


def _seconds(setting: str) -> float | None:
    found = re.fullmatch(r"([0-9]+)(ms|s|min|h|d)?", setting)
    return int(found[1]) * _UNITS[found[2] or "s"] if found else None


def _unreachable(what: str, *, lost: bool = False) -> DatabaseUnreachable:
    return DatabaseUnreachable(f"The database did not answer: {what}. Nothing is known about its sessions.", lost=lost)


def _translated(error: Exception, user: str = "") -> DatabaseProblem:
    if not isinstance(error, DatabaseError):
        cause = error.__cause__ or error
        return _unreachable(f"{type(cause).__name__}: {cause}", lost=True)
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code, message = str(told.get("C", "")), str(told.get("M", error))
    if code.startswith("28"):
        return LoginRefused(f"PostgreSQL refuses the login of {user!r}: {message}.")
    if code == "42501":
        return RightsMissing(
            f"PostgreSQL refuses: {message}. {GRANT}; sessions of superusers only a superuser can end."
        )
    if code == "57014":
        return _unreachable(f"the statement took longer than its limit ({message})")
    return _unreachable(f"{message} ({code})", lost=code.startswith(("57P", "08")))
