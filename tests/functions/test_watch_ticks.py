"""Where a tick of the watchdog ends and the next begins: no suspicion falls between them or outlives its time."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest
from msfailover.pair import PairState, Role
from msfailover.verdict import yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record

WELL, MUTE = {"admin": "answers", "port": "answers"}, {"admin": "silent", "port": "silent"}
STANDBY = {"admin": "refused", "port": "refused"}
LOOK_TAKES_S = 0.1


class Clock:
    """Time that passes only when somebody sleeps or looks."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Watched:
    """A watchdog with a clock of its own, over a server that falls silent at a moment."""

    def __init__(self, watch: ModuleType, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
        self.watch, self.answers, self.clock, self.started = watch, answers, Clock(), 0
        self.began, self.silent_from_s = self.clock.now, float("inf")
        self.well_from_s = float("inf")
        monkeypatch.setattr(watch, "time", self.clock)
        monkeypatch.setattr(watch.executions, "start", self._start)
        answers.prepare("probe", "look", self._look)
        answers.prepare("server", "power", yes("The instance of ms1 is running."))

    def tick(self, **event: Any) -> dict[str, Any]:
        return dict(self.watch.handler(event, None))

    def _look(self, _asked: object) -> dict[str, Any]:
        silent = self.silent_from_s <= self.clock.now - self.began < self.well_from_s
        self.clock.sleep(LOOK_TAKES_S)
        return {"ms1": MUTE if silent else WELL, "ms2": STANDBY}

    def _start(self, *_: object) -> str:
        self.started += 1
        return "arn:aws:states:eu-central-1:123456789012:execution:ms-failover-failover:watch"


@pytest.fixture
def watched(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A look each second, three failures, ticks of five seconds; ms1 is active."""
    record.put(PairState(active=Role.MS1, epoch=1))
    settings = {"PROBE_INTERVAL_SECONDS": "1", "PROBE_TIMEOUT_SECONDS": "0.5", "TICK_SECONDS": "5"}
    return Watched(run("watch", TABLE_NAME=record.name, **settings), answers, monkeypatch)


def test_a_tick_without_a_suspicion_leaves_the_rest_to_the_next_one(watched: Watched) -> None:
    assert watched.tick() == {"looks": 5, "started": []}
    assert watched.clock.now - watched.began < 5


def test_a_suspicion_at_the_end_of_a_tick_is_followed_up_to_its_end(watched: Watched) -> None:
    watched.silent_from_s = 3.9
    assert len(watched.tick()["started"]) == 1
    assert watched.clock.now - watched.began < 6


def test_a_server_that_answers_again_after_the_end_of_a_tick_ends_the_tick(watched: Watched) -> None:
    watched.silent_from_s, watched.well_from_s = 3.9, 4.6
    assert watched.tick()["started"] == []
    assert watched.clock.now - watched.began < 6


def test_three_silences_in_a_row_start_a_failover_across_ticks(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    assert [len(watched.tick(once=True)["started"]) for _ in range(3)] == [0, 0, 1]


def test_the_silence_that_starts_a_failover_waits_for_no_other_question(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    for _ in range(3):
        watched.tick(once=True)
    assert watched.started == 1
    assert watched.answers.actions("server") == ["power", "power"]


def test_failures_that_a_late_tick_remembers_are_no_longer_in_a_row(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    watched.tick(once=True)
    watched.tick(once=True)
    watched.clock.sleep(60)
    assert watched.tick(once=True)["started"] == []
