"""`pair`: only an execution of this state machine takes part in a change, and no end is written that was not proven."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from msfailover.decisions.fence import NoReceipt
from msfailover.decisions.transitions import TooLate
from msfailover.request import BadRequest

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import OURS, lease, receipt, state


@pytest.fixture
def pair(run: Start, record: Record, answers: Answers) -> ModuleType:
    """The function; nobody that it could ask has an answer."""
    return run("pair", TABLE_NAME=record.name)


def test_a_promotion_without_the_proof_of_its_epoch_is_not_written(pair: ModuleType, record: Record) -> None:
    before = state(lease=lease(), receipt=receipt(epoch=1), version=0)
    record.put(before)
    with pytest.raises(NoReceipt, match="ms2 is not called active: the receipt is for ms1 in epoch 1"):
        pair.handler({"action": "conclude", "outcome": "promoted", "sentence": "Surely.", "execution": OURS}, None)
    assert record.get() == before
    assert record.outcomes == []


def test_a_call_to_begin_that_nobody_awaits_any_more_takes_no_lease(pair: ModuleType, record: Record) -> None:
    record.put(before := state(version=0))
    asked: dict[str, Any] = {"execution": OURS, **BY_EXECUTION["begin"]}
    entered = (datetime.now(UTC) - timedelta(seconds=35)).isoformat()
    with pytest.raises(TooLate, match="nothing was touched"):
        pair.handler({"action": "begin", **asked, "entered": entered}, None)
    for wrong in (None, 7, "yesterday", "2026-01-31T12:00:00"):
        with pytest.raises(BadRequest, match="but a time like"):
            pair.handler({"action": "begin", **asked, "entered": wrong}, None)
    assert record.get() == before


STRANGERS = (
    "x",
    "",
    None,
    7,
    OURS.rsplit(":", 1)[0],
    OURS.rsplit(":", 1)[0] + ":",
    OURS + ":more",
    OURS + " ",
    OURS.replace("ms-failover-failover", "another-failover"),
    OURS.replace("123456789012", "210987654321"),
    OURS.replace("eu-central-1", "eu-west-1"),
    OURS.replace(":execution:", ":stateMachine:"),
    OURS.replace(":execution:", ":express:"),
)
"""What is no execution of this stack's state machine."""

BY_EXECUTION: dict[str, dict[str, Any]] = {
    "begin": {
        "request": {"action": "failover", "reason": "now", "requested_by": "Ann"},
        "entered": "2026-11-28T08:00:00Z",
    },
    "dry_run": {"request": {"action": "failover", "reason": "now", "requested_by": "Ann"}},
    "survey": {},
    "verify_fence": {"server": "ms1"},
    "verify_power": {"server": "ms1"},
    "verify_promotion": {"server": "ms2"},
    "fall_back": {"may_go_on": True},
    "turn_back": {},
    "conclude": {"outcome": "promoted", "sentence": "Surely."},
    "refuse": {"sentence": "Refused."},
}


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("action", BY_EXECUTION)
def test_nobody_but_an_execution_of_this_state_machine_takes_part_in_a_change(
    pair: ModuleType, record: Record, action: str, stranger: object
) -> None:
    before = state(lease=lease(execution=str(stranger)), receipt=receipt(), version=0)
    record.put(before)
    with pytest.raises(Exception, match=r"but the ARN of an execution of .* is needed"):
        pair.handler({"action": action, "execution": stranger, **BY_EXECUTION[action]}, None)
    assert record.get() == before
    assert record.outcomes == []
