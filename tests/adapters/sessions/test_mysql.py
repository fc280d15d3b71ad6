"""What is MySQL's and MariaDB's own: against a real MariaDB, and rows as MySQL documents them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from msfailover.adapters.sessions import DatabaseUnreachable, Engine
from msfailover.adapters.sessions.mysql import MySQL
from msfailover.adapters.sessions.mysql import _session as read_row
from msfailover.decisions import database_path
from msfailover.decisions.attribution import Finding, Names, sessions_of
from msfailover.observations import Listing, SessionKind
from msfailover.pair import Role, Server
from pymysql.constants import COMMAND

from tests.adapters.sessions.conftest import MS1, MS2
from tests.adapters.sessions.databases import HOST, MariaDBServer
from tests.adapters.sessions.waiting import until


@pytest.fixture
def engine(mariadb: MariaDBServer) -> Iterator[Engine]:
    with closing(mariadb.engine()) as made:
        until(lambda: read(made).verdict.is_no, "nothing is left of another test")
        yield made


def read(engine: Engine, server: Server = MS1) -> Finding:
    return sessions_of(server, engine.list_sessions())


def row(host: str | None, user: str = "manager", command: str = "Sleep") -> tuple[object, ...]:
    return (17, user, host, None, command, 0, "", None)


def answer(
    host: str | None, user: str = "manager", command: str = "Sleep", server: Server = MS1, proof: bool = False
) -> str:
    names = Names(known=MS2.host_names if server is MS1 else ())
    return sessions_of(server, Listing((read_row(row(host, user, command)),)), names, proof=proof).verdict.answer


def test_without_process_the_list_is_not_whole(mariadb: MariaDBServer) -> None:
    with closing(mariadb.enter("127.0.0.11")), closing(mariadb.engine("bare")) as bare:
        finding = read(bare)
    assert finding.verdict.answer == "unknown"
    assert "lacks PROCESS" in finding.verdict.sentence


def test_background_threads_are_seen_as_such(mariadb: MariaDBServer, engine: Engine) -> None:
    background = {each.user for each in engine.list_sessions().sessions if each.kind is SessionKind.BACKGROUND}
    assert "event_scheduler" in background
    assert read(engine).verdict.is_no


def test_a_replication_connection_counts_and_can_be_ended(mariadb: MariaDBServer, engine: Engine) -> None:
    with closing(mariadb.enter("127.0.0.11")) as replica:
        replica.query("SET @master_binlog_checksum = @@global.binlog_checksum")  # a server wants to be understood
        ask = struct.pack("<IHI", 4, 0, 99)  # from the beginning, wait at the end, as server 99
        replica._execute_command(COMMAND.COM_BINLOG_DUMP, ask)
        until(lambda: SessionKind.REPLICATION in {each.kind for each in read(engine).sessions}, "replication is seen")
        assert read(engine).verdict.is_yes
        # The server serves a replica that has hung up until it has news for it: so it has to be ended, like any other.
        engine.terminate(read(engine).ids)
        until(lambda: read(engine).verdict.is_no, "the replica is gone")


def test_an_ipv4_address_mapped_into_ipv6_counts(mariadb: MariaDBServer, engine: Engine) -> None:
    with closing(mariadb.enter("::ffff:127.0.0.11", host="::ffff:127.0.0.1")):
        assert read(engine).count == 1


def test_a_login_under_way_counts_and_can_be_ended(mariadb: MariaDBServer, engine: Engine) -> None:
    address = (HOST, mariadb.port)
    with socket.create_connection(address, source_address=("127.0.0.11", 0)) as client:
        until(lambda: read(engine).count == 1, "the login is seen")
        finding = read(engine)
        assert [each.kind for each in finding.sessions] == [SessionKind.LOGIN]
        assert finding.verdict.evidence["late_login_s"] == 0
        assert engine.terminate(finding.ids).asked == 1
        until(lambda: read(engine).verdict.is_no, "the login is gone")
        client.settimeout(5)
        while client.recv(200):  # the greeting, then the end
            pass


def test_a_session_that_does_not_die_stays_counted(mariadb: MariaDBServer) -> None:
    define = "CREATE OR REPLACE PROCEDURE mysql.rds_kill(IN thread BIGINT) SQL SECURITY DEFINER"
    grant = "GRANT EXECUTE ON PROCEDURE mysql.rds_kill TO ms_failover_rds@'%'"
    mariadb.execute(f"{define} SET @asked = thread")
    mariadb.execute(grant)  # replacing it took the grant away
    try:
        with closing(mariadb.enter("127.0.0.11")), closing(mariadb.engine("ms_failover_rds", kill_with="rds")) as rds:
            assert rds.terminate(read(rds).ids).asked == 1
            assert [read(rds).count for _ in range(3)] == [1, 1, 1]
    finally:
        mariadb.execute(f"{define} KILL thread")
        mariadb.execute(grant)


def test_a_number_used_again_is_not_killed(mariadb: MariaDBServer, engine: Engine) -> None:
    with closing(mariadb.enter("127.0.0.11")) as client:
        number, _, _ = read(engine).ids[0].partition("@")
        done = engine.terminate([f"{number}@127.0.0.11:1"])
        assert (done.asked, done.gone) == (0, 1)
        assert mariadb.alive(client)


def test_certificates_are_verified(mariadb: MariaDBServer) -> None:
    for changes in ({"ca_file": str(mariadb.certificates.stranger)}, {"host": "127.0.0.2"}):
        with closing(mariadb.engine(**changes)) as wary, pytest.raises(DatabaseUnreachable, match=r"(?i)certificate"):
            wary.list_sessions()


def test_a_host_name_in_place_of_an_address_counts_when_it_is_the_servers() -> None:
    for name in ("ms1:4711", "MS1.corp.example:4711", "ms1.corp.example.:4711"):
        assert answer(name) == "yes"


def test_a_host_name_that_is_nobodys_is_unknown() -> None:
    assert answer("ms1.elsewhere.example:4711") == "unknown"
    assert answer("ms2.corp.example:4711") == "no"


def test_a_name_that_a_vpc_makes_of_an_address_is_the_address() -> None:
    server = Server(Role.MS1, "i-00000000000000001", ("10.0.0.11",))
    assert answer("ip-10-0-0-11.eu-north-1.compute.internal:4711", server=server) == "yes"
    assert answer("ip-10-0-0-12.eu-north-1.compute.internal:4711", server=server) == "no"
    assert answer("ip-10-0-0-11.evil.example:4711", server=server, proof=True) == "yes"
    assert answer("ip-10-0-0-12.evil.example:4711", server=server, proof=True) == "unknown"


def test_in_a_proof_a_reverse_name_is_never_somebody_elses() -> None:
    assert answer("ms2.corp.example:4711", proof=True) == "unknown"
    assert answer("127.0.0.12:4711", proof=True) == "no"


def test_threads_without_a_client_are_background_whatever_stands_for_their_host() -> None:
    for host in ("", None, "localhost", "connecting host"):
        assert answer(host, "system user", "Connect") == "no"


def test_an_account_with_the_name_of_a_background_thread_counts() -> None:
    assert answer("127.0.0.11:4711", "system user") == "yes"
    assert answer("127.0.0.11:4711", "event_scheduler") == "yes"


def test_a_login_of_no_known_host_is_unknown() -> None:
    assert answer("connecting host", "unauthenticated user", "Connect") == "unknown"
    assert answer("", "manager") == "unknown"


@pytest.fixture
def proxied(mariadb: MariaDBServer) -> Iterator[None]:
    """The server believes a proxy at 127.0.0.9."""
    mariadb.execute("SET GLOBAL proxy_protocol_networks = '127.0.0.9'")
    try:
        yield
    finally:
        mariadb.execute("SET GLOBAL proxy_protocol_networks = ''")


def test_an_address_that_a_proxy_announced_shows_no_way(mariadb: MariaDBServer, engine: Engine, proxied: None) -> None:
    """ms1 comes through a proxy on another host, and is listed with its own address: cutting that would cut nothing."""
    with socket.create_connection((HOST, mariadb.port), 5, source_address=("127.0.0.9", 0)) as way:
        way.sendall(b"PROXY TCP4 127.0.0.11 127.0.0.1 40000 3306\r\n")
        until(lambda: read(engine).verdict.is_yes, "it is listed as ms1's")
        assert "from 127.0.0.11" in read(engine).verdict.sentence
        assert database_path.seen_by(read(engine).verdict) == ""
    until(lambda: read(engine).verdict.is_no, "it has ended")
    proof = sessions_of(MS1, engine.list_sessions(), proof=True).verdict
    assert (proof.answer, "proxy_protocol_networks is 127.0.0.9" in proof.sentence) == ("unknown", True)


def test_a_port_check_from_the_servers_host_does_not_show_its_services_way(
    mariadb: MariaDBServer, engine: Engine
) -> None:
    with socket.create_connection((HOST, mariadb.port), 5, source_address=("127.0.0.11", 0)):
        until(lambda: read(engine).verdict.is_yes, "it is listed as a login of ms1's")
        assert database_path.seen_by(read(engine).verdict) == ""
    until(lambda: read(engine).verdict.is_no, "it has ended")


@pytest.mark.parametrize(
    ("handling", "late_login_s"), [("one-thread-per-connection", 0.0), ("pool-of-threads", None), (None, None)]
)
def test_only_with_a_thread_each_is_a_connection_listed_from_the_start(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, handling: str | None, late_login_s: float | None
) -> None:
    told = {"READ_ONLY": "OFF", **({"thread_handling": handling} if handling else {})}
    answering(engine, monkeypatch, told)
    assert engine.list_sessions().late_login_s == late_login_s


@pytest.mark.parametrize(
    ("lost", "gaps"),
    [([("Performance_schema_thread_instances_lost", "0")], 0), ([("x", "3")], 1), ([], 1)],
    ids=["none", "three", "not told"],
)
def test_a_performance_schema_that_lost_threads_makes_no_whole_list(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, lost: list[tuple[str, str]], gaps: int
) -> None:
    answering(engine, monkeypatch, {"read_only": "OFF", "performance_schema_show_processlist": "ON"}, lost)
    assert len(engine.list_sessions().gaps) == gaps


def test_a_list_without_our_own_connection_may_lack_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all = MySQL._read

    def lossy(self: MySQL, connection: Any) -> tuple[list[tuple[Any, ...]], bool]:
        rows, whole = read_all(self, connection)
        return [row for row in rows if row[0] != connection.thread_id()], whole

    monkeypatch.setattr(MySQL, "_read", lossy)
    found = read(engine)
    assert (found.verdict.answer, "does not show our own connection" in found.verdict.sentence) == ("unknown", True)


def answering(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    lost: list[tuple[str, str]] | None = None,
) -> None:
    """Have the server answer as another one would whose variables these are."""
    query = MySQL._query

    def answer(self: MySQL, connection: Any, statement: str) -> list[tuple[Any, ...]]:
        if statement.startswith("SHOW GLOBAL VARIABLES"):
            return list(variables.items())
        return (lost or []) if statement.startswith("SHOW GLOBAL STATUS") else query(self, connection, statement)

    monkeypatch.setattr(MySQL, "_query", answer)
