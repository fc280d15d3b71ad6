"""What hosts remember of epochs is checked before anything is touched, and an adoption starts above it."""

from __future__ import annotations

import pytest
from msfailover.decisions import epochs
from msfailover.decisions.adoption import Survey, who_is_active
from msfailover.decisions.transitions import aim
from msfailover.pair import PairState, Role
from msfailover.verdict import no, yes

from tests.samples import OURS, lease, receipt

ADOPTING = PairState(lease=lease(action="adopt", target=Role.MS1, epoch=1))


@pytest.mark.parametrize("said", [0, 1, 7, None, "unknown", True, 7.5])
def test_a_host_that_remembers_no_more_than_the_pair_has_nothing_against_it(said: object) -> None:
    assert epochs.ahead(Role.MS2, said, 7) is None


@pytest.mark.parametrize("said", [8, 999999999999999])
def test_a_host_that_remembers_more_than_the_pair_would_refuse_every_order(said: int) -> None:
    verdict = epochs.ahead(Role.MS2, said, 7)
    assert verdict is not None
    assert verdict.is_no
    assert verdict.sentence.startswith(f"ms2 remembers epoch {said}, and the pair has only come to 7")


def test_a_survey_that_comes_late_and_finds_the_other_server_leaves_the_epoch_that_was_ordered_in() -> None:
    proven = PairState(lease=ADOPTING.lease, receipt=receipt(epoch=1, server=Role.MS2))
    turned = aim(proven, OURS, Role.MS2, 0)
    assert turned.lease is not None
    assert (turned.lease.target, turned.lease.epoch, turned.receipt) == (Role.MS2, 2, None)


def test_no_change_begins_that_would_have_no_epoch_left_to_turn_back_in() -> None:
    assert epochs.used_up(epochs.LAST_TO_REST_IN) is None
    assert epochs.used_up(epochs.LAST_TO_REST_IN + 1) is not None


@pytest.mark.parametrize(("remembered", "epoch"), [(0, 1), (1, 2), (7, 8)])
def test_an_adoption_starts_above_what_hosts_remember(remembered: int, epoch: int) -> None:
    aimed = aim(ADOPTING, OURS, Role.MS1, remembered)
    assert aimed.lease is not None
    assert aimed.lease.epoch == epoch
    assert aim(aimed, OURS, Role.MS1, remembered) == aimed, "twice is once"


def test_a_proof_of_an_epoch_that_was_left_is_dropped() -> None:
    proven = PairState(lease=ADOPTING.lease, receipt=receipt(epoch=1, server=Role.MS2))
    assert aim(proven, OURS, Role.MS1, 0).receipt is not None
    assert aim(proven, OURS, Role.MS1, 1).receipt is not None, "hosts remember the orders of this very change"
    assert aim(proven, OURS, Role.MS1, 2).receipt is None


@pytest.mark.parametrize("remembered", [epochs.LAST_TO_REST_IN, epochs.HIGHEST - 1, epochs.HIGHEST, 999999999999999])
def test_a_host_above_whose_epoch_too_few_are_left_is_not_adopted(remembered: int) -> None:
    ms1 = Survey(yes("ms1 runs.", epoch=remembered), yes("ms1 has 2."))
    verdict, active = who_is_active(ms1, Survey(no("ms2 is stopped.", epoch=1), no("ms2 has none.")), None)
    assert active is None
    assert verdict.is_no
    assert "too high to adopt above it" in verdict.sentence


def test_what_is_adopted_above_the_highest_memory_can_still_change() -> None:
    remembered = epochs.LAST_TO_REST_IN - 1
    ms1 = Survey(yes("ms1 runs.", epoch=remembered), yes("ms1 has 2."))
    assert who_is_active(ms1, Survey(no("ms2 is stopped.", epoch=1), no("ms2 has none.")), None)[1] is Role.MS1
    aimed = aim(ADOPTING, OURS, Role.MS1, remembered)
    assert aimed.lease is not None
    assert epochs.used_up(aimed.lease.epoch) is None


def test_a_machine_that_is_off_says_no_epoch() -> None:
    assert Survey(no("Its machine is off."), no("None.")).epoch == 0
