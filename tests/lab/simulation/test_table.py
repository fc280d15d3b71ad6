"""The simulation's table of memory and moto's: the same calls get the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lab.simulation.clients_data import Table


class Moto:
    """The same operations, by moto."""

    def __init__(self) -> None:
        self._client = boto3.client(
            "dynamodb", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        keys = [("pair", "HASH"), ("item", "RANGE")]
        self._client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def get(self, key: Any) -> dict[str, Any]:
        answer = self._client.get_item(TableName="t", Key=key, ConsistentRead=True)
        return {"Item": answer["Item"]} if "Item" in answer else {}

    def put(self, item: Any, request: Any) -> None:
        self._client.put_item(TableName="t", Item=item, **request)

    def update(self, key: Any, request: Any) -> None:
        self._client.update_item(TableName="t", Key=key, **request)

    def put_together(self, writes: Any) -> None:
        self._client.transact_write_items(TransactItems=[{"Put": {"TableName": "t", **each}} for each in writes])

    def query(self, request: Any) -> dict[str, Any]:
        return {"Items": self._client.query(TableName="t", **request)["Items"]}


@pytest.fixture(params=["memory", "moto"])
def table(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield Table({})
        return
    with mock_aws():
        yield Moto()


def key(item: str) -> dict[str, Any]:
    return {"pair": {"S": "p"}, "item": {"S": item}}


NEW = {"ConditionExpression": "attribute_not_exists(#v)", "ExpressionAttributeNames": {"#v": "version"}}


def at(version: int) -> dict[str, Any]:
    values = {":v": {"N": str(version)}}
    return {
        "ConditionExpression": "#v = :v",
        "ExpressionAttributeNames": {"#v": "version"},
        "ExpressionAttributeValues": values,
    }


def version(number: int) -> dict[str, Any]:
    return {**key("state"), "version": {"N": str(number)}}


def test_what_was_put_is_got_and_what_was_not_is_not(table: Any) -> None:
    assert table.get(key("state")) == {}
    table.put(version(1), {})
    assert table.get(key("state")) == {"Item": version(1)}


def test_of_two_writers_only_one_wins(table: Any) -> None:
    table.put(version(1), NEW)
    for condition in (NEW, at(2)):
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            table.put(version(9), condition)
    table.put(version(2), at(1))
    assert table.get(key("state")) == {"Item": version(2)}


def kept(probed: int, before: int) -> dict[str, Any]:
    """As the watchdog keeps what it observed."""
    return {
        "UpdateExpression": "SET #probed = :probed, #by = :by",
        "ConditionExpression": "attribute_not_exists(#probed) OR #probed = :before",
        "ExpressionAttributeNames": {"#probed": "probed", "#by": "by"},
        "ExpressionAttributeValues": {":probed": {"N": str(probed)}, ":by": {"S": "me"}, ":before": {"N": str(before)}},
    }


def seeded(until: int) -> dict[str, Any]:
    """As the watchdog keeps until when it seeded."""
    return {
        "UpdateExpression": "SET #seeded_until = :seeded_until",
        "ConditionExpression": (
            "attribute_not_exists(#seeded_until) OR NOT attribute_type(#seeded_until, :number)"
            " OR #seeded_until < :seeded_until OR #seeded_until > :farthest"
        ),
        "ExpressionAttributeNames": {"#seeded_until": "seeded_until"},
        "ExpressionAttributeValues": {
            ":seeded_until": {"N": str(until)},
            ":number": {"S": "N"},
            ":farthest": {"N": "1000"},
        },
    }


def test_an_update_is_made_once_and_leaves_what_it_does_not_name(table: Any) -> None:
    table.update(key("watch"), seeded(9))
    table.update(key("watch"), kept(10, before=0))
    for refused in (kept(11, before=9), seeded(9), seeded(8)):
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            table.update(key("watch"), refused)
    table.update(key("watch"), kept(11, before=10))
    table.update(key("watch"), seeded(100))
    found = {"probed": {"N": "11"}, "by": {"S": "me"}, "seeded_until": {"N": "100"}}
    assert table.get(key("watch")) == {"Item": {**key("watch"), **found}}


@pytest.mark.parametrize("there", [{"N": "1001"}, {"S": "soon"}, {"NULL": True}])
def test_until_when_slots_were_seeded_is_written_over_what_cannot_be_so(table: Any, there: dict[str, Any]) -> None:
    table.put({**key("watch"), "seeded_until": there}, {})
    table.update(key("watch"), seeded(9))
    assert table.get(key("watch"))["Item"]["seeded_until"] == {"N": "9"}


def test_what_is_put_together_is_put_whole_or_not_at_all(table: Any) -> None:
    line = {"Item": key("history#1"), "ConditionExpression": "attribute_not_exists(#i)"}
    line["ExpressionAttributeNames"] = {"#i": "item"}
    table.put(version(1), {})
    with pytest.raises(ClientError, match="TransactionCanceled") as cancelled:
        table.put_together([{"Item": version(3), **at(2)}, line])
    codes = [each["Code"] for each in cancelled.value.response["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed", "None"]
    assert table.get(key("history#1")) == {}
    table.put_together([{"Item": version(2), **at(1)}, line])
    assert table.get(key("history#1")) == {"Item": key("history#1")}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.put_together([{"Item": version(3), **at(2)}, line])
    assert table.get(key("state")) == {"Item": version(2)}


def test_the_history_comes_newest_first_and_alone(table: Any) -> None:
    for name in ("history#2", "state", "history#1", "history#3"):
        table.put(key(name), {})
    found = table.query(
        {
            "KeyConditionExpression": "#p = :p AND begins_with(#i, :h)",
            "ExpressionAttributeNames": {"#p": "pair", "#i": "item"},
            "ExpressionAttributeValues": {":p": {"S": "p"}, ":h": {"S": "history#"}},
            "ScanIndexForward": False,
            "Limit": 2,
        }
    )
    assert found == {"Items": [key("history#3"), key("history#2")]}
