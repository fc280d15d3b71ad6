"""What would an execution do now? Judged by questions that only read, for every verb and each thing in the way."""

from __future__ import annotations

import pytest
from msfailover.decisions.admission import Plan, admit
from msfailover.decisions.dry_run import predict as predict_with
from msfailover.decisions.dry_run import questions
from msfailover.history import Outcome
from msfailover.pair import PairState, Role
from msfailover.request import Action
from msfailover.verdict import Verdict, no, unknown, yes

from tests.samples import NOW, OURS, THEIRS, lease, request, state

READS = {
    *("check_reachable", "runs", "check_standby", "rights", "machine", "foreign", "could_cut"),
    *("addresses", "status", "confirm_outage"),
}
"""Actions of the functions that write nothing, order nothing and end nothing."""

CHANGING = (Action.FAILOVER, Action.SWITCHOVER, Action.FORCE)


AT = "10.0.0.30"
DIRECT, BELIEVED = yes("The path was seen."), yes("The list was seen.")


def predict(
    of: Plan, answers: dict[str, Verdict], named: Role | None = None, restart_first: bool = False
) -> tuple[Outcome, str]:
    return predict_with(of, answers, DIRECT, BELIEVED, named, restart_first)


def plan(action: Action, record: PairState | None = None, target: Role | None = None) -> Plan:
    before = record or (PairState() if action is Action.ADOPT else state())
    if action is Action.RESUME:
        before = state(lease=lease(execution=THEIRS))
    found = admit(request(action, target=target), before, OURS, NOW, no("It has ended.")).plan
    assert found is not None
    return found


def well(of: Plan) -> dict[str, Verdict]:
    """Answers that stand in nobody's way."""
    answers = {name: yes(f"{name} is well.") for name in questions(of)}
    answers |= {name: no(f"{name}: nothing.", guarded=[AT]) for name in answers if name.startswith("owners")}
    answers |= {name: unknown("There is no ACL.", guarded=[AT]) for name in answers if name.startswith("network")}
    answers["addresses"] = yes("It leads there.", database_addresses=[AT])
    if of.survey:
        answers |= {"runs ms2": no("ms2 is stopped."), "sessions ms2": no("ms2 has no session.")}
    return answers


@pytest.mark.parametrize("action", list(Action))
def test_a_dry_run_asks_for_nothing_but_reading(action: Action) -> None:
    asked = questions(plan(action)).values()
    assert asked
    assert {each.action for each in asked} <= READS


@pytest.mark.parametrize("action", [*CHANGING, Action.RESUME])
def test_with_all_well_it_would_be_promoted_and_says_who_and_in_which_epoch(action: Action) -> None:
    outcome, sentence = predict(plan(action), well(plan(action)))
    assert outcome is Outcome.PROMOTED
    assert "ms1 would be" in sentence
    assert sentence.endswith("and ms2 started, in epoch 2.")
    assert "by the database" in sentence


def test_a_switchover_says_that_it_stops_cleanly() -> None:
    assert "stopped cleanly, its last files carried" in predict(*_well(Action.SWITCHOVER))[1]


def test_an_outage_that_is_none_stands_down_and_one_not_known_blocks() -> None:
    asked = plan(Action.FAILOVER)
    assert predict(asked, well(asked) | {"outage": no("ms1 answers.")}) == (Outcome.STOOD_DOWN, "ms1 answers.")
    assert predict(asked, well(asked) | {"outage": unknown("Cut off.")}) == (Outcome.BLOCKED, "Cut off.")


@pytest.mark.parametrize("action", CHANGING)
@pytest.mark.parametrize("bad", [no("ms2 is off."), unknown("ms2 is silent.")])
def test_a_standby_that_is_not_known_to_be_fit_blocks(action: Action, bad: Verdict) -> None:
    asked = plan(action)
    assert predict(asked, well(asked) | {"standby": bad}) == (Outcome.BLOCKED, bad.sentence)


