"""Event source mappings of queues: when a message reaches its function, how often, and what becomes of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lab.testbed.cloud.account import backend
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually


class Mapped:
    """A queue of its own, mapped to a function of the sample."""

    def __init__(self, sky: Sky, function: str, visibility_s: int = 30) -> None:
        self._sky, self.function = sky, sky.stack.outputs[function]
        self._sqs = sky.cloud.client("sqs")
        name = f"queue-{uuid.uuid4().hex[:8]}"
        self.url = self._sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visibility_s)})[
            "QueueUrl"
        ]
        self.queue = backend("sqs").queues[name]
        made = sky.cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=self.queue.queue_arn,
            FunctionName=self.function,
            BatchSize=1,
            ScalingConfig={"MaximumConcurrency": 2},
        )
        self.mapping = made["UUID"]

    def send(self, mark: str, delay_s: int = 0) -> None:
        self._sqs.send_message(QueueUrl=self.url, MessageBody=mark, DelaySeconds=delay_s)

    def calls_with(self, mark: str) -> int:
        return sum("called with" in each for each in self.said(mark))

    def said(self, mark: str) -> list[str]:
        """What the function has written that holds a mark; its log group is made by its first call."""
        logs, group = self._sky.cloud.client("logs"), f"/aws/lambda/{self.function}"
        try:
            return [
                each["message"]
                for each in logs.filter_log_events(logGroupName=group)["events"]
                if mark in each["message"]
            ]
        except logs.exceptions.ResourceNotFoundException:
            return []

    def close(self) -> None:
        self._sky.cloud.client("lambda").delete_event_source_mapping(UUID=self.mapping)


@pytest.fixture
def mapped(sky: Sky) -> Iterator[Mapped]:
    made = Mapped(sky, "Other")
    yield made
    made.close()


def test_a_message_reaches_its_function_when_it_is_due_and_is_deleted(mapped: Mapped) -> None:
    sent = time.time()
    mapped.send("due-in-two", delay_s=2)
    eventually(lambda: mapped.calls_with("due-in-two") == 1, 15)
    assert time.time() - sent >= 2
    eventually(lambda: mapped.queue._messages == [], 5)


def test_it_comes_as_lambda_hands_it_over(mapped: Mapped) -> None:
    mapped.send("as-lambda-does")
    eventually(lambda: mapped.calls_with("as-lambda-does") == 1, 15)
    (said,) = mapped.said("as-lambda-does")
    (record,) = json.loads(said.partition("called with ")[2])["Records"]
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:sqs", mapped.queue.queue_arn)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


def test_it_may_come_twice_and_late(mapped: Mapped, sky: Sky) -> None:
    sources = sky.cloud.event_sources
    before, sources.deliveries = sources.deliveries, lambda: (0.0, 0.2)
    try:
        mapped.send("twice")
        eventually(lambda: mapped.calls_with("twice") == 2, 15)
    finally:
        sources.deliveries = before


def test_a_paused_function_gets_nothing_until_it_is_resumed(mapped: Mapped, sky: Sky) -> None:
    sky.cloud.event_sources.pause(mapped.function)
    mapped.send("paused")
    sky.cloud.event_sources.step()
    assert mapped.calls_with("paused") == 0
    sky.cloud.event_sources.resume(mapped.function)
    eventually(lambda: mapped.calls_with("paused") == 1, 15)


def test_what_a_function_failed_on_comes_again_when_it_is_visible_again(sky: Sky) -> None:
    mapped = Mapped(sky, "Other", visibility_s=1)
    try:
        mapped.send("fail")
        eventually(
            lambda: bool(mapped.queue._messages) and mapped.queue._messages[0].approximate_receive_count >= 2, 20
        )
    finally:
        mapped.close()


def test_without_its_roles_right_nothing_is_taken(mapped: Mapped, sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sky.cloud.permissions, "exempt", ())
    mapped.send("not-allowed")

    def refused() -> bool:
        seen: list[Any] = [each for each in sky.cloud.permissions.seen if each.call.action == "sqs:ReceiveMessage"]
        return any(not each.allowed for each in seen)

    eventually(refused, 15)
    assert mapped.calls_with("not-allowed") == 0
