"""What holds for every engine: PostgreSQL and MariaDB as real servers, Oracle as the documented fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msfailover.adapters.sessions import (
    DatabaseUnreachable,
    Engine,
    Login,
    LoginRefused,
    RightsMissing,
    engine_for,
)
from msfailover.decisions.attribution import Finding, Names, sessions_of
from msfailover.pair import Server

from tests.adapters.sessions.conftest import MS1, MS2
from tests.adapters.sessions.databases import HOST, PASSWORD, Database, Fixed, free_port
from tests.adapters.sessions.waiting import until

Enter = Callable[[str], object]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with closing(database.engine()) as made:
        yield made


@pytest.fixture
def enter(database: Database, engine: Engine) -> Iterator[Enter]:
    clients = []

    def open_one(address: str) -> object:
        clients.append(database.enter(address))
        return clients[-1]

    yield open_one
    for client in clients:
        if database.alive(client):
            client.close()
    until(lambda: read(engine, MS1).verdict.is_no and read(engine, MS2).verdict.is_no, "all sessions have ended")


def read(engine: Engine, server: Server) -> Finding:
    other = MS2 if server is MS1 else MS1
    return sessions_of(server, engine.list_sessions(), Names(vouched=("ora-db-1",), known=other.host_names))


def test_a_server_without_sessions_is_answered_no(engine: Engine) -> None:
    until(lambda: read(engine, MS1).verdict.is_no, "no session of ms1")
    assert "ms1 has no session" in read(engine, MS1).verdict.sentence


def test_sessions_are_counted_for_the_server_they_come_from(engine: Engine, enter: Enter) -> None:
    for address in ("127.0.0.11", "127.0.0.11", "127.0.0.12"):
        enter(address)
    first, second = read(engine, MS1), read(engine, MS2)
    assert (first.count, second.count) == (2, 1)
    assert first.verdict.is_yes
    assert "ms1 has 2 sessions" in first.verdict.sentence


def test_the_engines_own_connection_is_not_listed(engine: Engine) -> None:
    users = {each.user for each in engine.list_sessions().sessions}
    assert "ms_failover" not in {str(user).lower() for user in users}


def test_ending_a_servers_sessions_leaves_the_others_alone(database: Database, engine: Engine, enter: Enter) -> None:
    fenced, spared = [enter("127.0.0.11"), enter("127.0.0.11")], enter("127.0.0.12")
    done = engine.terminate(read(engine, MS1).ids)
    assert (done.asked, done.gone) == (2, 0)
    until(lambda: read(engine, MS1).verdict.is_no, "ms1's sessions are gone")
    assert not any(database.alive(client) for client in fenced)
    assert database.alive(spared)
    assert read(engine, MS2).count == 1


def test_ending_them_again_is_harmless(engine: Engine, enter: Enter) -> None:
    enter("127.0.0.11")
    ids = read(engine, MS1).ids
    engine.terminate(ids)
    until(lambda: read(engine, MS1).count == 0, "ms1's session is gone")
    again = engine.terminate(ids)
    assert (again.asked, again.gone) == (0, 1)


def test_the_procedure_of_rds_ends_them_too(database: Database, engine: Engine, enter: Enter) -> None:
    if database.name == "postgresql":
        pytest.skip("RDS for PostgreSQL has no procedure of its own")
    enter("127.0.0.11")
    with closing(database.engine(database.rds_role, kill_with="rds")) as rds:
        assert rds.can_list_and_terminate().is_yes
        assert rds.terminate(read(rds, MS1).ids).asked == 1
    until(lambda: read(engine, MS1).count == 0, "ms1's session is gone")


def test_a_role_that_may_not_end_sessions_says_what_to_grant(database: Database, engine: Engine, enter: Enter) -> None:
    client = enter("127.0.0.11")
    with closing(database.engine("seer")) as seer:
        ids = read(seer, MS1).ids
        with pytest.raises(RightsMissing, match=r"1 of 1 sessions were not ended.*GRANT"):
            seer.terminate(ids)
        verdict = seer.can_list_and_terminate()
        assert verdict.is_no
        assert "GRANT" in verdict.sentence
    assert database.alive(client)
    assert read(engine, MS1).count == 1


def test_a_role_that_may_not_see_is_never_answered_no(database: Database, enter: Enter) -> None:
    enter("127.0.0.11")
    with closing(database.engine("bare")) as bare:
        try:
            verdict = read(bare, MS1).verdict
        except RightsMissing as problem:
            assert "GRANT" in problem.sentence
        else:
            assert not verdict.is_no
            assert not verdict.is_yes
        assert bare.can_list_and_terminate().is_no


def test_the_documented_grants_are_enough(engine: Engine) -> None:
    assert engine.can_list_and_terminate().is_yes


def test_more_sessions_than_are_read_is_unknown(database: Database, enter: Enter) -> None:
    enter("127.0.0.12")
    enter("127.0.0.12")
    with closing(database.engine(row_limit=1)) as bounded:
        finding = read(bounded, MS1)
        assert len(bounded.list_sessions().sessions) <= 2
    assert finding.verdict.answer == "unknown"
    assert "More than 1 sessions" in finding.verdict.sentence


def test_a_refused_login_is_named_and_shows_no_password(database: Database) -> None:
    with closing(database.engine(password="wrong-" + PASSWORD)) as locked_out, pytest.raises(LoginRefused) as caught:
        locked_out.list_sessions()
    assert "ms_failover" in caught.value.sentence
    assert PASSWORD not in caught.value.sentence


def test_a_refused_login_is_tried_once_more_with_renewed_credentials(database: Database) -> None:
    source = Fixed(Login("ms_failover", "old"), Login("ms_failover", PASSWORD))
    with closing(engine_for(database.settings(), source)) as engine:
        engine.list_sessions()
    assert source.renewals == 1


def test_a_connection_found_dead_is_opened_again(database: Database, engine: Engine) -> None:
    engine.list_sessions()
    database.cut("ms_failover")
    assert engine.list_sessions().sessions


def test_an_id_that_is_no_sessions_is_refused(engine: Engine) -> None:
    for wrong in ("", "1; DROP TABLE journal", "17", "1,2,@1' IMMEDIATE --"):
        with pytest.raises(ValueError, match="not the id of"):
            engine.terminate([wrong])


def test_ending_no_sessions_asks_nothing(database: Database) -> None:
    with closing(database.engine(port=free_port())) as unreachable:
        assert unreachable.terminate([]).asked == 0


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "oracle"])
def test_a_database_that_is_not_there_is_unreachable(kind: str) -> None:
    from msfailover.adapters.sessions import DatabaseSettings

    settings = DatabaseSettings(kind, HOST, free_port(), "x", tls="off")
    with (
        closing(engine_for(settings, Fixed(Login("u", PASSWORD)))) as engine,
        pytest.raises(DatabaseUnreachable, match="Nothing is known") as caught,
    ):
        engine.list_sessions()
    assert PASSWORD not in str(caught.value)