def test_a_resumed_change_that_can_not_go_on_stays_halted() -> None:
    asked = plan(Action.RESUME)
    assert predict(asked, well(asked) | {"standby": no("ms2 is off.")})[0] is Outcome.HALTED


@pytest.mark.parametrize("bad", [no("Denied."), unknown("Not known.")])
def test_a_switchover_without_the_right_to_replicate_is_blocked(bad: Verdict) -> None:
    asked = plan(Action.SWITCHOVER)
    assert predict(asked, well(asked) | {"files": bad}) == (Outcome.BLOCKED, bad.sentence)


def test_a_switchover_needs_the_active_servers_host_but_not_its_service() -> None:
    asked = plan(Action.SWITCHOVER)
    outcome, sentence = predict(asked, well(asked) | {"active host": unknown("It is silent.")})
    assert (outcome, sentence) == (
        Outcome.BLOCKED,
        "ms1 could not be stopped cleanly, nor its files carried: It is silent.",
    )
    assert predict(asked, well(asked) | {"active host": no("It is stopped.")})[0] is Outcome.PROMOTED


@pytest.mark.parametrize(
    "bad",
    [
        {"access": no("Denied.")},
        {"sessions": unknown("The database is silent.")},
        {"owners ms1": yes("sg-1 allows it.")},
        {"owners ms1": unknown("EC2 is silent.")},
    ],
)
def test_what_the_database_can_not_prove_is_proven_by_power_where_the_verb_may(bad: dict[str, Verdict]) -> None:
    (doubt,) = bad.values()
    for action in (Action.FAILOVER, Action.FORCE, Action.RESUME):
        asked = plan(action)
        outcome, sentence = predict(asked, well(asked) | bad)
        assert outcome is Outcome.PROMOTED
        assert f"by power, since the database can't: {doubt.sentence}" in sentence
        for power in ({"power": no("Denied, too.")}, {"machine": unknown("Another machine has its address.")}):
            (why,) = power.values()
            outcome, sentence = predict(asked, well(asked) | bad | power)
            assert outcome is Outcome.HALTED
            assert f"By database: {'no' if doubt.is_yes else doubt.answer}, {doubt.sentence}" in sentence
            assert f"By power: {why.answer}, {why.sentence}" in sentence
    switchover = plan(Action.SWITCHOVER)
    assert predict(switchover, well(switchover) | bad)[0] is Outcome.ROLLED_BACK


@pytest.mark.parametrize(
    ("action", "outcome"), [(Action.FORCE, Outcome.HALTED), (Action.SWITCHOVER, Outcome.ROLLED_BACK)]
)
def test_a_name_that_may_not_be_moved_ends_it_after_the_fence(action: Action, outcome: Outcome) -> None:
    asked = plan(action)
    assert predict(asked, well(asked) | {"name": no("Denied.")}) == (outcome, "Denied.")


def test_restart_first_is_told_of_for_a_failover_alone() -> None:
    assert "would be restarted in place" in predict(*_well(Action.FAILOVER), restart_first=True)[1]
    for action in (Action.SWITCHOVER, Action.FORCE, Action.RESUME):
        assert "restarted" not in predict(*_well(action), restart_first=True)[1]


def test_an_adoption_would_take_the_one_that_runs() -> None:
    outcome, sentence = predict(*_well(Action.ADOPT))
    assert outcome is Outcome.PROMOTED
    assert sentence == "ms1 runs and ms2 is stopped. It would be adopted as the active server."


def test_an_adoption_that_no_probe_could_verify_would_be_halted() -> None:
    adoption = plan(Action.ADOPT)
    unasked = unknown("Every probe failed.")
    outcome, sentence = predict(adoption, {**well(adoption), "seen ms1": unasked})
    assert (outcome, "could not be verified" in sentence) == (Outcome.HALTED, True)
    assert predict(adoption, {**well(adoption), "seen ms2": unasked})[0] is Outcome.PROMOTED, "ms2 is to be out"


