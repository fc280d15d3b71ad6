"""PostgreSQL, the server of Debian's package, in a host of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from .addresses import NETWORK
from .certificates import Pair
from .database import APPLICATION, MONITOR, NAME, Asker, Journal, Passwords, Session
from .host import Host, HostError
from .waiting import wait_until

_DATA = "/var/lib/postgresql/data"
_SOCKETS = "/run/postgresql"
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")

# The data are as short-lived as the stage: no fsync. Small, as the stage must fit beside everything else.
_SETTINGS = f"""
listen_addresses = '*'
unix_socket_directories = '{_SOCKETS}'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 60
max_wal_size = 256MB
max_parallel_workers = 0
autovacuum_naptime = 60
password_encryption = 'scram-sha-256'
ssl = on
ssl_cert_file = '{_DATA}/server.crt'
ssl_key_file = '{_DATA}/server.key'
log_connections = on
log_disconnections = on
log_line_prefix = '%m %h %u '
"""

# The judge comes through the socket, whose directory is the host's own; everyone else over TLS with a password.
_ADMISSION = f"""
local   all all                     trust
hostssl all all {NETWORK} scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
"""


class PostgreSQL:
    """PostgreSQL with the database, the application's account and its journal, and the monitoring account."""

    engine = "postgresql"
    port = 5432

    def __init__(self, host: Host, certificate: Pair, passwords: Passwords) -> None:
        self._host = host
        self._certificate = certificate
        self._passwords = passwords
        self._ask = Asker(lambda: self._connect(NAME), _rows)
        self.journal = Journal(self._ask, "extract(epoch from at)")

    def start(self) -> None:
        """Create, start, return when it answers. Raises HostError with the server's own words when it does not."""
        created = self._host.files.path(_DATA).exists()
        if not created:
            self._create()
        if self._running():
            return
        self._host.run(["install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0770", _SOCKETS])
        server = self._host.spawn([*_AS_POSTGRES, str(programs() / "postgres"), "-D", _DATA], log="postgresql")
        wait_until("PostgreSQL answers", lambda: self._answers(server), deadline_s=20)
        if not created:
            self._populate()

    def stop(self) -> None:
        """Shut down in order, closing every session. Does nothing to a stopped one."""
        if self._running():
            self._host.run([*_AS_POSTGRES, str(programs() / "pg_ctl"), "stop", "-D", _DATA, "-m", "fast", "-w"])

    def kill(self) -> None:
        """End every process of the server at once. Does nothing to a stopped one."""
        if self._running():
            self._host.run(["sh", "-c", f"kill -KILL $(head -1 {_DATA}/postmaster.pid)"])
            # The backends notice that the postmaster is gone and leave by themselves.
            wait_until("PostgreSQL is dead", lambda: not self._processes(), deadline_s=10)

    def sessions(self) -> list[Session]:
        """Sessions over the network, whoever's."""
        found = self._ask(
            "SELECT usename, host(client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL ORDER BY pid"
        )
        return [Session(str(user), str(address)) for user, address in found]

    def _create(self) -> None:
        home = self._host.files.path("/var/lib/postgresql")
        home.mkdir(exist_ok=True)
        shutil.chown(home, "postgres", "postgres")
        self._host.run(
            [*_AS_POSTGRES, str(programs() / "initdb"), "-D", _DATA, "--no-sync", "--no-instructions",
             "--locale=C.UTF-8", "--encoding=UTF8", "--username=postgres", "--auth=trust"],
            timeout_s=60,
        )  # fmt: skip
        files = self._host.files
        with files.path(f"{_DATA}/postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        files.path(f"{_DATA}/pg_hba.conf").write_text(_ADMISSION)
        for name, content in (("crt", self._certificate.certificate), ("key", self._certificate.key)):
            path = files.write(f"{_DATA}/server.{name}", content, mode=0o600)
            shutil.chown(path, "postgres", "postgres")

    def _populate(self) -> None:
        server = self._connect("postgres")
        for role, password in ((APPLICATION, self._passwords.application), (MONITOR, self._passwords.monitor)):
            server.run(f"CREATE ROLE {role} LOGIN PASSWORD {_quoted(password)}")
        server.run(f"GRANT pg_monitor, pg_signal_backend TO {MONITOR}")
        server.run(f"CREATE DATABASE {NAME}")
        server.run(f"REVOKE ALL ON DATABASE {NAME} FROM PUBLIC")
        server.run(f"GRANT CONNECT ON DATABASE {NAME} TO {APPLICATION}, {MONITOR}")
        server.close()
        database = self._connect(NAME)
        database.run(
            "CREATE TABLE journal (id bigserial PRIMARY KEY, server text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        database.run(f"ALTER TABLE journal OWNER TO {APPLICATION}")
        database.close()

    def connect(self) -> Any:
        """A new connection of the judge's to the pair's database (pg8000), from beside the door; to be closed."""
        return self._connect(NAME)

    def _connect(self, database: str) -> Any:
        import pg8000.native

        socket = self._host.inside(f"{_SOCKETS}/.s.PGSQL.{self.port}")
        return pg8000.native.Connection(
            "postgres", database=database, unix_sock=str(socket), application_name="stage-judge"
        )

    def _answers(self, server: subprocess.Popen[bytes]) -> bool:
        if server.poll() is not None:
            words = self._host.log_file("postgresql").read_text(errors="replace").strip().splitlines()
            raise HostError(f"PostgreSQL did not start: {words[-1] if words else 'no word'}")
        try:
            self._connect("postgres").close()
        except Exception:
            return False
        return True

    def _running(self) -> bool:
        return bool(self._processes())

    def _processes(self) -> bool:
        return self._host.run(["pgrep", "-u", "postgres", "-x", "postgres"], check=False).returncode == 0


def programs() -> Path:
    """Where the newest PostgreSQL of Debian's packages has its programs. Raises HostError where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise HostError("no PostgreSQL server in /usr/lib/postgresql; install Debian's package postgresql")
    return found[-1].parent


def _rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.run(sql)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
