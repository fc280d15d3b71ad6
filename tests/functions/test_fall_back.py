"""`pair`: after a failed step of a switchover it asks first, and says how a halted change is resumed."""

from __future__ import annotations

import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from msfailover.freshness import Freshness
from msfailover.pair import Role
from msfailover.verdict import Verdict, unknown, yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import OURS, lease, state

UNDER_WAY = state(lease=lease(action="switchover", requested_by="Ann"), version=0)


@pytest.fixture
def pair(run: Start, record: Record, answers: Answers) -> ModuleType:
    """The function, in a switchover to ms2; both hosts are there, and the standby holds a copy of 12 s ago."""
    record.put(UNDER_WAY)
    record.table.change_freshness(lambda _: Freshness(as_of=time.time() - 12, epoch=1))
    lose(answers, None)
    answers.prepare("server", "power", yes("its instance is running."))
    answers.prepare("server", "check_standby", yes("ms1 is fit: its host answers."))
    return run("pair", TABLE_NAME=record.name)


def lose(answers: Answers, lost: str | None) -> None:
    """Have nothing of one server come back."""

    def alive(asked: Any) -> Verdict:
        return unknown("Silence.", silent=True) if asked["server"] == lost else yes("It can be reached.")

    answers.prepare("probe", "check_reachable", alive)


def fall_back(pair: ModuleType, may_go_on: bool = True) -> dict[str, Any]:
    event = {"action": "fall_back", "may_go_on": may_go_on, "execution": OURS}
    answer: dict[str, Any] = pair.handler(event, None)
    return answer


def test_a_fit_source_is_turned_back_to_and_the_record_is_as_it_was(pair: ModuleType, record: Record) -> None:
    assert fall_back(pair) == {"way": "turn-back", "sentence": "ms1 is fit: its host answers."}
    assert record.get() == UNDER_WAY


def test_a_lost_source_is_gone_on_without_as_a_failover_and_what_is_missing_is_said(
    pair: ModuleType, record: Record, answers: Answers
) -> None:
    lose(answers, "ms1")
    for _ in range(2):  # a step may run twice
        found = fall_back(pair)
        assert found["way"] == "go-on"
        assert "ms2 holds a complete copy of ms1's files, as of 12 s ago. What ms1 changed later is missing." in str(
            found["sentence"]
        )
    assert record.get().lease == lease(action="failover", requested_by="Ann")
    with pytest.raises(Exception, match="is not turned back"):
        pair.handler({"action": "turn_back", "execution": OURS}, None)


@pytest.mark.parametrize("epoch", [0, 2])
def test_without_a_complete_copy_of_this_epoch_it_stops_for_a_person(
    pair: ModuleType, record: Record, answers: Answers, epoch: int
) -> None:
    lose(answers, "ms1")
    record.table.change_freshness(lambda before: replace(before, epoch=epoch))
    assert fall_back(pair)["way"] == "halt"
    assert record.get() == UNDER_WAY


def test_where_the_target_was_tried_already_a_lost_source_is_the_end(
    pair: ModuleType, record: Record, answers: Answers
) -> None:
    lose(answers, "ms1")
    assert fall_back(pair, may_go_on=False)["way"] == "halt"
    assert record.get() == UNDER_WAY


@pytest.mark.parametrize(("lost", "command"), [
    ("ms1", 'failoverctl resume --target ms2 --reason "…"'),
    (None, 'failoverctl resume --reason "…"'),
])  # fmt: skip
def test_the_command_of_a_halted_change_is_the_one_that_leads_on(
    pair: ModuleType, record: Record, answers: Answers, lost: str | None, command: str
) -> None:
    """Turned back to ms1, which was lost before it could be started."""
    record.put(state(lease=lease(action="switchover", target=Role.MS1, epoch=3), version=0))
    lose(answers, lost)
    event = {"action": "conclude", "outcome": "halted", "sentence": "It did not start.", "execution": OURS}
    message = pair.handler(event, None)["message"]
    assert f"\nCommand: {command}" in message
