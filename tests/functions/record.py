"""The pair's record in a table of its own, made as the template makes it."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msfailover.adapters.pair_table import Ending, PairTable, _plain, key_of
from msfailover.chain import ChainHead, verify
from msfailover.history import Note
from msfailover.pair import PairState
from msfailover.verdict import Verdict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAIR = "management-server"


class Record:
    """A table with one pair's record in it. `table` is the adapter that the functions use, too."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.name = f"pairs-{uuid.uuid4().hex[:8]}"
        client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pair", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pair", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        )
        self._client = client
        self.table = PairTable(client, self.name, PAIR)

    def put(self, state: PairState) -> None:
        """Have the record say this."""
        self.table.change(lambda before: replace(state, version=before.version, chain=before.chain))

    def get(self) -> PairState:
        """What the record says, without the number of its writing and the head of its history's chain."""
        return replace(self.table.read(), version=0, chain=ChainHead())

    def verified(self) -> Verdict:
        """Whether the history is as it was written."""
        return verify(self.table.history(1000), self.table.read().chain, time.time())

    def note(self, number: int) -> None:
        """Have a line in the history."""
        end = lambda before: Ending(before, Note(before.epoch, "held", before.active, "Down.", "watch", float(number)))  # noqa: E731
        self.table.end_change(end)

    def signatures(self) -> list[dict[str, Any]]:
        """The signatures of the history, in the order of its lines."""
        found = self._client.scan(TableName=self.name)["Items"]
        kept = [_plain(each) for each in found if each["item"]["S"].startswith("signature#")]
        return sorted(kept, key=lambda each: int(each["number"]))

    def tear_freshness(self) -> None:
        """Have what is known of the standby's copy be of a shape that nothing here writes."""
        item = {**key_of(PAIR, "freshness"), "as_of": {"S": "yesterday"}, "version": {"N": "1"}}
        self._client.put_item(TableName=self.name, Item=item)

    @property
    def outcomes(self) -> list[str]:
        """How the changes in the history ended, newest first."""
        return [str(line["outcome"]) for line in self.table.history()]
