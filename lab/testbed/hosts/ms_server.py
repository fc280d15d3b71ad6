"""Stand-in for the Management Server: run as a program, on a host of the testbed.

It behaves as the manual says of the real one where failover is concerned: an HTTPS administration interface, a TLS
port that the agents keep a connection to, and one long-lived database connection that it writes through all the time
and makes again for ever. It has no failsafe of its own. That is the point.

Signals: TERM stops it; USR1 hangs the administration interface (connections are taken, requests never answered) while
everything else goes on; USR2 ends the hang.

Imports are few, and late where they can be: its start is on the path of a failover.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    import ssl

CONFIGURATION = Path("/etc/opt/ssh-mgmt/server/ms.json")
SWITCHES = Path("/etc/ms-testbed.json")
LOCK = Path("/run/ssh-mgmt-server.lock")
PID_FILE = Path("/run/ssh-mgmt-server.pid")

WRITE_EVERY_S = 0.05
RECONNECT_AFTER_S = 0.2
CONNECT_TIMEOUT_S = 2.0
# How long the last write may take when the server is told to stop.
FAREWELL_S = 1.0


class ConfigurationError(Exception):
    """The server can't run with what it was given."""


@dataclass(frozen=True)
class Settings:
    """What ms.json says: addresses and secrets that both servers of the pair share."""

    admin_port: int
    agent_port: int
    certificate: str
    key: str
    database: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Settings:
        try:
            found = json.loads(path.read_text())
            settings = cls(
                admin_port=int(found["admin_port"]),
                agent_port=int(found["agent_port"]),
                certificate=str(found["certificate"]),
                key=str(found["key"]),
                database=dict(found["database"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}: {type(error).__name__}: {error}") from error
        for name in (settings.certificate, settings.key):
            if not os.access(name, os.R_OK):
                raise ConfigurationError(f"{path}: {name} can't be read")
        return settings


@dataclass(frozen=True)
class Switches:
    """The faults that a scenario gives this one server; they are not replicated."""

    start_fails: bool = False
    needs_database: bool = False
    start_delay_s: float = 0.0
    ignore_term_s: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Switches:
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return cls()


class Server:
    """The state that the threads share."""

    def __init__(self, settings: Settings, switches: Switches) -> None:
        self.settings = settings
        self.switches = switches
        self.name = socket.gethostname()
        self.stopping = threading.Event()
        self.hung = False
        self.writer = threading.Thread(target=self._write_for_ever, name="writer", daemon=True)

    def log(self, sentence: str) -> None:
        sys.stderr.write(f"{time.time():.3f} {self.name} {sentence}\n")
        sys.stderr.flush()

    def _write_for_ever(self) -> None:
        """Keep one connection and write a row through it every WRITE_EVERY_S; connect again whenever it is lost."""
        connect = connector(self.settings.database)
        said = ""
        while not self.stopping.is_set():
            try:
                write, close = connect()
                self.log("database connected")
                said = ""
                try:
                    self._write_until_it_fails(write)
                finally:
                    close()
            except Exception as error:
                if (sentence := f"database: {type(error).__name__}: {error}") != said:
                    self.log(sentence)
                    said = sentence
            self.stopping.wait(RECONNECT_AFTER_S)

    def _write_until_it_fails(self, write: Callable[[str], None]) -> None:
        due = time.monotonic()
        while not self.stopping.is_set():
            write(self.name)
            due = max(due + WRITE_EVERY_S, time.monotonic() - WRITE_EVERY_S)
            self.stopping.wait(max(0.0, due - time.monotonic()))

    def on_term(self, *_: object) -> None:
        threading.Thread(target=self._stop, name="stop").start()

    def _stop(self) -> None:
        time.sleep(self.switches.ignore_term_s)
        self.stopping.set()
        if self.writer.is_alive():
            self.writer.join(FAREWELL_S)
        self.log("stopped")
        PID_FILE.unlink(missing_ok=True)
        os._exit(0)

    def on_hang(self, *_: object) -> None:
        self.hung = True
        self.log("administration interface hangs")

    def on_recover(self, *_: object) -> None:
        self.hung = False
        self.log("administration interface answers again")

    async def serve(self) -> None:
        import asyncio

        secure = tls(self.settings)
        servers = [
            await asyncio.start_server(self._admin, port=self.settings.admin_port, ssl=secure, backlog=512),
            await asyncio.start_server(self._agent, port=self.settings.agent_port, ssl=secure, backlog=512),
        ]
        self.log("serving")
        await asyncio.gather(*(server.serve_forever() for server in servers))

    async def _admin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: a page for `/` and `/login`, 404 for all else. Hung: not a byte."""
        import asyncio

        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            while self.hung:
                await asyncio.sleep(0.1)
            method, path = head.split(b" ", 2)[:2]
            found = path.split(b"?")[0] in (b"/", b"/login")
            status = b"200 OK" if found else b"404 Not Found"
            body = f"<!doctype html><title>Management Server</title><p>{self.name}\n".encode() if found else b""
            writer.write(
                b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
                b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + (b"" if method == b"HEAD" else body)
            )
            await writer.drain()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _agent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say who is here, then give back every line, for as long as the agent stays."""
        try:
            writer.write(json.dumps({"server": self.name}).encode() + b"\n")
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()


def tls(settings: Settings) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.certificate, settings.key)
    return context


Connection = tuple[Callable[[str], None], Callable[[], None]]


def connector(database: dict[str, Any]) -> Callable[[], Connection]:
    """A function that connects and gives back how to write a row and how to close."""
    import ssl

    trust = ssl.create_default_context(cafile=database["ca"])
    return {"postgresql": _postgresql, "mysql": _mysql}[database["engine"]](database, trust)


def _postgresql(database: dict[str, Any], trust: ssl.SSLContext) -> Callable[[], Connection]:
    import pg8000.native

    def connect() -> Connection:
        connection = pg8000.native.Connection(
            database["user"], host=database["host"], port=database["port"], database=database["name"],
            password=database["password"], ssl_context=trust, timeout=CONNECT_TIMEOUT_S,
            application_name=socket.gethostname(),
        )  # fmt: skip
        # The timeout was for connecting. A write waits as long as the network makes it wait.
        connection._usock.settimeout(None)
        statement = connection.prepare("INSERT INTO journal (server, at) VALUES (:server, clock_timestamp())")
        return (lambda name: statement.run(server=name)), connection.close

    return connect


def _mysql(database: dict[str, Any], trust: ssl.SSLContext) -> Callable[[], Connection]:
    import pymysql

    def connect() -> Connection:
        connection = pymysql.connect(
            host=database["host"], port=database["port"], user=database["user"], password=database["password"],
            database=database["name"], ssl=trust, connect_timeout=int(CONNECT_TIMEOUT_S), autocommit=True,
            program_name="ssh-mgmt-server",
        )  # fmt: skip
        cursor = connection.cursor()

        def write(name: str) -> None:
            cursor.execute("INSERT INTO journal (server, at) VALUES (%s, SYSDATE(6))", (name,))

        return write, connection.close

    return connect


def the_only_one() -> int:
    """Take the lock that makes this the host's only server; it is held while the process lives."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigurationError("another server runs on this host") from error
    return lock


def demand_database(database: dict[str, Any]) -> None:
    """Raises ConfigurationError where no connection to the database can be made."""
    try:
        socket.create_connection((database["host"], database["port"]), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ConfigurationError(f"no connection to the database: {error}") from error


def main() -> int:
    try:
        lock = the_only_one()
        settings = Settings.read(CONFIGURATION)
        switches = Switches.read(SWITCHES)
        if switches.start_fails:
            raise ConfigurationError(f"told to fail by {SWITCHES}")
        if switches.needs_database:
            demand_database(settings.database)
    except ConfigurationError as error:
        sys.stderr.write(f"ssh-mgmt-server does not start: {error}\n")
        return 1
    server = Server(settings, switches)
    signal.signal(signal.SIGTERM, server.on_term)
    signal.signal(signal.SIGUSR1, server.on_hang)
    signal.signal(signal.SIGUSR2, server.on_recover)
    new = PID_FILE.with_suffix(".new")
    new.write_text(f"{os.getpid()}\n")
    new.replace(PID_FILE)
    server.log(f"started, lock {lock}")
    time.sleep(switches.start_delay_s)
    server.writer.start()

    import asyncio

    asyncio.run(server.serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
