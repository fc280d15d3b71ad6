"""Stand-in for Oracle's driver, over PostgreSQL: the same statements, answered as Oracle's list answers them.

What matters of Oracle here is what its list shows: a session has the name that its client chose (MACHINE) and no
address. The name is what the client gives PostgreSQL as `application_name`; whoever comes by the host's own socket is
the server's own. A statement that is not known is refused, so that a changed one is noticed. Goes before the layers of
the function that asks the database, nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pg8000.native

_SERVER = "ora-db-1"
_NO_SUCH_SESSION, _NO_LISTENER, _DENIED, _UNKNOWN_STATEMENT = 30, 12541, 1017, 900

_ROWS = f"""
SELECT 1 AS instance, pid AS sid, (extract(epoch FROM backend_start) * 1000)::bigint % 1000000000 AS serial,
       CASE WHEN client_addr IS NULL THEN 'BACKGROUND' ELSE 'USER' END AS type,
       CASE WHEN client_addr IS NULL THEN '{_SERVER}' ELSE application_name END AS machine,
       upper(usename) AS username
  FROM pg_stat_activity
"""
_ANSWERS = (
    (r"SELECT inst_id, sid, serial#, type, machine, username FROM gv\$session WHERE NOT .* AND ROWNUM <= :limit",
     f"{_ROWS} WHERE pid <> pg_backend_pid() LIMIT :limit"),
    (r"SELECT inst_id, sid, serial# FROM gv\$session WHERE sid = .*",
     f"SELECT instance, sid, serial FROM ({_ROWS} WHERE pid = pg_backend_pid()) AS own"),
    (r"SELECT database_role, open_mode FROM v\$database",
     "SELECT CASE WHEN pg_is_in_recovery() THEN 'PHYSICAL STANDBY' ELSE 'PRIMARY' END,"
     " CASE WHEN pg_is_in_recovery() THEN 'READ ONLY' ELSE 'READ WRITE' END"),
    (r"SELECT privilege FROM session_privs WHERE privilege = 'ALTER SYSTEM'", "SELECT 'ALTER SYSTEM'"),
    (r"SELECT COUNT\(\*\) FROM gv\$session WHERE ROWNUM <= 1", "SELECT 1"),
)  # fmt: skip
_KILL = r"ALTER SYSTEM KILL SESSION '(\d+),(\d+),@1' IMMEDIATE"


@dataclass
class Told:
    """What the driver's errors carry."""

    code: int
    full_code: str
    message: str

    def __str__(self) -> str:
        return self.message


class Error(Exception):
    """What the driver raises."""


class DatabaseError(Error):
    """An error with a number of Oracle's."""


def _error(code: int, message: object) -> DatabaseError:
    return DatabaseError(Told(code, f"ORA-{code:05d}", f"ORA-{code:05d}: {message}"))


class Cursor:
    """One statement and its rows."""

    def __init__(self, connection: pg8000.native.Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows = []

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> None:
        """Answer one of the statements that are known. Raises DatabaseError."""
        plain = " ".join(statement.split())
        if found := re.fullmatch(_KILL, plain):
            self._kill(int(found[1]), int(found[2]))
            return
        answer = next((sql for wanted, sql in _ANSWERS if re.fullmatch(wanted, plain)), None)
        if answer is None:
            raise _error(_UNKNOWN_STATEMENT, f"the stand-in does not know: {plain}")
        self._rows = self._run(answer, **(values or {}))

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def _kill(self, sid: int, serial: int) -> None:
        one = f"FROM ({_ROWS}) AS listed WHERE sid = :sid AND serial = :serial"
        killed = self._run(f"SELECT pg_terminate_backend(sid) {one}", sid=sid, serial=serial)
        if not killed:
            raise _error(_NO_SUCH_SESSION, "User session ID does not exist.")

    def _run(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        try:
            return [tuple(row) for row in self._connection.run(sql, **values)]
        except pg8000.native.DatabaseError as error:
            raise _error(_UNKNOWN_STATEMENT, error) from error
        except Exception as error:
            raise Error(Told(0, "DPY-4011", str(error))) from error


class Connection:
    """A session."""

    call_timeout = 0

    def __init__(self, connection: pg8000.native.Connection) -> None:
        self._connection = connection

    def cursor(self) -> Cursor:
        return Cursor(self._connection)

    def close(self) -> None:
        self._connection.close()


def connect(
    *,
    user: str,
    password: str,
    host: str,
    port: int,
    service_name: str,
    tcp_connect_timeout: float,
    machine: str,
    ssl_context: Any = None,
    **_: Any,
) -> Connection:
    """Connect as the driver would, under the name that the client gives. Raises Error, DatabaseError."""
    try:
        connection = pg8000.native.Connection(
            user, host=host, port=port, database=service_name, password=password, ssl_context=ssl_context,
            timeout=tcp_connect_timeout, application_name=machine,
        )  # fmt: skip
    except pg8000.native.DatabaseError as error:
        raise _error(_DENIED, error) from error
    except Exception as error:
        raise _error(_NO_LISTENER, error) from error
    return Connection(connection)
