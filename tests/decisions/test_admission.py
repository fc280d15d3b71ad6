"""May this request change the pair now? A table over trigger, mode, maintenance, acknowledgement, lease and verb."""

from __future__ import annotations

from itertools import product

import pytest
from msfailover.decisions import epochs
from msfailover.decisions.admission import Admission, Plan, admit, is_quiet, provable, suppression
from msfailover.decisions.transitions import LeaseLost, turn_back
from msfailover.pair import PairState, Role
from msfailover.request import Action, epoch_in
from msfailover.verdict import Verdict, no, unknown, yes

from tests.samples import NOW, OURS, THEIRS, lease, receipt, request, state

HOUR = 3600.0
MAINTENANCE = "Refused: maintenance until 2026-09-21 15:13 UTC; a person can still start a failover."
SHADOW = "Refused: in shadow mode nothing is done; would have failed over because: ms1 is silent"
MANUAL = "Refused: in manual mode a person decides; asked for because: ms1 is silent"
UNACKNOWLEDGED = "Refused: the last automatic failover has not been acknowledged; the next one waits for a person."
FAILOVER = "Admitted: failover from ms1 to ms2, epoch 2."


def expected_of_an_automatic_one(mode: str, maintenance: bool, acknowledged: bool) -> str:
    if maintenance:
        return MAINTENANCE
    if mode != "automatic":
        return {"shadow": SHADOW, "manual": MANUAL}[mode]
    return FAILOVER if acknowledged else UNACKNOWLEDGED


EVERY_STATE = list(product(("automatic", "manual", "shadow"), (False, True), (True, False)))


@pytest.mark.parametrize("who", ["watch", "alarm"])
@pytest.mark.parametrize(("mode", "maintenance", "acknowledged"), EVERY_STATE)
def test_an_automatic_failover_obeys_maintenance_then_mode_then_acknowledgement(
    who: str, mode: str, maintenance: bool, acknowledged: bool
) -> None:
    record = state(mode=mode, maintenance_until=NOW + HOUR if maintenance else 0.0, acknowledged=acknowledged)
    admission = admit(request(requested_by=who), record, OURS, NOW)
    assert admission.sentence == expected_of_an_automatic_one(mode, maintenance, acknowledged)
    assert admission.admitted == admission.sentence.startswith("Admitted")


@pytest.mark.parametrize(("mode", "maintenance", "acknowledged"), EVERY_STATE)
def test_a_game_day_s_switchover_obeys_the_same(mode: str, maintenance: bool, acknowledged: bool) -> None:
    record = state(mode=mode, maintenance_until=NOW + HOUR if maintenance else 0.0, acknowledged=acknowledged)
    admission = admit(request(Action.SWITCHOVER, requested_by="game-day"), record, OURS, NOW)
    assert admission.admitted == (mode == "automatic" and not maintenance and acknowledged)


@pytest.mark.parametrize("action", [each for each in Action if each is not Action.SWITCHOVER])
def test_a_game_day_may_ask_for_no_other_change(action: Action) -> None:
    admission = admit(request(action, requested_by="game-day"), state(), OURS, NOW)
    assert (admission.admitted, "may only ask for switchover" in admission.sentence) == (False, True)


@pytest.mark.parametrize("action", list(Action))
def test_a_refused_game_day_s_move_is_reported_by_the_game_day_itself(action: Action) -> None:
    assert is_quiet(request(action, requested_by="game-day")) == (action is Action.SWITCHOVER)


@pytest.mark.parametrize("action", [Action.FAILOVER, Action.SWITCHOVER, Action.FORCE])
@pytest.mark.parametrize(("mode", "maintenance", "acknowledged"), EVERY_STATE)
def test_a_person_is_held_by_none_of_them(action: Action, mode: str, maintenance: bool, acknowledged: bool) -> None:
    record = state(mode=mode, maintenance_until=NOW + HOUR if maintenance else 0.0, acknowledged=acknowledged)
    admission = admit(request(action), record, OURS, NOW)
    assert admission.sentence == f"Admitted: {action} from ms1 to ms2, epoch 2."
    assert suppression(request(action), record, NOW) is None


