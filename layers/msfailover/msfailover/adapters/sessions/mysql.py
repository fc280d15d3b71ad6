"""Sessions of MySQL and MariaDB, from the process list.

Logins under way are in the list from the TCP connection on, as `unauthenticated user` with an address (measured on
MariaDB 10.11), and can be ended like any other; so no session appears out of nothing after access was revoked. That
holds with a thread for each connection; with a pool of threads it is listed when one of them comes to it, so then the
engine does not say how long a login may be unseen.
Without the PROCESS privilege the list holds only our own user's sessions and does not say so: checked each time. So is
that the list shows our own connection, and that the performance schema, where it makes the list, has lost nobody.
With `proxy_protocol_networks` a proxy on those networks says whose address a connection has (MariaDB, "Proxy Protocol
Support"): it is no address that packets come from.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

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
from msfailover.database import DatabaseSettings
from msfailover.observations import OUR_NAME, Listing, Session, SessionKind, parse_address
from msfailover.verdict import Verdict, no, yes

GRANT = {
    "engine": "GRANT PROCESS ON *.* and CONNECTION_ADMIN (MySQL 8) or CONNECTION ADMIN (MariaDB) ON *.*",
    "rds": "GRANT PROCESS ON *.* and GRANT EXECUTE ON PROCEDURE mysql.rds_kill",
}
_ID = re.compile(r"([0-9]{1,20})@([0-9A-Za-z_.:%-]{1,300})")
_REFUSED = {1044, 1045, 1130, 1698, 2059, 3118}
_RIGHTS = {1095, 1142, 1227, 1305, 1370, 1410}
_LOST = {0, 1053, 1079, 1927, 2006, 2013, 2014, 2055}
_NO_SUCH_SESSION = 1094

_READ_ONLY = ("read_only", "super_read_only", "innodb_read_only", "transaction_read_only", "tx_read_only")
_OF_THE_LIST = ("proxy_protocol_networks", "thread_handling", "performance_schema_show_processlist")
_SETTINGS = f"SHOW GLOBAL VARIABLES WHERE Variable_name IN {(*_READ_ONLY, *_OF_THE_LIST)}"
_LOST_THREADS = "SHOW GLOBAL STATUS LIKE 'Performance_schema_thread_instances_lost'"
_A_THREAD_EACH = ("ONE-THREAD-PER-CONNECTION", "NO-THREADS")

Connection = pymysql.connections.Connection


class MySQL:
    """The engine for MySQL 5.7 and later and MariaDB 10.5 and later, Amazon RDS and Aurora (each node) included."""

    def __init__(self, settings: DatabaseSettings, login: LoginSource) -> None:
        self._settings = settings
        self._kept: Addresses[Connection[Any]] = Addresses(settings, login, self._connect, _close)

    def list_sessions(self) -> Listing:
        return self._kept.list(self._list, self._own_id)

    def terminate(self, session_ids: Sequence[str]) -> Termination:
        wanted = [_parse(each) for each in session_ids]
        return self._kept.run(lambda connection: self._end(connection, wanted)) if wanted else Termination(0, 0)

    def can_list_and_terminate(self) -> Verdict:
        return self._kept.run(self._rights)

    def close(self) -> None:
        self._kept.close()

    def _connect(self, login: Login, address: str) -> Connection[Any]:
        host, port, database = where(self._settings, login, 3306)
        context = ssl_context(self._settings)
        limit = self._settings.statement_timeout_s + 1
        options: dict[str, Any] = {"ssl_disabled": True} if context is None else {"ssl": context}
        try:
            connection = pymysql.connect(
                # The name is what the certificate is for; the address is where we connect.
                defer_connect=True,
                host=host,
                port=port,
                user=login.username,
                # As bytes: the driver's own encoding is Latin-1, and its complaint would show a part of the password.
                password=login.password.encode(),
                database=database or None,
                connect_timeout=max(1, round(self._settings.connect_timeout_s)),
                read_timeout=limit,
                write_timeout=limit,
                program_name=OUR_NAME,
                autocommit=True,
                **options,
            )
            plain = socket.create_connection((address, port), self._settings.connect_timeout_s)
        except Exception as error:
            raise self._translated(error, login.username) from error
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(plain)
        except Exception as error:
            plain.close()
            raise self._translated(error, login.username) from error
        return connection

    def _list(self, connection: Connection[Any]) -> Listing:
        # What it is before whom it lists: who is demoted in between is detected by the next read of a proof.
        settings = self._settings_of(connection)
        rows, whole = self._read(connection)
        gaps = [] if whole else [incomplete(self._settings.row_limit)]
        ours = connection.thread_id()  # type: ignore[no-untyped-call]
        if whole and ours not in {row[0] for row in rows}:
            gaps.append("The list does not show our own connection, so it may lack others.")
        if settings.get("performance_schema_show_processlist") == "ON" and self._lost_threads(connection):
            gaps.append("The performance schema makes the list, and says that it has lost threads.")
        if not self._may_see_all(connection):
            gaps.append(
                "The database role lacks PROCESS, so sessions of other users are not in the list: "
                f"{GRANT[self._settings.kill_with]}."
            )
        return Listing(
            read_rows(_session, (row for row in rows if row[0] != ours)),
            tuple(gaps),
            late_login_s=0.0 if settings.get("thread_handling") in _A_THREAD_EACH else None,
            not_writer=_not_writer(settings, rows),
            announced=_announced(settings.get("proxy_protocol_networks", "")),
        )

    def _settings_of(self, connection: Connection[Any]) -> dict[str, str]:
        """What the server says of itself: the variables' values, upper case."""
        return {str(name).lower(): str(value).upper() for name, value in self._query(connection, _SETTINGS)}

    def _lost_threads(self, connection: Connection[Any]) -> bool:
        """Whether it may: anything but a plain zero is more than nobody."""
        return [str(value) for _, value in self._query(connection, _LOST_THREADS)] != ["0"]

    def _own_id(self, connection: Connection[Any]) -> str:
        rows, _ = self._read(connection)
        own = next((row for row in rows if row[0] == connection.thread_id()), None)  # type: ignore[no-untyped-call]
        if own is None:
            raise _unreachable("our own connection is not among the sessions it lists")
        return read_rows(_session, [own])[0].id

    def _read(self, connection: Connection[Any]) -> tuple[list[tuple[Any, ...]], bool]:
        """The process list, and whether that is all of it. `SHOW` has no limit of its own, so rows come one by one."""
        limit = self._settings.row_limit
        try:
            with connection.cursor(SSCursor) as cursor:
                cursor.execute("SHOW PROCESSLIST")
                rows = list(cursor.fetchmany(limit + 1))
        except Exception as error:
            raise self._translated(error) from error
        return rows[:limit], len(rows) <= limit

    def _query(self, connection: Connection[Any], statement: str) -> list[tuple[Any, ...]]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        except Exception as error:
            raise self._translated(error) from error

    def _grants(self, connection: Connection[Any]) -> list[str]:
        """Grants that hold now, upper case. MariaDB's hold the password's hash: never to be shown or logged."""
        return [str(row[0]).upper() for row in self._query(connection, "SHOW GRANTS")]

    def _may_see_all(self, connection: Connection[Any]) -> bool:
        return _has(self._grants(connection), "PROCESS")

    def _end(self, connection: Connection[Any], wanted: list[tuple[int, str]]) -> Termination:
        # The number together with the client's address and port: after a restart of the database numbers begin anew.
        rows, _ = self._read(connection)
        there = {(int(row[0]), str(row[2])) for row in rows}
        asked = 0
        refused: list[str] = []
        for number, host in wanted:
            if (number, host) not in there:
                continue
            try:
                asked += self._kill(connection, number)
            except RightsMissing as problem:
                refused.append(problem.sentence)
        if refused:
            raise RightsMissing(f"{len(refused)} of {len(wanted)} sessions were not ended: {refused[0]}")
        return Termination(asked=asked, gone=len(wanted) - asked)

    def _kill(self, connection: Connection[Any], number: int) -> int:
        statement = f"CALL mysql.rds_kill({number})" if self._settings.kill_with == "rds" else f"KILL {number}"
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except Exception as error:
            if _code(error) == _NO_SUCH_SESSION:
                return 0
            raise self._translated(error) from error
        return 1

    def _rights(self, connection: Connection[Any]) -> Verdict:
        if why := _not_writer(self._settings_of(connection), self._read(connection)[0]):
            return not_the_writer(why)
        grants = self._grants(connection)
        lacking = [] if _has(grants, "PROCESS") else ["PROCESS"]
        if self._settings.kill_with == "rds":
            ends = _has(grants, "EXECUTE") or any(
                "EXECUTE" in each and re.search(r"PROCEDURE `?MYSQL`?\.(`?RDS_KILL`?|\*) ", each) for each in grants
            )
            lacking += [] if ends else ["EXECUTE on mysql.rds_kill"]
        elif not any(_has(grants, name) for name in ("CONNECTION_ADMIN", "CONNECTION ADMIN", "SUPER")):
            lacking.append("CONNECTION_ADMIN")
        evidence = {"lacking": lacking, "kill_with": self._settings.kill_with}
        if lacking:
            sentence = f"The database role lacks {' and '.join(lacking)}: {GRANT[self._settings.kill_with]}."
            return no(sentence, **evidence)
        return yes(
            "The database role may list and end sessions (on MySQL 8 not those of users with SYSTEM_USER).", **evidence
        )

    def _translated(self, error: Exception, user: str = "") -> DatabaseProblem:
        if isinstance(error, DatabaseProblem):
            return error
        code = _code(error)
        if code is None:
            return _unreachable(f"{type(error).__name__}: {error}", lost=True)
        message = str(error.args[1]) if len(error.args) > 1 else type(error).__name__
        if code in _REFUSED:
            return LoginRefused(f"The database refuses the login of {user!r}: {message}.")
        if code in _RIGHTS:
            return RightsMissing(f"The database refuses: {message}. {GRANT[self._settings.kill_with]}.")
        return _unreachable(f"{message} ({code})", lost=code in _LOST)


