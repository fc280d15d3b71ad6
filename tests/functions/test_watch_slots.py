"""The watchdog's slots, and the minute without them: no suspicion is lost between them or outlives its time."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import clients
from msfailover.adapters.watch_table import WatchTable
from msfailover.pair import PairState, Role
from msfailover.verdict import no, yes
from msfailover.watching import Run, Watching

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import PAIR, Record
from tests.functions.wire import Failure, Wire
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

    def __init__(
        self, watch: ModuleType, answers: Answers, monkeypatch: pytest.MonkeyPatch, clock: Clock | None = None
    ) -> None:
        self.watch, self.answers, self.clock, self.started = watch, answers, clock or Clock(), 0
        self.handler = watch.handler.within(clock=self.clock)
        self.context = self.handler.context
        self.began, self.silent_from_s, self.well_from_s = self.clock.now, float("inf"), float("inf")
        self.sent: list[dict[str, Any]] = []
        self.refuses = 0
        monkeypatch.setattr(watch.step_functions, "start", self._start)
        answers.prepare("probe", "probe", self._answer)
        answers.prepare("server", "power", yes("The instance of ms1 is running."))

    def tick(self, **event: Any) -> dict[str, Any]:
        return dict(self.handler(event, None))

    def slot(self, due_s: float) -> dict[str, Any]:
        """Hand over the slot that is due so many seconds after the beginning, then or when time has passed that."""
        self.clock.now = max(self.clock.now, self.began + due_s)
        body = json.dumps({"slot": round((self.began + due_s) * 1000)})
        return dict(self.handler({"Records": [{"eventSource": "aws:sqs", "body": body}]}, None))

    @property
    def kept(self) -> Watching:
        return WatchTable(clients.dynamodb(), self.context.settings.table, PAIR).read()

    def send(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """What SQS does with a batch: takes it, but for as many as a test wants refused."""
        refused, taken = call["Entries"][: self.refuses], call["Entries"][self.refuses :]
        self.refuses -= len(refused)
        self.sent += taken
        failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in refused]
        return {
            "Successful": [{"Id": each["Id"], "MessageId": "1", "MD5OfMessageBody": ""} for each in taken],
            "Failed": failed,
        }

    def _answer(self, _asked: object) -> dict[str, Any]:
        silent = self.silent_from_s <= self.clock.now - self.began < self.well_from_s
        self.clock.sleep(PROBE_TAKES_S)
        return {"ms1": MUTE if silent else WELL, "ms2": STANDBY}

    def _start(self, *_: object) -> str:
        self.started += 1
        return "arn:aws:states:eu-central-1:123456789012:execution:ms-failover-failover:watch"


SETTINGS = {"PROBE_INTERVAL_SECONDS": "1", "PROBE_TIMEOUT_SECONDS": "0.5", "TICK_SECONDS": "5"}


@pytest.fixture
def watched(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A probe each second, three failures, minutes of five seconds; ms1 is active."""
    record.put(PairState(active=Role.MS1, epoch=1))
    made = Watched(run("watch", TABLE_NAME=record.name, **SETTINGS), answers, monkeypatch)
    with Wire(clients.sqs(), "sqs", {"SendMessageBatch": made.send}):
        yield made


