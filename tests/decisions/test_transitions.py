"""How the record changes: the lease, the proof, turning back, and each way to end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msfailover.decisions.admission import Plan, admit
from msfailover.decisions.fence import NoReceipt
from msfailover.decisions.transitions import (
    BEGIN_LASTS_S,
    GRANT_SETTLES_S,
    LeaseLost,
    NotSettled,
    TooLate,
    aim,
    conclude,
    keep_receipt,
    take_lease,
    turn_back,
    unsettled_s,
)
from msfailover.history import History, Outcome
from msfailover.pair import FencedBy, PairState, Receipt, Role
from msfailover.request import Action

from tests.samples import NOW, OURS, THEIRS, lease, proof_for, receipt, request, state

FAILOVER = Plan(Action.FAILOVER, Role.MS1, Role.MS2, 2, confirm=True, may_power_off=True)
RESUMED = Plan(Action.RESUME, Role.MS1, Role.MS2, 2, may_power_off=True)


# ---- taking the lease ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_failed_at", "counts_from"),
    [(0.0, NOW), (NOW - 12.5, NOW - 12.5), (NOW + 60, NOW), (NOW - 2 * 86400, NOW)],
    ids=["nobody says", "the first failed probe", "to come", "of another outage"],
)
def test_the_seconds_until_a_server_serves_count_from_the_first_failed_probe(
    first_failed_at: float, counts_from: float
) -> None:
    asked = request(requested_by="watch", first_failed_at=first_failed_at)
    taken = take_lease(state(), FAILOVER, asked, OURS, NOW, NOW)
    assert taken.lease is not None
    assert taken.lease.counts_from == counts_from
    line = conclude(replace(taken, receipt=receipt()), OURS, Outcome.PROMOTED, "It serves.", NOW + 10)[1]
    assert line.recovery_s == NOW + 10 - counts_from
    assert replace(line, outcome=Outcome.HALTED).recovery_s is None
    assert replace(line, action="adopt").recovery_s is None, "nothing was down"


def test_a_resumed_change_goes_on_counting() -> None:
    halted = state(lease=lease(execution=THEIRS, counts_from=NOW - 30), halted="ms2 did not start.", receipt=receipt())
    for before in (halted, replace(halted, lease=lease(execution=THEIRS, taken_at=NOW - 30, counts_from=0.0))):
        resumed = take_lease(before, RESUMED, request(Action.RESUME), OURS, NOW, NOW)
        assert resumed.lease is not None
        assert resumed.lease.counts_from == NOW - 30


def test_the_lease_says_who_does_what_to_whom_in_which_epoch_and_why() -> None:
    after = take_lease(state(), FAILOVER, request(requested_by="watch"), OURS, NOW, NOW)
    assert after == state(lease=lease())


def test_a_lease_that_is_taken_again_by_its_holder_is_left_as_it_is() -> None:
    held = state(lease=lease(), receipt=receipt())
    assert take_lease(held, FAILOVER, request(requested_by="watch"), OURS, NOW + 60, NOW) == held


def test_a_lease_that_nobody_awaits_any_more_is_not_taken() -> None:
    entered = NOW - BEGIN_LASTS_S
    assert take_lease(state(), FAILOVER, request(), OURS, NOW, entered).lease is not None
    with pytest.raises(TooLate, match=r"nothing was touched"):
        take_lease(state(), FAILOVER, request(), OURS, NOW + 0.1, entered)


def test_a_new_change_begins_without_a_proof() -> None:
    after = take_lease(state(receipt=receipt(epoch=1, server=Role.MS2)), FAILOVER, request(), OURS, NOW, NOW)
    assert after.receipt is None


def test_a_change_that_is_gone_on_with_keeps_its_proof() -> None:
    half_done = state(lease=lease(execution=THEIRS), receipt=receipt())
    after = take_lease(half_done, RESUMED, request(Action.RESUME), OURS, NOW, NOW)
    assert after.receipt == receipt()
    assert after.lease is not None
    assert (after.lease.execution, after.lease.action, after.lease.epoch) == (OURS, "resume", 2)


def test_a_change_that_goes_the_other_way_starts_without_the_proof_of_the_first() -> None:
    half_done = state(lease=lease(execution=THEIRS), receipt=receipt())
    other_way = Plan(Action.RESUME, Role.MS2, Role.MS1, 3, may_power_off=True)
    assert take_lease(half_done, other_way, request(Action.RESUME), OURS, NOW, NOW).receipt is None


# ---- keeping the proof -----------------------------------------------------------------------------------------------


def test_the_proof_of_the_change_under_way_is_kept() -> None:
    assert keep_receipt(state(lease=lease()), OURS, receipt()).receipt == receipt()


@pytest.mark.parametrize(
    "stray", [receipt(epoch=1), receipt(epoch=3), receipt(server=Role.MS2)], ids=["before", "after", "of the target"]
)
def test_a_proof_of_another_change_is_not_kept_and_the_sentence_says_which_is_under_way(stray: object) -> None:
    with pytest.raises(LeaseLost, match=r"not of the change under way \(failover to ms2, epoch 2\); it was not kept"):
        keep_receipt(state(lease=lease()), OURS, stray)  # type: ignore[arg-type]


LOST = [
    (state(), "nobody"),
    (state(lease=lease(execution=THEIRS)), THEIRS),
]


@pytest.mark.parametrize(("record", "holder"), LOST)
def test_whoever_does_not_hold_the_lease_writes_nothing(record: PairState, holder: str) -> None:
    words = f"The lease is not held by {OURS} but by {holder}; nothing was written."
    for attempt in (
        lambda: keep_receipt(record, OURS, receipt()),
        lambda: aim(record, OURS, Role.MS2),
        lambda: turn_back(record, OURS),
        lambda: conclude(record, OURS, Outcome.PROMOTED, "Done.", NOW),
    ):
        with pytest.raises(LeaseLost) as caught:
            attempt()
        assert str(caught.value) == words


# ---- aiming and turning ----------------------------------------------------------------------------------------------


def test_an_adoption_is_aimed_at_the_server_that_was_found_active() -> None:
    adopting = PairState(lease=lease(action="adopt", target=Role.MS1, epoch=1))
    aimed = aim(adopting, OURS, Role.MS2)
    assert aimed.lease == lease(action="adopt", target=Role.MS2, epoch=1)
    assert aim(aimed, OURS, Role.MS2) == aimed


def test_aiming_at_the_other_server_drops_the_proof_that_was_for_the_first() -> None:
    adopting = PairState(lease=lease(action="adopt", target=Role.MS2, epoch=1), receipt=receipt(epoch=1))
    assert aim(adopting, OURS, Role.MS2).receipt == receipt(epoch=1)
    assert aim(adopting, OURS, Role.MS1).receipt is None


def test_a_survey_delivered_again_takes_nothing_back_of_an_adoption_that_is_proven() -> None:
    """By then both hosts remember this change's own epoch: it was ordered by it."""
    proven = replace(state(lease=lease(action="adopt", target=Role.MS1, epoch=1)), receipt=receipt(epoch=1))
    assert aim(proven, OURS, Role.MS1, remembered=1) == proven
    ahead = aim(proven, OURS, Role.MS1, remembered=2)
    assert ahead.lease is not None
    assert (ahead.lease.epoch, ahead.receipt) == (3, None)