@pytest.mark.parametrize("who", ["watch", "alarm"])
@pytest.mark.parametrize(
    "copy", [no("The last whole set is of 9 s ago; 5 s are allowed."), unknown("It can't be read.")]
)
def test_a_copy_that_is_not_known_to_be_fresh_enough_holds_an_automatic_failover(who: str, copy: Verdict) -> None:
    admission = admit(request(requested_by=who), state(), OURS, NOW, copy=copy)
    decides = "A person decides whether to fail over with it (OldestCopySeconds)."
    assert (admission.admitted, admission.sentence) == (False, f"Refused: {copy.sentence} {decides}")


@pytest.mark.parametrize("copy", [None, yes("It is of 3 s ago; 5 s are allowed.")])
def test_a_copy_that_is_fresh_enough_or_of_no_matter_holds_none(copy: Verdict | None) -> None:
    assert admit(request(requested_by="watch"), state(), OURS, NOW, copy=copy).sentence == FAILOVER


@pytest.mark.parametrize("action", [Action.FAILOVER, Action.SWITCHOVER, Action.FORCE])
def test_a_person_is_not_held_by_the_age_of_a_copy(action: Action) -> None:
    assert admit(request(action), state(), OURS, NOW, copy=no("It is old.")).admitted


@pytest.mark.parametrize("mode", ["", "off", "Automatic"])
def test_a_mode_nobody_knows_holds_an_automatic_failover_back(mode: str) -> None:
    assert not admit(request(requested_by="watch"), state(mode=mode), OURS, NOW).admitted


def test_maintenance_ends_by_itself() -> None:
    record = state(maintenance_until=NOW)
    assert admit(request(requested_by="watch"), record, OURS, NOW).admitted
    assert not admit(request(requested_by="watch"), record, OURS, NOW - 0.1).admitted


@pytest.mark.parametrize("who", ["watch", "alarm"])
@pytest.mark.parametrize("action", [each for each in Action if each is not Action.FAILOVER])
@pytest.mark.parametrize("leased", [False, True])
def test_nobody_but_a_person_may_ask_for_more_than_a_failover(who: str, action: Action, leased: bool) -> None:
    record = state(lease=lease(execution=THEIRS), halted="for a person") if leased else state()
    admission = admit(request(action, requested_by=who), record, OURS, NOW, no("It has ended."))
    assert admission.sentence == f"Refused: {action} is for a person to ask for; {who} may only ask for failover."
    assert not admission.admitted


PLANS = [
    (Action.FAILOVER, Plan(Action.FAILOVER, Role.MS1, Role.MS2, 2, confirm=True, may_power_off=True)),
    (Action.SWITCHOVER, Plan(Action.SWITCHOVER, Role.MS1, Role.MS2, 2, graceful=True)),
    (Action.FORCE, Plan(Action.FORCE, Role.MS1, Role.MS2, 2, may_power_off=True)),
]


@pytest.mark.parametrize(("action", "plan"), PLANS)
def test_each_verb_has_its_own_way_to_the_same_fence(action: Action, plan: Plan) -> None:
    assert admit(request(action), state(), OURS, NOW).plan == plan
    assert admit(request(action, target=Role.MS2), state(), OURS, NOW).plan == plan


@pytest.mark.parametrize("action", [Action.FAILOVER, Action.SWITCHOVER, Action.FORCE])
def test_what_is_active_already_is_not_changed_to(action: Action) -> None:
    admission = admit(request(action, target=Role.MS1), state(), OURS, NOW)
    assert admission.sentence == "Refused: ms1 is the active server already, since epoch 1."


def test_a_late_trigger_after_the_pair_has_moved_is_refused() -> None:
    moved = state(active=Role.MS2, epoch=2)
    assert not admit(request(target=Role.MS2, requested_by="watch"), moved, OURS, NOW).admitted


@pytest.mark.parametrize("action", [Action.FAILOVER, Action.SWITCHOVER, Action.FORCE])
def test_no_change_begins_that_too_few_epochs_are_left_for(action: Action) -> None:
    last = request_in_epoch(action, epochs.LAST_TO_REST_IN)
    assert last.plan is not None
    for above in (epochs.LAST_TO_REST_IN + 1, epochs.HIGHEST - 1, epochs.HIGHEST, 10**12):
        refused = request_in_epoch(action, above)
        assert not refused.admitted
        assert f"in epoch {above}" in refused.sentence


