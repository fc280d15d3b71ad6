"""Mode, maintenance, acknowledgement, what is held: what people and the watchdog write beside the changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msfailover.decisions import controls
from msfailover.decisions.controls import is_note
from msfailover.history import Note
from msfailover.pair import PairState, Role

from tests.samples import NOW, lease, receipt, state

UNDER_WAY = state(lease=lease(), receipt=receipt(), halted="for a person", acknowledged=False, held="it is held")


@pytest.mark.parametrize("mode", controls.MODES)
def test_a_mode_changes_nothing_but_the_mode(mode: str) -> None:
    after = controls.set_mode(UNDER_WAY, mode)
    assert after.mode == mode
    assert controls.set_mode(after, UNDER_WAY.mode) == UNDER_WAY


def test_a_maintenance_has_an_end_and_can_be_ended() -> None:
    during = controls.maintain(UNDER_WAY, NOW + 60)
    assert during.maintenance_until == NOW + 60
    assert controls.maintain(during, 0.0) == UNDER_WAY


def test_acknowledging_lets_nothing_go_but_the_wait_for_it() -> None:
    after = controls.acknowledge(UNDER_WAY, UNDER_WAY.epoch)
    assert after.acknowledged
    assert (after.lease, after.receipt, after.halted, after.held) == (lease(), receipt(), "for a person", "it is held")


def test_what_is_held_already_stays_held_for_the_first_reason() -> None:
    first = controls.hold(state(), "manual mode", 1)
    assert first.held == "manual mode"
    assert controls.hold(first, "not acknowledged", 1) == first
    assert controls.release(first, 1) == state()


def test_nothing_held_is_released_without_a_change() -> None:
    assert controls.release(state(), 1) == state()


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize(
    "late",
    [
        controls.acknowledge,
        controls.release,
        lambda state, epoch: controls.hold(state, "manual mode", epoch),
    ],
    ids=["acknowledge", "release", "hold"],
)
def test_what_is_about_another_epoch_changes_nothing(late: Callable[[PairState, int], PairState], epoch: int) -> None:
    """An acknowledgement that arrives late is of a failover before the one that waits for somebody to look."""
    with pytest.raises(controls.Outdated, match=f"is about epoch {epoch}, and the pair is in 2"):
        late(state(epoch=2, acknowledged=False, held="for the first reason"), epoch)


@pytest.mark.parametrize("active", [Role.MS1, None])
def test_a_note_is_no_change_and_has_every_field_of_one(active: Role | None) -> None:
    note = Note(1, "maintenance", active, "Maintenance until noon.", "Ann", NOW)
    line = note.to_json()
    assert is_note(line)
    assert (line["source"], line["target"]) == (active, active)
    assert (line["requested_by"], line["sentence"], line["epoch"]) == ("Ann", "Maintenance until noon.", 1)
    assert note.key == f"history#000000001#{NOW:.3f}#maintenance#noted"


def test_a_record_of_before_has_the_settings_that_act() -> None:
    fresh = PairState()
    assert (fresh.mode, fresh.maintenance_until, fresh.acknowledged, fresh.held) == ("automatic", 0.0, True, "")
