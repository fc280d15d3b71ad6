"""DynamoDB in memory: as much of put, get and query as the pair's record needs, faithfully; a contract test holds it
to moto's. And the judge of everything that is written to the record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError, ReadTimeoutError
from msfailover.adapters.clients import Throttled

from lab.simulation.faults import Kind
from lab.simulation.judge import RecordJudge
from lab.simulation.world import World


def client_failure(operation: str) -> Any:
    """What a fault looks like to a caller of AWS."""

    def failure(kind: Kind) -> Exception:
        if kind is Kind.TIMEOUT:
            return ReadTimeoutError(endpoint_url="memory")
        if kind is Kind.THROTTLE:
            refused = client_error("ThrottlingException", f"{kind} by the schedule", operation)
            return Throttled(refused.response, operation)
        return client_error("InternalError", f"{kind} by the schedule", operation)

    return failure


def client_error(code: str, message: str, operation: str) -> ClientError:
    metadata: Any = {"HTTPStatusCode": 400, "RequestId": "0", "HostId": "", "HTTPHeaders": {}, "RetryAttempts": 0}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


def copied(value: Any) -> Any:
    """A copy of what is JSON; several times as fast as `copy.deepcopy`, and it is done a lot."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as plain values."""
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}


class Table:
    """The operations on items, without a world: what the contract test compares with moto's."""

    def __init__(self, items: dict[tuple[str, str], dict[str, Any]]) -> None:
        self._items = items

    def get(self, key: Mapping[str, Any]) -> dict[str, Any]:
        found = self._items.get(_key(key))
        return {"Item": copied(found)} if found is not None else {}

    def put(self, item: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        held = self._items.get(_key(item), {})
        condition = request.get("ConditionExpression")
        if condition is not None and not _holds(str(condition), held, request):
            raise client_error("ConditionalCheckFailedException", "The conditional request failed", "PutItem")
        self._items[_key(item)] = copied(dict(item))

    def update(self, key: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        """An update that sets attributes, where one of the conditions holds that are joined by OR."""
        held = self._items.get(_key(key), {})
        if not any(_holds(each, held, request) for each in str(request["ConditionExpression"]).split(" OR ")):
            raise client_error("ConditionalCheckFailedException", "The conditional request failed", "UpdateItem")
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        pairs = [each.split(" = ") for each in str(request["UpdateExpression"]).removeprefix("SET ").split(", ")]
        self._items[_key(key)] = {**held, **dict(key), **{names[name]: copied(values[value]) for name, value in pairs}}

    def put_together(self, writes: Sequence[Mapping[str, Any]]) -> None:
        reasons: list[Any] = []
        for write in writes:
            held, condition = self._items.get(_key(write["Item"]), {}), write.get("ConditionExpression")
            failed = condition is not None and not _holds(str(condition), held, write)
            reasons.append({"Code": "ConditionalCheckFailed" if failed else "None"})
        if any(each["Code"] != "None" for each in reasons):
            error = client_error("TransactionCanceledException", "Transaction cancelled", "TransactWriteItems")
            error.response["CancellationReasons"] = reasons
            raise error
        for write in writes:
            self._items[_key(write["Item"])] = copied(dict(write["Item"]))

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert request["KeyConditionExpression"] == "#p = :p AND begins_with(#i, :h)", "not modelled"
        values = request["ExpressionAttributeValues"]
        pair, prefix = values[":p"]["S"], values[":h"]["S"]
        found = sorted(key for key in self._items if key[0] == pair and key[1].startswith(prefix))
        if not request.get("ScanIndexForward", True):
            found.reverse()
        return {"Items": [copied(self._items[key]) for key in found[: request.get("Limit", len(found))]]}


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pair"]["S"], item["item"]["S"]


def _holds(condition: str, held: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    absent = re.fullmatch(r"attribute_not_exists\((#\w+)\)", condition)
    if absent:
        return names[absent[1]] not in held
    typed = re.fullmatch(r"NOT attribute_type\((#\w+), (:\w+)\)", condition)
    if typed:
        return values[typed[2]]["S"] not in held.get(names[typed[1]], {})
    compared = re.fullmatch(r"(#\w+) (=|<|>) (:\w+)", condition)
    assert compared, f"{condition!r} is not modelled"
    there, wanted = held.get(names[compared[1]]), values[compared[3]]
    if compared[2] == "=":
        return bool(there == wanted)
    if there is None or "N" not in there:
        return False
    number, other = Decimal(there["N"]), Decimal(wanted["N"])
    return number < other if compared[2] == "<" else number > other


class DynamoDB:
    """The client that the functions get."""

    def __init__(self, world: World, judge: RecordJudge) -> None:
        self._world, self._judge, self._table = world, judge, Table(world.items)

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool = False) -> Any:  # noqa: N803
        del TableName
        assert ConsistentRead, "a stale read of the record is not modelled: it must not be made"
        return self._world.gate.call("dynamodb.get_item", lambda: self._table.get(Key), client_failure("GetItem"))

    def put_item(self, *, TableName: str, Item: Any, **request: Any) -> Any:  # noqa: N803
        del TableName
        return self._world.gate.call("dynamodb.put_item", lambda: self._put(Item, request), client_failure("PutItem"))

    def update_item(self, *, TableName: str, Key: Any, **request: Any) -> Any:  # noqa: N803
        del TableName
        assert _key(Key)[1] != "state", "the record is written whole"

        def update() -> dict[str, Any]:
            self._table.update(Key, request)
            return {}

        return self._world.gate.call("dynamodb.update_item", update, client_failure("UpdateItem"))

    def transact_write_items(self, *, TransactItems: Any, **_: Any) -> Any:  # noqa: N803
        writes = [each["Put"] for each in TransactItems]

        def put() -> dict[str, Any]:
            before = {_key(each["Item"]): self._world.items.get(_key(each["Item"]), {}) for each in writes}
            self._table.put_together(writes)
            for item in (each["Item"] for each in writes):
                if _key(item)[1] == "state":
                    self._judge.written(plain(before[_key(item)]), plain(item))
            return {}

        failure = client_failure("TransactWriteItems")
        return self._world.gate.call("dynamodb.transact_write_items", put, failure)

    def _put(self, item: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        before = self._world.items.get(_key(item), {})
        self._table.put(item, request)
        if _key(item)[1] == "state":
            self._judge.written(plain(before), plain(item))
        return {}

    def query(self, **request: Any) -> Any:
        return self._world.gate.call("dynamodb.query", lambda: self._table.query(request), client_failure("Query"))
