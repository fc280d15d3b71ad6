"""The definition's shape: everything bounded, caught, defined and known to the template and the functions' code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from msfailover.decisions.transitions import BEGIN_LASTS_S
from msfailover.demands import ERRORS

from tests.state_machine.definition import (
    SUBSTITUTION,
    Place,
    actions_of,
    definition,
    definition_text,
    function_directory,
    places,
    substitutions,
    targets,
)

ALL = list(places(definition()))
TASKS = [place for place in ALL if place.body["Type"] == "Task"]
CALLS = [place for place in TASKS if place.body["Resource"].endswith(":lambda:invoke")]


def by_path(place: Place) -> str:
    return place.path


@pytest.mark.parametrize("place", TASKS, ids=by_path)
def test_a_task_is_bounded_in_time(place: Place) -> None:
    bound = place.body.get("TimeoutSeconds")
    written = SUBSTITUTION.search(str(bound))
    seconds = substitutions()[written[1]] if written else bound
    assert isinstance(seconds, int)
    assert 0 < seconds <= 900


def test_a_change_begins_for_no_longer_than_that_is_awaited() -> None:
    assert definition()["States"]["Begin"]["TimeoutSeconds"] == BEGIN_LASTS_S


@pytest.mark.parametrize("place", TASKS, ids=by_path)
def test_a_task_catches_everything(place: Place) -> None:
    assert any(catch["ErrorEquals"] == ["States.ALL"] for catch in place.body.get("Catch", []))


MOST_TRIES = {
    ("StartServer", "DatabaseAway"): 30,
    ("CheckServing", "NotServingYet"): 29,
    ("VerifyPromotion", "StartNotSeen"): 4,
    ("VerifyPromotion", "States.ALL"): 14,
    **dict.fromkeys((("GrantAccess", "Throttled"), ("StartServer", "Throttled"), ("UpdateRecord", "Throttled")), 8),
}
"""What may be tried for minutes: a Multi-AZ database takes that long to fail over, and a server to start; and once the
old server is fenced, what is throttled because many pairs fail over at once (docs/many-pairs.md)."""


@pytest.mark.parametrize("place", TASKS, ids=by_path)
def test_a_retry_is_bounded(place: Place) -> None:
    for retry in place.body.get("Retry", []):
        assert 0 <= retry["MaxAttempts"] <= MOST_TRIES.get((place.name, retry["ErrorEquals"][0]), 3)


def test_every_call_is_tried_again_for_the_same_but_where_any_error_is() -> None:
    """What is sent and not awaited is not tried again."""
    awaited = {place.name: place.body["Retry"] for place in CALLS if "Retry" in place.body}
    whatever = {name for name, retries in awaited.items() if retries[-1]["ErrorEquals"] == ["States.ALL"]}
    assert whatever == {"UpdateRecord", "VerifyPromotion", "Commit", "Conclude"}
    patient = {"GrantAccess", "StartServer"}
    common = [json.dumps(retries[-2:])[1:-1] for name, retries in awaited.items() if name not in {*whatever, *patient}]
    assert definition_text().count(common[0]) == len(common) > 15, "each of them written alike, on a line"


def test_what_a_promotion_needs_is_tried_for_as_long_as_many_pairs_take_and_out_of_step() -> None:
    """Full jitter: with pauses that are alike, all who were refused together come back together."""
    awaited = {place.name: place.body.get("Retry", []) for place in CALLS}
    (retry,) = {
        json.dumps(each)
        for name in ("GrantAccess", "StartServer", "UpdateRecord")
        for each in awaited[name]
        if "Throttled" in each["ErrorEquals"]
    }
    found = json.loads(retry)
    assert (found["JitterStrategy"], found["ErrorEquals"][1]) == ("FULL", "Lambda.TooManyRequestsException")
    pauses = [
        min(found["IntervalSeconds"] * 2**tried, found["MaxDelaySeconds"]) for tried in range(found["MaxAttempts"])
    ]
    assert 100 <= sum(pauses) <= 120


@pytest.mark.parametrize("place", CALLS, ids=by_path)
def test_an_error_that_is_demanded_is_one_that_functions_raise(place: Place) -> None:
    demanded = _demanded(place)
    assert demanded <= set(ERRORS)
    retried = {name for retry in place.body.get("Retry", []) for name in retry["ErrorEquals"]}
    assert retried & set(ERRORS) <= demanded


def test_every_error_that_can_be_demanded_is() -> None:
    assert {name for place in CALLS for name in _demanded(place)} == set(ERRORS)


def _demanded(place: Place) -> set[str]:
    """The errors that a question names: one, or several in an expression."""
    written = str(place.payload.get("unless_yes", ""))
    return set(re.findall(r"'([A-Z]\w+)'", written) if "{%" in written else filter(None, [written]))


@pytest.mark.parametrize("place", ALL, ids=by_path)
def test_what_comes_next_exists(place: Place) -> None:
    assert set(targets(place.body)) <= set(place.siblings)


@pytest.mark.parametrize("place", ALL, ids=by_path)
def test_a_state_goes_on_or_ends_but_not_both(place: Place) -> None:
    kind = place.body["Type"]
    onward = [key for key in ("Next", "End", "Default") if key in place.body]
    assert len(onward) == (0 if kind in ("Succeed", "Fail") else 1)


@pytest.mark.parametrize("place", CALLS, ids=by_path)
def test_a_task_asks_for_an_action_that_its_function_has(place: Place) -> None:
    function = SUBSTITUTION.fullmatch(place.body["Arguments"]["FunctionName"])
    assert function is not None
    assert place.payload["action"] in actions_of(function_directory(function[1]))


def test_every_task_says_which_execution_asks() -> None:
    own = "{% $states.context.Execution.Id %}"
    assert [
        p.path for p in CALLS if p.payload.get("execution") != (own if p.name == "Begin" else "{% $execution %}")
    ] == []
    assert {p.path: each for p in ALL for each in _values_of(p.body, "execution")} == {"Begin": own}


def _values_of(body: Mapping[str, Any], name: str) -> list[Any]:
    """What a state assigns to a name, each of its ways."""
    parts = (body, *body.get("Choices", []), *body.get("Catch", []))
    return [each["Assign"][name] for each in parts if name in each.get("Assign", {})]


def test_substitutions_and_template_agree() -> None:
    assert set(SUBSTITUTION.findall(definition_text())) == set(substitutions())


def test_no_output_reads_what_its_own_state_assigns() -> None:
    """AWS evaluates both with the variables as they were before; moto's interpreter assigns first."""
    reading = [
        (place.path, name)
        for place in ALL
        for part in (place.body, *place.body.get("Choices", []), *place.body.get("Catch", []))
        for name in part.get("Assign", {})
        if re.search(rf"\${name}\b", json.dumps(part.get("Output", "")))
    ]
    assert reading == []


