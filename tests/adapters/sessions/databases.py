"""Real databases for the tests, in directories and on ports of their own, and what the shared tests need of each."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pg8000.native
import pymysql
from msfailover.adapters.sessions import DatabaseSettings, Engine, Login, engine_for

from tests.adapters.sessions import certificates
from tests.adapters.sessions.waiting import until

HOST = "127.0.0.1"
PASSWORD = "planted-secret-4711"
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
AUTHENTICATION_TIMEOUT_S = 2


class Fixed:
    """A source with one login, and another for when that is refused."""

    def __init__(self, login: Login, second: Login | None = None) -> None:
        self.login, self.second, self.renewals = login, second, 0

    def current(self) -> Login:
        return self.login

    def renewed(self) -> Login | None:
        self.renewals += 1
        return self.second


class Database(ABC):
    """What the shared tests do with a database. Roles: `ms_failover`, made by the documentation's SQL; `seer`, who may
    see and not end; `bare`, who may do neither; `manager`, the Management Server's.
    """

    name: str
    rds_role = "ms_failover"

    @abstractmethod
    def settings(self) -> DatabaseSettings: ...

    @abstractmethod
    def enter(self, address: str) -> Any:
        """Open a session that comes from an address; it has `close()`."""

    @abstractmethod
    def alive(self, client: Any) -> bool: ...

    @abstractmethod
    def cut(self, role: str) -> None:
        """End the connections of a role, as a restart of the database would."""

    def engine(self, role: str = "ms_failover", password: str = PASSWORD, **changes: Any) -> Engine:
        return engine_for(replace(self.settings(), **changes), Fixed(Login(role, password)))


POSTGRESQL_CONNECTIONS = Path(__file__).parents[3] / "docs" / "postgresql_connections.sql"


def documented_sql(which: str) -> list[str]:
    """The statements that docs/databases.md tells an administrator to run."""
    page = (Path(__file__).parents[3] / "docs" / "databases.md").read_text()
    found = re.search(rf"<!-- run: {which} -->\n```sql\n(.*?)```", page, re.DOTALL)
    assert found, f"docs/databases.md has no SQL for {which}"
    return [each.strip() for each in found[1].replace("choose-a-password", PASSWORD).split(";") if each.strip()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Process:
    """A server's process and directory, owned by an unprivileged user."""

    def __init__(self, prefix: str, stop_with: signal.Signals) -> None:
        self._stop_with = stop_with
        self.directory = Path(tempfile.mkdtemp(prefix=prefix))
        self.directory.chmod(0o755)
        self.certificates = certificates.make(self.directory, HOST)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.own()

    def own(self) -> None:
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")

    def run(self, argv: list[str]) -> None:
        done = subprocess.run(argv, capture_output=True, timeout=60, cwd=self.directory, **self._who())
        assert done.returncode == 0, done.stderr.decode()

    def start(self, argv: list[str]) -> None:
        with (self.directory / "log").open("wb") as log:
            # Should the tests be killed, the server goes with them.
            argv = ["setpriv", "--pdeathsig=QUIT", *argv]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.directory, **self._who())

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._stop_with)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        # The server's children hold on to the directory for a moment after it was killed.
        until(self._removed, "the server's directory is gone")

    def _removed(self) -> bool:
        shutil.rmtree(self.directory, ignore_errors=True)
        return not self.directory.exists()

    def _who(self) -> Mapping[str, Any]:
        return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


