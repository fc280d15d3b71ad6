"""The decision: which sessions are of a server, and what can't be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.evidence import Listing, Session, SessionKind
from msfailover.pair import Role, Server
from msfailover.sessions import over_reads, sessions_of

MS1 = Server(Role.MS1, "i-00000000000000001", ("10.0.0.11", "fd00::11"), ("ms1.corp.example",))


def answer(*sessions: Session, server: Server = MS1, others: tuple[str, ...] = (), gaps: tuple[str, ...] = ()) -> str:
    return sessions_of(server, Listing(sessions, gaps), others).verdict.answer


@pytest.mark.parametrize("address", ["10.0.0.11", "::ffff:10.0.0.11", "::FFFF:0a00:000b", "fd00::11", "FD00:0::11"])
def test_an_address_counts_however_it_is_written(address: str) -> None:
    assert answer(Session("1", address=address)) == "yes"


def test_an_address_given_in_mapped_form_counts_too() -> None:
    assert answer(Session("1", address="10.0.0.11"), server=Server(Role.MS1, "i-1", ("::ffff:10.0.0.11",))) == "yes"


def test_all_addresses_of_a_server_are_looked_for() -> None:
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
    assert answer(Session("1", host_name="ms2"), server=nameless, others=("ms2",)) == "unknown"
    assert answer(Session("1", address="10.0.0.12"), server=Server(Role.MS1, "i-1", (), ("ms1",))) == "unknown"


def test_our_own_other_connections_are_known() -> None:
    assert answer(Session("1", host_name="ms-failover")) == "no"


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
def test_no_is_only_ever_said_of_what_is_known(sessions: list[Session]) -> None:
    finding = sessions_of(MS1, Listing(tuple(sessions)), ("somebody",))
    hidden = any(each.hidden and each.kind is not SessionKind.BACKGROUND for each in sessions)
    assert not (finding.verdict.is_no and (hidden or finding.count or finding.unknown))
    assert finding.verdict.is_yes == bool(finding.count)
