"""`database_sessions`: what it waits for before it says that a server has no session, and how it ends those it has."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters.sessions import Termination
from msfailover.observations import Listing, Session, SessionKind
from msfailover.request import BadRequest

from tests.functions.conftest import Start

MS1 = "10.0.1.11"
SILENT = Session(f"{MS1}:40001@tcp", kind=SessionKind.CONNECTION, address=MS1)
HIDDEN = Session("7@login", kind=SessionKind.LOGIN, hidden=True)
WRITER = Session("8@1.000000", address=MS1)
NOBODY = Listing(())


class Database:
    """An engine that shows one listing after the other, and the last one from then on. Time is what was slept."""

    def __init__(self) -> None:
        self.shows: list[Listing] = [NOBODY]
        self.read_at: list[float] = []
        self.ended: list[str] = []
        self.now = 0.0

    def list_sessions(self) -> Listing:
        self.read_at.append(round(self.now, 3))
        return self.shows.pop(0) if len(self.shows) > 1 else self.shows[0]

    def terminate(self, session_ids: Sequence[str]) -> Termination:
        self.ended.extend(session_ids)
        return Termination(len(session_ids), 0)

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def database() -> Database:
    return Database()


def starts(run: Start, database: Database, **env: str) -> ModuleType:
    """The function with this database, by whose clock it waits."""
    started = run("database_sessions", MS1_ADDRESSES=MS1, **env)
    started.handler = started.handler.within(clock=database, memory={"engine": database})  # type: ignore[attr-defined]
    return started


@pytest.fixture
def sessions(run: Start, database: Database) -> ModuleType:
    return starts(run, database, LATE_LOGIN_SECONDS="1", ACCESS_SETTLES_SECONDS="0")


def proof(sessions: ModuleType) -> dict[str, Any]:
    asked = {"action": "status", "server": "ms1", "reads": 3, "proof": True}
    answer: dict[str, Any] = sessions.handler(asked, None)
    return answer


def end(sessions: ModuleType, not_after: object = 10.0) -> dict[str, Any]:
    """Order what `pair` orders; the clock begins at 0."""
    order = {"action": "terminate", "server": "ms1", "not_after": not_after}
    answer: dict[str, Any] = sessions.handler(order, None)
    return answer


def test_where_every_connection_is_listed_a_proof_waits_for_none(sessions: ModuleType, database: Database) -> None:
    answer = proof(sessions)
    assert (answer["answer"], answer["evidence"]["counts"]) == ("no", [0, 0, 0])
    assert database.now < 0.2


def test_where_some_are_not_listed_it_reads_on_until_they_have_ended(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((), late_login_s=0.8)]
    assert proof(sessions)["answer"] == "no"
    assert database.read_at[-1] == pytest.approx(0.8)


def test_it_reads_on_until_the_revoked_access_is_in_effect(run: Start, database: Database) -> None:
    sessions = starts(run, database, ACCESS_SETTLES_SECONDS="3")
    assert proof(sessions)["answer"] == "no"
    assert database.read_at == [0, 1.5, 3.0]


@pytest.mark.parametrize("allowed_s", [60.0, None])
def test_it_reads_on_no_longer_than_it_may(sessions: ModuleType, database: Database, allowed_s: float | None) -> None:
    database.shows = [Listing((), late_login_s=allowed_s)]
    assert proof(sessions)["answer"] == "no"
    assert database.read_at[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("login", [SILENT, HIDDEN])
def test_a_login_under_way_is_waited_for(sessions: ModuleType, database: Database, login: Session) -> None:
    database.shows = [Listing((login,)), Listing((login,)), NOBODY]
    answer = proof(sessions)
    assert (answer["answer"], answer["evidence"]["counts"]) == ("no", [0, 0, 0])


def test_one_that_does_not_end_leaves_the_fence_unproven(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((SILENT,))]
    answer = proof(sessions)
    assert (answer["answer"], answer["evidence"]["counts"]) == ("yes", [1])
    assert database.now == pytest.approx(1.0)


def test_one_that_becomes_a_session_is_told_at_once(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((SILENT,)), Listing((WRITER,))]
    assert proof(sessions)["answer"] == "yes"
    assert database.now < 0.2


def test_a_list_with_gaps_is_not_waited_for(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((SILENT,), gaps=("Some are not shown.",))]
    assert proof(sessions)["answer"] == "yes"
    assert database.now == 0


def test_without_a_proof_in_mind_nothing_is_waited_for(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((HIDDEN,), late_login_s=60)]
    assert sessions.handler({"action": "status", "server": "ms1"}, None)["answer"] == "unknown"
    assert database.now == 0


def test_what_has_not_logged_in_makes_nobody_active(sessions: ModuleType, database: Database) -> None:
    """A machine without power leaves its connections behind; a promotion must not fail on them."""
    database.shows = [Listing((SILENT,))]
    assert sessions.handler({"action": "status", "server": "ms1"}, None)["answer"] == "no"


def test_ending_goes_on_until_nothing_is_left(sessions: ModuleType, database: Database) -> None:
    """A login that is under way at the first round is a session at the second."""
    database.shows = [Listing((WRITER, SILENT)), Listing((Session("9@2.000000", address=MS1),)), NOBODY]
    assert end(sessions)["answer"] == "no"
    assert database.ended == [WRITER.id, SILENT.id, "9@2.000000"]


def test_ending_gives_up_and_says_what_is_left(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((WRITER,))]
    answer = end(sessions)
    assert answer["answer"] == "yes"
    assert "ms1 has 1 session" in answer["sentence"]
    assert database.now < 0.5


@pytest.mark.parametrize("not_after", [None, "", True, -0.1, 20.1, float("nan")])
def test_an_order_without_a_time_or_after_it_or_good_for_long_ends_nobody(
    sessions: ModuleType, database: Database, not_after: object
) -> None:
    """`True` is 1 to Python: a time that is no number is none."""
    database.shows = [Listing((WRITER,))]
    with pytest.raises(sessions.OrderTooLate, match="No session of ms1 was ended"):
        end(sessions, not_after)
    assert database.ended == []


def test_an_order_whose_time_ends_on_the_way_ends_nobody_from_there_on(
    sessions: ModuleType, database: Database
) -> None:
    database.shows = [Listing((WRITER,))]
    with pytest.raises(sessions.OrderTooLate):
        end(sessions, 0.03)
    assert len(database.ended) == 2


def test_a_session_from_an_address_that_only_ec2_knows_is_ended(sessions: ModuleType, database: Database) -> None:
    database.shows = [Listing((Session("8@1.000000", address="10.0.1.111"),)), NOBODY]
    order = {"action": "terminate", "server": "ms1", "not_after": 10, "addresses": ["10.0.1.111"]}
    assert sessions.handler(order, None)["answer"] == "no"
    assert database.ended == ["8@1.000000"]


def test_where_there_is_nothing_to_end_one_read_is_enough(sessions: ModuleType, database: Database) -> None:
    assert end(sessions)["answer"] == "no"
    assert (len(database.read_at), database.ended) == (1, [])


@pytest.mark.parametrize("known", ["10.0.1.111", "10.0.1.96/28"], ids=["an address", "a delegated network"])
def test_a_session_from_any_address_that_ec2_knows_of_the_server_is_its_session(
    sessions: ModuleType, database: Database, known: str
) -> None:
    database.shows = [Listing((Session("8@1.000000", address="10.0.1.111"),))]
    asked = {"action": "status", "server": "ms1", "reads": 3, "proof": True}
    assert sessions.handler({**asked, "addresses": [known]}, None)["answer"] == "yes"
    assert sessions.handler({**asked, "addresses": ["10.0.1.112"]}, None)["answer"] == "no"


@pytest.mark.parametrize("addresses", ["10.0.1.111", ["ms1"], [7], None])
def test_addresses_that_are_none_are_refused(sessions: ModuleType, addresses: Any) -> None:
    with pytest.raises(BadRequest, match="a list of addresses and networks is needed"):
        sessions.handler({"action": "status", "server": "ms1", "addresses": addresses}, None)


def test_what_the_list_was_read_from_is_told_beside_where_the_name_led_to(
    sessions: ModuleType, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads elsewhere while a proof reads: it is about both, and one may not be behind the access group."""
    monkeypatch.setattr(sessions.database_host, "addresses", lambda _host: ("10.0.2.30",))
    database.shows = [Listing((), read_from=("10.0.2.30",)), Listing((), read_from=("10.0.9.30",))]
    assert proof(sessions)["evidence"]["database_addresses"] == ["10.0.2.30", "10.0.9.30"]
