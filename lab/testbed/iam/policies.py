"""Whether policies allow a call: Effect, Action, Resource and Condition, as IAM documents their evaluation. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

_KNOWN = {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition"}
_SEGMENTS = 6
"""Of an ARN: arn, partition, service, region, account, resource. A wildcard does not reach over their colons."""


class NotUnderstood(Exception):
    """A policy holds what is not evaluated here; it must not be taken for allowed or denied."""


@dataclass(frozen=True)
class Call:
    """One call as IAM sees it.

    Args:
        action: "ssm:SendCommand".
        resources: the ARNs it touches, every one of which must be allowed; ("*",) where the service knows none.
        context: the condition keys it brings, with their values.
    """

    action: str
    resources: tuple[str, ...] = ("*",)
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """One line of a Condition block: all lines must hold, any value of a line will do."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. `others`: it is about all resources but those that it names (NotResource)."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    others: bool = False

    def without(self, action: str, resource: str | None = None) -> tuple[Statement, ...]:
        """The statement with one action less, or with one action less on one of its resources."""
        if action not in self.actions:
            return (self,)
        others = tuple(each for each in self.actions if each != action)
        rest = tuple(each for each in self.resources if each != resource) if resource is not None else ()
        kept = [replace(self, actions=others)] if others else []
        return (*kept, replace(self, actions=(action,), resources=rest)) if rest else tuple(kept)


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and by or for what, in a sentence."""

    allowed: bool
    sentence: str


def statements_of(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """Read a policy document. Raises NotUnderstood where it holds what is not evaluated here."""
    return tuple(_statement(each) for each in _list(document["Statement"]))


def _statement(data: Mapping[str, Any]) -> Statement:
    strange = set(data) - _KNOWN
    if strange or data["Effect"] not in ("Allow", "Deny"):
        raise NotUnderstood(f"A statement with {', '.join(sorted(strange)) or data['Effect']} is not evaluated here.")
    conditions = tuple(
        Condition(operator, key, tuple(str(value) for value in _list(values)))
        for operator, block in data.get("Condition", {}).items()
        for key, values in block.items()
    )
    for each in conditions:
        _operator(each.operator)
    others = "NotResource" in data
    actions, resources = tuple(_list(data["Action"])), tuple(_list(data["NotResource" if others else "Resource"]))
    if any("${" in text for text in (*resources, *(value for each in conditions for value in each.values))):
        raise NotUnderstood("A statement with policy variables is not evaluated here.")
    return Statement(str(data.get("Sid", "")), data["Effect"] == "Allow", actions, resources, conditions, others)


def decide(statements: Iterable[Statement], call: Call) -> Decision:
    """Is the call allowed? Each of its resources by some statement, and none denied."""
    found = tuple(statements)
    for resource in call.resources:
        applying = [each for each in found if _applies(each, call, resource)]
        denying = next((each for each in applying if not each.allows), None)
        if denying is not None:
            return Decision(False, f"{call.action} on {resource} is denied by {denying.sid or 'a statement'}.")
        if not applying:
            return Decision(False, f"{call.action} on {resource} is allowed by no statement.")
    return Decision(True, f"{call.action} is allowed.")


def _applies(statement: Statement, call: Call, resource: str) -> bool:
    return (
        any(_matches(pattern.lower(), call.action.lower()) for pattern in statement.actions)
        and any(covers(pattern, resource) for pattern in statement.resources) is not statement.others
        and all(_holds(condition, call.context) for condition in statement.conditions)
    )


def covers(pattern: str, resource: str) -> bool:
    """Whether a Resource of a policy covers what a call touches."""
    if pattern == "*":
        return True
    wanted, there = pattern.split(":", _SEGMENTS - 1), resource.split(":", _SEGMENTS - 1)
    return len(wanted) == len(there) and all(map(_matches, wanted, there))


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in pattern), re.DOTALL)


def _holds(condition: Condition, context: Mapping[str, tuple[str, ...]]) -> bool:
    many, compare = _operator(condition.operator)
    values = next((each for key, each in context.items() if key.lower() == condition.key.lower()), ())
    if compare is None:
        return ("true" if not values else "false") in condition.values
    held = [any(compare(wanted, value) for wanted in condition.values) for value in values]
    if many == "ForAllValues":
        return all(held)  # true of a call that does not bring the key at all, as IAM has it
    if many == "ForAnyValue":
        return any(held)
    if len(values) > 1:
        raise NotUnderstood(f"{condition.key} has several values, but {condition.operator} is for one.")
    return any(held)


_COMPARE: Mapping[str, Callable[[str, str], bool] | None] = {
    "StringEquals": str.__eq__,
    "StringLike": _matches,
    "ArnEquals": covers,
    "ArnLike": covers,
    "Null": None,
}


def _operator(name: str) -> tuple[str, Callable[[str, str], bool] | None]:
    many, _, single = name.rpartition(":")
    if single not in _COMPARE or many not in ("", "ForAllValues", "ForAnyValue") or (single == "Null" and many):
        raise NotUnderstood(f"The condition operator {name} is not evaluated here.")
    return many, _COMPARE[single]


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
