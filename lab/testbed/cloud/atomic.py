"""What AWS does in one step and a threaded moto does in several: conditional writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

from lab.testbed.cloud.patching import Patches

_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def install(patches: Patches) -> None:
    """Let one write at a time happen in DynamoDB."""
    lock = threading.RLock()
    for name in _WRITES:
        patches.put(
            DynamoDBBackend,
            name,
            one_at_a_time(getattr(DynamoDBBackend, name), lock),
            why="moto checks the condition and then writes; two threads can both pass the check",
        )


def one_at_a_time(function: Callable[..., Any], lock: threading.RLock | threading.Lock) -> Callable[..., Any]:
    """`function`, but never twice at the same time for the same lock."""

    def alone(*arguments: Any, **options: Any) -> Any:
        with lock:
            return function(*arguments, **options)

    return alone
