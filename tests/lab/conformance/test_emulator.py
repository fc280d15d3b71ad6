"""What the other emulator is given in place of the workflow is the same workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.conformance.emulator.missing_features import with_crutches

DEFINITION = (Path(__file__).parents[3] / "statemachine/failover.asl.json").read_text()


def states(definition: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(definition.replace('"{% ${', '"{% ').replace("} %}", " %}"))["States"]
    return found


def test_a_parallels_variables_are_assigned_by_the_next_state_and_the_way_goes_on_as_before() -> None:
    before, after = states(DEFINITION), states(with_crutches(DEFINITION))
    parallels = [name for name, each in before.items() if each["Type"] == "Parallel"]
    assert parallels
    for name in parallels:
        assert "Assign" not in after[name]
        behind = after[after[name]["Next"]]
        assert behind["Next"] == before[name]["Next"]
        assert set(behind["Assign"]) == set(before[name]["Assign"])


def test_every_end_still_ends_with_its_output() -> None:
    before, after = states(DEFINITION), states(with_crutches(DEFINITION))
    for name, each in before.items():
        if each["Type"] == "Succeed":
            assert after[name] == {"Type": "Pass", "Output": each["Output"], "End": True}


def test_nothing_else_is_changed() -> None:
    before, after = states(DEFINITION), states(with_crutches(DEFINITION))
    same = [name for name, each in before.items() if each["Type"] in ("Choice", "Fail", "Wait", "Pass")]
    assert same
    assert all(after[name] == before[name] for name in same)


def test_limits_that_are_written_as_expressions_become_numbers_in_branches_too() -> None:
    machine = {"States": {"P": {"Type": "Parallel", "Branches": [{"StartAt": "T", "States": {"T": {}}}], "Next": "E"}}}
    machine["States"]["P"]["Branches"][0]["States"]["T"] = {"Type": "Task", "TimeoutSeconds": "{% 630 %}"}  # type: ignore[index]
    changed = json.loads(with_crutches(json.dumps(machine)))
    assert changed["States"]["P"]["Branches"][0]["States"]["T"]["TimeoutSeconds"] == 630
