"""What a hand has damaged in the history, or a later version wrote there, keeps no change from its end."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.adapters.pair_table import _attributes, key_of
from msfailover.decisions.restart import restarted_s_ago
from msfailover.pair import Role

from tests.functions.conftest import Start
from tests.functions.record import PAIR, Record
from tests.samples import NOW, OURS, lease, receipt, state


@pytest.fixture
def pair(run: Start, record: Record, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    function = run("pair", TABLE_NAME=record.name)
    monkeypatch.setattr(function.step_functions, "phases", lambda *_: [])
    record.put(state())
    record.note(1)
    record.put(state(lease=lease(), receipt=receipt()))
    return function


def write(record: Record, item: str, body: dict[str, Any]) -> None:
    """Write an item by hand."""
    clients.dynamodb().put_item(TableName=record.name, Item={**_attributes(body), **key_of(PAIR, item)})


def end(pair: ModuleType) -> dict[str, Any]:
    ended = {"action": "conclude", "outcome": "promoted", "sentence": "So it ended.", "execution": OURS}
    return dict(pair.handler(ended, None))


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"outcome": "of a later version", "ended_at": NOW},
        {"outcome": "promoted", "ended_at": "yesterday"},
        {"outcome": "promoted", "ended_at": None, "source": "ms3", "phases": 7},
        {"outcome": "stood-down", "ended_at": NOW, "receipt": "none", "phases": [{}]},
    ],
    ids=str,
)
def test_a_line_that_can_not_be_read_keeps_no_change_from_its_end(
    pair: ModuleType, record: Record, line: dict[str, Any]
) -> None:
    write(record, "history#000000001#1.000#by-hand", line)
    assert end(pair)["outcome"] == end(pair)["outcome"] == "promoted"
    assert record.get().active is Role.MS2
    assert restarted_s_ago(record.table.history(), Role.MS1, NOW) is None


HUGE = {"M": {"number": {"N": "1E+100"}, "digest": {"S": "a" * 64}, "expires_at": {"N": "0"}}}


@pytest.mark.parametrize("head", [{"S": "torn"}, HUGE, {"M": {"number": {"N": "-5"}}}], ids=str)
def test_a_head_of_the_chain_that_nobody_writes_keeps_no_change_from_its_end(
    pair: ModuleType, record: Record, head: dict[str, Any]
) -> None:
    item = clients.dynamodb().get_item(TableName=record.name, Key=key_of(PAIR, "state"))["Item"]
    clients.dynamodb().put_item(TableName=record.name, Item={**item, "chain": head})
    assert end(pair)["outcome"] == "promoted"
    assert record.table.read().chain.number == 1
    assert record.verified().is_no, "and the history says that it was broken"
