"""What the watchdog stands on, in memory: table, queue, probe and schedule, each late, doubled or refused at times."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from msfailover.adapters.pair_table import key_of
from msfailover.pair import Lease, PairState, Role
from msfailover.record import state_to_json

from lab.simulation.clients_data import Table, client_error
from lab.simulation.continuity.kernel import Kernel

PAIR = "continuity"


@dataclass(frozen=True)
class Manners:
    """How unkind the day is.

    Args:
        late_tick_s: seconds that a schedule's minute may come late.
        lost_ticks: the share of minutes that do not come, never more than two in a row.
        doubled_ticks: the share that come twice.
        late_message_s: seconds that a message may come after it is due.
        doubled_messages: the share that come twice.
        refused_entries: the share of a batch's messages that SQS refuses once.
        kills: the share of calls whose process dies at some moment of its first ten seconds.
        throttles: how often in a day DynamoDB, Lambda or SQS refuses everything for some seconds.
        throttle_s: seconds that takes, at least and at most.
        cold_s: seconds a new process takes to start, at most.
    """

    late_tick_s: float = 60.0
    lost_ticks: float = 0.05
    doubled_ticks: float = 0.1
    late_message_s: float = 0.5
    doubled_messages: float = 0.05
    refused_entries: float = 0.01
    kills: float = 0.02
    throttles: int = 40
    throttle_s: tuple[float, float] = (1.0, 20.0)
    cold_s: float = 1.0


@dataclass(frozen=True)
class Kept:
    """A probe that counted: when it began, and the failures in a row after it."""

    at: float
    failures: int
    active: str
    down: bool


@dataclass
class Day:
    """What there is to judge afterwards."""

    kept: list[Kept] = field(default_factory=list)
    started: list[tuple[float, str]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    throttled: list[tuple[float, float, str]] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    calls: int = 0
    lost_ticks: int = 0
    logged: list[Mapping[str, Any]] = field(default_factory=list)


class Cloud:
    """AWS's clients as the function gets them.

    Args:
        kernel: the time.
        manners: how unkind it is.
        chance: every draw is of it.
        day: takes what happens.
    """

    def __init__(self, kernel: Kernel, manners: Manners, chance: random.Random, day: Day) -> None:
        self._kernel, self._manners, self._chance, self._day = kernel, manners, chance, day
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self._table = Table(self.items)
        self.deliver: Callable[[dict[str, Any]], None] = lambda _: None
        self.down_since: float | None = None
        self.state = PairState(active=Role.MS1, epoch=1)
        self._write_record()

    # ---- the world

    def _write_record(self) -> None:
        from msfailover.adapters.pair_table import _attributes

        self._table.put({**key_of(PAIR, "state"), **_attributes({**state_to_json(self.state), "version": 1})}, {})

    def go_down(self) -> None:
        """The active server falls silent, and stays so until a failover is over."""
        if self.down_since is None and self.state.lease is None:
            self.down_since = self._kernel.now

    def _fail_over(self) -> None:
        assert self.state.active is not None
        if self.down_since is not None:
            self._day.outages.append((self.down_since, self._kernel.now))
        self.down_since = None
        self.state = PairState(active=self.state.active.other, epoch=self.state.epoch + 1)
        self._write_record()

    def throttled(self, service: str) -> bool:
        now = self._kernel.now
        return any(begin <= now < end and service == which for begin, end, which in self._day.throttled)

    def _call(self, service: str, takes_s: tuple[float, float], operation: str) -> None:
        """A call's time; what is refused is tried again by the SDK, three times in all, and then raised."""
        self._kernel.sleep(self._chance.uniform(*takes_s))
        for pause_s in (0.3, 0.8):
            if not self.throttled(service):
                return
            self._kernel.sleep(self._chance.uniform(0, pause_s))
        if self.throttled(service):
            raise client_error("ThrottlingException", "Rate exceeded", operation)

    # ---- DynamoDB

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._call("dynamodb", (0.005, 0.015), "GetItem")
        return self._table.get(Key)

    def update_item(self, *, Key: Any, **request: Any) -> dict[str, Any]:  # noqa: N803
        self._call("dynamodb", (0.002, 0.008), "UpdateItem")
        self._table.update(Key, request)
        values = request["ExpressionAttributeValues"]
        if ":probed" in values:
            run = json.loads(values[":run"]["S"])
            down = run["finding"] != "healthy"
            kept = Kept(int(values[":probed"]["N"]) / 1000, int(values[":failures"]["N"]), run["active"], down)
            self._day.kept.append(kept)
        self._kernel.sleep(0.004)  # the answer's way back: whoever dies now has written
        return {}

    # ---- SQS

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        del QueueUrl
        self._call("sqs", (0.01, 0.04), "SendMessageBatch")
        refused = [each for each in Entries if self._chance.random() < self._manners.refused_entries]
        for each in Entries:
            if each not in refused:
                self._kernel.after(each["DelaySeconds"], partial(self._due, each["MessageBody"]))
        return {"Failed": [{"Id": each["Id"], "Code": "InternalError"} for each in refused]}

    def _due(self, body: str) -> None:
        times = 2 if self._chance.random() < self._manners.doubled_messages else 1
        for _ in range(times):
            late = self._chance.uniform(0, self._manners.late_message_s)
            self._kernel.after(late, lambda: self.deliver({"Records": [{"body": body}]}))

    # ---- Lambda, Step Functions, SNS

    def invoke(self, *, FunctionName: str, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        asked = json.loads(Payload)
        self._call("lambda", (0.02, 0.06), "Invoke")
        answer = getattr(self, f"_of_{FunctionName.replace('-', '_')}")(asked)
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

    def _of_probe(self, _asked: Any) -> dict[str, Any]:
        active, down = self.state.active, self.down_since is not None
        assert active is not None
        well, mute = {"admin": "answers", "port": "answers"}, {"admin": "silent", "port": "silent"}
        standby = {"admin": "refused", "port": "refused"}
        self._kernel.sleep(2.0 if down else self._chance.uniform(0.02, 0.1))
        return {active.value: mute if down else well, active.other.value: standby}

    def _of_server(self, _asked: Any) -> dict[str, Any]:
        self._kernel.sleep(self._chance.uniform(0.1, 0.3))
        return {"answer": "yes", "sentence": "Its instance is running."}

    def _of_pair(self, _asked: Any) -> dict[str, Any]:
        return {"answer": "yes", "sentence": "Nothing is held."}

    def start_execution(self, *, name: str, **_: Any) -> dict[str, Any]:
        self._call("states", (0.03, 0.1), "StartExecution")
        if any(name == each for _, each in self._day.started):
            raise client_error("ExecutionAlreadyExists", name, "StartExecution")
        self._day.started.append((self._kernel.now, name))
        assert self.state.active is not None
        target = self.state.active.other
        lease = Lease(name, "failover", target, self.state.epoch + 1, "down", "watch", self._kernel.now)
        self.state = PairState(active=self.state.active, epoch=self.state.epoch, lease=lease)
        self._write_record()
        self._kernel.after(self._chance.uniform(10, 40), self._fail_over)
        return {"executionArn": f"arn:aws:states:eu-west-1:123456789012:execution:m:{name}"}

    def publish(self, **_: Any) -> dict[str, Any]:
        return {"MessageId": "1"}


__all__ = ["PAIR", "ClientError", "Cloud", "Day", "Kept", "Manners"]