@pytest.mark.parametrize(
    "bad",
    [
        {"name": no("Denied.")},
        {"name": unknown("Route 53 does not answer.")},
        {"runs ms1": yes("ms1 runs.", write_error="disk full")},
    ],
)
def test_an_adoption_that_could_not_do_what_it_does_at_last_would_be_halted(bad: dict[str, Verdict]) -> None:
    asked = plan(Action.ADOPT)
    (what,) = bad.values()
    outcome, sentence = predict(asked, well(asked) | bad)
    assert outcome is Outcome.HALTED
    assert what.evidence.get("write_error", what.sentence) in sentence


def test_an_adoption_whose_other_machine_is_off_needs_no_other_proof() -> None:
    asked = plan(Action.ADOPT)
    unprovable = well(asked) | {"owners ms2": yes("sg-1 allows it."), "runs ms2": no("ms2 is stopped.")}
    assert predict(asked, unprovable)[0] is Outcome.HALTED
    off = unprovable | {"runs ms2": no("Its machine is stopped.", off=True)}
    assert predict(asked, off)[0] is Outcome.PROMOTED


def test_an_adoption_of_two_that_run_or_of_one_in_doubt_would_be_refused() -> None:
    asked = plan(Action.ADOPT)
    both = well(asked) | {"runs ms2": yes("ms2 runs.")}
    assert predict(asked, both)[0] is Outcome.REFUSED
    assert predict(asked, well(asked) | {"runs ms2": unknown("ms2 is silent.")})[0] is Outcome.REFUSED


@pytest.mark.parametrize("active", list(Role))
def test_an_adoption_asks_the_owners_groups_about_the_server_that_is_to_be_out(active: Role) -> None:
    asked = plan(Action.ADOPT)
    stopped = {f"runs {active.other}": no("Stopped."), f"sessions {active.other}": no("None.")}
    runs = {f"runs {active}": yes("Runs."), f"sessions {active}": yes("Some.")}
    answers = well(asked) | stopped | runs
    allowed = yes("sg-1 allows it.")
    assert predict(asked, answers | {f"owners {active}": allowed})[0] is Outcome.PROMOTED
    assert predict(asked, answers | {f"owners {active.other}": allowed})[0] is Outcome.HALTED


def _well(action: Action) -> tuple[Plan, dict[str, Verdict]]:
    return plan(action), well(plan(action))


def test_with_network_acls_it_would_be_fenced_by_the_network_whatever_the_owners_rules_are() -> None:
    asked = plan(Action.SWITCHOVER)
    found = well(asked) | {
        "network ms1": yes("ms1 could be cut off.", guarded=[AT]),
        "owners ms1": yes("sg-1 allows ms1.", guarded=[AT]),
    }
    outcome, sentence = predict(asked, found)
    assert outcome is Outcome.PROMOTED
    assert "by the network" in sentence


def test_a_path_that_was_not_seen_leaves_power_or_nothing() -> None:
    unseen = unknown("No session of the active server has been seen.")
    for action, outcome in ((Action.FAILOVER, Outcome.PROMOTED), (Action.SWITCHOVER, Outcome.ROLLED_BACK)):
        asked = plan(action)
        found = well(asked) | {"network ms1": yes("ms1 could be cut off.", guarded=[AT])}
        ended, sentence = predict_with(asked, found, unseen, unseen)
        assert ended is outcome
        assert unseen.sentence in sentence


def test_a_database_elsewhere_is_not_fenced_by_its_group() -> None:
    asked = plan(Action.SWITCHOVER)
    elsewhere = {"addresses": yes("It leads there.", database_addresses=["10.0.0.40"])}
    outcome, sentence = predict(asked, well(asked) | elsewhere)
    assert outcome is Outcome.ROLLED_BACK
    assert "10.0.0.40" in sentence


def test_an_adoption_needs_a_session_of_the_active_server_to_be_seen() -> None:
    asked = plan(Action.ADOPT)
    outcome, sentence = predict(asked, well(asked) | {"sessions ms1": no("ms1 has no session.")})
    assert outcome is Outcome.HALTED
    assert "ms1 has no session." in sentence
