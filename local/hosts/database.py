"""What the stage wants of a database, whichever engine it is, and the journal that judges split brain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

NAME = "tectia"
APPLICATION = "ms"
MONITOR = "ms_failover"


@dataclass(frozen=True)
class Passwords:
    """Of the application's account and of the monitoring one."""

    application: str
    monitor: str


@dataclass(frozen=True)
class Write:
    """One row of the journal; `at` in epoch seconds by the database's clock."""

    id: int
    server: str
    at: float


@dataclass(frozen=True)
class Writes:
    """The rows of one server: how many, and its first and last, by time."""

    server: str
    count: int
    first: float
    last: float


@dataclass(frozen=True)
class Session:
    """A client's session as the database lists it."""

    user: str
    address: str


class Database(Protocol):
    """A real database server in a host of its own."""

    engine: str
    port: int

    def start(self) -> None:
        """Create it where it is not yet created, start it, return when it answers. Does nothing to a running one."""

    def stop(self) -> None:
        """Shut it down in order; sessions are closed."""

    def kill(self) -> None:
        """End its processes at once."""

    def sessions(self) -> list[Session]:
        """The sessions that came over the network, by user and address."""

    def connect(self) -> Any:
        """A new connection of the judge's, from beside the door; to be closed."""

    @property
    def journal(self) -> Journal: ...


class Journal:
    """The rows that the Management Servers wrote, read from beside the database: the door does not apply to the judge.

    Thread-safe. Connects again when the database was restarted meanwhile.
    """

    def __init__(self, ask: Callable[[str], list[tuple[Any, ...]]], epoch: str) -> None:
        self._ask = ask
        self._epoch = epoch

    def rows(self, after_id: int = 0, limit: int = 1_000_000) -> list[Write]:
        """Rows with an id above `after_id`, in order of id."""
        found = self._ask(
            f"SELECT id, server, {self._epoch} FROM journal WHERE id > {int(after_id)} ORDER BY id LIMIT {int(limit)}"
        )
        return [Write(int(id_), str(server), float(at)) for id_, server, at in found]

    def by_server(self) -> dict[str, Writes]:
        """Count, first and last time of each server that has written."""
        found = self._ask(
            f"SELECT server, count(*), min({self._epoch}), max({self._epoch}) FROM journal GROUP BY server"
        )
        return {
            str(server): Writes(str(server), int(count), float(first), float(last))
            for server, count, first, last in found
        }

    def now(self) -> float:
        """The database's clock, epoch seconds."""
        return float(self._ask(f"SELECT {self._epoch.replace('at', 'now()')}")[0][0])


class Asker:
    """One connection of the judge's, made when first needed and made again when it is lost."""

    def __init__(self, connect: Callable[[], Any], query: Callable[[Any, str], list[tuple[Any, ...]]]) -> None:
        self._connect = connect
        self._query = query
        self._connection: Any = None
        self._one_at_a_time = threading.Lock()

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        with self._one_at_a_time:
            if self._connection is None:
                self._connection = self._connect()
                return self._try(sql)
            try:
                return self._try(sql)
            except Exception:
                # Lost with a restart of the database; a fault of the statement's own shows again at the second try.
                self._connection = self._connect()
                return self._try(sql)

    def _try(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._query(self._connection, sql)
        except Exception:
            connection, self._connection = self._connection, None
            with suppress(Exception):
                connection.close()
            raise
