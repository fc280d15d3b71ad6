"""The deployed workflow as the simulation walks it: states, retries, waits and limits, from the project's files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from lab.testbed.cloud import template as templates
from lab.testbed.state_files import ROOT

States = Mapping[str, Any]

PROMOTED, HALTED, AGAIN = "promoted", "halted", "again"
"""How an execution ends here; `again` is blocked, nothing touched: the watchdog's next probe starts another one."""


@cache
def definition() -> dict[str, Any]:
    """The state machine of this checkout."""
    found: dict[str, Any] = json.loads((ROOT / "statemachine/failover.asl.json").read_text(encoding="utf-8"))
    return found


@cache
def limits() -> dict[str, float]:
    """The numbers that the template puts into it, with the template's defaults."""
    template = templates.load(ROOT / "template.yaml")
    (machine,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::StateMachine"]
    found = machine["Properties"]["DefinitionSubstitutions"]
    values = {name: _value(each, template["Parameters"]) for name, each in found.items()}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def _value(given: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(given, Mapping):
        return parameters.get(str(given.get("Ref")), {}).get("Default")
    return given


def every(states: States) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state by its name, those in branches too."""
    for name, state in states.items():
        yield name, state
        for branch in state.get("Branches", ()):
            yield from every(branch["States"])


class Retries:
    """The retries of one visit to a task: each retrier counts for itself, as Amazon States Language has it.

    Args:
        state: the task.
        chance: for a retrier with full jitter.
    """

    def __init__(self, state: Mapping[str, Any], chance: random.Random) -> None:
        self._retriers, self._chance = list(state.get("Retry", ())), chance
        self._used = [0] * len(self._retriers)

    def pause(self, error: str) -> float | None:
        """Seconds until the next try after an error; None where there is none."""
        for at, each in enumerate(self._retriers):
            if error not in each["ErrorEquals"] and "States.ALL" not in each["ErrorEquals"]:
                continue
            if self._used[at] >= each.get("MaxAttempts", 3):
                return None
            pause = each.get("IntervalSeconds", 1) * each.get("BackoffRate", 2.0) ** self._used[at]
            self._used[at] += 1
            pause = min(pause, each.get("MaxDelaySeconds", pause))
            return self._chance.uniform(0, pause) if each.get("JitterStrategy") == "FULL" else float(pause)
        return None


def caught(state: Mapping[str, Any], error: str) -> str | None:
    """Where a task goes on whose retries are over; None where the execution fails."""
    for each in state.get("Catch", ()):
        if error in each["ErrorEquals"] or "States.ALL" in each["ErrorEquals"]:
            return str(each["Next"])
    return None


class Facts:
    """What one execution knows, as far as its Choice states ask for it here."""

    def __init__(self) -> None:
        self.down = self.fit = self.fenced = self.server_up = self.name_moved = False
        self.started = False
        """Whether the new server was asked to start, whatever came of the task."""
        self.ended = False
        self.fence_read = True
        self.power_tries = 0

    def choose(self, name: str, state: Mapping[str, Any]) -> str:
        """Where a Choice state leads: one of its own targets.

        Raises:
            KeyError: its question is not known here.
            ValueError: it does not lead there (any more).
        """
        ask: dict[str, Callable[[], str]] = {
            "Admitted": lambda: "Evaluate",
            "MustConfirm": lambda: "ConfirmOutage",
            "Evaluated": lambda: "Fence" if self.down and self.fit else "Conclude",
            "MustCarry": lambda: "SourceAnswered" if self.power_tries else "AskSourceToStop",
            "MustEndSessions": lambda: "EndSessions",
            "FenceAgain": lambda: "EndSessions" if self.fence_read and not self.ended else "FenceUnproven",
            "Fenced": lambda: "Promote" if self.fenced else "PowerOff",
            "PowerVerified": lambda: "WaitForPower" if self.power_tries < limits()["PowerAttempts"] else "Conclude",
            "Promoting": lambda: "VerifyPromotion" if self.server_up and self.name_moved else "Conclude",
            "MustAskForCopy": lambda: "Notify",
            "MustNotify": lambda: "Notify",
            "Ended": lambda: "Done",
        }
        target = ask[name]()
        if target not in {state["Default"], *(each["Next"] for each in state["Choices"])}:
            raise ValueError(f"{name} does not lead to {target}")
        return target

    def joined(self, name: str, well: list[bool]) -> None:
        """Note what the branches of a Parallel came to."""
        if name == "Evaluate":
            self.down, self.fit = well
        elif name == "Fence":
            self.fenced = well[1]
        else:
            self.server_up, self.name_moved = well[0] or self.started, well[1]
