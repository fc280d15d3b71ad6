"""EventBridge's default bus: events of AWS and our own, matched against moto's rules, delivered to their targets."""

from __future__ import annotations

import copy
import datetime
import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from moto.events.models import Rule

from lab.testbed.cloud import event_schemas
from lab.testbed.cloud.account import ACCOUNT, REGION, backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.targets import Targets


class Bus:
    """Takes events in and hands them to `targets`; keeps the last ones in `seen`, for tests and the curious.

    What the stack itself puts is in `announced`, and what of that is not as its schema says in `faults`.
    """

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self.seen: list[dict[str, Any]] = []
        self.announced: list[dict[str, Any]] = []
        self.faults: list[str] = []

    def install(self, patches: Patches) -> None:
        original = patches.put(
            Rule,
            "send_to_targets",
            lambda rule, event, transform_input=True: self._to_targets(rule, event, transform_input),
            why="moto delivers neither to Lambda nor to Step Functions, but raises NotImplementedError",
        )
        self._moto_deliver = original

    def emit(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()) -> None:
        """Put an event on the bus as an AWS service does; `time` is now."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": iso(time.time()),
            "region": REGION,
            "resources": list(resources),
            "detail": dict(detail),
        }
        self._keep(event)
        for rule in list(backend("events").event_buses["default"].rules.values()):
            self._to_targets(rule, event)

    def _keep(self, event: dict[str, Any]) -> None:
        self.seen.append(event)
        del self.seen[:-1000]

    def _check(self, event: Mapping[str, Any]) -> None:
        """Each rule is shown each event, so an event of the stack is met here as often as there are rules."""
        kind = str(event.get("detail-type"))
        if event.get("source") != event_schemas.SOURCE or kind in event_schemas.OF_HOSTS:
            return
        if event.get("id") not in {each["id"] for each in self.announced}:
            self.announced.append(_as_delivered(event))
            self.faults += event_schemas.faults(kind, event["detail"])

    def _to_targets(self, rule: Any, event: Any, transform_input: bool = True) -> None:
        # A rule of a schedule has no pattern; to moto's matcher, no pattern matches everything.
        self._check(event)
        if rule.state != "ENABLED" or not rule.event_pattern.get_pattern():
            return
        shaped = _as_delivered(event)
        if not rule.event_pattern.matches_event(shaped):
            return
        for target in list(rule.targets):
            if self._targets.supports(target["Arn"]):
                self._targets.deliver(rule.name, target["Arn"], target_input(target, shaped, rule.arn))
            else:
                alone = copy.copy(rule)
                alone.targets = [target]
                self._moto_deliver(alone, event, transform_input)


def iso(seconds: float) -> str:
    """A moment as events carry it: UTC, whole seconds."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_delivered(event: Mapping[str, Any]) -> dict[str, Any]:
    # put_events in moto leaves the time as a number and adds a key that AWS does not have.
    shaped = {"version": "0", **{key: value for key, value in event.items() if key != "ingestion-time"}}
    if isinstance(shaped.get("time"), int | float):
        shaped["time"] = iso(shaped["time"])
    return shaped


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    """What a target gets for an event: its Input, the part at InputPath, the InputTransformer's text, or the event."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(_at(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if transformer:
        values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        values |= {
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
            "aws.events.event.ingestion-time": event.get("time"),
            "aws.events.event.json": event,
            "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        }
        return _fill(transformer["InputTemplate"], values)
    return json.dumps(event)


def _at(event: Any, path: str) -> Any:
    """The value at a path like `$.detail.state.value` or `$.resources[0]`; None when there is none."""
    found = event
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path.removeprefix("$")):
        if name:
            found = found.get(name) if isinstance(found, Mapping) else None
        else:
            found = found[int(index)] if isinstance(found, Sequence) and int(index) < len(found) else None
    return found


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Replace `<name>`: inside a JSON string by text, elsewhere by JSON. A value that isn't there leaves nothing."""

    def value(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            return match.group(0)
        found = values[match.group(1)]
        in_string = len(re.findall(r'(?<!\\)"', template[: match.start()])) % 2 == 1
        if not in_string:
            return '""' if found is None else json.dumps(found)
        text = "" if found is None else found if isinstance(found, str) else json.dumps(found)
        return json.dumps(text)[1:-1]

    return re.sub(r"<([\w.-]+)>", value, template)
