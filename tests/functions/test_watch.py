"""`watch`: what it starts and what it holds, in every mode and state; and whom it notifies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.pair import PairState
from msfailover.verdict import no

from tests.functions.answers import Answers, Raises
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import THEIRS, lease, receipt, state

FAR = 4_000_000_000.0
DOWN = {
    "ms1": {"admin": "refused", "port": "refused", "sentence": "refused"},
    "ms2": {"admin": "refused", "port": "refused", "sentence": "refused"},
}
WELL = DOWN | {"ms1": {"admin": "answers", "port": "answers", "sentence": "it answers"}}


class World:
    """Step Functions and SNS as the watchdog knows them: what was started, and who was notified of what."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.notified: list[str] = []
        self.exists = False

    def start(self, call: Any) -> dict[str, Any]:
        if not call["input"].startswith("{"):
            raise Failure("InvalidExecutionInput")
        if self.exists:
            raise Failure("ExecutionAlreadyExists")
        self.started.append({"name": call["name"], **json.loads(call["input"])})
        return {"executionArn": f"arn:aws:states:eu-central-1:123456789012:execution:m:{call['name']}"}

    def publish(self, call: Any) -> dict[str, Any]:
        self.notified.append(call["Subject"])
        return {"MessageId": "1"}


@pytest.fixture
def world(cloud: None) -> Iterator[World]:
    made = World()
    with (
        Wire(clients.stepfunctions(), "sfn", {"StartExecution": made.start}),
        Wire(clients.sns(), "sns", {"Publish": made.publish}),
    ):
        yield made


@pytest.fixture
def watch(run: Start, record: Record, answers: Answers, world: World) -> ModuleType:
    """The function, in front of a pair whose active server is gone: ports refused, no session left."""
    record.put(state())
    see(answers, DOWN)
    answers.prepare("database-sessions", "status", no("ms1 has none."))
    answers.prepare("pair", "hold", _hold(record))
    answers.prepare("pair", "release", {"answer": "yes", "sentence": "Nothing is held."})
    return run("watch", TABLE_NAME=record.name)


def _hold(record: Record) -> Any:
    """What `pair` does: keeps the first reason, and has operators notified of that one."""

    def hold(asked: Any) -> dict[str, Any]:
        before = record.get()
        if before.held:
            return {"answer": "yes", "sentence": before.held}
        record.put(PairState(**{**vars(before), "held": asked["sentence"]}))
        return {"answer": "yes", "sentence": "", "notification": {"subject": "held", "message": asked["sentence"]}}

    return hold


def see(answers: Answers, probes: dict[str, Any]) -> None:
    answers.prepare("probe", "probe", probes)


def probe(watch: ModuleType, times: int = 1) -> None:
    for _ in range(times):
        watch.probe_once(watch.handler.context)


STATES: dict[str, dict[str, Any]] = {
    "fresh": {},
    "maintenance": {"maintenance_until": FAR},
    "maintenance is over": {"maintenance_until": 1.0},
    "unacknowledged": {"acknowledged": False},
    "unacknowledged, in maintenance": {"acknowledged": False, "maintenance_until": FAR},
    "lease held": {"lease": lease(execution=THEIRS)},
    "halted": {"lease": lease(execution=THEIRS), "receipt": receipt(), "halted": "ms2 did not start."},
    "not adopted": {"active": None, "epoch": 0},
}
LEFT_TO_OTHERS = ("lease held", "halted", "not adopted")


@pytest.mark.parametrize(("mode", "name"), list(product(("automatic", "manual", "shadow"), STATES)))
def test_in_each_mode_and_state_it_starts_or_notifies_once_or_keeps_quiet(
    watch: ModuleType, record: Record, world: World, mode: str, name: str
) -> None:
    record.put(state(mode=mode, **STATES[name]))
    probe(watch, 6)
    starts = mode == "automatic" and name in ("fresh", "maintenance is over")
    notifies = not starts and name not in LEFT_TO_OTHERS and "maintenance_until" not in STATES[name]
    notifies = notifies or (not starts and name == "maintenance is over")
    assert bool(world.started) is starts
    assert world.notified == (["held"] if notifies else [])


def test_what_it_starts_is_a_failover_in_its_own_name_with_its_reason(watch: ModuleType, world: World) -> None:
    probe(watch, 3)
    first = world.started[0]
    assert (first["action"], first["target"], first["requested_by"]) == ("failover", "ms2", "watch")
    assert "ms1 is gone" in first["reason"]
    assert first["name"].startswith("watch-epoch2-")
    assert 0 <= time.time() - first["first_failed_at"] < 60


def test_a_doubled_start_is_none(watch: ModuleType, world: World) -> None:
    world.exists = True
    probe(watch, 3)
    assert world.started == []


def test_set_not_to_start_it_starts_nothing_and_notifies_nobody(
    run: Start, watch: ModuleType, record: Record, world: World
) -> None:
    probe(run("watch", TABLE_NAME=record.name, WATCH_STARTS_FAILOVER="no"), 6)
    assert (world.started, world.notified) == ([], [])


def test_the_next_outage_is_notified_of_anew(watch: ModuleType, record: Record, answers: Answers, world: World) -> None:
    record.put(state(mode="manual"))
    probe(watch, 4)
    see(answers, WELL)
    probe(watch)
    assert answers.actions("pair")[-1] == "release"
    record.put(state(mode="manual"))
    see(answers, DOWN)
    probe(watch, 4)
    assert world.notified == ["held", "held"]


def test_a_mode_that_is_changed_in_the_outage_is_obeyed_at_the_next_probe(
    watch: ModuleType, record: Record, world: World
) -> None:
    record.put(state(mode="manual"))
    probe(watch, 4)
    assert world.started == []
    record.put(PairState(**{**vars(record.get()), "mode": "automatic"}))
    probe(watch)
    assert len(world.started) == 1


def test_a_server_that_is_well_is_let_alone(watch: ModuleType, answers: Answers, world: World) -> None:
    see(answers, WELL)
    probe(watch, 6)
    assert (world.started, world.notified) == ([], [])
    assert answers.actions("pair") == []


def test_a_record_that_can_not_be_kept_does_not_end_the_probing(
    watch: ModuleType, record: Record, answers: Answers, world: World
) -> None:
    answers.prepare("pair", "hold", Raises("RecordBusy"))
    record.put(state(mode="manual"))
    probe(watch, 4)
    assert (world.started, world.notified) == ([], [])


def test_its_right_to_start_is_tried_without_starting_anything(watch: ModuleType, world: World) -> None:
    assert watch.handler({"action": "rights"}, None)["answer"] == "yes"
    assert world.started == []
