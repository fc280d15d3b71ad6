"""The demo's stand-in server against a real PostgreSQL, with the roles and the journal that setup.sh makes."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo import demo
from failoverctl.acceptance import journal_there
from failoverctl.acceptance.journal_there import JournalThere, JournalUnreadable
from failoverctl.acceptance.run_script import ScriptFailed
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


def page_of(server: Server, limit_s: float = 5) -> bytes:
    with urllib.request.urlopen(f"https://{HOST}:{server.admin}/", context=server.trust, timeout=limit_s) as answer:
        found: bytes = answer.read()
    return found


def test_its_interface_hangs_while_it_writes_on_and_answers_again(server: Server, database: PostgreSQLServer) -> None:
    assert page_of(server)
    server.process.send_signal(signal.SIGUSR1)

    def hangs() -> bool:
        try:
            return not page_of(server, 1)
        except TimeoutError:
            return True

    until(hangs, "it answers no more")
    hung = rows(database)
    until(lambda: rows(database) > hung + 2, "rows are written while it hangs")
    server.process.send_signal(signal.SIGUSR2)
    assert page_of(server)


@pytest.fixture
def there(database: PostgreSQLServer, tmp_path: Path) -> JournalThere:
    """The journal as acceptance reads it, with the script run here in place of Run Command."""
    own = {name: value for name, value in login(database, "demo_server").items() if name.startswith("PG")}
    (tmp_path / "server.env").write_text("".join(f"{name}={value}\n" for name, value in own.items()))

    def run_on(_: str, script: str) -> str:
        mine = script.replace("/etc/opt/ssh-mgmt/server/server.env", str(tmp_path / "server.env"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", mine], text=True, capture_output=True, timeout=30, check=False
        )
        if done.returncode:
            raise ScriptFailed(done.stderr)
        return done.stdout

    return JournalThere(run_on)


def test_acceptance_reads_what_it_wrote_by_its_own_login_page_by_page(
    server: Server, database: PostgreSQLServer, there: JournalThere, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = there.last("ms1")
    before = rows(database)
    until(lambda: rows(database) > before + 3, "rows are written")
    monkeypatch.setattr(journal_there, "PAGE", 2)
    server.stop()
    found = there.rows("ms1", last)
    wanted = database.admin.run(f"SELECT id, server, extract(epoch FROM at) FROM journal WHERE id > {last} ORDER BY id")
    assert [(each.id, each.server) for each in found] == [(number, name) for number, name, _ in wanted]
    assert [each.at for each in found] == pytest.approx([float(at) for *_, at in wanted], abs=2e-6)
    assert len(found) > 2, "more than a page"


def test_a_full_page_fits_into_what_run_command_returns(database: PostgreSQLServer, there: JournalThere) -> None:
    database.admin.run("TRUNCATE journal")
    database.admin.run(
        "INSERT INTO journal (server, at) SELECT 'ms1', clock_timestamp() - random() * interval '1 hour'"
        f" FROM generate_series(1, {journal_there.PAGE + 1})"
    )
    script = journal_there._READ.format(login=journal_there.LOGIN, after=0, page=journal_there.PAGE)
    assert len(there._run_on("ms1", script)) < 24_000
    assert len(there.rows("ms1", 0)) == journal_there.PAGE + 1


def test_a_journal_that_can_t_be_read_or_whose_clock_is_off_acquits_nobody(
    there: JournalThere, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 60)
    with pytest.raises(JournalUnreadable, match="clock"):
        there.last("ms1")
    with pytest.raises(JournalUnreadable, match="is no journal"):
        JournalThere(lambda *_: "H4sIAAAA").rows("ms1", 0)

    def away(*_: str) -> str:
        raise ScriptFailed("its agent is away")

    with pytest.raises(JournalUnreadable, match="its agent is away"):
        JournalThere(away).rows("ms1", 0)
