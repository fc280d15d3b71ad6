"""An execution as its steps: which state ran when, for how long, and what it said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from msfailover.text import clean, plain_words

from failoverctl.account import Account
from failoverctl.errors import plainly

_FAILED = ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut", "TaskStartFailed")
_ANSWERED = ("TaskSucceeded", "LambdaFunctionSucceeded")
_ENDED_BADLY = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_PAGES_AT_MOST = 20


@dataclass(frozen=True)
class Step:
    """One state as it was entered once; times in seconds since 1970, `end` is None while it runs."""

    name: str
    kind: str
    start: float
    end: float | None = None
    said: str = ""
    failed: bool = False
    tries: int = 1

    def to_json(self, since: float) -> dict[str, Any]:
        end = None if self.end is None else round(self.end - since, 3)
        return {**asdict(self), "start": round(self.start - since, 3), "end": end}


def read_steps(account: Account, execution: str) -> list[Step]:
    """The steps of an execution so far."""
    client = account.client("stepfunctions")
    events: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    with plainly("read the execution's history"):
        for _ in range(_PAGES_AT_MOST):
            answer = client.get_execution_history(executionArn=execution, maxResults=1000, **more)
            events += answer["events"]
            if "nextToken" not in answer:
                break
            more = {"nextToken": answer["nextToken"]}
    return steps_of(events)


def steps_of(events: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Steps in the order they were entered. Several may run side by side: an event's chain leads back to its state."""
    parents = {event["id"]: event.get("previousEventId", 0) for event in events}
    steps: dict[int, Step] = {}
    for event in events:
        kind, at = str(event["type"]), event["timestamp"].timestamp()
        if kind.endswith("StateEntered"):
            name, sort = event["stateEnteredEventDetails"]["name"], kind.removesuffix("StateEntered")
            # A Fail state is entered, and that is the execution's end: nothing says that it was left.
            steps[event["id"]] = Step(name, sort, at, at if sort == "Fail" else None, failed=sort == "Fail")
            continue
        if kind in _ENDED_BADLY:
            # What was cut off is never left, either: it ends with its execution.
            for number, step in steps.items():
                if step.end is None or step.kind == "Fail":
                    steps[number] = replace(step, end=at, said=step.said or _error(event), failed=True)
            continue
        if kind.endswith("StateExited"):
            # By name, not by chain: a Parallel state's exit follows from the last event of one of its branches.
            name = event["stateExitedEventDetails"]["name"]
            owner = max((number for number in steps if steps[number].name == name), default=None)
        else:
            owner = _owner(int(event["id"]), parents, steps)
        if owner is not None:
            steps[owner] = _after(steps[owner], kind, at, event)
    return [steps[number] for number in sorted(steps)]


def answer_of(events: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """What the function behind a state answered last; empty where it never did."""
    parents = {event["id"]: event.get("previousEventId", 0) for event in events}
    entered = {
        event["id"]: str(event["stateEnteredEventDetails"]["name"])
        for event in events
        if event["type"].endswith("StateEntered")
    }
    found: dict[str, Any] = {}
    for event in events:
        owner = _owner(int(event["id"]), parents, entered) if event["type"] in _ANSWERED else None
        if owner is not None and entered[owner] == name:
            found = _payload(event)
    return found


def current(steps: Sequence[Step]) -> str:
    """What an execution does now: its open steps, those that only hold others left out."""
    running = [each.name for each in steps if each.end is None]
    inner = [each.name for each in steps if each.end is None and each.kind in ("Task", "Wait")]
    return " and ".join(inner or running[-1:]) or (steps[-1].name if steps else "begins")


def _after(step: Step, kind: str, at: float, event: Mapping[str, Any]) -> Step:
    if kind in _ANSWERED:
        return replace(step, end=at, said=_sentence(event) or step.said)
    if kind in _FAILED:
        return replace(step, end=at, said=_error(event), failed=True)
    if kind in ("TaskScheduled", "LambdaFunctionScheduled") and step.failed:
        return replace(step, end=None, failed=False, tries=step.tries + 1)
    return replace(step, end=at) if kind.endswith("StateExited") else step


def _owner(number: int, parents: Mapping[int, int], entered: Mapping[int, object]) -> int | None:
    """The event that an event's state was entered by."""
    seen: set[int] = set()
    while number and number not in seen:
        if number in entered:
            return number
        seen.add(number)
        number = parents.get(number, 0)
    return None


def _sentence(event: Mapping[str, Any]) -> str:
    return clean(_payload(event).get("sentence", ""))


def _payload(event: Mapping[str, Any]) -> dict[str, Any]:
    details = event.get("taskSucceededEventDetails") or event.get("lambdaFunctionSucceededEventDetails") or {}
    try:
        body = json.loads(details.get("output") or "{}")
    except ValueError:
        return {}
    payload = body.get("Payload", body) if isinstance(body, dict) else {}
    return payload if isinstance(payload, dict) else {}


def _error(event: Mapping[str, Any]) -> str:
    details: Mapping[str, Any] = next((each for name, each in event.items() if name.endswith("EventDetails")), {})
    said = str(details.get("error") or ""), str(details.get("cause") or "")
    return plain_words(": ".join(filter(None, said)))[:400]