def granted(role: Role, at: float = NOW, unseen: int = -1) -> dict[str, Any]:
    """The fields of a record that say that a server may have been granted access until then, and came unseen."""
    return {"granted": role, "grant_settles_at": at + GRANT_SETTLES_S, "path_unseen_epoch": unseen}


def test_a_server_whose_sessions_were_seen_in_its_change_did_not_come_unseen() -> None:
    seen = state(lease=lease(action="switchover"), receipt=receipt(), path_seen_epoch=lease().epoch)
    assert turn_back(seen, OURS, NOW).path_unseen_epoch == -1


@pytest.mark.parametrize("by", [FencedBy.NETWORK, FencedBy.DATABASE])
def test_no_proof_by_rules_or_entries_is_kept_while_what_lets_the_server_in_may_take_effect(by: FencedBy) -> None:
    """The answer to the removal of a deny entry was lost: EC2 may carry it out after the proof has been read."""
    back = turn_back(state(lease=lease(action="switchover"), receipt=receipt()), OURS, NOW)
    proof = receipt(epoch=3, server=Role.MS2, by=by, verified_at=NOW + GRANT_SETTLES_S - 0.01)
    with pytest.raises(NotSettled, match=f"ms2 was granted access a moment ago, .* the receipt by {by} was not kept"):
        keep_receipt(back, OURS, proof)
    settled = replace(proof, verified_at=NOW + GRANT_SETTLES_S)
    assert keep_receipt(back, OURS, settled).receipt == settled


def test_a_machine_without_power_needs_no_rule_to_settle() -> None:
    back = turn_back(state(lease=lease(action="switchover"), receipt=receipt()), OURS, NOW)
    proof = receipt(epoch=3, server=Role.MS2, by=FencedBy.POWER, verified_at=NOW)
    assert keep_receipt(back, OURS, proof).receipt == proof