def _close(connection: Connection[Any]) -> None:
    try:
        connection.close()
    except (pymysql.MySQLError, OSError):
        return  # It was dead already.


def _announced(networks: str) -> str:
    """Why addresses in the list may be announced by a proxy; empty where the server believes none."""
    if not networks.strip():
        return ""
    return f"the server takes a client's address from proxies (proxy_protocol_networks is {networks.lower()[:100]})."


def _not_writer(settings: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> str:
    """Why the server with these settings and processes is not the writer; empty where it is.

    A server that takes over another one's changes is not: who writes there does not write to the one it follows.
    """
    if "read_only" not in settings:
        return "it does not say whether it is read-only."
    on = sorted(name for name in _READ_ONLY if settings.get(name, "OFF") not in ("OFF", "0"))
    if on:
        return f"it is read-only ({', '.join(on)})."
    applies = [str(row[4]) for row in rows if str(row[1] or "") == "system user" and str(row[4] or "") != "Daemon"]
    if applies:
        return f"it applies another server's changes (a thread of {applies[0]!r})."
    return ""


def _session(row: tuple[Any, ...]) -> Session:
    number, user, host, command = int(row[0]), str(row[1] or ""), str(row[2] or ""), str(row[4] or "")
    session_id = f"{number}@{host}"
    name, colon, port = host.rpartition(":")
    from_network = bool(colon) and port.isdigit()
    if not from_network and user in ("system user", "event_scheduler"):
        # Only with no client behind it: an account may bear such a name.
        return Session(session_id, SessionKind.BACKGROUND, user=user, local=True)
    kind = _kind(user, command)
    if host == "localhost" or (from_network and name == "localhost"):
        return Session(session_id, kind, user=user, local=True)
    origin = name if from_network else host
    if origin in ("", "connecting host"):
        return Session(session_id, kind, user=user, hidden=True)
    if parse_address(origin) is not None:
        return Session(session_id, kind, address=origin, user=user)
    # The name came from reverse resolution by the database: whoever keeps that zone chose it.
    return Session(session_id, kind, host_name=origin, user=user)


def _kind(user: str, command: str) -> SessionKind:
    if user == "unauthenticated user":
        return SessionKind.LOGIN
    return SessionKind.REPLICATION if command.startswith("Binlog Dump") else SessionKind.CLIENT


def _parse(session_id: str) -> tuple[int, str]:
    found = _ID.fullmatch(session_id)
    if found is None:
        raise ValueError(f"{session_id[:40]!r} is not the id of a visible MySQL session")
    return int(found[1]), found[2]


def _has(grants: list[str], privilege: str) -> bool:
    """Whether one of the grants on everything holds the privilege."""
    for grant in grants:
        found = re.match(r"GRANT (.*?) ON \*\.\* TO ", grant)
        if found and {"ALL PRIVILEGES", privilege} & {each.strip() for each in found[1].split(",")}:
            return True
    return False


def _code(error: Exception) -> int | None:
    if isinstance(error, pymysql.MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


def _unreachable(what: str, *, lost: bool = False) -> DatabaseUnreachable:
    return DatabaseUnreachable(f"The database did not answer: {what}. Nothing is known about its sessions.", lost=lost)
