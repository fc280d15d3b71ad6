"""Only the writer's list says who writes: a standby, a read-only server and a replica are detected."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pg8000.native
import pytest
from msfailover.adapters.sessions.postgresql import _not_writer as not_writer
from msfailover.decisions.attribution import sessions_of
from msfailover.verdict import Answer, Verdict

from tests.adapters.sessions.conftest import MS1
from tests.adapters.sessions.databases import (
    HOST,
    PASSWORD,
    POSTGRESQL,
    Database,
    MariaDBServer,
    PostgreSQLServer,
    Process,
)
from tests.adapters.sessions.oracle_fake import FakeOracle
from tests.adapters.sessions.waiting import until


@pytest.fixture(scope="module")
def standby(postgresql: PostgreSQLServer) -> Iterator[int]:
    """The port of a streaming standby of the PostgreSQL server."""
    server = Process("msf-standby-", signal.SIGQUIT)
    data = str(server.directory / "data")
    source = ["-h", HOST, "-p", str(postgresql.port), "-U", "manager"]
    copy = [str(POSTGRESQL / "pg_basebackup"), *source, "-D", data, "-R", "-X", "stream", "--checkpoint=fast"]
    server.run(["env", f"PGPASSWORD={PASSWORD}", *copy])
    tls = postgresql.certificates
    options = {
        "port": server.port,
        "listen_addresses": HOST,
        "unix_socket_directories": server.directory,
        "ssl": "on",
        "ssl_cert_file": tls.certificate,
        "ssl_key_file": tls.key,
        "max_connections": 40,
    }
    argv = [str(POSTGRESQL / "postgres"), "-D", data]
    server.start(argv + [part for name, value in options.items() for part in ("-c", f"{name}={value}")])
    until(lambda: _answers(server.port), "the standby answers", 30)
    yield server.port
    server.stop()


def _answers(port: int) -> bool:
    try:
        pg8000.native.Connection("manager", host=HOST, port=port, database="postgres", password=PASSWORD).close()
    except pg8000.native.Error:
        return False
    return True


def found(database: Database, **changes: Any) -> tuple[Verdict, Verdict]:
    """What is said of ms1's sessions in a proof, and of our rights."""
    with closing(database.engine(**changes)) as engine:
        return sessions_of(MS1, engine.list_sessions(), proof=True).verdict, engine.can_list_and_terminate()


def test_a_standbys_list_is_not_taken_for_the_writers(postgresql: PostgreSQLServer, standby: int) -> None:
    with closing(postgresql.enter("127.0.0.11")):
        sessions, rights = found(postgresql, port=standby)
    assert (sessions.answer, rights.answer) == (Answer.UNKNOWN, Answer.UNKNOWN)
    assert "it is a standby (pg_is_in_recovery)" in sessions.sentence
    assert "must lead to the writer alone" in rights.sentence


def test_a_session_on_a_standby_makes_no_server_active(postgresql: PostgreSQLServer, standby: int) -> None:
    client = pg8000.native.Connection(
        "manager", host=HOST, port=standby, database="postgres", password=PASSWORD, source_address=("127.0.0.11", 0)
    )
    with closing(client), closing(postgresql.engine(port=standby)) as engine:
        finding = sessions_of(MS1, engine.list_sessions())
    assert (finding.count, finding.verdict.answer) == (1, Answer.UNKNOWN)


def test_a_postgresql_that_is_read_only_is_not_the_writer(postgresql: PostgreSQLServer) -> None:
    postgresql.admin.run("ALTER SYSTEM SET default_transaction_read_only = on")
    postgresql.admin.run("SELECT pg_reload_conf()")
    try:
        until(lambda: found(postgresql)[0].answer is Answer.UNKNOWN, "the server is read-only")
        assert "default_transaction_read_only" in found(postgresql)[0].sentence
    finally:
        postgresql.admin.run("ALTER SYSTEM RESET default_transaction_read_only")
        postgresql.admin.run("SELECT pg_reload_conf()")
    until(lambda: found(postgresql)[0].answer is Answer.NO, "the server is the writer again")


