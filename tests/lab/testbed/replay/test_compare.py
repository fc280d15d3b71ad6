"""Where a path differs is named; what only took another time is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failoverctl.errors import CommandError
from lab.testbed.replay.command import in_words
from lab.testbed.replay.compare import DEFINITION, compare, path_differences, places_of, read
from tests.lab.testbed.replay import sample

PLACES = places_of(json.loads(DEFINITION.read_text()))
WAY = (
    *("Begin", "Evaluate", "ConfirmOutage", "CheckStandby", "Fence", "AskSourceToStop", "RevokeAccess", "EndSessions"),
    *("VerifyFence", "Promote", "GrantAccess", "UpdateRecord", "StartServer", "VerifyPromotion", "Commit", "Done"),
)


def without(*names: str) -> tuple[str, ...]:
    return tuple(each for each in WAY if each not in names)


def test_the_same_path_is_the_same() -> None:
    change = sample.change(steps=sample.steps(*WAY))
    found = compare(change, sample.steps(*WAY), "promoted", "")
    assert found.differs == ()
    assert in_words(change, found).startswith(
        "The replay of watch-1 takes the same path, and ends as it did: promoted."
    )


def test_branches_that_ran_side_by_side_may_take_turns_otherwise() -> None:
    swapped = list(WAY)
    swapped[5], swapped[6] = swapped[6], swapped[5]  # AskSourceToStop and RevokeAccess
    assert path_differences(WAY, swapped, PLACES) == []


@pytest.mark.parametrize(
    ("then", "today", "said"),
    [
        (WAY, without("EndSessions"), "In branch 2 of Fence, after RevokeAccess: then EndSessions; today nothing."),
        (without("EndSessions"), WAY, "In branch 2 of Fence, after RevokeAccess: then nothing; today EndSessions."),
        (WAY, without("Promote", "VerifyPromotion", "Commit", "Done"),
         "After Fence: then Promote, VerifyPromotion, Commit, Done; today nothing."),
        (("Survey", *WAY), WAY, "At its begin: then Survey; today nothing."),
        ((*WAY, "Bless"), WAY, "Bless was entered; today's workflow has no state of that name."),
    ],
)  # fmt: skip
def test_a_state_that_only_one_of_them_entered_is_named_with_its_place(then: Any, today: Any, said: str) -> None:
    assert path_differences(then, today, PLACES) == [said]


def test_states_in_another_order_are_another_path() -> None:
    swapped = list(WAY)
    swapped[7], swapped[8] = swapped[8], swapped[7]  # EndSessions and VerifyFence
    assert path_differences(WAY, swapped, PLACES)


def test_how_often_a_loop_went_round_is_noted_and_no_other_path() -> None:
    change = sample.change(steps=sample.steps(*WAY[:9], "EndSessions", "VerifyFence", *WAY[9:]))
    found = compare(change, sample.steps(*WAY), "promoted", "")
    assert found.differs == ()
    assert "VerifyFence was entered twice; today once." in found.notes


def test_another_end_is_a_difference_with_its_sentence() -> None:
    found = compare(sample.change(steps=sample.steps(*WAY)), sample.steps(*WAY), "halted", "No proof.")
    assert found.differs == ("It ended as promoted; today as halted: No proof.",)


def test_of_an_expired_execution_the_steps_that_do_something_are_compared() -> None:
    tasks = [each for each in WAY if PLACES[each].kind == "Task"]
    found = compare(sample.change(steps=sample.steps(*tasks), has_answers=False), sample.steps(*WAY), "promoted", "")
    assert found.differs == ()
    assert any("only these are compared" in each for each in found.notes)


def test_the_recorded_probes_are_decided_on_by_todays_code() -> None:
    change = sample.change(steps=sample.steps(*WAY))
    assert any("decides as it was decided then" in each for each in compare(change, change.steps, "promoted", "").notes)
    early = replace(change, started_at=sample.T0 + 60)
    assert any("decides 15.0 s after" in each for each in compare(early, change.steps, "promoted", "").differs)
    once = (sample.probes(-15, 1, sample.HUNG, "half-dead"),)
    never = compare(replace(change, probes=once), change.steps, "promoted", "")
    assert "On the recorded probes today's code starts no failover." in never.differs


def test_a_finding_that_todays_code_names_otherwise_is_a_difference() -> None:
    change = sample.change(steps=sample.steps(*WAY), probes=sample.outage(sample.HUNG, "silent"))
    found = compare(change, change.steps, "promoted", "")
    assert any("was called silent; today's code calls it half-dead." in each for each in found.differs)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}'])
def test_a_file_that_holds_no_change_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(CommandError, match="That is no change"):
        read(tmp_path / "record.json")


def test_a_record_is_read_back(tmp_path: Path) -> None:
    change = sample.change(steps=sample.steps(*WAY))
    (tmp_path / "record.json").write_text(json.dumps({**change.to_json(), "page": "x.html"}))
    assert read(tmp_path / "record.json") == change
