"""An execution's history as steps: which state ran when, and what it said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msfailover.text import plain_words

from failoverctl.report.course import Step

_FAILED = ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut")
_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled")
_ANSWERED = ("TaskSucceeded", "LambdaFunctionSucceeded")
_ENDED_BADLY = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


def steps_of(events: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps in the order they were entered. Several may run side by side: an event's chain leads back to its state."""
    parents = {event["id"]: event["previousEventId"] for event in events}
    steps: dict[int, Step] = {}
    entered: dict[int, str] = {}
    for event in events:
        kind, at = event["type"], event["timestamp"].timestamp()
        if kind.endswith("StateEntered"):
            entered[event["id"]] = name = event["stateEnteredEventDetails"]["name"]
            steps[event["id"]] = Step(name, at)
            continue
        if kind in _ENDED_BADLY:
            # A Fail state is never left, nor is what was cut off: both end with their execution.
            for number, step in steps.items():
                if step.end is None:
                    steps[number] = Step(step.name, step.start, at, step.result or _trouble(event), True)
            continue
        if kind.endswith("StateExited"):
            # By name, not by chain: a Parallel state's exit follows from the last event of one of its branches.
            name = event["stateExitedEventDetails"]["name"]
            owner = max((number for number in steps if steps[number].name == name), default=None)
        else:
            owner = _owner(event["id"], parents, entered)
        if owner is None:
            continue
        step = steps[owner]
        if kind in _ANSWERED:
            steps[owner] = Step(step.name, step.start, at, _sentence(event))
        elif kind in _FAILED:
            steps[owner] = Step(step.name, step.start, at, _trouble(event), True)
        elif kind in _SCHEDULED and step.failed:
            steps[owner] = Step(step.name, step.start)  # it is tried again
        elif kind.endswith("StateExited"):
            steps[owner] = Step(step.name, step.start, at, step.result, step.failed)
    return tuple(steps[number] for number in sorted(steps))


def answer_of(events: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """What the function behind a state answered last; empty where it never did."""
    parents = {event["id"]: event["previousEventId"] for event in events}
    entered = {
        event["id"]: event["stateEnteredEventDetails"]["name"]
        for event in events
        if event["type"].endswith("StateEntered")
    }
    found: dict[str, Any] = {}
    for event in events:
        owner = _owner(event["id"], parents, entered) if event["type"] in _ANSWERED else None
        if owner is not None and entered[owner] == name:
            found = _payload(event)
    return found


def _owner(number: int, parents: Mapping[int, int], entered: Mapping[int, str]) -> int | None:
    seen = 0
    while number and seen < 1000:
        if number in entered:
            return number
        number, seen = parents.get(number, 0), seen + 1
    return None


def _sentence(event: Mapping[str, Any]) -> str:
    return str(_payload(event).get("sentence", ""))


def _payload(event: Mapping[str, Any]) -> dict[str, Any]:
    details = event.get("taskSucceededEventDetails") or event.get("lambdaFunctionSucceededEventDetails") or {}
    try:
        body = json.loads(details.get("output", "{}"))
    except ValueError:
        return {}
    payload = body.get("Payload", body) if isinstance(body, dict) else {}
    return payload if isinstance(payload, dict) else {}


def _trouble(event: Mapping[str, Any]) -> str:
    for name, details in event.items():
        if name.endswith("EventDetails"):
            said = (str(details.get("error") or ""), plain_words(str(details.get("cause") or "")))
            return ": ".join(each for each in said if each)
    return ""
