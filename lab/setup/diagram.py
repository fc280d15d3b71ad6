"""The workflow as a diagram, from its definition. Run it to write the one in docs/design.md anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "statemachine/failover.asl.json"
PAGE = ROOT / "docs/design.md"
BEGIN, END = "<!-- diagram: written by make diagram -->", "<!-- /diagram -->"

_COMMON = ("Throttled", "FunctionFailed", "Lambda.ServiceException")
"""The first errors of the retries that every call has; they are not drawn."""
_SHAPES = {"Choice": ("{", "}"), "Succeed": ("([", "])"), "Fail": ("([", "])"), "Pass": (">", "]")}

State = Mapping[str, Any]


def page(text: str) -> str:
    """A page with the diagram in its place. Raises ValueError where the page has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no lines {BEGIN} and {END}")
    drawn = "\n".join(diagram(json.loads(DEFINITION.read_text())))
    return f"{before}{BEGIN}\n\n```mermaid\n{drawn}\n```\n\n{END}{after}"


def diagram(machine: Mapping[str, Any]) -> list[str]:
    """The lines of a Mermaid flowchart.

    Args:
        machine: a definition in Amazon States Language.
    """
    return ["flowchart TD", f"  start([start]) --> {machine['StartAt']}", *_drawn(machine["States"], "  ")]


def _drawn(states: Mapping[str, State], margin: str) -> Iterator[str]:
    for name, state in states.items():
        if state["Type"] == "Parallel":
            yield f"{margin}subgraph {name}"
            for number, branch in enumerate(state["Branches"]):
                yield f'{margin}  subgraph {name}{number}[" "]'
                yield from _drawn(branch["States"], margin + "    ")
                yield f"{margin}  end"
            yield f"{margin}end"
        else:
            left, right = _SHAPES.get(state["Type"], ("[", "]"))
            yield f"{margin}{name}{left}{_quoted('<br/>'.join([name, *_waits(state)]))}{right}"
    for name, state in states.items():
        yield from (f"{margin}{name} {edge}" for edge in _edges(state))


def _waits(state: State) -> Iterator[str]:
    """What a state is tried again for beside what every call is, and how often at most; how long a Wait lasts."""
    if "Seconds" in state:
        yield f"{_plain(str(state['Seconds']))} s"
    for retry in state.get("Retry", ()):
        if retry["ErrorEquals"][0] not in _COMMON and retry["MaxAttempts"]:
            errors = ", ".join("any error" if each == "States.ALL" else each for each in retry["ErrorEquals"])
            yield f"again, {retry['MaxAttempts']} times at most: {errors}"


def _edges(state: State) -> Iterator[str]:
    """Where a state leads, a dotted line where it does so by an error only."""
    for choice in state.get("Choices", ()):
        yield f"-->|{_quoted(_plain(choice['Condition']))}| {choice['Next']}"
    for following in (state[key] for key in ("Default", "Next") if key in state):
        yield f"-->|otherwise| {following}" if "Default" in state else f"--> {following}"
    caught = dict.fromkeys(each["Next"] for each in state.get("Catch", ()))
    yield from (f"-.->|error| {target}" for target in caught if target != state.get("Next"))


def _plain(expression: str) -> str:
    """An expression without JSONata's marks: what it says, to be read."""
    bare = re.sub(r"^\{%\s*|\s*%\}$", "", expression)
    return re.sub(r"\$\{(\w+)\}|\$(?=\w)", lambda found: found[1] or "", bare)


def _quoted(label: str) -> str:
    """A label as Mermaid takes it; what it would read as its own or as HTML is written as an entity."""
    words = label.split("<br/>")
    return (
        '"'
        + "<br/>".join(each.replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") for each in words)
        + '"'
    )


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
