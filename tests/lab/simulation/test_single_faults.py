"""Every task with every kind of fault, and every other place too: nothing that goes wrong once breaks an invariant."""

from __future__ import annotations

import pytest

from lab.simulation import search
from lab.simulation.faults import Kind
from lab.simulation.judge import OUTCOMES
from lab.simulation.runner import Runner
from lab.simulation.schedule import BASES, Schedule
from tests.state_machine.definition import definition, places

PARTS = 8


@pytest.fixture(scope="module")
def singles() -> tuple[Schedule, ...]:
    runner = Runner()
    try:
        return tuple(search.singles(runner))
    finally:
        runner.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_no_single_fault_breaks_an_invariant(part: int, singles: tuple[Schedule, ...], runner: Runner) -> None:
    results = [runner.run(schedule) for schedule in singles[part::PARTS]]
    assert [f"{each.violation}: {each.schedule}" for each in results if each.violation] == []
    assert {outcome for each in results for outcome in each.outcomes} >= set(OUTCOMES)
    assert sum(bool(each.fired) for each in results) > len(results) / 2


def test_single_faults_are_of_every_kind_at_every_state_and_every_task(singles: tuple[Schedule, ...]) -> None:
    faults = {fault for schedule in singles for fault in schedule.faults}
    assert set(Kind) - {fault.kind for fault in faults} == {Kind.OPENED}
    struck = {fault.place for fault in faults}
    tasks = {name for name in struck if name.startswith("task:") and name != "task:topic.publish"}
    kinds = {name: {fault.kind for fault in faults if fault.place == name} for name in tasks}
    asked = {place.payload.get("action") for place in places(definition()) if place.body["Type"] == "Task"} - {None}
    assert {name.rpartition(".")[2] for name in tasks} == asked
    assert all(len(found) == 12 for found in kinds.values())
    assert len(BASES) < len(singles)
