"""Lambda's event source mappings of SQS queues: reads a queue with the function's role, calls it, deletes what it took.

As on AWS a message is delivered at least once, and what a function failed on comes again when it is visible again. A
call that is throttled is tried again with longer and longer pauses (Lambda developer guide, SQS scaling).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.sqs.models import Queue

from lab.testbed.cloud.account import REGION, backend
from lab.testbed.cloud.functions import Functions, ThrottledError
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.permissions import Permissions
from lab.testbed.iam.policies import Call

MOST_AT_ONCE = 5
"""Calls at once of a mapping that sets no MaximumConcurrency: how many Lambda begins with."""
_LONGEST_PAUSE_S = 30.0


class EventSources:
    """A thread that reads the queues of moto's event source mappings each `tick_s`.

    `deliveries` says of each message when it is handed over, in seconds from when it is visible: once, at once.
    """

    def __init__(self, functions: Functions, permissions: Permissions, *, tick_s: float = 0.02) -> None:
        self._functions, self._permissions, self._tick_s = functions, permissions, tick_s
        self.deliveries: Callable[[], Sequence[float]] = lambda: (0.0,)
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._paused: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-sources", daemon=True)

    def install(self, patches: Patches) -> None:
        add = Queue.add_message

        def added(queue: Any, message: Any) -> None:
            mappings, queue.lambda_event_source_mappings = queue.lambda_event_source_mappings, {}
            try:
                add(queue, message)
            finally:
                queue.lambda_event_source_mappings = mappings

        patches.put(Queue, "add_message", added, why="moto calls the function at once, delayed or not, in Docker")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        for each in self._workers.values():
            each.shutdown(wait=False, cancel_futures=True)

    def pause(self, function: str) -> None:
        """Hand this function no message any more, until `resume`; the queue keeps them as long as it keeps any."""
        self._paused.add(function)

    def resume(self, function: str) -> None:
        self._paused.discard(function)

    def _run(self) -> None:
        while not self._stopped.wait(self._tick_s):
            self.step()

    def step(self) -> None:
        """Take what is visible now from each queue that a mapping reads."""
        for mapping in list(backend("lambda").list_event_source_mappings("", "")):
            name = str(mapping.function_name).rsplit(":", 1)[-1]
            if mapping.enabled and name not in self._paused and ":sqs:" in mapping.event_source_arn:
                self._take(mapping, name)

    def _take(self, mapping: Any, function: str) -> None:
        sqs = backend("sqs")
        queue = sqs.get_queue(mapping.event_source_arn.rsplit(":", 1)[-1])
        if not queue.messages or not self._may(function, "ReceiveMessage", queue):
            return
        while taken := sqs.receive_message(queue.name, mapping.batch_size, 0, queue.visibility_timeout):
            event = {"Records": [_record(each, queue.queue_arn) for each in taken]}
            hide_until = time.monotonic() + float(queue.visibility_timeout)
            for late_s in self.deliveries():
                hand = (mapping, function, queue, taken, event, hide_until)
                if late_s > 0:
                    timer = threading.Timer(late_s, self._submit, hand)
                    timer.daemon = True
                    timer.start()
                else:
                    self._submit(*hand)

    def _submit(self, mapping: Any, *rest: Any) -> None:
        if self._stopped.is_set():
            return
        most = int((mapping.scaling_config or {}).get("MaximumConcurrency", MOST_AT_ONCE))
        if mapping.uuid not in self._workers:
            self._workers[mapping.uuid] = ThreadPoolExecutor(most, thread_name_prefix="event-source")
        self._workers[mapping.uuid].submit(self._hand_over, *rest)

    def _hand_over(self, function: str, queue: Any, taken: list[Any], event: Any, hide_until: float) -> None:
        pause_s = 0.5
        while not self._stopped.is_set():
            try:
                answer = self._functions.invoke(function, json.dumps(event).encode())
                break
            except ThrottledError:
                if time.monotonic() + pause_s > hide_until or self._stopped.wait(pause_s):
                    return
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return
        if not answer.failed and self._may(function, "DeleteMessage", queue):
            for each in taken:
                queue.delete_message(each.receipt_handle)

    def _may(self, function: str, action: str, queue: Any) -> bool:
        """Whether the function's role allows it; GetQueueAttributes is asked for beside it, as Lambda demands."""
        role = self._functions.spec(function).role.rsplit("/", 1)[-1]
        asked = [
            self._permissions.hold(role, Call(f"sqs:{each}", (queue.queue_arn,)))
            for each in (action, "GetQueueAttributes")
        ]
        return all(asked)


def _record(message: Any, queue_arn: str) -> dict[str, Any]:
    """A message as a function gets it (Lambda developer guide, Amazon SQS message event)."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        },
        "messageAttributes": {},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
