"""The pair's record in DynamoDB: one item per pair, written only as it was read, and one item per change for ever.

Keys: `pair` (the pair's name) and `item` ("state", "readiness", or "history#<epoch>#<time>#<execution>"). The item
"freshness" has a partition key of its own, as have "machines", "game-day" and "watch" (adapters/watch_table.py): so the
functions that keep them need no right to write the pair's record.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from msfailover.chain import ended_at, linked
from msfailover.freshness import Freshness
from msfailover.game_day import GameDay
from msfailover.history import History, Note
from msfailover.pair import Pair, PairState
from msfailover.record import state_from_json, state_to_json
from msfailover.signatures import Signature

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITERS_AT_MOST = 6
"""How often a write is tried again because somebody else wrote first."""


CONFLICT_PAUSE_S = 0.05
"""Seconds until an item is written again that somebody else's transaction holds."""


class RecordBusy(Exception):
    """Others wrote the pair's record each time it was tried; nothing was written."""


class NewerIsKept(Exception):
    """What was to be kept is older than what is kept; nothing was written."""


class NotStorable(Exception):
    """A number, a text or a shape that DynamoDB does not keep; nothing was written."""


@dataclass(frozen=True)
class Ending:
    """How a change ends, or what is noted beside the changes.

    Args:
        state: the record as it is to be.
        line: the line for the history.
        phases: when each of a change's steps ran.
    """

    state: PairState
    line: History | Note
    phases: Sequence[Mapping[str, Any]] = ()


class _Settings(Protocol):
    @property
    def table(self) -> str: ...
    @property
    def pair(self) -> Pair: ...


class _Clients(Protocol):
    def dynamodb(self) -> Any: ...


class _Context(Protocol):
    """What a function's context (runtime/handler.py) has for a table."""

    @property
    def settings(self) -> _Settings: ...
    @property
    def clients(self) -> _Clients: ...