class PostgreSQLServer(Database):
    name = "postgresql"

    def __init__(self) -> None:
        self._server = server = Process("msf-postgresql-", signal.SIGQUIT)
        self.data = server.directory / "data"
        data = str(self.data)
        server.run([str(POSTGRESQL / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"])
        rules = "local all all trust\n" + "".join(
            f"host {what} all {network} scram-sha-256\n"
            for what in ("all", "replication")
            for network in ("0/0", "::/0")
        )
        (Path(data) / "pg_hba.conf").write_text(rules.replace(" 0/0", " 0.0.0.0/0"))
        options = {
            "port": server.port,
            "listen_addresses": "*",
            "unix_socket_directories": server.directory,
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": server.certificates.certificate,
            "ssl_key_file": server.certificates.key,
            "authentication_timeout": f"{AUTHENTICATION_TIMEOUT_S}s",
            "max_connections": 40,
        }
        argv = [str(POSTGRESQL / "postgres"), "-D", data]
        server.start(argv + [part for name, value in options.items() for part in ("-c", f"{name}={value}")])
        until(self._up, "PostgreSQL answers", 30)
        self.admin = self.local_session()
        for statement in documented_sql("postgresql"):
            self.admin.run(statement)
        self.show_connections()
        for role, rights in (("seer", "pg_read_all_stats"), ("bare", ""), ("manager", "")):
            self.admin.run(f"CREATE ROLE {role} LOGIN REPLICATION PASSWORD '{PASSWORD}'")
            if rights:
                self.admin.run(f"GRANT {rights} TO {role}")
        self.admin.run(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")

    def show_connections(self) -> None:
        """Run what docs/databases.md tells a superuser to run, as a whole; it can be run again."""
        self.admin.run(POSTGRESQL_CONNECTIONS.read_text())

    @property
    def certificates(self) -> certificates.Certificates:
        return self._server.certificates

    @property
    def port(self) -> int:
        return self._server.port

    def _up(self) -> bool:
        try:
            self.local_session().close()
        except pg8000.native.Error:
            return False
        return True

    def settings(self) -> DatabaseSettings:
        return DatabaseSettings("postgresql", HOST, self.port, ca_file=str(self.certificates.ca))

    def local_session(self) -> Any:
        return pg8000.native.Connection("postgres", unix_sock=f"{self._server.directory}/.s.PGSQL.{self.port}")

    def enter(self, address: str, user: str = "manager", **options: Any) -> Any:
        options = {"host": HOST, "source_address": (address, 0), **options}
        return pg8000.native.Connection(user, port=self.port, database="postgres", password=PASSWORD, **options)

    def alive(self, client: Any) -> bool:
        try:
            return bool(client.run("SELECT 1") == [[1]])
        except pg8000.native.Error:
            return False

    def cut(self, role: str) -> None:
        self.admin.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = :role", role=role)

    def close(self) -> None:
        self.admin.close()
        self._server.stop()


class MariaDBServer(Database):
    name = "mysql"
    rds_role = "ms_failover_rds"

    def __init__(self) -> None:
        self._server = server = Process("msf-mariadb-", signal.SIGTERM)
        data, self._socket = f"--datadir={server.directory / 'data'}", str(server.directory / "socket")
        # Not /tmp: two that are installed at once may take the same names for their temporary tables there.
        own = f"--tmpdir={server.directory}"
        quick = ["--no-defaults", data, own, "--auth-root-authentication-method=normal", "--skip-test-db"]
        server.run(["mariadb-install-db", *quick])
        server.start(
            [
                "mariadbd",
                "--no-defaults",
                data,
                own,
                f"--port={server.port}",
                f"--socket={self._socket}",
                "--bind-address=*",
                "--innodb-buffer-pool-size=16M",
                "--log-bin=binlog",
                "--server-id=1",
                "--event-scheduler=ON",
                f"--ssl-cert={server.certificates.certificate}",
                f"--ssl-key={server.certificates.key}",
                f"--ssl-ca={server.certificates.ca}",
            ]
        )
        until(self._up, "MariaDB answers", 30)
        self.admin = self.local_session()
        # Amazon's procedure, as far as its effect goes: it ends a session with its owner's rights, not the caller's.
        self.execute("CREATE PROCEDURE mysql.rds_kill(IN thread BIGINT) SQL SECURITY DEFINER KILL thread")
        self.execute(
            "CREATE USER bare@'%' IDENTIFIED BY 'x', seer@'%' IDENTIFIED BY 'x', manager@'%' IDENTIFIED BY 'x'"
        )
        for role, rights in (("bare", "USAGE"), ("seer", "PROCESS"), ("manager", "REPLICATION SLAVE")):
            self.execute(f"GRANT {rights} ON *.* TO {role}@'%' IDENTIFIED BY '{PASSWORD}'")
        for statement in documented_sql("mariadb") + documented_sql("mariadb-rds"):
            self.execute(statement)

    @property
    def certificates(self) -> certificates.Certificates:
        return self._server.certificates

    @property
    def port(self) -> int:
        return self._server.port

    def _up(self) -> bool:
        try:
            self.local_session().close()
        except pymysql.MySQLError:
            return False
        return True

    def execute(self, statement: str) -> list[Any]:
        with self.admin.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def settings(self) -> DatabaseSettings:
        return DatabaseSettings("mysql", HOST, self.port, ca_file=str(self.certificates.ca))

    def local_session(self) -> Any:
        return pymysql.connect(unix_socket=self._socket, user="root", autocommit=True)

    def enter(self, address: str, **options: Any) -> Any:
        options = {"host": HOST, "bind_address": address, **options}
        return pymysql.connect(port=self.port, user="manager", password=PASSWORD, **options)

    def alive(self, client: Any) -> bool:
        try:
            client.ping(reconnect=False)
        except pymysql.MySQLError:
            return False
        return True

    def cut(self, role: str) -> None:
        for row in self.execute("SHOW PROCESSLIST"):
            if row[1] == role:
                self.execute(f"KILL {row[0]}")
        until(lambda: all(row[1] != role for row in self.execute("SHOW PROCESSLIST")), f"{role} has no session")

    def close(self) -> None:
        self.admin.close()
        self._server.stop()