def test_no_choice_goes_by_a_rule_where_its_default_would_go_and_assigns_something_else() -> None:
    """AWS assigns what belongs to the rule alone; moto's interpreter the default's, too."""
    both = [
        place.path
        for place in ALL
        if place.body["Type"] == "Choice" and "Assign" in place.body
        if any(rule["Next"] == place.body.get("Default") for rule in place.body["Choices"])
    ]
    assert both == []


def assigned(states: Mapping[str, Any]) -> set[str]:
    """The names that some states assign, without those inside their branches."""
    parts = [each for body in states.values() for each in (body, *body.get("Choices", []), *body.get("Catch", []))]
    return {name for each in parts for name in each.get("Assign", {})}


def test_no_branch_assigns_a_variable_of_the_world_around_it() -> None:
    """Step Functions ends the execution with States.Runtime where a branch binds a name of an outer scope, which it is
    from the second time on that the machine comes to the branch."""
    machine = definition()
    outer = assigned(machine["States"])
    inner = [
        (place.path, name)
        for place in ALL
        for branch in place.body.get("Branches", [])
        for name in assigned(branch["States"]) & outer
    ]
    assert inner == []


def test_the_definition_can_be_read_at_one_sitting() -> None:
    assert len(ALL) <= 60
    assert len(definition_text().splitlines()) <= 700


def test_the_machine_itself_is_bounded() -> None:
    assert 0 < definition()["TimeoutSeconds"] <= 24 * 3600
    assert definition()["QueryLanguage"] == "JSONata"
