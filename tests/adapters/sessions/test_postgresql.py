"""What is PostgreSQL's own, against a real server."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pg8000.native
import pytest
from msfailover.adapters.sessions import DatabaseUnreachable, Engine, RightsMissing
from msfailover.decisions.attribution import Finding, sessions_of
from msfailover.observations import SessionKind
from msfailover.pair import Role, Server

from tests.adapters.sessions.conftest import MS1
from tests.adapters.sessions.databases import AUTHENTICATION_TIMEOUT_S, HOST, PostgreSQLServer
from tests.adapters.sessions.waiting import until


@pytest.fixture
def engine(postgresql: PostgreSQLServer) -> Iterator[Engine]:
    with closing(postgresql.engine()) as made:
        until(lambda: read(made).verdict.is_no, "nothing is left of another test")
        yield made


def read(engine: Engine, server: Server = MS1) -> Finding:
    return sessions_of(server, engine.list_sessions())


def test_sessions_that_the_role_may_not_see_are_unknown(postgresql: PostgreSQLServer) -> None:
    with closing(postgresql.enter("127.0.0.12")), closing(postgresql.engine("bare")) as bare:
        finding = read(bare)
    assert finding.verdict.answer == "unknown"
    assert finding.count == 0
    assert "hidden" in finding.verdict.sentence


def test_background_workers_are_seen_as_such(engine: Engine) -> None:
    kinds = {each.kind for each in engine.list_sessions().sessions}
    assert SessionKind.BACKGROUND in kinds
    assert read(engine).verdict.is_no


def test_a_replication_connection_counts(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("127.0.0.11", replication="true")):
        finding = read(engine)
    assert [each.kind for each in finding.sessions] == [SessionKind.REPLICATION]
    assert finding.verdict.is_yes


def test_a_session_over_ipv6_counts(postgresql: PostgreSQLServer, engine: Engine) -> None:
    server = Server(Role.MS1, MS1.instance_id, ("127.0.0.11", "::1"))
    with closing(postgresql.enter("::1", host="::1")):
        assert read(engine, server).count == 1


def test_an_ipv4_address_mapped_into_ipv6_counts(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("::ffff:127.0.0.11", host="::ffff:127.0.0.1")):
        assert read(engine).count == 1


def test_a_session_over_the_unix_socket_is_nobodys(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.local_session()):
        local = [each for each in engine.list_sessions().sessions if each.local]
        assert local
        assert read(engine).verdict.is_no


def test_a_superusers_session_does_not_shield_the_rest(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("127.0.0.11", "postgres")) as shielded:
        plain = [postgresql.enter("127.0.0.11") for _ in range(2)]
        with pytest.raises(RightsMissing, match=r"1 of 3 sessions were not ended.*superuser"):
            engine.terminate(read(engine).ids)
        until(lambda: read(engine).count == 1, "only the superuser's session is left")
        assert postgresql.alive(shielded)
        assert not any(postgresql.alive(each) for each in plain)


def test_readiness_names_whose_sessions_it_cannot_end(engine: Engine) -> None:
    assert "Sessions of superusers (postgres) it can't end" in engine.can_list_and_terminate().sentence


def test_a_process_number_used_again_is_not_killed(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("127.0.0.11")) as client:
        pid, _, _ = read(engine).ids[0].partition("@")
        done = engine.terminate([f"{pid}@1700000000.000000"])
        assert (done.asked, done.gone) == (0, 1)
        assert postgresql.alive(client)


def test_a_session_that_does_not_die_stays_counted(postgresql: PostgreSQLServer, engine: Engine) -> None:
    with closing(postgresql.enter("127.0.0.11")) as client:
        pid = client.run("SELECT pg_backend_pid()")[0][0]
        os.kill(pid, signal.SIGSTOP)  # a backend of the server that this test started
        try:
            assert engine.terminate(read(engine).ids).asked == 1
            assert [read(engine).count for _ in range(3)] == [1, 1, 1]
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: read(engine).count == 0, "the session ends when its process goes on")


@pytest.fixture
def blind(postgresql: PostgreSQLServer, engine: Engine) -> Iterator[Engine]:
    """An engine that may not see the host's TCP connections, as on Amazon RDS."""
    with closing(postgresql.engine("seer")) as made:
        until(lambda: read(made).verdict.is_no, "nothing is left of another test")
        yield made


def connect(postgresql: PostgreSQLServer, address: str = "127.0.0.11", host: str = HOST) -> socket.socket:
    """Connect, and say nothing."""
    return socket.create_connection((host, postgresql.port), source_address=(address, 0))


def begin_login(postgresql: PostgreSQLServer) -> socket.socket:
    """Connect and send the startup packet, but not the password."""
    client = connect(postgresql)
    body = struct.pack("!i", 196608) + b"user\0manager\0database\0postgres\0\0"
    client.sendall(struct.pack("!i", len(body) + 4) + body)
    assert client.recv(100).startswith(b"R")  # the server asks for the password
    return client