class PairTable:
    """The record of one pair.

    Args:
        client: DynamoDB.
        table: the table's name.
        pair: the pair's name.
    """

    def __init__(self, client: DynamoDBClient, table: str, pair: str) -> None:
        self._client, self._table, self._pair = client, table, pair

    @classmethod
    def of(cls, context: _Context) -> PairTable:
        """The record of a function's own pair."""
        return cls(context.clients.dynamodb(), context.settings.table, context.settings.pair.name)

    def read(self) -> PairState:
        """The record as it is now (a consistent read); an empty one before the pair was adopted.

        Raises:
            RecordUnreadable: it is not what this software writes.
        """
        return state_from_json(self._item("state"))

    def change(self, alter: Callable[[PairState], PairState]) -> PairState:
        """As `change_from`; returns the record as written alone."""
        return self.change_from(alter)[1]

    def change_from(self, alter: Callable[[PairState], PairState]) -> tuple[PairState, PairState]:
        """Read, alter, and write if nobody wrote between; again from the reading if somebody did.

        Args:
            alter: pure; may be called several times; what it raises is passed on and nothing is written.

        Returns:
            the record as it was read, and as written (the same, where `alter` changed nothing).

        Raises:
            RecordBusy: others were faster every time.
        """
        for _ in range(WRITERS_AT_MOST):
            before = self.read()
            after = alter(before)
            if after == before:
                return before, before
            after = replace(after, version=before.version + 1)
            if self._put("state", state_to_json(after), before.version):
                return before, after
        raise RecordBusy(f"The record of {self._pair} was written by others {WRITERS_AT_MOST} times; try again.")

    def end_change(self, end: Callable[[PairState], Ending | None], keep_days: int = 0) -> tuple[PairState, PairState]:
        """Write a line of the history and the record, both or neither; of two ends of a change the first one wins.

        The line takes its place in the history's chain (chain.py), whose head the record keeps.

        Args:
            end: from the record as read, what is to be written; None where the change has its line already. May be
                called several times; what it raises is passed on and nothing is written.
            keep_days: after which DynamoDB may delete the line; 0 keeps it for ever.

        Returns:
            the record as it was read, and as written (the same, where nothing was to be written).

        Raises:
            RecordBusy: others were faster every time.
        """
        for _ in range(WRITERS_AT_MOST):
            before = self.read()
            ending = end(before)
            if ending is None:
                return before, before
            body, chain = linked(self._line(ending, keep_days), before.chain)
            after = replace(ending.state, chain=chain, version=before.version + 1)
            line = {**self._write(ending.line.key, body, None), **_NOT_THERE}
            if self._write_together(self._write("state", state_to_json(after), before.version), line):
                return before, after
        raise RecordBusy(f"The record of {self._pair} was written by others {WRITERS_AT_MOST} times; try again.")

    def _line(self, ending: Ending, keep_days: int) -> dict[str, Any]:
        line = ending.line
        expiry = {"expires_at": int(line.ended_at) + keep_days * 86400} if keep_days else {}
        steps = {"phases": list(ending.phases)} if isinstance(line, History) else {}
        return {"pair": self._pair, "item": line.key, **line.to_json(), **steps, **expiry}

    def history(self, most: int = 50) -> list[dict[str, Any]]:
        """The latest changes and notes, newest first.

        The keys are in order of epochs, and a change that came to nothing has the next epoch's: so a note of after it
        would come before it.
        """
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#p = :p AND begins_with(#i, :h)",
            ExpressionAttributeNames={"#p": "pair", "#i": "item"},
            ExpressionAttributeValues={":p": {"S": self._pair}, ":h": {"S": "history#"}},
            ScanIndexForward=False,
            Limit=most,
            ConsistentRead=True,
        )
        lines = [_plain(item) for item in answer["Items"]]
        return sorted(lines, key=ended_at, reverse=True)

    def freshness(self) -> Freshness:
        """What is known of the standby's copy."""
        return Freshness.from_json(self._item("freshness"))

    def change_freshness(self, alter: Callable[[Freshness], Freshness]) -> Freshness:
        """Read what is known of the standby's copy, alter it, and write it if nobody wrote between; again if so.

        Raises:
            RecordBusy: others were faster every time.
        """
        changed = self._change_item("freshness", lambda data: alter(Freshness.from_json(data)).to_json())
        return Freshness.from_json(changed)

    def put_readiness(self, found: Mapping[str, Any]) -> None:
        """Keep the latest readiness check, by the time that it says it was made `at`.

        Raises:
            NewerIsKept: one that was made later is kept already.
            RecordBusy: others were faster every time.
        """

        def newer(kept: dict[str, Any]) -> Mapping[str, Any]:
            if float(kept.get("at") or 0) > float(found["at"]):
                raise NewerIsKept(f"A check of {kept['at']} is kept already; the one of {found['at']} came too late.")
            return found

        self._change_item("readiness", newer)

    def _change_item(self, name: str, alter: Callable[[dict[str, Any]], Mapping[str, Any]]) -> dict[str, Any]:
        for _ in range(WRITERS_AT_MOST):
            before = self._item(name)
            version = int(before.get("version", 0))
            after = {**alter(before), "version": version + 1}
            if self._put(name, after, version):
                return after
        raise RecordBusy(f"The {name} of {self._pair} was written by others {WRITERS_AT_MOST} times; try again.")

    def machines(self) -> dict[str, Any]:
        """What was seen at rest of who owns the servers' addresses; empty before the first observation."""
        return self._item("machines")

    def put_machines(self, seen: Mapping[str, Any]) -> None:
        """Keep what was seen; whoever comes last wins, since each is whole and says of which epoch it is."""
        self._put("machines", seen, None)

    def is_signed(self, number: int) -> bool:
        """Whether there is a signature of the history's line of that number."""
        return bool(self._item(Signature(self._pair, number, "", 0.0).key))

    def put_signature(self, made: Signature, expires_at: int) -> None:
        """Keep a signature of the history; of two the first one stays.

        Args:
            expires_at: from when on DynamoDB may delete it, in seconds since 1970; 0 for never.
        """
        body = {**made.to_json(), **({"expires_at": expires_at} if expires_at else {})}
        try:
            self._client.put_item(**{**self._write(made.key, body, None), **_NOT_THERE})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def readiness(self) -> dict[str, Any]:
        """The latest readiness check; empty before the first."""
        return self._item("readiness")

    def announced(self) -> dict[str, Any]:
        """What was put on the event bus last; empty before the first time."""
        return self._item("announced")

    def put_announced(self, number: int, findings: Mapping[str, str]) -> None:
        """Keep what was put on the event bus: the number of the history's last line, and the state of each finding."""
        self._put("announced", {"number": number, "findings": dict(findings)}, None)

    def game_day(self) -> GameDay | None:
        """The last game day; None before the first. Raises `ValueError` where it can't be read."""
        stored = self._item("game-day")
        return GameDay.from_json(stored) if stored else None

    def put_game_day(self, day: GameDay, version: int) -> GameDay:
        """Keep a game day, if nobody wrote one since that version was read; returns it as it is kept.

        Raises:
            RecordBusy: somebody did; nothing was written.
        """
        kept = replace(day, version=version + 1)
        if not self._put("game-day", kept.to_json(), version):
            raise RecordBusy(f"The game day of {self._pair} was written by others; nothing was written.")
        return kept

    def _item(self, name: str) -> dict[str, Any]:
        answer = self._client.get_item(TableName=self._table, Key=self._key(name), ConsistentRead=True)
        return _plain(answer.get("Item", {}))

    def _key(self, name: str) -> dict[str, Any]:
        return key_of(self._pair, name)

    def _put(self, name: str, body: Mapping[str, Any], version: int | None) -> bool:
        write = self._write(name, body, version)
        try:
            self._client.put_item(**write)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TransactionConflictException":  # the end of a change is being written; botocore does not retry
                time.sleep(CONFLICT_PAUSE_S)
                return False
            if code != "ConditionalCheckFailedException":
                raise
            # The reply of our own earlier try may have been lost: then the item is ours already.
            return version is not None and self._item(name) == _plain(write["Item"])
        return True

    def _write(self, name: str, body: Mapping[str, Any], version: int | None) -> Any:
        """A write of an item that was read in a version: 0 where it was not there, None where that does not matter."""
        condition: dict[str, Any] = {}
        if version is not None:
            there = {"ConditionExpression": "#v = :v", "ExpressionAttributeValues": {":v": {"N": str(version)}}}
            condition = there if version else {"ConditionExpression": "attribute_not_exists(#v)"}
            condition["ExpressionAttributeNames"] = {"#v": "version"}
        return {"TableName": self._table, "Item": {**self._key(name), **_attributes(body)}, **condition}

    def _write_together(self, *writes: Any) -> bool:
        """All of the writes or none; false where somebody else wrote one of the items, or is about to."""
        try:
            self._client.transact_write_items(TransactItems=[{"Put": each} for each in writes])
        except ClientError as error:
            reasons = {str(each.get("Code")) for each in error.response.get("CancellationReasons", [])}
            if reasons - {"None", "ConditionalCheckFailed", "TransactionConflict"} or not reasons:
                raise
            time.sleep(CONFLICT_PAUSE_S if "TransactionConflict" in reasons else 0.0)
            return False
        return True


_NOT_THERE = {"ConditionExpression": "attribute_not_exists(#i)", "ExpressionAttributeNames": {"#i": "item"}}
_APART = ("freshness", "machines", "watch", "announced", "game-day")
"""Items with a key of their own: IAM lets those who write them write nothing else of the pair."""


def key_of(pair: str, item: str) -> dict[str, Any]:
    """The key of one of a pair's items, as DynamoDB's API has it."""
    apart = item if item in _APART else "signatures" if item.startswith("signature#") else ""
    return {"pair": {"S": f"{pair}#{apart}" if apart else pair}, "item": {"S": item}}


def _attributes(body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(body, allow_nan=False, ensure_ascii=False)
        text.encode()
        exact = json.loads(text, parse_float=Decimal)  # DynamoDB takes no binary floats
        serializer = TypeSerializer()
        return {name: serializer.serialize(value) for name, value in exact.items()}
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise NotStorable(
            f"What was to be kept is nothing that DynamoDB keeps ({error!r:.100}). Nothing was written."
        ) from error


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: _number(deserializer.deserialize(value)) for name, value in item.items()}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _number(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_number(each) for each in value]
    return value
