"""Deliberate defects of the state machine: each an edit of its definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Machine = dict[str, Any]


def _states(machine: Machine) -> Iterator[tuple[str, Machine]]:
    for name, state in machine["States"].items():
        yield name, state
        for branch in state.get("Branches", ()):
            yield from _states(branch)


def _state(machine: Machine, wanted: str) -> Machine:
    return next(state for name, state in _states(machine) if name == wanted)


def verify_bypassed(machine: Machine) -> None:
    state = _state(machine, "EndSessions")
    state["Next"] = state["Catch"][0]["Next"] = "FenceUnproven"
    _state(machine, "FenceUnproven")["Output"]["proven"] = True


def sessions_first(machine: Machine) -> None:
    _state(machine, "BeginFencing")["Next"] = "EndSessions"
    _state(machine, "FenceAgain")["Choices"][-1]["Next"] = "EndSessions"
    for name, after in (("EndSessions", "RevokeAccess"), ("RevokeAccess", "VerifyFence")):
        state = _state(machine, name)
        state["Next"] = state["Catch"][0]["Next"] = after


def waits_for_the_dead(machine: Machine) -> None:
    state = _state(machine, "AskSourceToStop")
    state["Arguments"]["Payload"]["action"] = "stop_source"
    state["TimeoutSeconds"] = 600


def failed_probe_is_down(machine: Machine) -> None:
    _state(machine, "ConfirmOutage")["Catch"][0]["Assign"]["outage"] = "yes"


def name_may_fail(machine: Machine) -> None:
    _state(machine, "Promoting")["Choices"][0]["Condition"] = "{% $serverUp %}"


def unfenced_promotes(machine: Machine) -> None:
    carried, *_ = _state(machine, "Fenced")["Choices"]
    _state(machine, "Fenced").update(Choices=[carried], Default="Promote")


def power_alone(machine: Machine) -> None:
    _state(machine, "WaitForPower")["Next"] = "PowerOff"
