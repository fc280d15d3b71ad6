"""Where a tick of the watchdog ends and the next begins: no suspicion falls between them or outlives its time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.pair import PairState, Role
from msfailover.verdict import no, yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import lease, state

WELL, MUTE = {"admin": "answers", "port": "answers"}, {"admin": "silent", "port": "silent"}
STANDBY = {"admin": "refused", "port": "refused"}
PROBE_TAKES_S = 0.1


class Clock:
    """Time that passes only when somebody sleeps or a probe runs."""

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
        monkeypatch.setattr(watch.step_functions, "start", self._start)
        answers.prepare("probe", "probe", self._answer)
        answers.prepare("server", "power", yes("The instance of ms1 is running."))

    def tick(self, **event: Any) -> dict[str, Any]:
        return dict(self.watch.handler(event, None))

    def _answer(self, _asked: object) -> dict[str, Any]:
        silent = self.silent_from_s <= self.clock.now - self.began < self.well_from_s
        self.clock.sleep(PROBE_TAKES_S)
        return {"ms1": MUTE if silent else WELL, "ms2": STANDBY}

    def _start(self, *_: object) -> str:
        self.started += 1
        return "arn:aws:states:eu-central-1:123456789012:execution:ms-failover-failover:watch"


@pytest.fixture
def watched(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A probe each second, three failures, ticks of five seconds; ms1 is active."""
    record.put(PairState(active=Role.MS1, epoch=1))
    settings = {"PROBE_INTERVAL_SECONDS": "1", "PROBE_TIMEOUT_SECONDS": "0.5", "TICK_SECONDS": "5"}
    return Watched(run("watch", TABLE_NAME=record.name, **settings), answers, monkeypatch)


def test_a_tick_without_a_suspicion_leaves_the_rest_to_the_next_one(watched: Watched) -> None:
    assert watched.tick() == {"probes": 5, "started": []}
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


class Held:
    """A probe that holds a connection, which ends when a test says."""

    def __init__(self, watched: Watched) -> None:
        self._watched, self.ends_at_s = watched, [float("inf")]
        watched.answers.prepare("probe", "hold", self._hold)

    def _hold(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        clock, now = self._watched.clock, self._watched.clock.now - self._watched.began
        if self.ends_at_s[0] <= now + asked["seconds"]:
            clock.sleep(max(0.0, self.ends_at_s.pop(0) - now))
            return {"ended": True}
        clock.sleep(asked["seconds"])
        return {"ended": False}


@pytest.fixture
def holding(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Watched:
    record.put(PairState(active=Role.MS1, epoch=1))
    settings = {"PROBE_INTERVAL_SECONDS": "1", "PROBE_TIMEOUT_SECONDS": "0.5", "TICK_SECONDS": "5"}
    return Watched(run("watch", TABLE_NAME=record.name, WATCH_HOLDS_CONNECTION="yes", **settings), answers, monkeypatch)


def test_a_connection_that_stays_leaves_the_beat_as_it_is(holding: Watched) -> None:
    Held(holding)
    assert holding.tick() == {"probes": 5, "started": []}
    assert holding.answers.actions("probe") == ["probe", "hold"] * 4 + ["probe"]


def test_the_end_of_the_connection_brings_the_next_probe_forward(holding: Watched) -> None:
    Held(holding).ends_at_s = [2.3, float("inf")]
    gone, probed_at = {"admin": "refused", "port": "refused"}, []

    def answer(_asked: object) -> dict[str, Any]:
        now = holding.clock.now - holding.began
        probed_at.append(round(now, 2))
        return {"ms1": gone if now >= 2.3 else WELL, "ms2": STANDBY}

    holding.answers.prepare("probe", "probe", answer)
    holding.answers.prepare("database-sessions", "status", no("ms1 has no session on the database."))
    assert len(holding.tick()["started"]) > 0
    assert probed_at[:4] == [0, 1, 2, 2.3]


def test_a_server_that_ends_every_connection_is_probed_twice_as_often_at_most(holding: Watched) -> None:
    Held(holding).ends_at_s = [0.0] * 100
    assert holding.tick()["probes"] <= 10
    assert holding.started == 0


def test_while_something_is_amiss_nothing_is_held(holding: Watched) -> None:
    Held(holding)
    holding.silent_from_s = 0.0
    holding.tick()
    assert "hold" not in holding.answers.actions("probe")


def test_while_a_change_is_under_way_nothing_is_held(holding: Watched, record: Record) -> None:
    Held(holding)
    record.put(state(lease=lease()))
    holding.tick()
    assert "hold" not in holding.answers.actions("probe")


def test_a_connection_that_cannot_be_held_leaves_the_beat_as_it_is(holding: Watched) -> None:
    assert holding.tick() == {"probes": 5, "started": []}  # nobody has prepared an answer to it


def test_without_being_asked_to_nothing_is_held(watched: Watched) -> None:
    Held(watched)
    watched.tick()
    assert "hold" not in watched.answers.actions("probe")


@pytest.mark.parametrize("refused", ["the record", "the start"])
def test_a_call_that_aws_refuses_does_not_end_the_probing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    throttle = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Call")
    left = [throttle, throttle]
    owner, name = (
        (watched.watch.step_functions, "start") if refused == "the start" else (watched.watch.PairTable, "read")
    )
    original = getattr(owner, name)

    def throttled(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return original(*arguments)

    monkeypatch.setattr(owner, name, throttled)
    watched.silent_from_s = 0
    watched.tick()
    assert left == []
    assert watched.started >= 1
