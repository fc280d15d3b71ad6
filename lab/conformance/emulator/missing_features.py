"""What ministack's Step Functions leave out, put in another way, so that the rest of the workflow can be judged there.

All three are in AWS's documentation ("Passing data between states with variables", "Succeed workflow state", "Task
workflow state"); the workflow itself is not changed for them. Without this no execution gets past its first Parallel.
"""

from __future__ import annotations

import json
import re
from typing import Any


def with_crutches(definition: str) -> str:
    """The definition: a Pass behind every Parallel, one in the place of every Succeed, plain numbers as limits."""
    machine = json.loads(definition)
    machine["States"] = _states(machine["States"])
    return json.dumps(machine)


def _states(states: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, state in states.items():
        found[name] = state = dict(state)
        limit = re.fullmatch(r"{% (\d+) %}", str(state.get("TimeoutSeconds")))
        if limit:
            state["TimeoutSeconds"] = int(limit[1])
        if "Branches" in state:
            state["Branches"] = [{**each, "States": _states(each["States"])} for each in state["Branches"]]
        if state["Type"] == "Parallel" and "Assign" in state:
            behind = f"{name}Assigned"
            # What a Parallel's Assign knows as its result is the next state's input.
            assign = json.loads(json.dumps(state.pop("Assign")).replace("$states.result", "$states.input"))
            found[behind] = {"Type": "Pass", "Assign": assign, "Next": state["Next"]}
            state["Next"] = behind
        if state["Type"] == "Succeed" and "Output" in state:
            found[name] = {"Type": "Pass", "Output": state["Output"], "End": True}
    return found
