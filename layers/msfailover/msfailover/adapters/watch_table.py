"""What the watchdog keeps, in an item of the pair's table with a key of its own: who may write it writes no record.

Two writers never meet in one write: seeding sets when slots are seeded until, a probe everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
        answer = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return _watching(answer.get("Item", {}))

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
        now = self.read()
        return (now.by, now.probed_ms) == (after.by, after.probed_ms)

    def seeded(self, until_ms: int) -> None:
        """Keep until when slots were sent, unless later ones were meanwhile.

        Args:
            until_ms: when the last of them is due, in milliseconds since 1970.
        """
        value = {"seeded_until": {"N": str(until_ms)}}
        self._update(value, "attribute_not_exists(#seeded_until) OR #seeded_until < :seeded_until", {})

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
    def whole(name: str) -> int:
        return int(item.get(name, {}).get("N", 0))

    try:
        run, streak_of = json.loads(item.get("run", {}).get("S", "null")), item.get("streak_of", {}).get("S", "")
        return Watching(
            whole("seeded_until"),
            whole("slot"),
            whole("probed"),
            whole("busy_until"),
            str(item.get("by", {}).get("S", "")),
            Role(streak_of) if streak_of else None,
            whole("failures"),
            whole("failed_since"),
            Run.from_json(run) if run is not None else None,
        )
    except (ValueError, AttributeError):
        return Watching(probed_ms=whole("probed"))
