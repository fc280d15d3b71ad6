"""Sessions of Oracle, from GV$SESSION. Written to the documented shapes; never run against a live Oracle.

Oracle shows a client's name (`MACHINE`) and no address, and the name is what the client says it is, like PROGRAM and
OSUSER: it may show that a session is a server's, never that it is somebody else's. What the server itself says is
TYPE (its background processes) and the number and serial of our own session, which is left out by them.
A login under way has a process and no session yet; SQLNET.INBOUND_CONNECT_TIMEOUT ends it, which no view tells us.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import oracledb

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
from msfailover.observations import OUR_NAME, Listing, Session, SessionKind
from msfailover.verdict import Verdict, no, yes

GRANT = {
    "engine": "GRANT CREATE SESSION, ALTER SYSTEM and SELECT on SYS.GV_$SESSION and SYS.V_$DATABASE to the user of"
    " ms-failover",
    "rds": "GRANT CREATE SESSION, SELECT on SYS.GV_$SESSION and SYS.V_$DATABASE (rdsadmin_util.grant_sys_object) and"
    " EXECUTE on rdsadmin.rdsadmin_util to the user of ms-failover",
}
LIST = """
SELECT inst_id, sid, serial#, type, machine, username
  FROM gv$session
 WHERE NOT (sid = TO_NUMBER(SYS_CONTEXT('USERENV', 'SID'))
            AND inst_id = TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE')))
   AND ROWNUM <= :limit
"""
WRITER = "SELECT database_role, open_mode FROM v$database"
OWN = """
SELECT inst_id, sid, serial# FROM gv$session
 WHERE sid = TO_NUMBER(SYS_CONTEXT('USERENV', 'SID')) AND inst_id = TO_NUMBER(SYS_CONTEXT('USERENV', 'INSTANCE'))
"""
KILL_RDS = "BEGIN rdsadmin.rdsadmin_util.kill(sid => :sid, serial => :serial, method => 'IMMEDIATE'); END;"
SYSTEM_RIGHTS = "SELECT privilege FROM session_privs WHERE privilege = 'ALTER SYSTEM'"
RDS_RIGHTS = "SELECT COUNT(*) FROM all_procedures WHERE owner = 'RDSADMIN' AND object_name = 'RDSADMIN_UTIL'"
SEES = "SELECT COUNT(*) FROM gv$session WHERE ROWNUM <= 1"

_ID = re.compile(r"([0-9]{1,10}),([0-9]{1,10}),@([0-9]{1,4})")
_MARKED = 31  # will end as soon as what it is doing can be interrupted
_GONE = {26, 30}
_REFUSED = {1005, 1017, 1045, 28000, 28001}
_RIGHTS = {942, 1031, 6550, 41900}
_LOST = {28, 1012, 1033, 1034, 1089, 1092, 2396, 3113, 3114, 3135, 12541, 12514}
_SLOW = "DPY-4024"


class Oracle:
    """The engine for Oracle 12.1 and later by the driver's thin mode, Amazon RDS included."""

    def __init__(self, settings: DatabaseSettings, login: LoginSource) -> None:
        self._settings = settings
        self._kept: Addresses[Any] = Addresses(settings, login, self._connect, _close, apart=settings.tls == "off")

    def list_sessions(self) -> Listing:
        return self._kept.list(self._list, self._own_id)

    def terminate(self, session_ids: Sequence[str]) -> Termination:
        wanted = [_parse(each) for each in session_ids]
        return self._kept.run(lambda connection: self._end(connection, wanted)) if wanted else Termination(0, 0)

    def can_list_and_terminate(self) -> Verdict:
        return self._kept.run(self._rights)

    def close(self) -> None:
        self._kept.close()

    def _connect(self, login: Login, address: str) -> Any:
        host, port, service = where(self._settings, login, 1521 if self._settings.tls == "off" else 2484)
        context = ssl_context(self._settings)
        options: dict[str, Any] = {"protocol": "tcp", "host": address}
        if context is not None:
            # The driver compares the certificate with the host it connects to: so that has to be the name.
            options = {"protocol": "tcps", "host": host, "ssl_context": context, "ssl_server_dn_match": True}
        try:
            connection = oracledb.connect(
                user=login.username,
                password=login.password,
                port=port,
                service_name=service,
                tcp_connect_timeout=self._settings.connect_timeout_s,
                retry_count=0,
                program=OUR_NAME,
                machine=OUR_NAME,
                **options,
            )
            connection.call_timeout = round(self._settings.statement_timeout_s * 1000)
        except Exception as error:
            raise self._translated(error, login.username) from error
        return connection

    def _query(self, connection: Any, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except Exception as error:
            raise self._translated(error) from error

    def _list(self, connection: Any) -> Listing:
        limit = self._settings.row_limit
        # What it is before whom it lists: who is demoted in between is detected by the next read of a proof.
        try:
            not_writer = self._not_writer(connection)
        except RightsMissing:
            not_writer = "our user may not see what it is: SELECT on SYS.V_$DATABASE is to be granted."
        rows = self._query(connection, LIST, limit=limit + 1)
        gaps = () if len(rows) <= limit else (incomplete(limit),)
        return Listing(read_rows(_session, rows[:limit]), gaps, late_login_s=None, not_writer=not_writer)

    def _own_id(self, connection: Any) -> str:
        (instance, sid, serial), *_ = self._query(connection, OWN)
        return f"{int(sid)},{int(serial)},@{int(instance)}"

    def _not_writer(self, connection: Any) -> str:
        """Why the database is not the one that is written to; empty where it is."""
        rows = self._query(connection, WRITER)
        role, mode = (str(rows[0][0]), str(rows[0][1])) if rows else ("", "")
        if (role, mode) != ("PRIMARY", "READ WRITE"):
            return f"its role is {role or 'not told'} and it is open {mode or 'in no known mode'} (V$DATABASE)."
        return ""

    def _end(self, connection: Any, wanted: list[tuple[int, int, int]]) -> Termination:
        asked = 0
        refused: list[str] = []
        for each in wanted:
            try:
                asked += self._kill(connection, *each)
            except RightsMissing as problem:
                refused.append(problem.sentence)
        if refused:
            raise RightsMissing(f"{len(refused)} of {len(wanted)} sessions were not ended: {refused[0]}")
        return Termination(asked=asked, gone=len(wanted) - asked)

    def _kill(self, connection: Any, sid: int, serial: int, instance: int) -> int:
        try:
            with connection.cursor() as cursor:
                if self._settings.kill_with == "rds":
                    cursor.execute(KILL_RDS, {"sid": sid, "serial": serial})
                else:
                    # No bind variables in ALTER SYSTEM; these are whole numbers, checked by `_parse`.
                    cursor.execute(f"ALTER SYSTEM KILL SESSION '{sid},{serial},@{instance}' IMMEDIATE")
        except Exception as error:
            code = _code(error)
            if code in _GONE:
                return 0
            if code != _MARKED:
                raise self._translated(error) from error
        return 1

    def _rights(self, connection: Any) -> Verdict:
        kill_with = self._settings.kill_with
        lacking: list[str] = []
        try:
            if why := self._not_writer(connection):
                return not_the_writer(why)
        except RightsMissing:
            lacking.append("SELECT on SYS.V_$DATABASE")
        try:
            self._query(connection, SEES)
        except RightsMissing:
            lacking.append("SELECT on SYS.GV_$SESSION")
        if kill_with == "rds":
            (count,) = self._query(connection, RDS_RIGHTS)[0]
            lacking += [] if count else ["EXECUTE on rdsadmin.rdsadmin_util"]
        elif not self._query(connection, SYSTEM_RIGHTS):
            lacking.append("ALTER SYSTEM")
        if lacking:
            sentence = f"The database user lacks {' and '.join(lacking)}: {GRANT[kill_with]}."
            return no(sentence, lacking=lacking, kill_with=kill_with)
        return yes("The database user may list and end sessions.", lacking=[], kill_with=kill_with)

    def _translated(self, error: Exception, user: str = "") -> DatabaseProblem:
        if isinstance(error, DatabaseProblem):
            return error
        code, text = _code(error), str(error).partition("\n")[0]
        if code in _REFUSED:
            return LoginRefused(f"Oracle refuses the login of {user!r}: {text}.")
        if code in _RIGHTS:
            return RightsMissing(f"Oracle refuses: {text}. {GRANT[self._settings.kill_with]}.")
        lost = not _is_slow(error) and (not code or code in _LOST)
        return DatabaseUnreachable(
            f"The database did not answer: {text}. Nothing is known about its sessions.", lost=lost
        )


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (oracledb.Error, OSError):
        return  # It was dead already.


def _session(row: tuple[Any, ...]) -> Session:
    instance, sid, serial, kind, machine, user = row
    name = str(machine or "").replace("\x00", "").strip()
    session_id = f"{int(sid)},{int(serial)},@{int(instance)}"
    if kind == "BACKGROUND":
        return Session(session_id, SessionKind.BACKGROUND, user=user, local=True)
    # Job and parallel slaves are of type USER, with the database's own machine as theirs; any client can say that too.
    return Session(session_id, host_name=name or None, user=user)


def _parse(session_id: str) -> tuple[int, int, int]:
    found = _ID.fullmatch(session_id)
    if found is None:
        raise ValueError(f"{session_id[:40]!r} is not the id of an Oracle session")
    return int(found[1]), int(found[2]), int(found[3])


def _told(error: Exception) -> Any:
    return error.args[0] if isinstance(error, oracledb.Error) and error.args else None


def _code(error: Exception) -> int:
    return int(getattr(_told(error), "code", 0) or 0)


def _is_slow(error: Exception) -> bool:
    return str(getattr(_told(error), "full_code", "")) == _SLOW
