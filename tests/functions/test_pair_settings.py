"""`pair`, of people and other functions: mode, maintenance, acknowledgement, what is held, the last readiness."""

from __future__ import annotations

import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters.pair_table import NewerIsKept
from msfailover.decisions.controls import Outdated
from msfailover.pair import PairState
from msfailover.request import BadRequest

from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import lease, receipt, state


@pytest.fixture
def pair(run: Start, record: Record) -> ModuleType:
    record.put(state())
    return run("pair", TABLE_NAME=record.name)


def keep(pair: ModuleType, action: str, by: str = "Ann", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = pair.handler({"action": action, "requested_by": by, **more}, None)
    return answer


@pytest.mark.parametrize("mode", ["automatic", "manual", "shadow"])
def test_the_mode_is_a_setting_of_the_record_and_noted_with_who_set_it(
    pair: ModuleType, record: Record, mode: str
) -> None:
    assert keep(pair, "set_mode", mode=mode)["sentence"] == f"The mode is {mode} now."
    assert record.get() == state(mode=mode, version=0)
    (line,) = record.table.history()
    assert (line["outcome"], line["action"], line["requested_by"]) == ("noted", "set_mode", "Ann")


def test_a_maintenance_ends_at_its_end_and_0_ends_it_now(pair: ModuleType, record: Record) -> None:
    before = time.time()
    assert keep(pair, "maintenance", seconds=7200)["sentence"].startswith("Maintenance until 20")
    assert before + 7200 <= record.get().maintenance_until <= time.time() + 7200
    assert keep(pair, "maintenance", seconds=0)["sentence"] == "No maintenance any more."
    assert record.get().maintenance_until == 0
    assert len(record.table.history()) == 2


def test_an_acknowledgement_lets_the_next_one_happen(pair: ModuleType, record: Record) -> None:
    record.put(state(acknowledged=False))
    keep(pair, "acknowledge", epoch=1)
    assert record.get().acknowledged


@pytest.mark.parametrize(
    ("action", "more", "why"),
    [
        ("set_mode", {"mode": "off"}, "mode is 'off'"),
        ("set_mode", {}, "mode is missing"),
        ("maintenance", {"seconds": -1}, "seconds is -1"),
        ("maintenance", {"seconds": 30 * 86400 + 1}, "seconds is 2592001"),
        ("maintenance", {"seconds": True}, "seconds is True"),
        ("maintenance", {}, "seconds is None"),
        ("acknowledge", {}, "epoch is None"),
        ("acknowledge", {"epoch": 1, "requested_by": ""}, "requested_by is missing"),
        ("acknowledge", {"epoch": 1, "requested_by": "Ann\nBen"}, "requested_by is not one line"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    pair: ModuleType, record: Record, action: str, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        keep(pair, action, **more)
    assert record.get() == state(version=0)
    assert record.table.history() == []


def test_settings_change_nothing_of_a_change_that_is_under_way(pair: ModuleType, record: Record) -> None:
    under_way = state(lease=lease(), receipt=receipt(), acknowledged=False)
    record.put(under_way)
    keep(pair, "set_mode", mode="manual")
    keep(pair, "maintenance", seconds=60)
    keep(pair, "acknowledge", epoch=1)
    after = record.get()
    assert (after.lease, after.receipt, after.active, after.epoch) == (lease(), receipt(), under_way.active, 1)


def test_a_pair_that_is_not_in_care_yet_can_have_its_mode_set(pair: ModuleType, record: Record) -> None:
    record.put(PairState())
    keep(pair, "set_mode", mode="manual")
    assert record.get().mode == "manual"


def test_operators_are_notified_of_a_held_failover_once_in_each_outage(pair: ModuleType, record: Record) -> None:
    first = keep(pair, "hold", "watch", epoch=1, sentence="Refused: in manual mode a person decides.")
    assert first["notification"]["subject"].endswith("failover held")
    assert "ms1" in first["notification"]["message"]
    again = keep(pair, "hold", "watch", epoch=1, sentence="Refused: in manual mode a person decides.")
    assert "notification" not in again
    assert record.get().held == "Refused: in manual mode a person decides."
    assert len(record.table.history()) == 1
    keep(pair, "release", "watch", epoch=1)
    assert record.get().held == ""
    assert "notification" in keep(pair, "hold", "watch", epoch=1, sentence="Refused: again.")


def test_what_is_held_in_shadow_mode_is_in_the_history_word_for_word(pair: ModuleType, record: Record) -> None:
    why = "Refused: in shadow mode nothing is done; would have failed over because: ms1 is gone."
    keep(pair, "hold", "watch", epoch=1, sentence=why)
    (line,) = record.table.history()
    assert (line["sentence"], line["action"], line["requested_by"]) == (why, "held", "watch")


def test_notes_expire_with_the_history(run: Start, record: Record) -> None:
    record.put(state())
    keep(run("pair", TABLE_NAME=record.name, HISTORY_DAYS="1"), "acknowledge", epoch=1)
    (line,) = record.table.history()
    assert line["expires_at"] == int(line["ended_at"]) + 86400


def test_the_last_readiness_is_kept_beside_the_record(pair: ModuleType, record: Record) -> None:
    found = {"answer": "yes", "sentence": "Ready.", "at": 1.5, "checks": []}
    keep(pair, "keep_readiness", readiness=found)
    kept = record.table._item("readiness")
    assert {name: kept[name] for name in found} == found


def test_a_readiness_that_arrives_late_does_not_undo_a_newer_one(pair: ModuleType, record: Record) -> None:
    newer, older = (
        {"answer": word, "sentence": "", "at": at, "checks": []} for word, at in (("no", 9.5), ("yes", 9.4))
    )
    keep(pair, "keep_readiness", readiness=newer)
    keep(pair, "keep_readiness", readiness=newer)
    with pytest.raises(NewerIsKept, match=r"A check of 9\.5 is kept already"):
        keep(pair, "keep_readiness", readiness=older)
    assert record.table._item("readiness")["answer"] == "no"


@pytest.mark.parametrize("at", [None, "1.5", True, 0, 1e12])
def test_a_readiness_that_does_not_say_when_or_from_the_future_is_not_kept(
    pair: ModuleType, record: Record, at: object
) -> None:
    """One from the future would keep out every later one."""
    with pytest.raises(BadRequest, match="but a time that has come is needed"):
        keep(pair, "keep_readiness", readiness={"answer": "yes", "sentence": "", "at": at, "checks": []})
    assert record.table._item("readiness") == {}


@pytest.mark.parametrize(
    ("before", "wish"),
    [
        (state(mode="shadow"), {"action": "set_mode", "mode": "automatic", "was": "manual"}),
        (state(maintenance_until=9e9), {"action": "maintenance", "seconds": 0, "was": 0}),
        (state(epoch=2, acknowledged=False), {"action": "acknowledge", "epoch": 1}),
        (state(epoch=2), {"action": "hold", "sentence": "Refused.", "epoch": 1}),
        (state(epoch=2, held="Refused."), {"action": "release", "epoch": 1}),
    ],
    ids=["mode", "maintenance", "acknowledgement", "hold", "release"],
)
def test_a_wish_about_what_was_so_before_changes_nothing(
    pair: ModuleType, record: Record, before: PairState, wish: dict[str, Any]
) -> None:
    record.put(before)
    with pytest.raises(Outdated, match="Nothing was written; read it again"):
        keep(pair, **wish)
    assert record.get() == replace(before, version=0)
    assert record.table.history() == []


def test_a_setting_that_is_as_it_was_read_or_as_wanted_already_is_taken(pair: ModuleType, record: Record) -> None:
    for _ in range(2):
        keep(pair, "set_mode", mode="manual", was="automatic")
    assert record.get().mode == "manual"
    keep(pair, "maintenance", seconds=60, was=0)
    keep(pair, "maintenance", seconds=0, was=record.get().maintenance_until)
    assert record.get().maintenance_until == 0


@pytest.mark.parametrize("nonsense", [None, "yes", {"checks": "x" * 100_000}])
def test_what_is_no_readiness_or_too_much_of_it_is_not_kept(pair: ModuleType, record: Record, nonsense: object) -> None:
    with pytest.raises(BadRequest, match="readiness is not an object"):
        keep(pair, "keep_readiness", readiness=nonsense)
    assert record.table._item("readiness") == {}
