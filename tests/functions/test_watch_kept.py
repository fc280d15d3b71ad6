"""What a wrong clock or a hand has left in the watchdog's item, or in its queue, keeps nobody from probing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.adapters.pair_table import key_of
from msfailover.adapters.watch_table import ITEM
from msfailover.pair import Role
from msfailover.watching import Watching

from tests.functions.record import PAIR
from tests.functions.test_watch_slots import Watched, watched

__all__ = ["watched"]

YEAR_MS = 365 * 86_400_000


def damage(watched: Watched, **attributes: Any) -> None:
    """Write attributes of the watchdog's item by hand."""
    table, key = watched.context.settings.table, key_of(PAIR, ITEM)
    item = clients.dynamodb().get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", key)
    clients.dynamodb().put_item(TableName=table, Item={**item, **attributes})


def probed(watched: Watched) -> int:
    return len(watched.answers.actions("probe"))


@pytest.mark.parametrize("name", ["slot", "probed", "busy_until"])
def test_a_time_that_has_not_come_yet_keeps_no_slot_out(watched: Watched, name: str) -> None:
    watched.slot(1)
    damage(watched, **{name: {"N": str(round(time.time() * 1000) + YEAR_MS)}})
    for due in (2, 3, 4):
        watched.slot(due)
    assert probed(watched) == 4
    assert watched.kept.probed_ms < round(watched.clock.now * 1000) + 1


@pytest.mark.parametrize("name", ["slot", "probed", "busy_until"])
def test_nor_the_schedules_call_where_no_slot_comes(watched: Watched, name: str) -> None:
    watched.tick()
    damage(watched, **{name: {"N": str(round(time.time() * 1000) + YEAR_MS)}})
    watched.clock.sleep(60)
    assert watched.tick()["probes"] >= 1


def test_failures_that_a_clock_ahead_has_kept_do_not_stay_in_a_row(watched: Watched) -> None:
    watched.slot(1)
    ahead = {"N": str(round(time.time() * 1000) + YEAR_MS)}
    damage(watched, probed=ahead, failures={"N": "2"}, streak_of={"S": "ms1"}, failed_since=ahead)
    watched.clock.sleep(3600)
    watched.silent_from_s, watched.well_from_s = 3601, 3601.05
    assert watched.slot(3601)["started"] == []


def test_fewer_failures_than_none_do_not_put_an_outage_off(watched: Watched) -> None:
    watched.slot(1)
    damage(watched, failures={"N": "-1000"}, streak_of={"S": "ms1"})
    watched.silent_from_s = 0
    assert len(watched.slot(2)["started"]) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        {"probed": {"S": "1790000000000"}},
        {"probed": {"N": "1.5"}},
        {"probed": {"NULL": True}},
        {"slot": {"N": "1.5"}},
        {"seeded_until": {"S": "soon"}},
        {"seeded_until": {"N": "1.5"}},
        {"failures": {"N": "1E+100"}, "streak_of": {"S": "ms3"}},
        {"run": {"S": '{"from":1,"to":1,"count":Infinity,"gap":0,"active":"ms1","epoch":1}'}},
        {"run": {"S": "[" * 100_000}},
        {"run": {"N": "1"}},
        {"by": {"L": []}},
    ],
    ids=lambda each: str(each)[:40],
)
def test_an_item_damaged_by_hand_neither_stops_the_probing_nor_the_counting(watched: Watched, damaged: Any) -> None:
    watched.tick()
    damage(watched, **damaged)
    watched.slot(2)
    watched.silent_from_s = 0
    assert len(watched.slot(3)["started"]) == 1
    watched.clock.sleep(60)
    watched.tick()
    sent = len(watched.sent)
    watched.tick()
    assert len(watched.sent) <= sent + 10, "until when slots are seeded is kept again"


def test_until_when_slots_were_seeded_far_ahead_is_written_over(watched: Watched) -> None:
    watched.tick()
    damage(watched, seeded_until={"N": str(round(time.time() * 1000) + YEAR_MS)})
    watched.tick()
    sent = len(watched.sent)
    watched.tick()
    assert len(watched.sent) <= sent + 10


@pytest.mark.parametrize("slot", [10**13, 10**15, 10**400, int("9" * 4000)])
def test_a_slot_of_a_clock_far_ahead_keeps_no_later_one_out(watched: Watched, slot: int) -> None:
    watched.handler({"Records": [{"body": f'{{"slot": {slot}}}'}]}, None)
    before = probed(watched)
    for due in (3, 4):
        watched.slot(due)
    assert probed(watched) == before + 2


@pytest.mark.parametrize("body", ["[" * 100_000, '{"slot": NaN}', '{"slot": 1e999}', '{"slot": ' + "9" * 5000 + "}"])
def test_a_message_that_no_parser_takes_is_dropped(watched: Watched, body: str) -> None:
    assert watched.handler({"Records": [{"body": body}]}, None) == {"probes": 0, "started": []}


def test_where_slots_are_sent_and_nobody_is_handed_them_each_minute_is_probed_to_its_end(watched: Watched) -> None:
    watched.tick()
    counts = []
    for _ in range(3):
        watched.clock.now = max(watched.clock.now, watched.began) + 20
        counts.append(watched.tick()["probes"])
    assert counts == [5, 5, 5]


def test_and_slots_that_come_again_end_that(watched: Watched) -> None:
    watched.tick()
    watched.clock.sleep(60)
    assert watched.tick()["probes"] == 5
    now = watched.clock.now - watched.began
    watched.slot(now + 1)
    assert watched.tick()["probes"] == 0


def test_a_call_that_comes_early_leaves_the_beat_to_the_one_that_still_probes(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that count side by side would have two failures in a moment for two in a row."""
    watched.silent_from_s = 0.0
    table = watched.watch._watching(watched.context)
    began = round(watched.clock.now * 1000)
    other = Watching(probed_ms=began, busy_until_ms=began + 900, by="another", streak_of=Role.MS1, failures=2)
    table.keep(watched.kept, other)
    watched.clock.sleep(0.2)
    assert watched.tick(once=True) == {"probes": 1, "started": []}
    assert watched.kept == replace(other, failed_since_ms=0)
    assert watched.started == 0