@pytest.fixture
def without_queue(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The same, whose queue takes nothing."""
    record.put(PairState(active=Role.MS1, epoch=1))
    made = Watched(run("watch", TABLE_NAME=record.name, **SETTINGS), answers, monkeypatch)

    def refuse(_: object) -> None:
        raise Failure("AccessDenied")

    with Wire(clients.sqs(), "sqs", {"SendMessageBatch": refuse}):
        yield made


# ---- slots


def test_the_schedules_call_seeds_slots_beyond_those_there_are_and_keeps_until_when(watched: Watched) -> None:
    watched.tick()
    first = len(watched.sent)
    assert first == 250
    assert [each["DelaySeconds"] for each in watched.sent[:3]] == [1, 2, 3]
    assert json.loads(watched.sent[-1]["MessageBody"])["slot"] == watched.kept.seeded_until_ms
    watched.clock.now = watched.began + 60.4
    watched.tick()
    slots = [json.loads(each["MessageBody"])["slot"] for each in watched.sent]
    assert 59 <= len(slots) - first <= 61
    assert {later - earlier for earlier, later in itertools.pairwise(slots)} == {1000}


def test_the_first_call_probes_itself_and_a_later_one_only_if_nobody_has(watched: Watched) -> None:
    assert watched.tick()["probes"] == 1
    watched.slot(60)
    assert watched.tick()["probes"] == 0
    watched.clock.now = watched.began + 63.5
    assert watched.tick()["probes"] == 1


def test_what_sqs_refuses_of_a_batch_is_sent_again(watched: Watched) -> None:
    watched.refuses = 3
    watched.tick()
    assert len({each["Id"] for each in watched.sent}) == len(watched.sent) == 250


def test_what_sqs_refuses_each_time_is_not_kept_as_seeded_and_the_minute_is_probed(watched: Watched) -> None:
    watched.refuses = 1000
    assert watched.tick()["probes"] == 5
    assert watched.kept.seeded_until_ms == 0


def test_without_a_queue_the_minute_is_probed_as_long_as_it_lasts(without_queue: Watched) -> None:
    assert without_queue.tick() == {"probes": 5, "started": []}
    assert without_queue.clock.now - without_queue.began < 5


def test_a_suspicion_at_the_end_of_a_minute_without_slots_is_followed_up(without_queue: Watched) -> None:
    without_queue.silent_from_s = 3.9
    assert len(without_queue.tick()["started"]) == 1
    assert without_queue.clock.now - without_queue.began < 6


def test_a_slot_is_one_probe_and_one_write(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []

    def update(_table: WatchTable, *what: object) -> bool:
        written.append(what)
        return True

    monkeypatch.setattr(WatchTable, "_update", update)
    assert watched.slot(5) == {"probes": 1, "started": []}
    assert len(written) == 1
    assert watched.answers.actions("probe") == ["probe"]


def test_a_slot_that_is_handed_over_twice_is_probed_once(watched: Watched) -> None:
    for _ in range(2):
        watched.slot(5)
    assert watched.answers.actions("probe") == ["probe"]


def test_slots_that_come_late_and_together_are_probed_once(watched: Watched) -> None:
    watched.clock.now = watched.began + 30
    for due in (7, 5, 9):
        watched.slot(due)
    assert watched.answers.actions("probe") == ["probe"]


def test_a_slot_that_comes_early_waits_less_than_a_second(watched: Watched) -> None:
    due = round((watched.began + 0.7) * 1000)
    watched.handler({"Records": [{"body": json.dumps({"slot": due})}]}, None)
    assert watched.kept.probed_ms >= due


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"slot": "soon"}', '{"slot": -1}', '{"slot": true}', "x"])
def test_a_message_that_is_no_slot_is_dropped(watched: Watched, body: str) -> None:
    assert watched.handler({"Records": [{"body": body}]}, None) == {"probes": 0, "started": []}


def test_an_outage_is_decided_in_the_slot_that_finds_it(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    assert len(watched.slot(1)["started"]) == 1
    assert watched.clock.now - watched.began < 3


def test_while_a_process_follows_up_a_suspicion_slots_are_left_to_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.silent_from_s = 0.0
    other: list[dict[str, Any]] = []
    sleep = watched.clock.sleep

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        if seconds > PROBE_TAKES_S and len(other) < 2:
            other.append(watched.slot(watched.clock.now - watched.began))

    monkeypatch.setattr(watched.clock, "sleep", meanwhile)
    assert len(watched.slot(1)["started"]) == 1
    assert [each["started"] for each in other] == [[], []]
    assert watched.answers.actions("probe") == ["probe"] * 3


def test_of_two_processes_that_probe_at_once_one_counts(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    fresh = watched.kept
    watched.slot(1)
    streak = watched.kept.failures
    later = WatchTable(clients.dynamodb(), watched.context.settings.table, PAIR)
    assert later.keep(fresh, Watching(probed_ms=1, failures=1, by="another")) is False
    assert watched.kept.failures == streak == 3


def test_a_streak_outlives_the_process_that_counted_it(
    watched: Watched, run: Start, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.silent_from_s = 0.0
    for _ in range(2):
        watched.tick(once=True)
    watched.clock.sleep(1)
    watch = run("watch", TABLE_NAME=watched.context.settings.table, **SETTINGS)
    successor = Watched(watch, answers, monkeypatch, watched.clock)
    successor.silent_from_s = 0.0
    assert len(successor.tick(once=True)["started"]) == 1


def test_three_silences_in_a_row_start_a_failover_across_calls(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    assert [len(watched.tick(once=True)["started"]) for _ in range(3)] == [0, 0, 1]


def test_the_silence_that_starts_a_failover_waits_for_no_other_question(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    for _ in range(3):
        watched.tick(once=True)
    assert watched.started == 1
    assert watched.answers.actions("server") == ["power", "power"]


def test_failures_of_a_minute_ago_are_no_longer_in_a_row(watched: Watched) -> None:
    watched.silent_from_s = 0.0
    watched.tick(once=True)
    watched.tick(once=True)
    watched.clock.sleep(60)
    assert watched.tick(once=True)["started"] == []


def test_a_probe_whose_reply_was_lost_after_it_was_kept_counts_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.silent_from_s = 0.0
    update = WatchTable._update

    def twice(table: WatchTable, *more: Any) -> bool:
        update(table, *more)
        return update(table, *more)

    monkeypatch.setattr(WatchTable, "_update", twice)
    watched.tick(once=True)
    assert watched.kept.failures == 1


def test_what_was_observed_is_logged_when_it_changes(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[Run] = []
    monkeypatch.setattr(watched.watch.logger, "info", lambda _, extra: logged.append(Run.from_json(extra)))
    watched.silent_from_s = 2.5
    for due in (1, 2, 3):
        watched.slot(due)
    assert [(each.count, each.finding, each.asked, each.failures) for each in logged] == [
        (2, "healthy", "", 0),
        (2, "silent", "power", 2),
    ]


# ---- a held connection


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
    return Watched(run("watch", TABLE_NAME=record.name, WATCH_HOLDS_CONNECTION="yes", **SETTINGS), answers, monkeypatch)


def slots_of(watched: Watched, until_s: int = 5) -> list[dict[str, Any]]:
    return [watched.slot(due) for due in range(until_s)]


def test_a_connection_that_stays_leaves_the_beat_as_it_is(holding: Watched) -> None:
    Held(holding)
    assert slots_of(holding) == [{"probes": 1, "started": []}] * 5
    assert holding.answers.actions("probe") == ["probe", "hold"] * 5


def test_the_end_of_the_connection_brings_the_next_probe_forward(holding: Watched) -> None:
    Held(holding).ends_at_s = [2.3, float("inf")]
    gone, probed_at = {"admin": "refused", "port": "refused"}, []

    def answer(_asked: object) -> dict[str, Any]:
        now = holding.clock.now - holding.began
        probed_at.append(round(now, 2))
        return {"ms1": gone if round(now, 2) >= 2.3 else WELL, "ms2": STANDBY}

    holding.answers.prepare("probe", "probe", answer)
    holding.answers.prepare("database-sessions", "status", no("ms1 has no session on the database."))
    assert [bool(each["started"]) for each in slots_of(holding, 3)] == [False, False, True]
    assert probed_at[:4] == [0, 1, 2, 2.3]


def test_a_server_that_ends_every_connection_is_probed_twice_as_often_at_most(holding: Watched) -> None:
    Held(holding).ends_at_s = [0.0] * 100
    assert sum(each["probes"] for each in slots_of(holding)) <= 10
    assert holding.started == 0


def test_while_something_is_amiss_nothing_is_held(holding: Watched) -> None:
    Held(holding)
    holding.silent_from_s = 0.0
    slots_of(holding)
    assert "hold" not in holding.answers.actions("probe")


def test_while_a_change_is_under_way_nothing_is_held(holding: Watched, record: Record) -> None:
    Held(holding)
    record.put(state(lease=lease()))
    slots_of(holding)
    assert "hold" not in holding.answers.actions("probe")


def test_a_connection_that_cannot_be_held_leaves_the_beat_as_it_is(holding: Watched) -> None:
    assert slots_of(holding) == [{"probes": 1, "started": []}] * 5  # nobody has prepared an answer to it


def test_without_being_asked_to_nothing_is_held(watched: Watched) -> None:
    Held(watched)
    slots_of(watched)
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
    slots_of(watched)
    assert left == []
    assert watched.started >= 1
