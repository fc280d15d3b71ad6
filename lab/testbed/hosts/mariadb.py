"""MariaDB, the server of Debian's package, in a host of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.hosts.database import APPLICATION, MONITOR, NAME, Database, Session, quoted

_HOME = "/var/lib/mysql"
_DATA = f"{_HOME}/data"
_RUN = "/run/mysqld"
_SOCKET = f"{_RUN}/mysqld.sock"
_FROM = NETWORK.replace(".0/24", ".%")

# The data are as short-lived as the testbed, which must fit beside everything else: small, and no flush to disk.
_SMALL = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--aria-pagecache-buffer-size=8M",
    "--key-buffer-size=1M",
)


class MariaDB(Database):
    """MariaDB: TLS and passwords for all who come over the network."""

    engine = "mysql"
    port = 3306
    epoch = "unix_timestamp({})"
    user = "mysql"
    process = "mariadbd"
    data = _DATA

    def connect(self) -> Any:
        return NamedParameters(self._connect(NAME))

    def sessions(self) -> list[Session]:
        found = self._ask(
            "SELECT user, host FROM information_schema.processlist WHERE host LIKE '%.%.%.%:%' ORDER BY id"
        )
        return [Session(str(user), str(host).rpartition(":")[0]) for user, host in found]

    def _create(self) -> None:
        self._own_directory(_HOME)
        self.host.run(
            self._as_user(
                "mariadb-install-db", "--no-defaults", f"--datadir={_DATA}", "--skip-test-db", "--skip-name-resolve",
                "--auth-root-authentication-method=normal", *_SMALL,
            ),
            timeout_s=60,
        )  # fmt: skip

    def _server(self) -> Sequence[str]:
        self._own_directory(_RUN)
        certificate, key = self._install_certificate(_HOME)
        return (
            "mariadbd", "--no-defaults", f"--datadir={_DATA}", f"--socket={_SOCKET}", f"--pid-file={_RUN}/mysqld.pid",
            f"--port={self.port}", "--bind-address=*", "--skip-name-resolve", "--default-time-zone=+00:00",
            "--max-connections=60", "--connect-timeout=2", "--require-secure-transport=ON",
            f"--ssl-cert={certificate}", f"--ssl-key={key}", *_SMALL,
        )  # fmt: skip

    def _shut_down(self) -> None:
        self.host.run(["mariadb-admin", "--no-defaults", "--user=root", f"--socket={_SOCKET}", "shutdown"])

    def _probe(self) -> None:
        self._connect(None).close()

    def _populate(self) -> None:
        server = NamedParameters(self._connect(None))
        server.run("DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost')")
        server.run("FLUSH PRIVILEGES")
        server.run(f"CREATE DATABASE {NAME}")
        server.run(
            f"CREATE TABLE {NAME}.journal (id bigint PRIMARY KEY AUTO_INCREMENT, server varchar(64) NOT NULL,"
            " at timestamp(6) NOT NULL DEFAULT current_timestamp(6))"
        )
        for account, password in ((APPLICATION, self._passwords.application), (MONITOR, self._passwords.monitor)):
            server.run(f"CREATE USER {account}@'{_FROM}' IDENTIFIED BY {quoted(password)} REQUIRE SSL")
        server.run(f"GRANT ALL ON {NAME}.* TO {APPLICATION}@'{_FROM}'")
        # What docs/databases.md asks of an administrator, and no more.
        server.run(f"GRANT PROCESS, CONNECTION ADMIN ON *.* TO {MONITOR}@'{_FROM}'")
        server.close()

    def _connect(self, database: str | None) -> Any:
        import pymysql

        # A path that is short, whatever the testbed's directory: the kernel's limit for sockets is about 100
        # characters.
        socket: Path = self.host.inside(_SOCKET)
        return pymysql.connect(unix_socket=str(socket), user="root", database=database, autocommit=True)


class NamedParameters:
    """A connection of pymysql's that runs SQL as one of pg8000's does."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement, parameters written `:name`; returns its rows, none for a statement without."""
        with self._connection.cursor() as cursor:
            if parameters:
                sql = re.sub(r":(\w+)", r"%(\1)s", sql.replace("%", "%%"))
                cursor.execute(sql, parameters)
            else:
                cursor.execute(sql)
            return list(cursor.fetchall())

    def close(self) -> None:
        self._connection.close()
