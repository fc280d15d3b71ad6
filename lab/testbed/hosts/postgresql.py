"""PostgreSQL, the server of Debian's package, in a host of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.hosts.database import APPLICATION, MONITOR, NAME, Database, Session, quoted
from lab.testbed.hosts.host import HostError

_DATA = "/var/lib/postgresql/data"
SOCKETS = "/run/postgresql"
CONNECTIONS = Path(__file__).parents[3] / "docs" / "postgresql_connections.sql"
"""What an administrator with a superuser runs, so that connections are seen before they log in."""

# The data are as short-lived as the testbed: no fsync. Small, as the testbed must fit beside everything else.
_SETTINGS = f"""
listen_addresses = '*'
unix_socket_directories = '{SOCKETS}'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 60
max_wal_size = 256MB
max_parallel_workers = 0
autovacuum_naptime = 60
# How long a login under way may stay unseen: what the fence has to wait out.
authentication_timeout = 1s
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


class PostgreSQL(Database):
    """PostgreSQL: TLS and passwords for all who come over the network."""

    engine = "postgresql"
    port = 5432
    epoch = "extract(epoch FROM {})"
    user = "postgres"
    process = "postgres"
    data = _DATA

    def connect(self) -> Any:
        return self._connect(NAME)

    def sessions(self) -> list[Session]:
        found = self._ask(
            "SELECT usename, host(client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL ORDER BY pid"
        )
        return [Session(str(user), str(address)) for user, address in found]

    def _create(self) -> None:
        self._own_directory(str(Path(_DATA).parent))
        self.host.run(
            self._as_user(
                str(programs() / "initdb"), "-D", _DATA, "--no-sync", "--no-instructions",
                "--locale=C.UTF-8", "--encoding=UTF8", "--username=postgres", "--auth=trust",
            ),
            timeout_s=60,
        )  # fmt: skip
        files = self.host.files
        with files.path(f"{_DATA}/postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        files.path(f"{_DATA}/pg_hba.conf").write_text(_ADMISSION)
        self._install_certificate(_DATA)

    def _server(self) -> Sequence[str]:
        self._own_directory(SOCKETS)
        return (str(programs() / "postgres"), "-D", _DATA)

    def _shut_down(self) -> None:
        self.host.run(self._as_user(str(programs() / "pg_ctl"), "stop", "-D", _DATA, "-m", "fast", "-w"))

    def _probe(self) -> None:
        self._connect("postgres").close()

    def _populate(self) -> None:
        server = self._connect("postgres")
        for role, password in ((APPLICATION, self._passwords.application), (MONITOR, self._passwords.monitor)):
            server.run(f"CREATE ROLE {role} LOGIN PASSWORD {quoted(password)}")
        # What docs/databases.md asks of an administrator, and no more.
        server.run(f"GRANT pg_read_all_stats, pg_signal_backend TO {MONITOR}")
        server.run(f"CREATE DATABASE {NAME}")
        server.run(f"REVOKE ALL ON DATABASE {NAME} FROM PUBLIC")
        server.run(f"GRANT CONNECT ON DATABASE {NAME} TO {APPLICATION}, {MONITOR}")
        server.close()
        database = self._connect(NAME)
        database.run(CONNECTIONS.read_text())
        database.run(
            "CREATE TABLE journal (id bigserial PRIMARY KEY, server text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        database.run(f"ALTER TABLE journal OWNER TO {APPLICATION}")
        database.close()

    def _connect(self, database: str) -> Any:
        import pg8000.native

        socket = self.host.inside(f"{SOCKETS}/.s.PGSQL.{self.port}")
        return pg8000.native.Connection(
            "postgres", database=database, unix_sock=str(socket), application_name="testbed-judge"
        )


def programs() -> Path:
    """Where the newest PostgreSQL of Debian's packages has its programs. Raises HostError where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise HostError("no PostgreSQL server in /usr/lib/postgresql; install Debian's package postgresql")
    return found[-1].parent
