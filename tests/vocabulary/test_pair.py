"""The words everything speaks, and how they are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msfailover.pair import FencedBy, PairState, Receipt, Role
from msfailover.record import state_from_json, state_to_json
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import MS1, MS2, NOW, PAIR, lease, receipt, state


def test_each_role_has_one_other() -> None:
    assert [role.other for role in Role] == [Role.MS2, Role.MS1]
    assert (PAIR.server(Role.MS1), PAIR.server(Role.MS2)) == (MS1, MS2)
    assert (PAIR.other(Role.MS1), PAIR.other(Role.MS2)) == (MS2, MS1)


def test_a_servers_first_address_is_where_it_is_asked() -> None:
    assert MS1.address == "10.0.0.11"


@pytest.mark.parametrize(
    "proof",
    [receipt(), receipt(by=FencedBy.POWER, access="not asked", sessions=(), evidence=(), verified_at=NOW + 0.5)],
)
def test_a_receipt_survives_being_stored(proof: Receipt) -> None:
    assert Receipt.from_json(json.loads(json.dumps(proof.to_json()))) == proof


@pytest.mark.parametrize("missing", ["epoch", "server", "by", "access", "sessions", "verified_at"])
def test_a_receipt_with_a_part_missing_is_none(missing: str) -> None:
    data = receipt().to_json()
    del data[missing]
    with pytest.raises(ValueError, match=missing):
        Receipt.from_json(data)


@pytest.mark.parametrize(("name", "value"), [("by", "hope"), ("server", "ms3"), ("epoch", "two")])
def test_a_receipt_of_another_shape_is_none(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        Receipt.from_json({**receipt().to_json(), name: value})


@pytest.mark.parametrize(
    "record",
    [
        PairState(),
        state(),
        state(lease=lease(), receipt=receipt(), acknowledged=False, mode="shadow", maintenance_until=NOW, halted="why"),
    ],
)
def test_a_record_survives_being_stored(record: PairState) -> None:
    assert state_from_json(json.loads(json.dumps(state_to_json(record)))) == record


def test_no_record_at_all_is_a_pair_that_nobody_took_into_care() -> None:
    assert state_from_json({}) == PairState()


def test_who_was_granted_access_is_stored_under_the_names_that_a_deployed_pair_has() -> None:
    deployed = {**state_to_json(state()), "let_in": "ms2", "let_in_settles_at": 12.5}
    read = state_from_json(deployed)
    assert (read.granted, read.grant_settles_at) == (Role.MS2, 12.5)
    assert deployed.items() <= state_to_json(read).items()
    assert not PairState().adopted
    assert state().adopted


@pytest.mark.parametrize("word", [yes, no, unknown])
def test_a_verdict_survives_its_way_through_json(word: Any) -> None:
    verdict: Verdict = word("So it is.", counts=[0, 0], where="here")
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_evidence_may_have_any_name_even_that_of_the_sentence() -> None:
    assert yes("So it is.", sentence="theirs").evidence == {"sentence": "theirs"}


def test_only_a_yes_is_a_yes_and_only_a_no_is_a_no() -> None:
    assert [(each("").is_yes, each("").is_no) for each in (yes, no, unknown)] == [
        (True, False),
        (False, True),
        (False, False),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"answer": "maybe", "sentence": ""},
        {"answer": "yes"},
        {"answer": "yes", "sentence": "", "evidence": 5},
        {"answer": "yes", "sentence": "", "evidence": None},
        {"answer": ["yes"], "sentence": ""},
    ],
)
def test_what_is_no_verdict_is_not_taken_for_one(data: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Verdict.from_json(data)


def test_an_answer_is_one_of_three_words() -> None:
    assert [each.value for each in Answer] == ["yes", "no", "unknown"]
