"""What a hand has written into the pair's record is read as it stands, or not at all: nothing is made of it (I3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msfailover.pair import PairState, Receipt
from msfailover.record import RecordUnreadable, state_from_json, state_to_json

from tests.samples import NOW, lease, receipt, state

ITEM = state_to_json(state(lease=lease(), receipt=receipt(), acknowledged=False, mode="manual", maintenance_until=NOW))
OF_EVERY_VERSION = (
    *("active", "epoch", "lease", "receipt", "acknowledged"),
    *("mode", "maintenance_until", "halted", "version"),
)


def read(changed: dict[str, Any]) -> PairState:
    return state_from_json(json.loads(json.dumps({**ITEM, **changed})))


@pytest.mark.parametrize("name", OF_EVERY_VERSION)
def test_a_record_without_what_every_version_wrote_permits_nothing(name: str) -> None:
    with pytest.raises(RecordUnreadable, match=name):
        state_from_json({each: value for each, value in ITEM.items() if each != name})


def test_a_record_of_the_first_version_can_be_read() -> None:
    assert state_from_json({name: ITEM[name] for name in OF_EVERY_VERSION}).mode == "manual"


def test_an_item_that_a_hand_has_emptied_is_not_a_pair_that_was_never_adopted() -> None:
    with pytest.raises(RecordUnreadable):
        state_from_json({"pair": "management-server", "item": "state"})


NO_TEXT: list[object] = [None, 5, {}]
CONVERTIBLE: dict[str, list[object]] = {
    "acknowledged": ["false", "no", 1, 0.5, {"x": 1}, None],
    "lease": [{}, [], "", 0, False],
    "receipt": [{}, [], "", False],
    "active": ["", "MS1", 0, False, {}],
    "epoch": ["3", 3.9, -1, 10**15, True, None],
    "version": ["7", 2.5, -1, True],
    "maintenance_until": ["nan", "inf", 1e18, -1, True, None],
    "let_in": ["", 0],
    "let_in_settles_at": ["nan", 1e18],
    "mode": NO_TEXT,
    "halted": NO_TEXT,
    "held": NO_TEXT,
    "path_seen_epoch": ["4"],
    "path_hidden_epoch": ["4"],
    "path_unseen_epoch": ["4"],
    "second_probe_epoch": [2.5],
}


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, many in CONVERTIBLE.items() for each in many])
def test_a_field_of_another_type_is_not_converted(name: str, value: object) -> None:
    with pytest.raises(RecordUnreadable, match="Nothing was changed"):
        read({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("action", "fail over"), ("epoch", 0), ("epoch", "4"), ("execution", None), ("taken_at", 1e18), ("reason", 5)],
)
def test_a_lease_that_is_torn_is_not_free(name: str, value: object) -> None:
    with pytest.raises(RecordUnreadable):
        read({"lease": {**ITEM["lease"], name: value}})


@pytest.mark.parametrize(
    ("name", "value"),
    [("sessions", "000"), ("sessions", [0.9, 0.2]), ("sessions", [False]), ("epoch", 4.9), ("epoch", True)],
)
def test_a_receipt_proves_nothing_by_a_number_that_was_made_of_something_else(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        Receipt.from_json({**receipt().to_json(), name: value})
