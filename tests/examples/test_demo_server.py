"""The demo's stand-in server against a real PostgreSQL, with the roles and the journal that setup.sh makes."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo import demo
from tests.adapters.sessions.databases import HOST, PASSWORD, PostgreSQLServer, free_port
from tests.adapters.sessions.waiting import until
from tests.failoverctl.pages import ROOT

FOLDER = ROOT / "examples/demo"


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQLServer]:
    found = PostgreSQLServer()
    for _ in range(2):  # it can run twice
        set_up(found)
    yield found
    found.close()


def set_up(database: PostgreSQLServer) -> None:
    (sql,) = re.findall(r"<<'END'\n(SELECT.*?)^END$", (FOLDER / "setup.sh").read_text(), re.MULTILINE | re.DOTALL)
    variables = {
        "server": "demo_server",
        "server_password": PASSWORD,
        "monitor": "ms_failover",
        "monitor_password": "x",
    }
    options = [f"--set={name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", *options], input=sql, text=True, check=False,
        capture_output=True, timeout=30, env=login(database, "postgres"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def login(database: PostgreSQLServer, user: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PGHOST": HOST,
        "PGPORT": str(database.port),
        "PGDATABASE": "postgres",
        "PGUSER": user,
        "PGPASSWORD": PASSWORD,
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": "2",
    }


class Server:
    """server.py as the service runs it, on ports of its own."""

    def __init__(self, database: PostgreSQLServer, certificate: Path) -> None:
        self.admin, self.agent, self.certificate = free_port(), free_port(), certificate
        more = {"ADMIN_PORT": str(self.admin), "AGENT_PORT": str(self.agent), "CERTIFICATE": str(certificate)}
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "server.py"],
            env={**login(database, "demo_server"), **more},
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr is not None
        assert self.process.stderr.readline() == b"serving\n"

    @property
    def trust(self) -> ssl.SSLContext:
        found = ssl.create_default_context(cafile=str(self.certificate))
        found.check_hostname = False  # the record leads here in the demo's network only
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


@pytest.fixture
def server(database: PostgreSQLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(demo, "MADE", tmp_path)
    monkeypatch.setattr(demo, "CERTIFICATES", tmp_path)
    demo.certificate()
    found = Server(database, tmp_path / "server.pem")
    yield found
    found.stop()


def rows(database: PostgreSQLServer) -> int:
    ((count,),) = database.admin.run("SELECT count(*) FROM journal")
    return int(count)


def test_it_answers_probes_and_agents_and_a_silent_client_holds_nobody_up(server: Server) -> None:
    with socket.create_connection((HOST, server.admin)):
        with urllib.request.urlopen(f"https://{HOST}:{server.admin}/login", context=server.trust, timeout=5) as answer:
            assert b"Management Server" in answer.read()
        with socket.create_connection((HOST, server.agent), 5) as plain, server.trust.wrap_socket(plain) as agent:
            agent.sendall(b"hello\n")
            text = agent.makefile("rb")
            assert text.readline().startswith(b'{"server": "')
            assert text.readline() == b"hello\n"


def test_it_writes_through_one_connection_and_makes_another_when_that_ends(
    server: Server, database: PostgreSQLServer
) -> None:
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'demo_server'"
    before = rows(database)
    until(lambda: rows(database) > before + 1, "rows are written")
    assert database.admin.run(sessions) == [[1]]
    database.admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'demo_server'")
    ended = rows(database)
    until(lambda: rows(database) > ended, "rows are written again")
    assert server.process.poll() is None


def test_a_stopped_server_leaves_no_session(server: Server, database: PostgreSQLServer) -> None:
    before = rows(database)
    until(lambda: rows(database) > before, "rows are written")
    server.stop()
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'demo_server'"
    until(lambda: database.admin.run(sessions) == [[0]], "its session ends")
