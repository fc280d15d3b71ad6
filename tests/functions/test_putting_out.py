"""Putting a server out that must be out: its access (keep_out), and its late sessions (verify)."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest
from msfailover.decisions.audit import NotToBeKeptOut
from msfailover.pair import PairState, Role
from msfailover.verdict import no, yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.network import Network
from tests.functions.record import Record
from tests.samples import OURS, THEIRS, lease, receipt, state
from tests.state_machine.definition import definition, places


@pytest.fixture
def access(run: Start, record: Record, network: Network) -> ModuleType:
    """`database_access` in front of a pair at rest; the access group allows ms1."""
    record.put(state())
    network.allow(network.access, cidr=f"{network.ms1_address}/32")
    return run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **network.env())


def keep_out(access: ModuleType, server: str) -> Any:
    return access.handler({"action": "keep_out", "server": server}, None)


def test_the_inactive_servers_rules_are_taken_out_of_the_access_group_and_no_others(
    access: ModuleType, network: Network
) -> None:
    network.allow(network.access, cidr=f"{network.ms2_address}/32")
    assert keep_out(access, "ms2")["answer"] == "no"
    assert network.admitted() == [f"{network.ms1_address}/32"]


def test_a_revoked_access_stays_as_it_is(access: ModuleType, network: Network) -> None:
    before = network.rules_of_access_group()
    assert keep_out(access, "ms2")["answer"] == "no"
    assert network.rules_of_access_group() == before


def test_a_rule_of_the_owners_is_named_and_left_alone(access: ModuleType, network: Network) -> None:
    network.allow(network.owners, cidr="10.0.0.0/8")
    answer = keep_out(access, "ms2")
    assert answer["answer"] == "yes"
    assert "10.0.0.0/8" in answer["sentence"]


@pytest.mark.parametrize(
    ("about", "server"),
    [
        (state(), "ms1"),
        (state(lease=lease()), "ms2"),
        (state(lease=lease(), receipt=receipt()), "ms2"),
        (state(lease=lease()), "ms1"),
        (PairState(), "ms2"),
    ],
    ids=["the active one", "the target", "the target, proven", "a fence unproven", "no pair is adopted"],
)
def test_who_need_not_be_out_never_loses_access(
    access: ModuleType, network: Network, record: Record, about: PairState, server: str
) -> None:
    network.allow(network.access, cidr=f"{network.ms2_address}/32")
    before = network.rules_of_access_group()
    record.put(about)
    with pytest.raises(NotToBeKeptOut):
        keep_out(access, server)
    assert network.rules_of_access_group() == before


@pytest.fixture
def pair(run: Start, record: Record, answers: Answers) -> ModuleType:
    """`pair` in the middle of a failover to ms2; the fenced ms1 has a session all the same."""
    record.put(state(lease=lease(), receipt=receipt()))
    answers.prepare("probe", "check_serving", yes("It answers."))
    answers.prepare("dns", "status", yes("It points to 10.0.0.12.", values=["10.0.0.12"]))
    answers.prepare("database-sessions", "status", lambda _: yes("It has 1 session."))
    answers.prepare("database-sessions", "terminate", no("None is left."))
    return run("pair", TABLE_NAME=record.name, DNS_FUNCTION="dns", REPLICATE_FUNCTION="replicate")


def verify(pair: ModuleType, execution: str = OURS) -> Any:
    return pair.handler({"action": "verify_promotion", "server": "ms2", "execution": execution}, None)


def ended(answers: Answers) -> list[str]:
    return [call["server"] for _, call in answers.asked if call["action"] == "terminate"]


@pytest.mark.parametrize(
    ("about", "server", "epoch"),
    [
        (state(), "ms1", 1),
        (state(), "ms2", 2),
        (state(lease=lease()), "ms2", 2),
        (state(lease=lease()), "ms1", 3),
        (state(lease=lease(), receipt=receipt()), "ms2", 2),
        (state(active=Role.MS2, epoch=2), "ms1", 1),
        (state(active=Role.MS2, epoch=2), "ms2", 2),
        (state(lease=lease(target=Role.MS1, epoch=3)), "ms1", 2),
        (state(lease=lease(target=Role.MS1, epoch=3)), "ms1", 3),
        (PairState(), "ms2", 1),
    ],
    ids=[
        "the active one", "another epoch at rest", "the target", "another epoch", "the target, proven",
        "out, in an older epoch", "the new active one", "turned back, by an order of before", "turned back",
        "no pair is adopted",
    ],
)  # fmt: skip
def test_nobody_ends_the_sessions_of_a_server_that_the_record_does_not_say_is_out(
    pair: ModuleType, answers: Answers, record: Record, about: PairState, server: str, epoch: int
) -> None:
    record.put(about)
    with pytest.raises(NotToBeKeptOut):
        pair.handler({"action": "end_sessions", "server": server, "epoch": epoch}, None)
    assert answers.asked == []


@pytest.mark.parametrize(
    ("about", "epoch"),
    [(state(lease=lease()), 2), (state(lease=lease(), receipt=receipt()), 2), (state(active=Role.MS2, epoch=2), 2)],
    ids=["being put out", "proven to be out", "out at rest"],
)
def test_sessions_of_a_server_that_is_out_or_being_put_out_are_ended_by_an_order_good_for_seconds(
    pair: ModuleType, answers: Answers, record: Record, about: PairState, epoch: int
) -> None:
    record.put(about)
    assert pair.handler({"action": "end_sessions", "server": "ms1", "epoch": epoch}, None)["answer"] == "no"
    [(function, order)] = answers.asked
    assert (function, order["action"], order["server"]) == ("database-sessions", "terminate", "ms1")
    assert time.time() < order["not_after"] <= time.time() + pair.ORDER_LASTS_S


def test_sessions_from_addresses_that_only_ec2_knows_are_ended_where_every_one_is_asked_for(
    pair: ModuleType, answers: Answers, record: Record
) -> None:
    record.put(state(lease=lease()))
    there = ["10.0.0.11", "10.0.9.0/28", "10.0.0.12"]  # the last is ms2's: it has taken over one of ms1's addresses
    answers.prepare("database-access", "status", no("ms1 can't get in.", addresses=there))
    for every, known in ((True, ["10.0.0.11", "10.0.9.0/28"]), (False, [])):
        pair.handler({"action": "end_sessions", "server": "ms1", "epoch": 2, "every": every}, None)
        assert answers.asked[-1][1]["addresses"] == known


def test_an_order_to_end_sessions_is_over_before_the_workflow_goes_on_without_it(pair: ModuleType) -> None:
    asking = [place for place in places(definition()) if place.payload.get("action") == "end_sessions"]
    assert asking and all(place.body["TimeoutSeconds"] > pair.ORDER_LASTS_S for place in asking)


def test_a_late_session_of_the_fenced_server_is_ended_and_read_for_again(pair: ModuleType, answers: Answers) -> None:
    assert verify(pair)["answer"] == "no", "what was seen is said; the next read shows what became of it"
    assert ended(answers) == ["ms1"]
    sessions = {"ms1": no("It has none."), "ms2": yes("It has 1 session.")}
    answers.prepare("database-sessions", "status", lambda asked: sessions[asked["server"]])
    assert verify(pair)["answer"] == "yes"
    assert ended(answers) == ["ms1"]


def test_sessions_are_ended_only_by_the_change_that_has_proven_the_fence(
    pair: ModuleType, answers: Answers, record: Record
) -> None:
    verify(pair, THEIRS)
    record.put(state(lease=lease()))
    verify(pair)
    record.put(state(active=Role.MS2, epoch=2))
    verify(pair)
    assert ended(answers) == []


def test_that_the_new_server_serves_and_is_in_no_list_is_kept_for_the_way_back(
    pair: ModuleType, answers: Answers, record: Record
) -> None:
    answers.prepare("database-sessions", "status", no("It has none."))
    assert verify(pair)["answer"] == "no"
    assert record.get().path_hidden_epoch == lease().epoch
    answers.prepare("probe", "check_serving", no("It is silent."))
    assert verify(pair)["answer"] == "no"
    assert record.get().path_hidden_epoch == lease().epoch