def test_a_login_under_way_is_unknown_until_it_is_over(postgresql: PostgreSQLServer, blind: Engine) -> None:
    with begin_login(postgresql) as client:
        began = time.monotonic()
        finding = read(blind)
        assert finding.verdict.answer == "unknown"
        assert [each.kind for each in finding.unknown] == [SessionKind.LOGIN]
        client.settimeout(AUTHENTICATION_TIMEOUT_S + 5)
        while client.recv(200):  # the server's complaint, then the end
            pass
        assert time.monotonic() - began < AUTHENTICATION_TIMEOUT_S + 2
    until(lambda: read(blind).verdict.is_no, "nothing is left of the login")


def test_how_long_a_connection_may_stay_out_of_sight_is_told(postgresql: PostgreSQLServer, blind: Engine) -> None:
    with connect(postgresql) as silent:
        began = time.monotonic()
        assert read(blind).verdict.is_no  # this is the gap
        late = blind.list_sessions().late_login_s
        assert late == AUTHENTICATION_TIMEOUT_S
        silent.settimeout(AUTHENTICATION_TIMEOUT_S + 5)
        assert silent.recv(100) == b""
        assert time.monotonic() - began < late + 2


def test_no_login_is_lost_between_the_two_views(postgresql: PostgreSQLServer, engine: Engine) -> None:
    """While sessions come, every one that was there before a read, and stays, is in it."""
    clients: list[pg8000.native.Connection] = []
    begun, stop = [0], threading.Event()

    def come() -> None:
        while not stop.is_set() and len(clients) < 20:
            begin = postgresql.enter("127.0.0.11")
            clients.append(begin)
            begun[0] += 1

    thread = threading.Thread(target=come)
    thread.start()
    try:
        while thread.is_alive():
            before = begun[0]
            assert read(engine).count >= before
    finally:
        stop.set()
        thread.join(10)
        for client in clients:
            client.close()


def test_a_certificate_of_another_authority_is_not_trusted(postgresql: PostgreSQLServer) -> None:
    stranger = str(postgresql.certificates.stranger)
    with closing(postgresql.engine(ca_file=stranger)) as wary, pytest.raises(DatabaseUnreachable, match="CERTIFICATE"):
        wary.list_sessions()


def test_a_certificate_for_another_host_is_not_trusted(postgresql: PostgreSQLServer) -> None:
    with closing(postgresql.engine(host="127.0.0.2")) as wary, pytest.raises(DatabaseUnreachable, match=r"127.0.0.2"):
        wary.list_sessions()


def test_a_ca_file_that_is_not_there_is_named(postgresql: PostgreSQLServer) -> None:
    with (
        closing(postgresql.engine(ca_file="/nowhere/ca.pem")) as lost,
        pytest.raises(DatabaseUnreachable, match=r"/nowhere/ca.pem"),
    ):
        lost.list_sessions()


def test_a_database_without_tls_gets_no_password(postgresql: PostgreSQLServer) -> None:
    received = b""
    with socket.create_server((HOST, 0)) as plain:

        def answer() -> None:
            nonlocal received
            client, _ = plain.accept()
            with client:
                client.settimeout(5)
                received += client.recv(100)
                client.sendall(b"N")  # no TLS here
                received += client.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        port = plain.getsockname()[1]
        with closing(postgresql.engine(port=port)) as wary, pytest.raises(DatabaseUnreachable, match="refuses SSL"):
            wary.list_sessions()
        thread.join(10)
    assert received == struct.pack("!ii", 8, 80877103)  # asked for TLS, and nothing after that


def test_an_answer_that_takes_too_long_is_given_up(postgresql: PostgreSQLServer) -> None:
    with closing(postgresql.engine(statement_timeout_s=0.3)) as hasty:
        hasty.list_sessions()
        # A table lock on what the listing reads makes the database hang, as far as we can see.
        with closing(postgresql.local_session()) as blocker:
            blocker.run("BEGIN")
            blocker.run("LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            with pytest.raises(DatabaseUnreachable, match="longer than its limit"):
                hasty.list_sessions()
            assert time.monotonic() - began < 3
            blocker.run("ROLLBACK")


def test_a_database_that_accepts_and_says_nothing_is_given_up(postgresql: PostgreSQLServer) -> None:
    with socket.create_server((HOST, 0)) as mute:
        port = mute.getsockname()[1]
        began = time.monotonic()
        with (
            closing(postgresql.engine(port=port, statement_timeout_s=0.2)) as patient,
            pytest.raises(DatabaseUnreachable, match="did not answer"),
        ):
            patient.list_sessions()
        assert time.monotonic() - began < 4


def test_the_connection_says_who_it_is(postgresql: PostgreSQLServer, engine: Engine) -> None:
    engine.list_sessions()
    names = postgresql.admin.run(
        "SELECT application_name, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'ms_failover'"
    )
    assert ["ms-failover", True] in names
