"""EventBridge's default bus, for what machines are to know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "ms-failover"
AT_ONCE = 10
"""Entries that PutEvents takes in one call (EventBridge API reference)."""


class NotPublished(ValueError):
    """EventBridge has not taken every event; those that are missing come again with the next try."""


def put(client: EventBridgeClient, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Put events on the default bus, in order.

    Args:
        events: the detail-type and the detail of each.

    Raises:
        NotPublished: an entry was not taken.
        botocore.exceptions.ClientError: the call was refused.
    """
    entries: list[Any] = [
        {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail)} for kind, detail in events
    ]
    for first in range(0, len(entries), AT_ONCE):
        answer = client.put_events(Entries=entries[first : first + AT_ONCE])
        if answer.get("FailedEntryCount"):
            codes = {str(each["ErrorCode"]) for each in answer["Entries"] if "ErrorCode" in each}
            raise NotPublished(f"EventBridge did not take {answer['FailedEntryCount']} events: {', '.join(codes)}")