def test_a_server_that_was_granted_access_long_ago_or_never_is_not_waited_for() -> None:
    assert unsettled_s(state(), Role.MS1, NOW) == 0
    assert unsettled_s(state(**granted(Role.MS2)), Role.MS1, NOW) == 0
    assert unsettled_s(state(**granted(Role.MS1)), Role.MS1, NOW + 3600) == 0
    assert unsettled_s(state(**granted(Role.MS1)), Role.MS1, NOW + 2) == GRANT_SETTLES_S - 2


def test_a_clock_that_was_ahead_is_waited_for_no_longer_than_it_takes() -> None:
    assert unsettled_s(state(**granted(Role.MS1, NOW + 3600)), Role.MS1, NOW) == GRANT_SETTLES_S


def test_a_change_resumed_the_other_way_waits_for_the_server_that_may_have_been_granted_access() -> None:
    halted = state(lease=lease(), receipt=receipt(), halted="for a person")
    plan = Plan(Action.RESUME, Role.MS2, Role.MS1, 3)
    after = take_lease(halted, plan, request(Action.RESUME), THEIRS, NOW, NOW)
    assert (after.granted, after.grant_settles_at, after.receipt) == (Role.MS2, NOW + GRANT_SETTLES_S, None)
    unproven = replace(halted, receipt=None)
    assert take_lease(unproven, plan, request(Action.RESUME), THEIRS, NOW, NOW).granted is None, (
        "nobody could grant it access"
    )


def test_turning_back_is_a_change_of_its_own_with_its_own_epoch_and_no_proof_yet() -> None:
    out = state(lease=lease(action="switchover"), receipt=receipt())
    back = state(lease=lease(action="switchover", target=Role.MS1, epoch=3), **granted(Role.MS2, unseen=2))
    assert turn_back(out, OURS, NOW) == back


@pytest.mark.parametrize("action", ["failover", "force", "resume", "adopt"])
def test_only_a_switchover_is_turned_back(action: str) -> None:
    with pytest.raises(LeaseLost, match=f"A {action} is not turned back"):
        turn_back(state(lease=lease(action=action)), OURS)


def test_turning_back_twice_is_turning_back_once() -> None:
    once = turn_back(state(lease=lease(action="switchover")), OURS)
    assert turn_back(once, OURS) == once


# ---- concluding ------------------------------------------------------------------------------------------------------


def test_a_promotion_makes_the_target_active_in_the_new_epoch_and_gives_the_lease_back() -> None:
    after, line = conclude(state(lease=lease(), receipt=receipt()), OURS, Outcome.PROMOTED, "ms2 is active.", NOW + 5)
    assert after == state(
        active=Role.MS2, epoch=2, acknowledged=False, receipt=receipt(), **granted(Role.MS2, NOW + 5, 2)
    )
    assert line == History(
        epoch=2,
        execution=OURS,
        action="failover",
        source=Role.MS1,
        target=Role.MS2,
        outcome=Outcome.PROMOTED,
        sentence="ms2 is active.",
        reason="ms1 is silent",
        requested_by="watch",
        taken_at=NOW,
        ended_at=NOW + 5,
        receipt=receipt(),
        counts_from=NOW,
    )


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("who", ["watch", "alarm", "Ada", "unnamed"])
def test_only_a_promotion_that_no_person_asked_for_waits_to_be_acknowledged(outcome: Outcome, who: str) -> None:
    after, _ = conclude(
        state(lease=lease(requested_by=who), receipt=proof_for(outcome)), OURS, outcome, "So it ended.", NOW
    )
    unattended = outcome is Outcome.PROMOTED and who in ("watch", "alarm")
    assert after.acknowledged is not unattended


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_end_of_a_change_acknowledges_an_earlier_one(outcome: Outcome) -> None:
    before = state(lease=lease(requested_by="Ada"), receipt=proof_for(outcome), acknowledged=False)
    assert not conclude(before, OURS, outcome, "So it ended.", NOW)[0].acknowledged


@pytest.mark.parametrize("outcome", [Outcome.STOOD_DOWN, Outcome.REFUSED, Outcome.BLOCKED])
def test_an_end_before_anything_was_touched_leaves_the_pair_as_it_was(outcome: Outcome) -> None:
    after, line = conclude(state(lease=lease()), OURS, outcome, "Nothing was touched.", NOW)
    assert after == state()
    assert (line.epoch, line.outcome, line.receipt) == (2, outcome, None)


@pytest.mark.parametrize("outcome", [Outcome.STOOD_DOWN, Outcome.REFUSED, Outcome.BLOCKED])
def test_a_change_that_has_fenced_a_server_can_not_end_as_if_nothing_was_touched(outcome: Outcome) -> None:
    before = state(lease=lease(), receipt=receipt())
    with pytest.raises(LeaseLost, match=f"can't end as {outcome}: ms1 is fenced already"):
        conclude(before, OURS, outcome, "Nothing was touched.", NOW)


