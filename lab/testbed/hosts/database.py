"""What the testbed wants of a database, whichever engine it is, and the journal that judges split brain."""

from __future__ import annotations

import shutil
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lab.testbed.hosts.certificates import Pair
from lab.testbed.hosts.host import Host, HostError
from lab.testbed.hosts.polling import wait_until

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


class Database(ABC):
    """A real database server in a host of its own: the pair's database in it, with the application's account, which
    owns the journal, and the monitoring account, which may list and end sessions and nothing else.
    """

    engine: str
    """As the template's parameter DatabaseEngine names it."""
    port: int
    epoch: str
    """The engine's expression for a row's time, epoch seconds, with {} for the column."""
    user: str
    """The account of the machine's that the server runs as."""
    process: str
    """What the server's processes are called."""
    data: str
    """The directory of its data, on the host."""

    def __init__(self, host: Host, certificate: Pair, passwords: Passwords) -> None:
        self.host = host
        self._certificate = certificate
        self._passwords = passwords
        self._ask = Asker(self.connect)
        self.journal = Journal(self._ask, self.epoch)

    def start(self) -> None:
        """Create it where it is not yet created, start it, return when it answers. Does nothing to a running one.

        Raises HostError with the server's own words when it ends before it answers, WaitedTooLongError when it does
        not answer within 20 seconds.
        """
        if self.is_running():
            return
        new = not self.host.files.path(self.data).exists()
        if new:
            self._create()
        server = self.host.spawn(self._as_user(*self._server()), log=self.engine)
        wait_until(f"{self.engine} answers", lambda: self._answers(server), deadline_s=20)
        if new:
            self._populate()

    def stop(self) -> None:
        """Shut it down in order; sessions are closed. Does nothing to a stopped one."""
        if self.is_running():
            self._shut_down()
            self._wait_dead()

    def kill(self) -> None:
        """End its processes at once. Does nothing to a stopped one."""
        if self.is_running():
            self.host.run(["pkill", "-KILL", "-o", "-u", self.user, "-x", self.process], check=False)
            self._wait_dead()

    def is_running(self) -> bool:
        return self.host.run(["pgrep", "-u", self.user, "-x", self.process], check=False).returncode == 0

    def answer_on(self, port: int) -> None:
        """Answer on one more port, as an engine does that has several."""
        rules = (
            f"chain lead {{ type nat hook prerouting priority dstnat; tcp dport {port} redirect to :{self.port}; }}\n"
        )
        self.host.run(["nft", "-f", "-"], stdin=f"table inet more_ports {{\n{rules}}}\n")

    @abstractmethod
    def connect(self) -> Any:
        """A new connection of the judge's to the pair's database, from beside the access group; to be closed.

        It runs SQL as pg8000's does: `run(sql, **parameters)`, parameters written `:name`, rows returned.
        """

    @abstractmethod
    def sessions(self) -> list[Session]:
        """The sessions that came over the network, by user and address."""

    @abstractmethod
    def _create(self) -> None:
        """Make the data directory."""

    @abstractmethod
    def _server(self) -> Sequence[str]:
        """How to start the server."""

    @abstractmethod
    def _shut_down(self) -> None:
        """Ask the server to end."""

    @abstractmethod
    def _probe(self) -> None:
        """Raises when the server does not answer."""

    @abstractmethod
    def _populate(self) -> None:
        """Make the database, its accounts and the journal, in a server that has none of them."""

    def _as_user(self, *argv: str) -> list[str]:
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", "--"]
        return [*user, "env", "HOME=/", *argv]

    def _own_directory(self, path: str) -> None:
        self.host.run(["install", "-d", "-o", self.user, "-g", self.user, "-m", "0750", path])

    def _install_certificate(self, directory: str) -> tuple[str, str]:
        """Put certificate and key where the server may read them; returns their paths."""
        for name, content in (("crt", self._certificate.certificate), ("key", self._certificate.key)):
            shutil.chown(self.host.files.write(f"{directory}/server.{name}", content, mode=0o600), self.user, self.user)
        return f"{directory}/server.crt", f"{directory}/server.key"

    def _answers(self, server: subprocess.Popen[bytes]) -> bool:
        if server.poll() is not None:
            words = self.host.log_file(self.engine).read_text(errors="replace").strip().splitlines()
            raise HostError(f"{self.engine} did not start: {words[-1] if words else 'no word'}")
        try:
            self._probe()
        except Exception:
            return False
        return True

    def _wait_dead(self) -> None:
        wait_until(f"{self.engine} is dead", lambda: not self.is_running(), deadline_s=20)


class Journal:
    """The rows that the Management Servers wrote, read from beside the database: the access group does not apply to the
    judge.

    Thread-safe. Connects again when the database was restarted meanwhile.
    """

    def __init__(self, ask: Asker, epoch: str) -> None:
        self._ask = ask
        self._at = epoch.format("at")
        self._now = epoch.format("current_timestamp(6)")

    def rows(self, after_id: int = 0, limit: int = 1_000_000) -> list[Write]:
        """Rows with an id above `after_id`, in order of id."""
        found = self._ask(
            f"SELECT id, server, {self._at} FROM journal WHERE id > {int(after_id)} ORDER BY id LIMIT {int(limit)}"
        )
        return [Write(int(id_), str(server), float(at)) for id_, server, at in found]

    def by_server(self) -> dict[str, Writes]:
        """Count, first and last time of each server that has written."""
        found = self._ask(f"SELECT server, count(*), min({self._at}), max({self._at}) FROM journal GROUP BY server")
        return {
            str(server): Writes(str(server), int(count), float(first), float(last))
            for server, count, first, last in found
        }

    def now(self) -> float:
        """The database's clock, epoch seconds."""
        return float(self._ask(f"SELECT {self._now}")[0][0])


class Asker:
    """One connection of the judge's, made when first needed and made again when it is lost. Thread-safe."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
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
            return [tuple(row) for row in self._connection.run(sql)]
        except Exception:
            connection, self._connection = self._connection, None
            with suppress(Exception):
                connection.close()
            raise


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
