"""The queue of slots: a message for each, visible when it is due.

A message's delay is whole seconds, 900 at most; ten messages make a batch, of which some may be refused (SQS API
reference, SendMessageBatch). Delivery is at least once, and not in order (SQS developer guide, standard queues).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

BATCH = 10
TRIES = 3
"""How often what was refused of a batch is sent again, the first time included."""
LONGEST_DELAY_S = 900
LATEST_MS = 10**14
"""Milliseconds since 1970 that no slot is due at: what is larger is no time, and no float may hold it."""


class SlotsNotSent(Exception):
    """SQS refused some of the slots each time; those that it took will come all the same."""


def send(client: Any, queue: str, slots: Sequence[int], now_ms: int) -> None:
    """Send slots, ten at a time.

    Args:
        client: SQS.
        queue: the queue's URL.
        slots: when each is due, in milliseconds since 1970.
        now_ms: the time that the delays are counted from.

    Raises:
        SlotsNotSent: some were refused.
    """
    for first in range(0, len(slots), BATCH):
        left: list[Any] = [_entry(due, now_ms) for due in slots[first : first + BATCH]]
        for _ in range(TRIES):
            refused = client.send_message_batch(QueueUrl=queue, Entries=left).get("Failed", [])
            ids = {each["Id"] for each in refused}
            left = [each for each in left if each["Id"] in ids]
            if not left:
                break
        else:
            codes = ", ".join(sorted({str(each.get("Code")) for each in refused}))
            raise SlotsNotSent(f"{len(left)} slots were refused {TRIES} times: {codes}.")


def _entry(due_ms: int, now_ms: int) -> dict[str, Any]:
    delay = min(max(0, (due_ms - now_ms) // 1000), LONGEST_DELAY_S)
    return {"Id": str(due_ms), "MessageBody": json.dumps({"slot": due_ms}), "DelaySeconds": delay}


def slots_in(event: Mapping[str, Any]) -> list[int] | None:
    """The slots that a function is handed, by when they were due; None where the event is not of a queue.

    What says nothing that can be read is left out: an event is somebody else's word.
    """
    records = event.get("Records")
    if not isinstance(records, list):
        return None
    return [slot for record in records if (slot := _slot(record)) is not None]


def _slot(record: Any) -> int | None:
    try:
        slot = json.loads(record["body"])["slot"]
    except (LookupError, TypeError, ValueError, RecursionError):
        return None
    return slot if isinstance(slot, int) and not isinstance(slot, bool) and 0 < slot < LATEST_MS else None