def test_a_mariadb_that_is_read_only_is_not_the_writer(mariadb: MariaDBServer) -> None:
    until(lambda: found(mariadb)[0].answer is Answer.NO, "nothing is left of another test")
    mariadb.execute("SET GLOBAL read_only = ON")
    try:
        sessions, rights = found(mariadb)
    finally:
        mariadb.execute("SET GLOBAL read_only = OFF")
    assert (sessions.answer, rights.answer) == (Answer.UNKNOWN, Answer.UNKNOWN)
    assert "it is read-only (read_only)" in sessions.sentence
    assert found(mariadb)[0].answer is Answer.NO


@contextmanager
def replicating(mariadb: MariaDBServer) -> Iterator[None]:
    """The server follows another one, which is not there; that makes it a replica all the same."""
    mariadb.execute("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='nobody'")
    mariadb.execute("START SLAVE")
    try:
        yield
    finally:
        mariadb.execute("STOP SLAVE")
        mariadb.execute("RESET SLAVE ALL")


def test_a_mariadb_that_follows_another_server_is_not_the_writer(mariadb: MariaDBServer) -> None:
    with replicating(mariadb):
        sessions, rights = found(mariadb)
    assert (sessions.answer, rights.answer) == (Answer.UNKNOWN, Answer.UNKNOWN)
    assert "applies another server's changes" in sessions.sentence
    assert found(mariadb)[0].answer is Answer.NO


@pytest.mark.parametrize(
    "is_now",
    [("PHYSICAL STANDBY", "READ ONLY WITH APPLY"), ("LOGICAL STANDBY", "READ WRITE"), ("PRIMARY", "READ ONLY")],
)
def test_an_oracle_that_is_not_the_primary_open_for_writing_is_not_the_writer(
    oracle: FakeOracle, is_now: tuple[str, str]
) -> None:
    oracle.is_now = is_now
    sessions, rights = found(oracle)
    assert (sessions.answer, rights.answer) == (Answer.UNKNOWN, Answer.UNKNOWN)
    assert f"its role is {is_now[0]} and it is open {is_now[1]}" in sessions.sentence


def test_an_oracle_user_who_may_not_see_what_the_database_is_says_what_to_grant(oracle: FakeOracle) -> None:
    with closing(oracle.engine("blinkered")) as engine:
        verdict = sessions_of(MS1, engine.list_sessions(), proof=True).verdict
        assert verdict.answer is Answer.UNKNOWN
        assert "SELECT on SYS.V_$DATABASE" in verdict.sentence
        assert engine.can_list_and_terminate().is_no


def test_a_connection_that_was_kept_to_a_server_no_longer_the_writer_is_let_go(mariadb: MariaDBServer) -> None:
    """After the database's own failover the old writer may go on answering."""
    with closing(mariadb.engine()) as engine:
        engine.list_sessions()
        mariadb.execute("SET GLOBAL read_only = ON")
        try:
            assert engine.list_sessions().not_writer
        finally:
            mariadb.execute("SET GLOBAL read_only = OFF")
        until(lambda: not any(row[1] == "ms_failover" for row in mariadb.execute("SHOW PROCESSLIST")), "it is closed")
        assert not engine.list_sessions().not_writer


@pytest.mark.parametrize(
    "process",
    ["logical replication worker", "logical replication apply worker", "logical replication tablesync worker",
     "pglogical apply 16384:1"],
)  # fmt: skip
def test_a_postgresql_that_applies_another_servers_changes_is_not_the_writer(process: str) -> None:
    """The copy of a blue/green deployment is no standby, and may be written to: who writes there is another writer."""
    assert "applies another server's changes" in not_writer([_row("client backend"), _row(process)])


@pytest.mark.parametrize("process", ["logical replication launcher", "walsender", "autovacuum launcher", None])
def test_a_postgresql_with_every_other_process_is_the_writer(process: str | None) -> None:
    assert not not_writer([_row(process)])


def _row(process: str | None) -> list[Any]:
    return [1, "1.000000", "u", None, None, process, None, "60s", False, "off"]
