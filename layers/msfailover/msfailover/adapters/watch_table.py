"""What the watchdog keeps, in an item of the pair's table with a key of its own: who may write it writes no record.

Two writers never meet in one write: seeding sets when slots are seeded until, a probe everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from msfailover.adapters.pair_table import key_of
from msfailover.pair import Role
from msfailover.watching import Run, Watching

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ITEM = "watch"


class WatchTable:
    """The watchdog's item of one pair.

    Args:
        client: DynamoDB.
        table: the table's name.
        pair: the pair's name.
    """

    def __init__(self, client: DynamoDBClient, table: str, pair: str) -> None:
        self._client, self._table, self._key = client, table, key_of(pair, ITEM)

    def read(self) -> Watching:
        """What is kept now (a consistent read); what can't be read is as if nothing had been kept."""
        return _watching(self._item())

    def keep(self, before: Watching, after: Watching) -> bool:
        """Keep what a probe observed, unless another process has kept its own since `before` was read.

        Returns:
            whether it is kept. False: the probe counts for nothing, somebody else's counts.
        """
        written = _attributes(after)
        condition = "attribute_not_exists(#probed) OR #probed = :before"
        if self._update(written, condition, {":before": {"N": str(before.probed_ms)}}):
            return True
        # The reply of our own earlier try may have been lost: then what is there is ours.
        there = self._item()
        now = _watching(there)
        if (now.by, now.probed_ms) == (after.by, after.probed_ms):
            return True
        # What reads as the same number and is not equal to it is none, or a broken one: a damaged item that nobody
        # could write over again.
        damaged = "probed" in there and now.probed_ms == before.probed_ms
        return damaged and self._update(written, "#probed = :before", {":before": there["probed"]})

    def seeded(self, until_ms: int, farthest_ms: int) -> None:
        """Keep until when slots were sent, unless later ones were meanwhile.

        Args:
            until_ms: when the last of them is due, in milliseconds since 1970.
            farthest_ms: what is kept and lies further ahead was never sent; nor was what is no number.
        """
        value = {"seeded_until": {"N": str(until_ms)}}
        more = {":number": {"S": "N"}, ":farthest": {"N": str(farthest_ms)}}
        condition = (
            "attribute_not_exists(#seeded_until) OR NOT attribute_type(#seeded_until, :number)"
            " OR #seeded_until < :seeded_until OR #seeded_until > :farthest"
        )
        self._update(value, condition, more)

    def _item(self) -> Mapping[str, Any]:
        return self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True).get("Item", {})

    def _update(self, values: Mapping[str, Any], condition: str, more: Mapping[str, Any]) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key,
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in values},
                ExpressionAttributeValues={**{f":{name}": each for name, each in values.items()}, **more},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _attributes(after: Watching) -> dict[str, Any]:
    return {
        "slot": {"N": str(after.slot_ms)},
        "probed": {"N": str(after.probed_ms)},
        "busy_until": {"N": str(after.busy_until_ms)},
        "by": {"S": after.by},
        "streak_of": {"S": after.streak_of or ""},
        "failures": {"N": str(after.failures)},
        "failed_since": {"N": str(after.failed_since_ms)},
        "run": {"S": json.dumps(after.run.to_json() if after.run else None, separators=(",", ":"))},
    }


def _watching(item: Mapping[str, Any]) -> Watching:
    """What an item says; what of it can't be read is left out, so that nothing in it can stop the probing."""

    def whole(name: str) -> int:
        try:
            return int(Decimal(item[name]["N"]))
        except (LookupError, TypeError, ArithmeticError, ValueError):
            return 0

    def text(name: str, otherwise: str) -> str:
        there = item.get(name, {})
        return str(there.get("S", otherwise)) if isinstance(there, Mapping) else otherwise

    numbers = whole("seeded_until"), whole("slot"), whole("probed"), whole("busy_until"), text("by", "")
    try:
        streak_of, run = text("streak_of", ""), json.loads(text("run", "null"))
        return Watching(
            *numbers,
            Role(streak_of) if streak_of else None,
            whole("failures"),
            whole("failed_since"),
            Run.from_json(run) if run is not None else None,
        )
    except (ValueError, ArithmeticError, RecursionError):
        return Watching(*numbers)
