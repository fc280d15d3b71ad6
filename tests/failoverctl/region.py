"""A region with one deployed pair, of memory: answers failoverctl's calls at the wire, after botocore checked them."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from msfailover.pair import Lease, PairState, Role
from msfailover.record import state_to_json

from failoverctl.account import Account
from failoverctl.status import ALARMS
from tests.functions.wire import Failure, Wire

STACK = "demo"
PAIR = "tectia"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:demo-failover"
RUNS = MACHINE.replace(":stateMachine:", ":execution:")
WHO = "arn:aws:sts::123456789012:assumed-role/Operators/ann"
"""Whose credentials all calls are made with."""
T0 = 1_790_000_000.0

WELL: dict[tuple[str, str], dict[str, Any]] = {
    ("probe", "probe"): {
        "ms1": {"admin": "answers", "port": "answers", "sentence": "it answers with status 200"},
        "ms2": {"admin": "refused", "port": "refused", "sentence": "the connection is refused"},
    },
    ("dns", "ms1"): {"answer": "yes", "sentence": "It points to 10.0.0.11.", "evidence": {"values": ["10.0.0.11"]}},
    ("probe", "name"): {"answer": "yes", "sentence": "It resolves.", "evidence": {"addresses": ["10.0.0.11"]}},
    ("database-access", "ms1"): {"answer": "yes", "sentence": "ms1 can get in."},
    ("database-access", "ms2"): {"answer": "no", "sentence": "ms2 can't get in."},
    ("database-sessions", "ms1"): {"answer": "yes", "sentence": "ms1 has 1 session."},
    ("database-sessions", "ms2"): {"answer": "no", "sentence": "ms2 has no session."},
}
"""What the functions of a pair answer where all is well, by function and action or server."""


class Region:
    """What is there, and what was asked for.

    Args of its fields that tests change: `items` (the table's, by name), `history`, `functions` (as `WELL`),
    `ringing` (names of alarms), `gone` (alarms that somebody deleted), `executions` (as `run` makes them), `denied`
    (operations that these credentials may not use), `failing` (operation to the error that it answers once),
    `refusing` (regions that refuse every call), `hanging` (region to the event after which it answers).
    """

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {
            "state": state_to_json(PairState(active=Role.MS1, epoch=1, version=3)),
            "freshness": {"as_of": datetime.now(UTC).timestamp() - 60, "epoch": 1, "version": 1},
            "readiness": {"answer": "yes", "sentence": "Ready.", "at": datetime.now(UTC).timestamp() - 30},
        }
        self.history: list[dict[str, Any]] = []
        self.signatures: list[dict[str, Any]] = []
        self.parameters: dict[str, str] = {}
        self.functions: dict[tuple[str, str], Any] = dict(WELL)
        self.ringing: set[str] = set()
        self.configured = datetime.fromtimestamp(T0, UTC)
        self.gone: set[str] = set()
        self.stack_status = "CREATE_COMPLETE"
        self.outputs = {"StateMachineArn": MACHINE, "TableName": "pairs", "TopicArn": "arn:t", "AccessGroupId": "sg-1"}
        self.logged: list[str] = []
        self.other_stacks: list[dict[str, Any]] = []
        self.deployed_here = True
        self.regions = ["eu-central-1"]
        self.template: str | dict[str, Any] = "{}"
        self.executions: dict[str, dict[str, Any]] = {}
        self.outcome: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: ended("promoted")
        self.denied: set[str] = set()
        self.failing: dict[str, list[Failure]] = {}
        self.refusing: set[str] = set()
        self.hanging: dict[str, threading.Event] = {}
        self.asked_in: list[tuple[str, str]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.invoked: list[tuple[str, dict[str, Any]]] = []

    def names(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [name for name, _ in self.asked]

    def started(self) -> list[dict[str, Any]]:
        """The requests that executions were started with."""
        return [json.loads(call["input"]) for name, call in self.asked if name == "StartExecution"]

    # ---- the operations --------------------------------------------------------------------------------------------

    def answer(self, name: str, call: Mapping[str, Any], at: str = "eu-central-1") -> dict[str, Any]:
        self.asked.append((name, dict(call)))
        self.asked_in.append((at, name))
        if at in self.hanging and not self.hanging[at].wait(60):
            raise Failure("RequestTimeout", "nobody let it answer")
        if at in self.refusing:
            raise Failure("AccessDenied", f"{name} is not allowed in {at} by a service control policy.")
        if name in self.denied:
            raise Failure("AccessDeniedException", f"User ann is not authorized to perform {name}.")
        if self.failing.get(name):
            raise self.failing[name].pop(0)
        found: dict[str, Any] = getattr(self, f"_{name}")(call)
        return found

    def _DescribeStacks(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802 - as AWS names it
        if call.get("StackName", STACK) != STACK:
            raise Failure("ValidationError", f"Stack with id {call['StackName']} does not exist")
        about = {
            "PairName": PAIR,
            "Ms1InstanceId": "i-1",
            "Ms2InstanceId": "i-2",
            "Ms1Addresses": "10.0.0.11",
            "Ms2Addresses": "10.0.0.12",
            "RecordName": "ms.corp.example",
            "ReplicationOldestSeconds": "86400",
            **self.parameters,
        }
        stack = {
            "StackName": STACK,
            "StackStatus": self.stack_status,
            "CreationTime": datetime.now(UTC),
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()],
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in about.items()],
        }
        if "StackName" in call:
            return {"Stacks": [stack]}
        page = int(call.get("NextToken", 0))  # one stack a page, as many stacks have several
        there = [stack, *({**stack, **each} for each in self.other_stacks)][0 if self.deployed_here else 1 :]
        more = {"NextToken": str(page + 1)} if page + 1 < len(there) else {}
        return {"Stacks": there[page : page + 1], **more}

    def _DescribeRegions(self, _call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Regions": [{"RegionName": each} for each in self.regions]}

    def _GetCallerIdentity(self, _call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Account": "123456789012", "UserId": "AIDA", "Arn": WHO}

    def _GetTemplate(self, _call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"TemplateBody": self.template}

    def _GetItem(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.items.get(call["Key"]["item"]["S"])
        return {"Item": _stored(found)} if found else {}

    def _Query(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        if call["ExpressionAttributeValues"][":h"]["S"] == "signature#":
            return {"Items": [_stored(each) for each in self.signatures]}
        begin = int(call.get("ExclusiveStartKey", {}).get("n", {}).get("N", 0))
        page = self.history[begin : begin + min(2, call["Limit"])]  # small pages, as large items make them
        more = begin + len(page) < len(self.history)
        last = {"LastEvaluatedKey": {"n": {"N": str(begin + len(page))}}} if more else {}
        return {"Items": [_stored(each) for each in page], **last}

    def _Verify(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        if call["Signature"] != signed(call["Message"]):
            raise Failure("KMSInvalidSignatureException", "")
        return {"KeyId": call["KeyId"], "SignatureValid": True, "SigningAlgorithm": call["SigningAlgorithm"]}

    def _DescribeAlarms(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        alarms = [
            {
                "AlarmName": name,
                "StateValue": "ALARM" if name.removeprefix(f"{STACK}-") in self.ringing else "OK",
                "StateUpdatedTimestamp": datetime.now(UTC),
                "AlarmConfigurationUpdatedTimestamp": self.configured,
                "TreatMissingData": "breaching",
                "Period": 60,
                "EvaluationPeriods": 3,
                "AlarmDescription": "So it is.\nSafe: yes.\nNext: look.\nSee docs/operate.md, not-ready.",
            }
            for name in call["AlarmNames"]
            if name.removeprefix(f"{STACK}-") in set(ALARMS) - self.gone
        ]
        return {"MetricAlarms": alarms}

    def _Invoke(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        function, payload = str(call["FunctionName"]).removeprefix(f"{STACK}-"), json.loads(call["Payload"])
        self.invoked.append((function, payload))
        key = (function, payload.get("server") or payload["action"])
        answer = self.functions.get(key, {"answer": "yes", "sentence": f"{payload['action']} is done."})
        answer = answer(payload) if callable(answer) else answer
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    def _StartExecution(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        arn = f"{RUNS}:{call['name']}"
        request = json.loads(call["input"])
        self.executions[arn] = {"input": call["input"], **self.outcome(request)}
        return {"executionArn": arn, "startDate": _at(0)}

    def _DescribeExecution(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.executions.get(call["executionArn"])
        if found is None:
            raise Failure("ExecutionDoesNotExist", f"Execution Does Not Exist: '{call['executionArn']}'")
        about = {name: each for name, each in found.items() if name != "events"}
        return {"executionArn": call["executionArn"], "stateMachineArn": MACHINE, "startDate": _at(0), **about}

    def _ListExecutions(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = call.get("statusFilter")
        return {
            "executions": [
                {
                    "executionArn": arn,
                    "stateMachineArn": MACHINE,
                    "name": arn.rsplit(":", 1)[-1],
                    "status": each["status"],
                    "startDate": _at(number),
                }
                for number, (arn, each) in enumerate(self.executions.items())
                if wanted in (None, each["status"])
            ]
        }

    def _FilterLogEvents(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        inside = [each for each in self.logged if call["startTime"] <= json.loads(each)["to"] * 1000 <= call["endTime"]]
        begin = int(call.get("nextToken", 0))
        more = {"nextToken": str(begin + 2)} if begin + 2 < len(inside) else {}
        return {"events": [{"message": each} for each in inside[begin : begin + 2]], **more}

    def _GetProducts(self, _call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"FormatVersion": "aws_v1", "PriceList": []}

    def _GetExecutionHistory(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"events": self.executions[call["executionArn"]].get("events", [])}


OPERATIONS = {
    "sts": ("GetCallerIdentity",),
    "pricing": ("GetProducts",),
    "ec2": ("DescribeRegions",),
    "cloudformation": ("DescribeStacks", "GetTemplate"),
    "dynamodb": ("GetItem", "Query"),
    "cloudwatch": ("DescribeAlarms",),
    "logs": ("FilterLogEvents",),
    "lambda": ("Invoke",),
    "kms": ("Verify",),
    "stepfunctions": ("StartExecution", "DescribeExecution", "ListExecutions", "GetExecutionHistory"),
}
"""Everything that failoverctl asks AWS for; a call of another one would go out to a network that isn't there."""
_EVENT_NAMES = {"stepfunctions": "sfn"}


_MADE: dict[tuple[str, str], Any] = {}
"""Clients by service and region, made once for all tests: that takes longer than everything else about them."""
_NOW: list[Region] = []


class AccountThere(Account):
    """An account whose every call the region answers; one at a time."""

    def __init__(self, region: Region, profile: str | None, at: str | None) -> None:
        self._at = at or "eu-central-1"
        super().__init__(profile, self._at, "http://127.0.0.1:1")
        _NOW[:] = [region]

    def in_region(self, region: str) -> Account:
        return AccountThere(_NOW[0], None, region)

    def client(self, service: str, wait_s: float = 0.0) -> Any:
        key = (service, self._at)
        if key not in _MADE:
            handlers = {name: _handler(name, self._at) for name in OPERATIONS[service]}
            _MADE[key] = super().client(service)
            Wire(_MADE[key], _EVENT_NAMES.get(service, service), handlers).__enter__()
        return _MADE[key]


def _handler(name: str, at: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda call: _NOW[0].answer(name, call, at)


def ended(outcome: str, sentence: str = "So it ended.", **more: Any) -> dict[str, Any]:
    """An execution that has ended, as Step Functions describes it, with two steps."""
    events = [*step(1, "Begin", 0.0, 0.5), *step(10, "VerifyFence", 0.5, 2.0, "ms1 is out.")]
    common = {"stopDate": _at(2.5), "events": events, "input": '{"action": "failover", "reason": "why"}'}
    if outcome == "halted":
        return {**common, "status": "FAILED", "error": "Halted", "cause": sentence}
    output = {"outcome": outcome, "sentence": sentence, **more}
    return {**common, "status": "SUCCEEDED", "output": json.dumps(output)}


def running() -> dict[str, Any]:
    """An execution whose second step still runs."""
    events = [*step(1, "Begin", 0.0, 0.5), *step(10, "VerifyFence", 0.5, None)]
    return {"status": "RUNNING", "events": events, "input": '{"action": "failover", "reason": "why"}'}


def step(number: int, name: str, start: float, end: float | None, said: str = "") -> list[dict[str, Any]]:
    """The events of a task, numbered from there."""
    found: list[dict[str, Any]] = [
        {"id": number, "type": "TaskStateEntered", "timestamp": _at(start), "stateEnteredEventDetails": {"name": name}},
        {"id": number + 1, "previousEventId": number, "type": "TaskScheduled", "timestamp": _at(start)},
    ]
    if end is None:
        return found
    output = json.dumps({"Payload": {"answer": "yes", "sentence": said}})
    return [
        *found,
        {
            "id": number + 2,
            "previousEventId": number + 1,
            "type": "TaskSucceeded",
            "timestamp": _at(end),
            "taskSucceededEventDetails": {"resourceType": "lambda", "resource": "invoke", "output": output},
        },
        {
            "id": number + 3,
            "previousEventId": number + 2,
            "type": "TaskStateExited",
            "timestamp": _at(end),
            "stateExitedEventDetails": {"name": name},
        },
    ]


def signed(message: bytes) -> bytes:
    """The signature that this region's key makes."""
    return sha256(b"the key's own" + message).digest()


def lease(name: str = "one") -> dict[str, Any]:
    """What the record keeps of a failover to ms2 by the execution of that name."""
    held = Lease(f"{RUNS}:{name}", "failover", Role.MS2, 2, "ms1 is silent", "watch", 1.0)
    found: dict[str, Any] = state_to_json(PairState(lease=held))["lease"]
    return found


def change(outcome: str, ended_at: float, epoch: int = 2, **about: Any) -> dict[str, Any]:
    """A line of the history."""
    return {
        "epoch": epoch,
        "execution": f"{RUNS}:failover-{ended_at:.0f}",
        "action": "failover",
        "source": "ms1",
        "target": "ms2",
        "outcome": outcome,
        "sentence": "So it ended.",
        "reason": "ms1 is silent",
        "requested_by": "watch",
        "taken_at": ended_at - 2,
        "ended_at": ended_at,
        "receipt": None,
        "phases": [{"name": "VerifyFence", "start": ended_at - 2, "end": ended_at - 0.5}],
        **about,
    }


def _stored(item: Mapping[str, Any]) -> dict[str, Any]:
    exact = json.loads(json.dumps(item), parse_float=Decimal)  # DynamoDB takes no binary floats
    return {name: TypeSerializer().serialize(value) for name, value in exact.items()}


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)
