"""An Oracle that answers like the documentation says: rows of GV$SESSION, errors by number. No live one was recorded.

It understands the statements that the adapter sends and nothing else, so that a changed statement fails a test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import oracledb
from msfailover.adapters.sessions import DatabaseSettings, oracle

from tests.adapters.sessions.databases import PASSWORD, Database

SERVER_HOST = "ora-db-1"
MACHINES = {"127.0.0.11": "MS1", "127.0.0.12": "ms2.corp.example"}
MESSAGES = {
    30: "User session ID does not exist.",
    31: "session marked for kill",
    942: "table or view does not exist",
    1017: "invalid username/password; logon denied",
    1031: "insufficient privileges",
    3113: "end-of-file on communication channel",
    6550: "line 1, column 7: PLS-00201: identifier 'RDSADMIN.RDSADMIN_UTIL' must be declared",
}


@dataclass
class Told:
    """What a driver's error carries."""

    code: int
    full_code: str
    message: str

    def __str__(self) -> str:
        return self.message


def failure(code: int) -> oracledb.DatabaseError:
    name = f"ORA-{code:05d}"
    return oracledb.DatabaseError(Told(code, name, f"{name}: {MESSAGES[code]}"))


@dataclass
class Row:
    """One row of GV$SESSION, the columns that matter."""

    sid: int
    serial: int
    machine: str | None
    username: str | None = "MANAGER"
    kind: str = "USER"
    stubborn: bool = False  # marked for kill, and going on

    def columns(self) -> tuple[Any, ...]:
        return (1, self.sid, self.serial, self.kind, self.machine, self.username)


@dataclass
class FakeConnection:
    oracle: FakeOracle
    role: str
    row: Row
    call_timeout: int = 0
    dead: bool = False

    def cursor(self) -> FakeCursor:
        return FakeCursor(self)

    def close(self) -> None:
        if self.dead:
            raise failure(3113)
        self.oracle.leave(self.row)


@dataclass
class FakeCursor:
    connection: FakeConnection
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def __enter__(self) -> FakeCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.rows = []

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> None:
        if self.connection.dead:
            raise failure(3113)
        self.rows = self.connection.oracle.answer(self.connection, statement, values or {})

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class FakeOracle(Database):
    name = "oracle"

    def __init__(self) -> None:
        self.rows = [Row(1, 1, SERVER_HOST, None, "BACKGROUND"), Row(2, 77, SERVER_HOST, "SYS")]
        self.connections: list[FakeConnection] = []
        self.options: dict[str, Any] = {}
        self.is_now = ("PRIMARY", "READ WRITE")
        self._next = 100

    def settings(self) -> DatabaseSettings:
        return DatabaseSettings("oracle", "127.0.0.1", 2484, "MANAGER")

    def connect(self, **options: Any) -> FakeConnection:
        """In place of `oracledb.connect`."""
        self.options = options
        if options["password"] != PASSWORD or options["user"] not in ("ms_failover", "seer", "bare", "blinkered"):
            raise failure(1017)
        connection = FakeConnection(self, options["user"], self._add(options["machine"], options["user"].upper()))
        self.connections.append(connection)
        return connection

    def enter(self, address: str) -> Any:
        return FakeConnection(self, "manager", self._add(MACHINES[address], "MANAGER"))

    def _add(self, machine: str, user: str) -> Row:
        self._next += 1
        row = Row(self._next, self._next * 7, machine, user)
        self.rows.append(row)
        return row

    def leave(self, row: Row) -> None:
        self.rows = [each for each in self.rows if each is not row]

    def alive(self, client: Any) -> bool:
        return any(each is client.row for each in self.rows)

    def cut(self, role: str) -> None:
        for connection in self.connections:
            if connection.role == role:
                connection.dead = True
                self.leave(connection.row)

    def answer(self, connection: FakeConnection, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        role = connection.role
        if statement in (oracle.LIST, oracle.SEES):
            if role == "bare":
                raise failure(942)
            rows = [row.columns() for row in self.rows if row is not connection.row]
            return rows[: values["limit"]] if statement == oracle.LIST else [(1,)]
        if statement == oracle.WRITER:
            if role in ("bare", "blinkered"):
                raise failure(942)
            return [self.is_now]
        if statement == oracle.OWN:
            return [(1, connection.row.sid, connection.row.serial)]
        if statement == oracle.SYSTEM_RIGHTS:
            return [("ALTER SYSTEM",)] if role == "ms_failover" else []
        if statement == oracle.RDS_RIGHTS:
            return [(2 if role == "ms_failover" else 0,)]
        if statement == oracle.KILL_RDS:
            return self._kill(role, values["sid"], values["serial"], 6550)
        found = re.fullmatch(r"ALTER SYSTEM KILL SESSION '(\d+),(\d+),@(\d+)' IMMEDIATE", statement)
        assert found and found[3] == "1", f"the fake does not know: {statement}"
        return self._kill(role, int(found[1]), int(found[2]), 1031)

    def _kill(self, role: str, sid: int, serial: int, refusal: int) -> list[tuple[Any, ...]]:
        if role != "ms_failover":
            raise failure(refusal)
        row = next((each for each in self.rows if (each.sid, each.serial) == (sid, serial)), None)
        if row is None:
            raise failure(30)
        if row.stubborn:
            raise failure(31)
        self.leave(row)
        return []