def test_an_adoption_that_is_refused_after_all_leaves_no_proof_behind() -> None:
    before = PairState(lease=lease(action="adopt", epoch=1), receipt=receipt(epoch=1))
    after = conclude(before, OURS, Outcome.REFUSED, "Both run.", NOW)[0]
    assert after == PairState(epoch=1, **granted(Role.MS2, unseen=1))


def test_an_adoption_after_one_that_was_refused_takes_an_epoch_in_which_no_order_was_given() -> None:
    fenced = PairState(lease=lease(action="adopt", epoch=1), receipt=receipt(epoch=1))
    resumed = PairState(lease=lease(action="adopt", epoch=4))
    surveyed = PairState(lease=lease(action="adopt", epoch=1))
    for refused, epoch in ((fenced, 2), (resumed, 5), (surveyed, 1)):
        after = conclude(refused, OURS, Outcome.REFUSED, "Both run.", NOW)[0]
        plan = admit(request(Action.ADOPT), after, OURS, NOW).plan
        assert plan is not None
        assert plan.epoch == epoch


def test_a_change_that_was_resumed_and_ends_without_a_move_leaves_the_active_server_in_its_epoch() -> None:
    resumed = state(lease=lease(epoch=3))
    after = conclude(resumed, OURS, Outcome.BLOCKED, "ms2 is not fit.", NOW)[0]
    assert (after.active, after.epoch) == (Role.MS1, 1)


@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.ROLLED_BACK])
@pytest.mark.parametrize(
    "proof",
    [
        None,
        receipt(epoch=1),
        receipt(server=Role.MS2),
        receipt(access="not asked"),
        receipt(sessions=()),
        receipt(sessions=(0, 1, 0)),
    ],
)
def test_nobody_is_called_active_without_the_proof_of_this_epoch_that_the_other_one_is_out(
    outcome: Outcome, proof: Receipt | None
) -> None:
    with pytest.raises(NoReceipt, match="ms2 is not called active"):
        conclude(state(lease=lease(), receipt=proof), OURS, outcome, "Surely.", NOW)


def test_a_switchover_that_was_rolled_back_has_the_first_server_active_in_the_epoch_of_the_way_back() -> None:
    proof = receipt(epoch=3, server=Role.MS2)
    out_and_back = state(lease=lease(action="switchover", target=Role.MS1, epoch=3), receipt=proof)
    after, line = conclude(out_and_back, OURS, Outcome.ROLLED_BACK, "ms2 did not come up.", NOW)
    assert after == state(active=Role.MS1, epoch=3, receipt=proof, **granted(Role.MS1, unseen=3))
    assert (line.source, line.target, line.epoch) == (Role.MS2, Role.MS1, 3)


def test_a_halted_change_keeps_lease_and_proof_and_says_why() -> None:
    before = state(lease=lease(), receipt=receipt())
    after, line = conclude(before, OURS, Outcome.HALTED, "ms2 did not start.", NOW)
    assert after == replace(before, halted="ms2 did not start.")
    assert line.outcome is Outcome.HALTED


def test_halting_twice_is_halting_once() -> None:
    once, line = conclude(state(lease=lease()), OURS, Outcome.HALTED, "ms2 did not start.", NOW)
    assert conclude(once, OURS, Outcome.HALTED, "ms2 did not start.", NOW) == (once, line)


def test_the_end_of_a_resumed_change_clears_why_it_had_halted() -> None:
    resumed = state(lease=lease(action="resume", requested_by="Ada"), receipt=receipt(), halted="ms2 did not start.")
    assert conclude(resumed, OURS, Outcome.PROMOTED, "ms2 is active.", NOW)[0].halted == ""


def test_maintenance_and_mode_outlive_every_change() -> None:
    before = state(lease=lease(requested_by="Ada"), mode="manual", maintenance_until=NOW + 60)
    for outcome in Outcome:
        after, _ = conclude(replace(before, receipt=proof_for(outcome)), OURS, outcome, "So it ended.", NOW)
        assert (after.mode, after.maintenance_until) == ("manual", NOW + 60)


# ---- the history -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proof", [None, receipt(), receipt(by=FencedBy.POWER, access="not asked", sessions=())])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_line_of_the_history_survives_being_stored(proof: Receipt | None, outcome: Outcome) -> None:
    _, ended = conclude(state(lease=lease(), receipt=proof_for(outcome)), OURS, outcome, "So it ended.", NOW + 0.25)
    line = replace(ended, receipt=proof)
    assert History.from_json(line.to_json()) == line
