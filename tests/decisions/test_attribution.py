"""The decision: which sessions are of a server, and what can't be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.decisions import database_path
from msfailover.decisions.attribution import Names, over_reads, sessions_of
from msfailover.observations import Listing, Session, SessionKind
from msfailover.pair import Role, Server
from msfailover.verdict import Verdict

MS1 = Server(Role.MS1, "i-00000000000000001", ("10.0.0.11", "fd00::11"), ("ms1.corp.example",))


def answer(*sessions: Session, server: Server = MS1, known: tuple[str, ...] = (), gaps: tuple[str, ...] = ()) -> str:
    return sessions_of(server, Listing(sessions, gaps), Names(known=known)).verdict.answer


def proof(*sessions: Session, names: Names | None = None, not_writer: str = "") -> Verdict:
    return sessions_of(MS1, Listing(sessions, not_writer=not_writer), names, proof=True).verdict


@pytest.mark.parametrize("address", ["10.0.0.11", "::ffff:10.0.0.11", "::FFFF:0a00:000b", "fd00::11", "FD00:0::11"])
def test_an_address_counts_however_it_is_written(address: str) -> None:
    assert answer(Session("1", address=address)) == "yes"


def test_an_address_given_in_mapped_form_counts_too() -> None:
    assert answer(Session("1", address="10.0.0.11"), server=Server(Role.MS1, "i-1", ("::ffff:10.0.0.11",))) == "yes"


def test_all_addresses_of_a_server_are_searched() -> None:
    finding = sessions_of(MS1, Listing((Session("1", address="fd00::11"), Session("2", address="10.0.0.11"))))
    assert finding.ids == ("1", "2")


def test_another_address_is_somebody_elses() -> None:
    assert answer(Session("1", address="10.0.0.111")) == "no"


@pytest.mark.parametrize("kind", [SessionKind.CLIENT, SessionKind.REPLICATION, SessionKind.LOGIN])
def test_what_can_write_counts(kind: SessionKind) -> None:
    assert answer(Session("1", kind, address="10.0.0.11")) == "yes"


def test_background_and_local_sessions_are_nobodys() -> None:
    assert answer(Session("1", SessionKind.BACKGROUND), Session("2", local=True)) == "no"


@pytest.mark.parametrize(
    "session",
    [
        Session("1", hidden=True),
        Session("1", SessionKind.REPLICATION, hidden=True),
        Session("1"),
        Session("1", address="not an address"),
        Session("1", host_name="somebody"),
    ],
)
def test_an_origin_that_is_not_known_is_unknown(session: Session) -> None:
    finding = sessions_of(MS1, Listing((session,)))
    assert finding.verdict.answer == "unknown"
    assert finding.count == 0
    assert "can't be said" in finding.verdict.sentence


def test_a_list_that_is_not_whole_is_unknown() -> None:
    assert answer(gaps=("Some are left out.",)) == "unknown"


def test_sessions_seen_are_sessions_whatever_else_is_unknown() -> None:
    assert answer(Session("1", address="10.0.0.11"), Session("2", hidden=True), gaps=("x",)) == "yes"


def test_a_server_of_which_no_names_are_known_can_hide_behind_any() -> None:
    nameless = Server(Role.MS1, "i-1", ("10.0.0.11",))
    assert answer(Session("1", host_name="ms2"), server=nameless, known=("ms2",)) == "unknown"
    assert answer(Session("1", address="10.0.0.12"), server=Server(Role.MS1, "i-1", (), ("ms1",))) == "unknown"


def test_our_own_other_connections_are_known() -> None:
    assert answer(Session("1", host_name="ms-failover"), known=("ms-failover",)) == "no"


LIES = ("ms2", "ms-failover", "ora-db-1", "desk", "10.99.0.5", "ip-10-99-0-5.ec2.internal", "localhost")


@pytest.mark.parametrize("name", LIES)
def test_in_a_proof_no_name_makes_a_session_somebody_elses(name: str) -> None:
    """A client says of itself what it likes, and a reverse name is whatever its zone holds."""
    verdict = proof(Session("1", host_name=name), names=Names(known=LIES))
    assert verdict.answer == "unknown"
    assert name in verdict.sentence


@pytest.mark.parametrize("name", ["ms1", "MS1.corp.example", "10.0.0.11", "ip-10-0-0-11.ec2.internal"])
def test_in_a_proof_a_name_still_counts_against_the_server(name: str) -> None:
    assert proof(Session("1", host_name=name)).answer == "yes"


def test_in_a_proof_only_the_owners_word_stands_for_a_name_and_it_is_repeated() -> None:
    verdict = proof(Session("1", host_name="desk"), names=Names(vouched=("desk",)))
    assert verdict.answer == "no"
    assert verdict.evidence["vouched"] == 1
    assert "1 by a name that the owner vouches for (1 client from desk)" in verdict.sentence


def test_the_owners_word_does_not_hide_the_servers_own_name() -> None:
    assert proof(Session("1", host_name="ms1"), names=Names(vouched=("ms1",))).answer == "yes"


def test_at_rest_a_name_informs_and_is_said_to_prove_nothing() -> None:
    verdict = sessions_of(MS1, Listing((Session("1", host_name="ms2"),)), Names(known=("ms2",))).verdict
    assert verdict.answer == "no"
    assert "1 by nothing but a name, which proves nothing" in verdict.sentence
    assert verdict.evidence["by_name"] == 1


@pytest.mark.parametrize("at_rest", [True, False])
def test_only_the_writers_list_says_anything(at_rest: bool) -> None:
    """Sessions on a standby say nothing of who writes: neither that nobody does, nor that a server is active."""
    for sessions in ((), (Session("1", address="10.0.0.11"),)):
        listing = Listing(sessions, not_writer="it is a standby (pg_is_in_recovery).")
        finding = sessions_of(MS1, listing, proof=not at_rest)
        assert finding.verdict.answer == "unknown"
        assert "not the database's writer: it is a standby" in finding.verdict.sentence
        assert finding.gaps


def test_several_reads_are_as_good_as_the_worst() -> None:
    none = sessions_of(MS1, Listing(()))
    some = sessions_of(MS1, Listing((Session("1", address="10.0.0.11"),)))
    unclear = sessions_of(MS1, Listing((Session("1", hidden=True),)))
    assert over_reads([none, none, none]).evidence["counts"] == [0, 0, 0]
    assert [over_reads(reads).answer for reads in ([none, none], [none, unclear, none], [some, unclear, none])] == [
        "no",
        "unknown",
        "yes",
    ]
    with pytest.raises(ValueError, match="without a read"):
        over_reads([])


_sessions = st.builds(
    Session,
    id=st.just("1"),
    kind=st.sampled_from(SessionKind),
    address=st.none() | st.text(max_size=30) | st.ip_addresses().map(str),
    host_name=st.none() | st.text(max_size=30),
    user=st.none() | st.text(max_size=5),
    local=st.booleans(),
    hidden=st.booleans(),
)


@given(st.lists(_sessions, max_size=5))
def test_a_proof_takes_no_session_for_somebody_elses_that_shows_no_address(sessions: list[Session]) -> None:
    if proof(*sessions).is_no:
        assert all(each.kind is SessionKind.BACKGROUND or each.local or each.address for each in sessions)


@given(st.lists(_sessions, max_size=5))
def test_no_is_only_ever_said_of_what_is_known(sessions: list[Session]) -> None:
    finding = sessions_of(MS1, Listing(tuple(sessions)), Names(known=("somebody",)))
    hidden = any(each.hidden and each.kind is not SessionKind.BACKGROUND for each in sessions)
    assert not (finding.verdict.is_no and (hidden or finding.count or finding.unknown))
    assert finding.verdict.is_yes == bool(finding.count)


@pytest.mark.parametrize("kind", [SessionKind.LOGIN, SessionKind.REPLICATION])
def test_what_anybody_on_the_servers_host_can_begin_counts_against_it_and_shows_no_way(kind: SessionKind) -> None:
    """A port check, a monitor with a wrong password or a backup comes from its address; its service may not (I11)."""
    found = sessions_of(MS1, Listing((Session("1", kind, address="10.0.0.11"),)))
    assert (found.verdict.answer, found.count) == ("yes", 1)
    assert (found.verdict.evidence["by_address"], found.verdict.evidence["only_logins"]) == (0, True)
    assert not database_path.seen_by(found.verdict)
    assert database_path.logged_in(found.verdict).answer == "unknown"


def test_a_session_that_logged_in_shows_the_way_beside_any_number_of_logins() -> None:
    login = Session("1", SessionKind.LOGIN, address="10.0.0.11")
    found = sessions_of(MS1, Listing((login, Session("2", address="10.0.0.11")))).verdict
    assert (found.evidence["by_address"], found.evidence["only_logins"]) == (1, False)
    assert database_path.seen_by(found) == database_path.BY_ADDRESS


def test_an_address_that_a_proxy_announces_is_no_address_that_packets_come_from() -> None:
    """The service comes through a proxy on another host, which says its address: cutting that would cut nothing."""
    listing = Listing((Session("1", address="10.0.0.11"),), announced="the server believes its proxies.")
    assert database_path.seen_by(sessions_of(MS1, listing).verdict) == database_path.BY_NAME
    none = Listing((Session("1", address="10.0.0.99"),), announced="the server believes its proxies.")
    assert sessions_of(MS1, none).verdict.answer == "no"
    proof = sessions_of(MS1, none, proof=True).verdict
    assert (proof.answer, "believes its proxies" in proof.sentence) == ("unknown", True)


def test_every_address_that_was_read_from_is_told() -> None:
    reads = [sessions_of(MS1, Listing((), read_from=(each,))) for each in ("10.0.2.30", "10.0.2.31", "10.0.2.30")]
    assert over_reads(reads).evidence["read_from"] == ["10.0.2.30", "10.0.2.31"]
