"""The proof must fail on a workflow that is wrong: each of these is one edit, and each must be found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.state_machine.definition import Machine, definition, places
from tests.state_machine.exploration import explore


def edited(edit: Callable[[Machine], None]) -> Machine:
    machine = definition()
    edit(machine)
    return machine


def state(machine: Machine, name: str) -> Machine:
    found = next(place.body for place in places(machine) if place.name == name)
    assert isinstance(found, dict)
    return found


def bypass_verify_fence(machine: Machine) -> None:
    state(machine, "EndSessions")["Next"] = "FenceUnproven"
    state(machine, "FenceUnproven")["Output"]["proven"] = True


def take_unknown_for_proven(machine: Machine) -> None:
    del state(machine, "VerifyFence")["Arguments"]["Payload"]["unless_yes"]
    state(machine, "VerifyFence")["Output"]["proven"] = "{% $states.result.Payload.answer != 'no' %}"


def promote_by_default(machine: Machine) -> None:
    state(machine, "Fenced")["Default"] = "Promote"


def trust_a_failed_verification(machine: Machine) -> None:
    state(machine, "VerifyFence")["Catch"][0]["Next"] = "FenceUnproven"
    state(machine, "FenceUnproven")["Output"]["proven"] = "{% $not($fenceRead) %}"


def trust_a_failed_fence(machine: Machine) -> None:
    state(machine, "Fence")["Catch"][0]["Assign"]["fenced"] = True


def take_switching_off_for_off(machine: Machine) -> None:
    state(machine, "PowerOff")["Next"] = "Promote"


def prove_the_wrong_server(machine: Machine) -> None:
    state(machine, "VerifyFence")["Arguments"]["Payload"]["server"] = "{% $target %}"


def go_back_without_a_fence(machine: Machine) -> None:
    state(machine, "TurnBack")["Next"] = "Promote"


def name_before_the_fence(machine: Machine) -> None:
    moved = machine["States"]["Promote"]["Branches"].pop(1)
    machine["States"]["Fence"]["Branches"].append(moved)


def forget_which_answer_was_read(machine: Machine) -> None:
    state(machine, "FenceUnproven")["Output"]["proven"] = True


def take_any_answer_for_a_promotion(machine: Machine) -> None:
    del state(machine, "VerifyPromotion")["Arguments"]["Payload"]["unless_yes"]


def restart_after_the_fence(machine: Machine) -> None:
    state(machine, "Fenced")["Default"] = "RestartSource"


UNSAFE = [
    take_any_answer_for_a_promotion,
    restart_after_the_fence,
    bypass_verify_fence,
    take_unknown_for_proven,
    promote_by_default,
    trust_a_failed_verification,
    trust_a_failed_fence,
    take_switching_off_for_off,
    prove_the_wrong_server,
    go_back_without_a_fence,
    name_before_the_fence,
    forget_which_answer_was_read,
]


@pytest.mark.parametrize("edit", UNSAFE, ids=lambda edit: edit.__name__)
def test_an_unsafe_edit_is_found(edit: Callable[[Machine], None]) -> None:
    assert explore(edited(edit), until_breach=True).all_breaches() != []


def forget_to_count(machine: Machine) -> None:
    del state(machine, "RevokeAccess")["Assign"]
    del state(machine, "RevokeAccess")["Catch"][0]["Assign"]["fenceTries"]


def turn_back_for_ever(machine: Machine) -> None:
    state(machine, "TurnBack")["Assign"]["turned"] = False


def verify_for_ever(machine: Machine) -> None:
    del state(machine, "VerifyPromotion")["Catch"][0]["Assign"]["serverUp"]


@pytest.mark.parametrize("edit", [forget_to_count, turn_back_for_ever, verify_for_ever], ids=lambda edit: edit.__name__)
def test_a_loop_without_a_bound_is_found(edit: Callable[[Machine], None]) -> None:
    assert explore(edited(edit)).endless() is not None


def test_a_state_that_nothing_leads_to_is_found() -> None:
    machine = edited(lambda machine: state(machine, "Evaluated").update(Choices=[]))
    assert "ReplicateAhead" not in explore(machine).visited()


def test_a_block_after_something_was_touched_is_found() -> None:
    machine = edited(lambda machine: state(machine, "Fence")["Assign"].update(outcome="blocked"))
    assert [end for end in explore(machine).ends if "blocked" in end.output and end.truth.touched]


def test_a_switchover_that_goes_on_without_its_last_files_is_found() -> None:
    machine = edited(lambda machine: state(machine, "Fenced")["Choices"].pop(0))
    ends = explore(machine).ends
    assert [end for end in ends if "promoted" in end.output and end.truth.behind and not end.truth.waived]


def test_a_switchover_that_goes_on_by_default_is_found() -> None:
    machine = edited(lambda machine: state(machine, "FellBack")["Choices"][1].update(Condition="{% true %}"))
    ends = explore(machine).ends
    assert [end for end in ends if "promoted" in end.output and end.truth.behind and not end.truth.waived]
