"""A journal in a real database: the judge's SQL is run where it will be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pg8000.native
import pymysql
import pytest

from failoverctl.acceptance.report.journal import MARIADB, POSTGRESQL
from failoverctl.acceptance.report.record import Row

_POSTGRESQL = Path("/usr/lib/postgresql/15/bin")


class Journal:
    """A journal that tests fill with the rows they want; `epoch` is the engine's expression for a row's time."""

    def __init__(self, run: Callable[..., Any], epoch: str, moment: str) -> None:
        self.run = run
        self.epoch = epoch
        self._moment = moment

    def fill(self, rows: Sequence[Row]) -> None:
        self.run("DELETE FROM journal")
        values = ", ".join(f"({row.id}, '{row.server}', {self._moment.format(row.at)})" for row in rows)
        if values:
            self.run(f"INSERT INTO journal (id, server, at) VALUES {values}")


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def journal(request: pytest.FixtureRequest) -> Iterator[Journal]:
    # Its own directory, not pytest's: a database refuses to run as root, and others can't enter pytest's.
    directory = Path(tempfile.mkdtemp(prefix="journal-"))
    try:
        yield from (_postgresql if request.param == "postgresql" else _mariadb)(directory)
    finally:
        shutil.rmtree(directory)


def _postgresql(directory: Path) -> Iterator[Journal]:
    if not _POSTGRESQL.exists():
        pytest.fail("PostgreSQL 15 is not installed: `make setup` installs it")
    data, prefix = directory / "data", _unprivileged(directory, "postgres")
    subprocess.run(
        [*prefix, _POSTGRESQL / "initdb", "-D", data, "--no-sync", "--auth=trust", "--username=postgres",
         "--encoding=UTF8", "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd="/", timeout=60,
    )  # fmt: skip
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={directory}", "-c", "fsync=off"]
    server = _start([*prefix, str(_POSTGRESQL / "postgres"), "-D", str(data), *settings])
    try:
        connection = _until_it_answers(
            server,
            lambda: pg8000.native.Connection("postgres", unix_sock=str(directory / ".s.PGSQL.5432")),
        )
        connection.run("CREATE TABLE journal (id bigserial PRIMARY KEY, server text NOT NULL, at timestamptz NOT NULL)")
        yield Journal(connection.run, POSTGRESQL, "to_timestamp({:.6f})")
        connection.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _mariadb(directory: Path) -> Iterator[Journal]:
    installer = shutil.which("mariadb-install-db")
    if installer is None:
        pytest.fail("MariaDB is not installed: `make setup` installs it")
    data, socket, prefix = directory / "data", directory / "socket", _unprivileged(directory, "mysql")
    subprocess.run(
        [*prefix, installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"],
        check=True, capture_output=True, cwd="/", timeout=60,
    )  # fmt: skip
    options = [f"--datadir={data}", f"--socket={socket}", "--skip-networking", f"--pid-file={directory / 'pid'}"]
    server = _start([*prefix, shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", *options])
    try:
        connection = _until_it_answers(
            server, lambda: pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
        )
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE judged")
        cursor.execute("USE judged")
        cursor.execute(
            "CREATE TABLE journal (id bigint PRIMARY KEY AUTO_INCREMENT, server varchar(20) NOT NULL, at datetime(6))"
        )

        def run(sql: str, **params: Any) -> Any:
            for name in params:
                sql = sql.replace(f":{name}", f"%({name})s")
            cursor.execute(sql, params)
            return cursor.fetchall()

        yield Journal(run, MARIADB, "from_unixtime({:.6f})")
        connection.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _unprivileged(directory: Path, user: str) -> list[str]:
    """How to run a program as the user that owns the directory from now on."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, user, user)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


def _until_it_answers(server: subprocess.Popen[bytes], connect: Callable[[], Any], deadline_s: float = 30) -> Any:
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            return connect()
        except Exception:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
