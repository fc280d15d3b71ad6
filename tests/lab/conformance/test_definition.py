"""AWS's own language service for Amazon States Language reads the workflow's definition and objects to nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.conformance.programs import ask
from tests.state_machine.definition import Machine, definition, definition_text

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:any"


def substituted() -> str:
    """The definition as CloudFormation would hand it over: numbers for what is a number, ARNs for the rest."""
    numbers = re.sub(r'"\{% \$\{\w+\} %\}"', "30", definition_text().replace("${Partition}", "aws"))
    return re.sub(r"\$\{\w+\}", FUNCTION, numbers)


def test_the_definition_has_no_fault() -> None:
    assert ask("definition", substituted()) == []


def _dangling(machine: Machine) -> None:
    machine["States"]["Conclude"]["Next"] = "Nowhere"


def _unreachable(machine: Machine) -> None:
    machine["States"]["Orphan"] = {"Type": "Pass", "End": True}


def _of_the_other_language(machine: Machine) -> None:
    machine["States"]["Begin"]["Result"] = "$.begun"


def _no_number(machine: Machine) -> None:
    machine["States"]["Begin"]["Retry"][0]["MaxAttempts"] = "some"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_dangling, "must be the name of an existing state"),
        (_unreachable, "cannot be reached"),
        (_of_the_other_language, "not supported"),
        (_no_number, "Incorrect type"),
    ],
    ids=["dangling", "unreachable", "JSONPath", "no number"],
)
def test_a_fault_would_be_found(edit: Callable[[Any], None], told: str) -> None:
    machine = json.loads(substituted())
    assert machine["States"].keys() == definition()["States"].keys()
    edit(machine)
    assert any(told in each["message"] for each in ask("definition", json.dumps(machine)))
