"""Every JSONata expression of the workflow means to the reference implementation what it means to the testbed's.

The simulation's beginnings are run, with every task failing in turn, and schedules with faults by chance; each
evaluation is recorded with its variables, and asked again of the reference implementation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lab.conformance.programs import ask
from lab.simulation import search
from lab.simulation.runner import Runner
from lab.testbed.cloud import jsonata
from tests.state_machine.definition import definition

SCHEDULES = 150
SEED = 14
EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation as the testbed made it; `value` is None with an `error`."""

    expression: str
    variables: Mapping[str, Any]
    value: Any
    error: str


@pytest.fixture(scope="module")
def evaluations() -> Iterator[list[Evaluation]]:
    found: dict[str, Evaluation] = {}
    evaluate = jsonata.evaluate

    def recorded(expression: str, variables: Mapping[str, Any]) -> Any:
        key = json.dumps([expression, dict(variables)], sort_keys=True)
        try:
            value = evaluate(expression, variables)
        except jsonata.QueryError as error:
            found[key] = Evaluation(expression, dict(variables), None, str(error))
            raise
        found[key] = Evaluation(expression, dict(variables), value, "")
        return value

    runner = Runner()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jsonata, "evaluate", recorded)
        try:
            for schedule in search.singles(runner):
                if not schedule.faults or schedule.faults[0].times == search.FOR_GOOD:  # each Catch, once
                    runner.run(schedule)
            known = search.places(runner)
            for number in range(SCHEDULES):
                runner.run(search.by_chance(SEED, number, known))
        finally:
            runner.close()
    yield list(found.values())


def written(tree: Any) -> Iterator[str]:
    """Every expression that stands in the definition."""
    if isinstance(tree, Mapping):
        for each in tree.values():
            yield from written(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from written(each)
    elif isinstance(tree, str) and (match := EXPRESSION.match(tree)):
        yield match[1].strip()


def made_up(expression: str) -> Evaluation:
    """An evaluation of an expression that no schedule came to: a Catch of what the branches inside caught already."""
    names = set(re.findall(r"\$(\w+)", expression)) - {"states"}
    variables = {
        **dict.fromkeys(names, 'a "word"'),
        "states": {"errorOutput": {"Error": "Failed", "Cause": "it's so\n"}},
    }
    return Evaluation(expression, variables, jsonata.evaluate(expression, variables), "")


def test_both_implementations_give_the_same_values(evaluations: list[Evaluation]) -> None:
    seen = {each.expression.strip() for each in evaluations}
    never = {each for each in written(definition()) if "${" not in each} - seen
    asked = [*evaluations, *map(made_up, sorted(never))]
    answers = ask("expressions", json.dumps([{"expression": e.expression, "variables": e.variables} for e in asked]))
    differ = [
        (each.expression, each.value, each.error, answer)
        for each, answer in zip(asked, answers, strict=True)
        if (("error" in answer) != bool(each.error)) or (not each.error and answer["value"] != each.value)
    ]
    assert differ == []
    assert len(never) < len(seen) / 5, "most expressions are judged with values that were really there"


def test_a_difference_would_be_found() -> None:
    (answer,) = ask("expressions", json.dumps([{"expression": "$n + 1", "variables": {"n": 2}}]))
    assert answer == {"value": 3}
    (undefined,) = ask("expressions", json.dumps([{"expression": "$missing", "variables": {}}]))
    assert "error" in undefined