def test_what_was_begun_last_can_still_be_turned_back_and_resumed_to_the_other_server() -> None:
    begun = request_in_epoch(Action.SWITCHOVER, epochs.LAST_TO_REST_IN).plan
    assert begun is not None
    under_way = state(epoch=epochs.LAST_TO_REST_IN, lease=lease(action="switchover", epoch=begun.epoch))
    back = turn_back(under_way, OURS, NOW)
    again = resume(Role.MS2, back).plan
    assert back.lease is not None
    assert again is not None
    for epoch in (back.lease.epoch, again.epoch):
        assert epoch_in({"epoch": epoch}) == epoch


def test_a_change_in_the_last_epoch_goes_on_and_gets_no_further_one() -> None:
    halted = state(epoch=epochs.HIGHEST - 1, lease=lease(action="switchover", epoch=epochs.HIGHEST))
    assert resume(None, halted).admitted
    other = resume(Role.MS1, halted)
    assert not other.admitted
    assert "no order is carried out" in other.sentence
    with pytest.raises(LeaseLost, match="the last"):
        turn_back(halted, OURS, NOW)


def test_a_resumed_adoption_has_an_epoch_of_its_own_in_which_no_earlier_order_applies() -> None:
    for epoch, then in ((1, 2), (epochs.HIGHEST, epochs.HIGHEST), (10**12, epochs.HIGHEST)):
        plan = resume(None, PairState(lease=lease(action="adopt", target=Role.MS1, epoch=epoch))).plan
        assert plan is not None
        assert plan.epoch == then


def test_no_adoption_begins_above_the_epochs_that_orders_are_carried_out_in() -> None:
    for epoch in (epochs.LAST_TO_REST_IN, epochs.HIGHEST, 10**12):
        assert not admit(request(Action.ADOPT), PairState(epoch=epoch), OURS, NOW).admitted


def resume(target: Role | None, record: PairState) -> Admission:
    return admit(request(Action.RESUME, target=target), record, THEIRS, NOW, no("It has ended."))


def request_in_epoch(action: Action, epoch: int) -> Admission:
    return admit(request(action), state(epoch=epoch), OURS, NOW)


def test_the_way_back_is_the_same_verb_in_the_next_epoch() -> None:
    plan = admit(request(Action.SWITCHOVER), state(active=Role.MS2, epoch=2), OURS, NOW).plan
    assert plan == Plan(Action.SWITCHOVER, Role.MS2, Role.MS1, 3, graceful=True)


@pytest.mark.parametrize("action", [Action.FAILOVER, Action.SWITCHOVER, Action.FORCE])
def test_a_pair_that_nobody_took_into_care_is_not_changed(action: Action) -> None:
    admission = admit(request(action), PairState(), OURS, NOW)
    assert admission.sentence == ("Refused: the pair has not been adopted; start an execution with action adopt first.")


def test_an_adoption_finds_out_first_and_never_switches_a_machine_off() -> None:
    admission = admit(request(Action.ADOPT), PairState(), OURS, NOW)
    assert admission.sentence == "Admitted: finds out who is active."
    assert admission.plan == Plan(Action.ADOPT, Role.MS2, Role.MS1, 1, survey=True)


def test_an_adoption_aims_at_the_server_that_was_named() -> None:
    plan = admit(request(Action.ADOPT, target=Role.MS2), PairState(), OURS, NOW).plan
    assert plan is not None
    assert (plan.source, plan.target) == (Role.MS1, Role.MS2)


def test_a_pair_in_care_is_not_adopted_again() -> None:
    admission = admit(request(Action.ADOPT), state(), OURS, NOW)
    assert admission.sentence == "Refused: the pair is adopted already, ms1 is active in epoch 1."


def test_nothing_half_done_is_nothing_to_resume() -> None:
    admission = admit(request(Action.RESUME), state(), OURS, NOW)
    assert admission.sentence == "Refused: there is nothing to resume, no change of the pair was left half done."


HELD = f"failover to ms2 (epoch 2) holds the lease: {THEIRS}"


@pytest.mark.parametrize(
    ("who", "action"),
    [("watch", Action.FAILOVER), ("alarm", Action.FAILOVER)]
    + [("Ada", each) for each in Action if each is not Action.RESUME],
)
def test_whoever_holds_the_lease_keeps_every_other_change_out(who: str, action: Action) -> None:
    admission = admit(request(action, requested_by=who), state(lease=lease(execution=THEIRS)), OURS, NOW)
    assert admission.sentence == f"Refused: {HELD}; if that execution has ended, start one with action resume."


