"""Connections before their login, as the database's host shows them: a real PostgreSQL and its kernel's table."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from msfailover.adapters.sessions import Engine
from msfailover.adapters.sessions.tcp_table import table_of
from msfailover.decisions.attribution import Finding, sessions_of
from msfailover.observations import SessionKind
from msfailover.pair import Role, Server

from tests.adapters.sessions.conftest import MS1, MS2
from tests.adapters.sessions.databases import AUTHENTICATION_TIMEOUT_S, PostgreSQLServer
from tests.adapters.sessions.test_postgresql import begin_login, blind, connect, engine
from tests.adapters.sessions.waiting import until

__all__ = ["blind", "engine"]


def read(engine: Engine, server: Server = MS1) -> Finding:
    """As a proof reads it: what has only connected counts."""
    return sessions_of(server, engine.list_sessions(), proof=True)


def test_a_connection_that_says_nothing_is_its_servers(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with connect(postgresql):
        finding = read(engine)
    assert finding.verdict.is_yes
    assert "ms1 has 1 session on the database (1 connection from 127.0.0.11)" in finding.verdict.sentence
    assert finding.verdict.evidence["late_login_s"] == 0


def test_it_is_no_session(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with connect(postgresql):
        assert sessions_of(MS1, engine.list_sessions()).verdict.is_no


def test_it_is_nobody_elses(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with connect(postgresql, "127.0.0.12"):
        assert read(engine, MS2).count == 1
        assert read(engine, MS1).verdict.is_no


def test_it_counts_until_the_server_gives_it_up(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with connect(postgresql) as silent:
        assert read(engine).count == 1
        silent.settimeout(AUTHENTICATION_TIMEOUT_S + 5)
        assert silent.recv(100) == b""
        until(lambda: read(engine).verdict.is_no, "the server has let go of it, though the client has not")


def test_a_login_under_way_is_its_servers(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with begin_login(postgresql):
        assert read(engine).verdict.is_yes


def test_a_session_is_not_counted_twice(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("127.0.0.11")):
        assert [each.kind for each in read(engine).sessions] == [SessionKind.CLIENT]


def test_one_that_the_server_has_not_accepted_yet_counts(postgresql: PostgreSQLServer, engine: Engine) -> None:
    read(engine)
    listener = int((postgresql.data / "postmaster.pid").read_text().split()[0])
    os.kill(listener, signal.SIGSTOP)  # the server that this test started accepts nobody; our session goes on
    try:
        with connect(postgresql):
            assert read(engine).count == 1
    finally:
        os.kill(listener, signal.SIGCONT)


@pytest.mark.parametrize(("address", "host"), [("::1", "::1"), ("::ffff:127.0.0.11", "::ffff:127.0.0.1")])
def test_ipv6_is_read_too(postgresql: PostgreSQLServer, engine: Engine, address: str, host: str) -> None:
    server = Server(Role.MS1, MS1.instance_id, ("127.0.0.11", "::1"))
    with connect(postgresql, address, host):
        assert read(engine, server).count == 1


def test_ending_what_has_not_logged_in_is_left_to_the_server(postgresql: PostgreSQLServer, engine: Engine) -> None:
    session = postgresql.enter("127.0.0.11")
    with connect(postgresql):
        ids = read(engine).ids
        assert len(ids) == 2
        assert engine.terminate(ids).asked == 1
        assert not postgresql.alive(session)
        assert [each.kind for each in read(engine).sessions] == [SessionKind.CONNECTION]


def test_whoever_may_not_see_them_is_told_how_long_to_wait(postgresql: PostgreSQLServer, blind: Engine) -> None:
    with connect(postgresql):
        assert blind.list_sessions().late_login_s == AUTHENTICATION_TIMEOUT_S


def test_readiness_tells_that_they_are_seen(engine: Engine) -> None:
    assert "Connections before their login it sees." in engine.can_list_and_terminate().sentence


@pytest.fixture
def replaceable(postgresql: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    yield postgresql
    postgresql.admin.run("DROP SCHEMA ms_failover CASCADE")
    postgresql.show_connections()


def replace(postgresql: PostgreSQLServer, body: str) -> None:
    postgresql.admin.run(
        "CREATE OR REPLACE FUNCTION ms_failover.connections(OUT local text, OUT remote text, OUT state text)"
        f" RETURNS SETOF record LANGUAGE sql SECURITY DEFINER AS $$ {body} $$"
    )


def not_believed(engine: Engine) -> bool:
    sight = "does not see, so a fence waits for them"
    return engine.list_sessions().late_login_s == AUTHENTICATION_TIMEOUT_S and sight in (
        engine.can_list_and_terminate().sentence
    )


def test_a_table_without_our_own_connection_is_none(replaceable: PostgreSQLServer, engine: Engine) -> None:
    replace(replaceable, "SELECT '0100007F:1538', '0B00007F:C000', '01'")
    assert not_believed(engine)


def test_a_table_that_cannot_be_read_is_none(replaceable: PostgreSQLServer, engine: Engine) -> None:
    replace(replaceable, "SELECT a, a, a FROM pg_read_file('/nowhere') AS a")
    assert not_believed(engine)


def test_a_function_of_somebody_elses_is_not_believed(replaceable: PostgreSQLServer, engine: Engine) -> None:
    """Whoever owns the function could leave connections out."""
    replaceable.admin.run("ALTER FUNCTION ms_failover.connections() OWNER TO manager")
    assert not_believed(engine)


def test_without_the_function_all_is_as_it_was(replaceable: PostgreSQLServer, engine: Engine) -> None:
    replaceable.admin.run("DROP FUNCTION ms_failover.connections()")
    assert not_believed(engine)


def test_it_can_be_made_again(postgresql: PostgreSQLServer, engine: Engine) -> None:
    postgresql.show_connections()
    with connect(postgresql):
        assert read(engine).count == 1


def test_the_role_may_still_read_no_file(postgresql: PostgreSQLServer) -> None:
    allowed = postgresql.admin.run("SELECT has_function_privilege('ms_failover', 'pg_read_file(text)', 'EXECUTE')")
    everybody = postgresql.admin.run("SELECT has_function_privilege('bare', 'ms_failover.connections()', 'EXECUTE')")
    assert (allowed, everybody) == ([[False]], [[False]])


OWN = ("0100007F:1538", "0A00007F:C001", "01", "127.0.0.10", 49153)


@pytest.mark.parametrize(
    ("state", "counts"),
    [("01", 1), ("03", 1), ("08", 1), ("04", 0), ("05", 0), ("06", 0), ("07", 0), ("09", 0), ("0A", 0), ("0B", 0)],
)
def test_what_the_server_has_let_go_of_does_not_count(state: str, counts: int) -> None:
    table = table_of([OWN, ("0100007F:1538", "0B00007F:C002", state, *OWN[3:])], 10)
    assert table is not None
    assert len(table.not_listed([])) == counts


def test_other_ports_are_not_the_databases() -> None:
    table = table_of([OWN, ("0100007F:0016", "0B00007F:C002", "01", *OWN[3:])], 10)
    assert table is not None
    assert table.not_listed([]) == ()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [OWN, OWN, OWN],  # beyond the limit
        [("7F000001:1538", "7F00000A:C001", "01", "127.0.0.10", 49153)],  # the other byte order
        [("0100007F:1538", "0A00007F:C001", "06", "127.0.0.10", 49153)],
        [OWN, ("0100007F", "0B00007F:C002", "01", *OWN[3:])],
        [OWN, ("0100007F:1538", "0B007F:C002", "01", *OWN[3:])],
        [("0100007F:1538", "0A00007F:C001", "01", None, None)],  # ours came over the Unix socket
    ],
)
def test_a_table_that_cannot_be_relied_on_is_none(rows: list[tuple[object, ...]]) -> None:
    assert table_of(rows, 2) is None
