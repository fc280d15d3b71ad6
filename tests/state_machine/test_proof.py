"""Over every path of the workflow: no access before a proven fence, every walk ends, and ends as it says."""

from __future__ import annotations

import json

import pytest

from tests.state_machine.definition import definition, places
from tests.state_machine.exploration import End, Walk, explore

OUTCOMES = {"promoted", "stood-down", "refused", "blocked", "rolled-back", "halted"}
DRY_RUN = "dry-run"
NOTHING_TOUCHED = {"stood-down", "refused", "blocked", DRY_RUN}


@pytest.fixture(scope="module")
def walk() -> Walk:
    return explore(definition())


def outcome(end: End) -> str:
    return "halted" if end.kind == "Fail" else str(json.loads(end.output)["outcome"])


def test_nobody_is_granted_access_started_or_named_before_the_others_fence_is_proven(walk: Walk) -> None:
    assert walk.all_breaches() == []
    assert len(walk.edges) > 200  # the walk did go somewhere


def test_every_state_is_reached(walk: Walk) -> None:
    assert {place.path for place in places(definition())} - walk.visited() == set()


def test_every_walk_ends(walk: Walk) -> None:
    assert walk.endless() is None


def test_every_outcome_is_reached_and_no_other(walk: Walk) -> None:
    assert {outcome(end) for end in walk.ends} - {DRY_RUN} == OUTCOMES
    assert {end.path for end in walk.ends if end.kind == "Fail"} == {"Halted"}


def test_nothing_was_touched_where_the_outcome_says_so(walk: Walk) -> None:
    assert [end for end in walk.ends if outcome(end) in NOTHING_TOUCHED and end.truth.touched] == []


def test_the_outcome_is_the_recorded_one(walk: Walk) -> None:
    """`refused` writes nothing; `halted` may be the record's own failure; the others are in the record first."""
    free = ("refused", "halted", DRY_RUN)
    wrong = [end for end in walk.ends if outcome(end) != end.truth.recorded and outcome(end) not in free]
    assert wrong == []


def test_nobody_is_promoted_by_a_switchover_without_the_last_files_unless_its_source_is_lost(walk: Walk) -> None:
    promoted = [end for end in walk.ends if outcome(end) == "promoted"]
    assert [end for end in promoted if end.truth.behind and not end.truth.waived] == []
    assert [end for end in promoted if end.truth.behind and end.truth.waived], "a complete copy is enough then"
    assert [end for end in walk.ends if outcome(end) == "rolled-back" and end.truth.behind]


def test_a_lost_source_is_not_turned_back_to(walk: Walk) -> None:
    assert [end for end in walk.ends if outcome(end) == "rolled-back" and end.truth.waived] == []


def test_no_source_is_turned_back_to_unasked(walk: Walk) -> None:
    """Whatever leads there passes the question."""
    before = {node.path for node, following in walk.edges.items() if "TurnBack" in {each.path for each in following}}
    assert before == {"FellBack"}


def test_operators_are_notified_of_every_end(walk: Walk) -> None:
    assert [end for end in walk.ends if not end.truth.notified and outcome(end) != DRY_RUN] == []


def test_a_dry_run_writes_nothing_and_notifies_nobody_but_who_asked(walk: Walk) -> None:
    dry = [end for end in walk.ends if outcome(end) == DRY_RUN]
    assert dry
    assert [end for end in dry if end.truth.recorded or end.truth.notified or end.truth.touched] == []


def test_while_power_is_waited_for_the_other_ways_of_proof_are_tried_again(walk: Walk) -> None:
    """The fence's round comes between those of power, so the first that can prove it wins."""
    after_power = {place for place in walk.edges if place.path == "WaitForPower"}
    assert after_power
    assert {after.path for place in after_power for after in walk.edges[place]} == {"Fence"}
    again = [node for node in walk.edges if node.path == "Promote" and json.loads(node.variables)["powerTries"] > 0]
    by_database = [node for node in again if json.loads(node.variables)["fenced"]]
    assert by_database, "a fence proven in a round after power was asked for is promoted on"