@pytest.mark.parametrize("age", [0, 30 * 24 * HOUR])
def test_a_lease_does_not_end_by_the_clock(age: float) -> None:
    assert not admit(request(), state(lease=lease(execution=THEIRS)), OURS, NOW + age).admitted


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        (yes("It still runs."), "It still runs."),
        (unknown("Step Functions does not say."), "Step Functions does not say."),
        (None, "whether it still runs was not asked"),
    ],
)
def test_a_holder_that_is_not_known_to_have_ended_is_not_taken_over(holder: object, why: str) -> None:
    record = state(lease=lease(execution=THEIRS))
    admission = admit(request(Action.RESUME), record, OURS, NOW, holder)  # type: ignore[arg-type]
    assert admission.sentence == f"Refused: {HELD}, and it is not known to have ended: {why}"


@pytest.mark.parametrize("target", [None, Role.MS2])
def test_resume_goes_on_with_what_was_left_half_done_in_its_own_epoch(target: Role | None) -> None:
    record = state(lease=lease(execution=THEIRS), receipt=receipt())
    admission = admit(request(Action.RESUME, target=target), record, OURS, NOW, no("It has ended."))
    assert admission.plan == Plan(Action.RESUME, Role.MS1, Role.MS2, 2, may_power_off=True)
    assert admission.sentence == "Admitted: resumes the failover to ms2, epoch 2."


def test_resume_to_the_other_server_is_a_change_of_its_own_with_an_epoch_of_its_own() -> None:
    record = state(lease=lease(execution=THEIRS), receipt=receipt())
    admission = admit(request(Action.RESUME, target=Role.MS1), record, OURS, NOW, no("It has ended."))
    assert admission.plan == Plan(Action.RESUME, Role.MS2, Role.MS1, 3, may_power_off=True)


def test_resume_takes_an_adoption_up_again_without_a_hand_on_the_power_switch() -> None:
    record = PairState(lease=lease(execution=THEIRS, action="adopt", target=Role.MS1, epoch=1))
    admission = admit(request(Action.RESUME), record, OURS, NOW, no("It has ended."))
    assert admission.plan == Plan(Action.ADOPT, Role.MS2, Role.MS1, 2, survey=True)


@pytest.mark.parametrize("target", list(Role))
def test_an_adoption_resumed_with_a_target_still_finds_out_first(target: Role) -> None:
    record = PairState(lease=lease(execution=THEIRS, action="adopt", target=Role.MS1, epoch=1))
    admission = admit(request(Action.RESUME, target=target), record, OURS, NOW, no("It has ended."))
    assert admission.plan == Plan(Action.ADOPT, target.other, target, 2, survey=True)


@pytest.mark.parametrize(("action", "plan"), PLANS)
def test_an_execution_that_asks_again_gets_the_same_plan(action: Action, plan: Plan) -> None:
    record = state(lease=lease(action=action.value))
    admission = admit(request(action), record, OURS, NOW)
    assert admission.sentence == "Admitted already: this execution holds the lease."
    assert admission.plan == plan


def test_an_adoption_that_asks_again_gets_the_same_plan() -> None:
    record = PairState(lease=lease(action="adopt", target=Role.MS1, epoch=1))
    assert admit(request(Action.ADOPT), record, OURS, NOW).plan == Plan(
        Action.ADOPT, Role.MS2, Role.MS1, 1, survey=True
    )


def test_a_resumption_that_asks_again_gets_the_same_plan() -> None:
    record = state(lease=lease(action="resume"), receipt=receipt())
    plan = admit(request(Action.RESUME), record, OURS, NOW).plan
    assert plan == Plan(Action.RESUME, Role.MS1, Role.MS2, 2, may_power_off=True)


UNSEEN = state(path_seen_epoch=-1, path_seen_by="")


@pytest.mark.parametrize(
    ("action", "record", "vouched", "admitted"),
    [
        (Action.SWITCHOVER, UNSEEN, None, False),
        (Action.SWITCHOVER, UNSEEN, False, False),
        (Action.SWITCHOVER, UNSEEN, True, True),
        (Action.SWITCHOVER, state(), None, True),
        (Action.FAILOVER, UNSEEN, None, True),
        (Action.FORCE, UNSEEN, None, True),
    ],
)
def test_a_switchover_that_no_proof_but_power_could_fence_is_refused_before_anything_is_stopped(
    action: Action, record: PairState, vouched: bool | None, admitted: bool
) -> None:
    found = provable(admit(request(action), record, OURS, NOW), record, vouched)
    assert (found.plan is not None) is admitted
