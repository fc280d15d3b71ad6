"""`game_day`: both moves are asked for once whatever runs twice, and every end is noted once and notified of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.adapters.pair_table import Ending, RecordBusy
from msfailover.decisions import announcements
from msfailover.game_day import GameDay, Phase, Result
from msfailover.history import History, Outcome
from msfailover.pair import Role
from msfailover.request import BadRequest, parse_request

from lab.testbed.cloud.event_schemas import faults
from tests.functions.answers import Answers, Raises
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import MACHINE, NOW, receipt, state

LEADS = f"{MACHINE}:execution:ms-failover-game-day:"
MOVES = f"{MACHINE}:execution:ms-failover-failover:"
FIRST, SECOND = f"{LEADS}one", f"{LEADS}two"
READY = {
    "answer": "yes",
    "sentence": "Ready.",
    "checks": [{"name": "certificate", "answer": "yes", "sentence": "Good."}],
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


class StepFunctions(Wire):
    """Starts what it is asked for, once for each name; a test says how each execution stands."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, "sfn", {"StartExecution": self._start, "DescribeExecution": self._describe})
        self.asked: list[dict[str, Any]] = []
        self.status: dict[str, dict[str, Any]] = {}

    def _start(self, call: Mapping[str, Any]) -> dict[str, Any]:
        execution = f"{MOVES}{call['name']}"
        if execution in self.status:
            raise Failure("ExecutionAlreadyExists")
        self.asked.append(json.loads(call["input"]))
        self.status[execution] = {"status": "RUNNING"}
        return {"executionArn": execution, "startDate": datetime.fromtimestamp(NOW, UTC)}

    def _describe(self, call: Mapping[str, Any]) -> dict[str, Any]:
        if call["executionArn"] not in self.status:
            raise Failure("ExecutionDoesNotExist")
        return self.status[call["executionArn"]]

    @property
    def last_move(self) -> str:
        return [each for each in self.status if each.startswith(MOVES)][-1]

    @property
    def targets(self) -> list[str]:
        return [each["target"] for each in self.asked]


class Topic(Wire):
    def __init__(self, client: Any) -> None:
        super().__init__(client, "sns", {"Publish": self._publish})
        self.sent: list[Mapping[str, Any]] = []
        self.fails = False

    def _publish(self, call: Mapping[str, Any]) -> dict[str, Any]:
        if self.fails:
            raise Failure("InternalError")
        self.sent.append(call)
        return {"MessageId": "1"}

    @property
    def severities(self) -> list[str]:
        return [each["MessageAttributes"]["severity"]["StringValue"] for each in self.sent]


class Day:
    """The function with all that it sees, in front of a pair at rest, ms1 active in epoch 1."""

    def __init__(
        self, app: ModuleType, record: Record, answers: Answers, machine: StepFunctions, topic: Topic, clock: Clock
    ) -> None:
        self.app, self.record, self.answers = app, record, answers
        self.handler = app.handler.within(clock=clock)
        self.machine, self.topic, self.clock = machine, topic, clock

    def step(self, execution: str = FIRST, scheduled: str = "2026-10-01T03:00:00Z") -> dict[str, Any]:
        event = {"action": "step", "execution": execution, "scheduled": scheduled}
        return dict(self.handler(event, None))

    def kept(self) -> GameDay:
        found = self.record.table.game_day()
        assert found is not None
        return found

    def move_ends(self, outcome: str, active: Role, epoch: int, took_s: float = 10.0) -> None:
        """Have the move that was asked for last end so, with its line in the history."""
        execution = self.machine.last_move
        output = json.dumps({"outcome": outcome, "sentence": f"It was {outcome}."})
        self.machine.status[execution] = {"status": "SUCCEEDED", "output": output}
        now = self.clock.now
        line = History(
            epoch, execution, "switchover", active.other, active, Outcome(outcome), f"It was {outcome}.", "game day",
            "game-day", now - took_s, now, receipt(epoch=epoch), counts_from=now - took_s,
        )  # fmt: skip
        self.record.table.end_change(lambda before: Ending(state(active=active, epoch=epoch), line))

    def notes(self) -> list[dict[str, Any]]:
        return [line for line in self.record.table.history() if line["action"] == "game-day"]

    def until_it_serves(self) -> None:
        self.step()
        self.move_ends("promoted", Role.MS2, 2)
        self.step()
        assert self.kept().phase is Phase.SERVING

    def cut_short(self, status: str = "ABORTED", execution: str = FIRST) -> dict[str, Any]:
        event = {"source": "aws.states", "detail": {"executionArn": execution, "status": status}}
        return dict(self.handler(event, None))


@pytest.fixture
def day(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    record.put(state())
    app, pair = run("game_day", TABLE_NAME=record.name), run("pair", TABLE_NAME=record.name)
    clock = Clock()
    answers.prepare("readiness", "check", READY)
    answers.prepare("pair", "note_game_day", lambda asked: pair.handler(asked, None))
    with StepFunctions(clients.stepfunctions()) as machine, Topic(clients.sns()) as topic:
        machine.status[FIRST] = machine.status[SECOND] = {"status": "RUNNING"}
        yield Day(app, record, answers, machine, topic, clock)


@pytest.mark.parametrize("times", [1, 2], ids=["each step once", "each step twice"])
def test_a_game_day_moves_the_pair_there_and_home_and_reports_once(day: Day, times: int) -> None:
    def stepped() -> dict[str, Any]:
        answer = day.step()
        for _ in range(1, times):
            day.clock.now += 0.1
            answer = day.step()
        return answer

    assert stepped()["wait_s"] == 5
    assert day.machine.targets == ["ms2"]
    assert parse_request(day.machine.asked[0]).requested_by == "game-day"
    day.move_ends("promoted", Role.MS2, 2, 12.5)
    stepped()
    assert day.kept().phase is Phase.SERVING
    day.clock.now += 599
    assert stepped()["wait_s"] == 30
    day.clock.now += 1
    assert stepped()["done"] is False
    stepped()
    assert day.machine.targets == ["ms2", "ms1"]
    day.move_ends("promoted", Role.MS1, 3, 11.0)
    answer = stepped()
    assert (answer["done"], answer["result"]) == (True, "completed")
    (line,) = day.notes()
    kept = line["game_day"]
    assert (kept["result"], kept["there_s"], kept["home_s"], kept["target_s"]) == ("completed", 12.5, 11, 120)
    assert [each["Subject"] for each in day.topic.sent] == ["[ms-failover management-server] game day completed"]
    assert "there 12.5 s, home 11.0 s; within the target of 120 s." in day.topic.sent[0]["Message"]
    assert day.record.verified().is_yes


def test_its_end_is_an_event_as_its_schema_says(day: Day) -> None:
    day.record.put(state(mode="manual"))
    day.step()
    (event,) = announcements.of_lines("tectia", "demo", day.record.table.history(), 0, 99)
    assert (event.kind, faults(event.kind, event.detail)) == ("Game Day Ended", [])
    assert (event.detail["result"], event.detail["severity"], event.detail["home"]) == ("not-begun", "warning", "ms1")


@pytest.mark.parametrize(
    "changes", [{"maintenance_until": NOW + 60}, {"mode": "manual"}, {"acknowledged": False}, {"active": None}]
)
def test_what_the_record_forbids_is_reported_and_nobody_is_asked(day: Day, changes: dict[str, Any]) -> None:
    day.record.put(state(**changes))
    assert day.step()["result"] == "not-begun"
    assert day.machine.asked == []
    assert day.answers.actions("readiness") == []
    assert day.topic.severities == ["warning"]
    assert len(day.notes()) == 1


@pytest.mark.parametrize("found", [{**READY, "answer": "no"}, {**READY, "answer": "unknown"}, Raises("Unhandled"), {}])
def test_none_begins_unless_readiness_says_yes_now(day: Day, found: Any) -> None:
    day.answers.prepare("readiness", "check", found)
    assert day.step()["result"] == "not-begun"
    assert day.machine.asked == []


def test_what_is_set_while_readiness_is_asked_counts(day: Day) -> None:
    def set_meanwhile(_asked: Any) -> dict[str, Any]:
        day.record.put(state(mode="manual"))
        return READY

    day.answers.prepare("readiness", "check", set_meanwhile)
    assert day.step()["result"] == "not-begun"
    assert day.machine.asked == []


def test_the_calendar_s_second_call_for_a_day_is_none(day: Day) -> None:
    day.step()
    assert day.step(SECOND)["result"] == "duplicate"
    assert (day.machine.targets, day.notes(), day.topic.sent) == (["ms2"], [], [])
    assert day.kept().execution == FIRST


def test_one_that_is_asked_for_while_another_is_under_way_does_not_begin_and_leaves_that_alone(day: Day) -> None:
    day.until_it_serves()
    before = day.kept()
    assert day.step(SECOND, "")["result"] == "not-begun"
    assert "another game day is under way" in day.notes()[0]["sentence"]
    assert day.kept() == before


def test_one_that_was_left_half_done_is_reported_before_the_next_begins(day: Day) -> None:
    day.until_it_serves()
    day.machine.status[FIRST] = {"status": "TIMED_OUT"}
    day.step(SECOND, "2026-11-01T03:00:00Z")
    (line,) = day.notes()
    assert (line["game_day"]["result"], line["game_day"]["execution"]) == ("interrupted", FIRST)
    assert (day.kept().execution, day.kept().home) == (SECOND, Role.MS2), "home is where it begins"
    assert day.machine.targets == ["ms2", "ms1"]


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_one_that_is_cut_short_between_the_moves_is_reported_and_moves_nothing(day: Day, status: str) -> None:
    day.until_it_serves()
    for _ in range(2):
        assert day.cut_short(status)["result"] == "interrupted"
    assert day.step()["result"] == "interrupted"
    assert (day.machine.targets, day.topic.severities, len(day.notes())) == (["ms2"], ["critical"], 1)
    assert "Nothing moves the pair home to ms1. ms2 is active, epoch 2." in day.notes()[0]["sentence"]


def test_the_news_of_another_game_day_s_execution_changes_nothing(day: Day) -> None:
    day.until_it_serves()
    assert day.cut_short(execution=SECOND)["result"] == ""
    assert day.kept().phase is Phase.SERVING


def test_of_two_writers_one_writes_and_the_other_says_so(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    day.until_it_serves()
    day.clock.now += 600
    decide = day.app.game_days.while_serving

    def meanwhile(*given: Any) -> GameDay:
        monkeypatch.setattr(day.app.game_days, "while_serving", decide)
        day.clock.now += 1
        day.step()
        decided: GameDay = decide(*given)
        return decided

    monkeypatch.setattr(day.app.game_days, "while_serving", meanwhile)
    with pytest.raises(RecordBusy):
        day.step()
    day.step()
    assert day.machine.targets == ["ms2", "ms1"]


def test_a_report_that_failed_is_made_again_and_noted_once(day: Day) -> None:
    day.record.put(state(mode="manual"))
    day.topic.fails = True
    with pytest.raises(Exception, match="InternalError"):
        day.step()
    assert (day.kept().result, day.kept().reported) == (Result.NOT_BEGUN, False)
    day.topic.fails = False
    assert day.step()["done"] is True
    assert (len(day.notes()), len(day.topic.sent), day.kept().reported) == (1, 1, True)


def test_a_move_that_could_not_be_asked_for_in_a_minute_is_not_asked_for_later(day: Day) -> None:
    day.until_it_serves()
    day.clock.now += 600
    day.step()
    day.clock.now += 60
    assert day.step()["result"] == "stayed"
    assert day.machine.targets == ["ms2"]


@pytest.mark.parametrize(
    "event",
    [
        {"action": "go"},
        {"action": "step", "execution": f"{MOVES}one"},
        {"action": "step"},
        {"source": "aws.states", "detail": {"executionArn": f"{MOVES}one", "status": "ABORTED"}},
        {"source": "aws.states"},
    ],
)
def test_what_is_not_its_own_execution_s_is_refused(day: Day, event: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        day.app.handler(event, None)
    assert day.record.table.game_day() is None


@pytest.mark.parametrize("damage", [{}, {"game_day": None}, {"game_day": {"phase": "ended"}}])
def test_what_is_no_ended_game_day_is_noted_by_nobody(run: Start, record: Record, damage: dict[str, Any]) -> None:
    record.put(state())
    with pytest.raises(BadRequest, match="game_day"):
        run("pair", TABLE_NAME=record.name).handler({"action": "note_game_day", **damage}, None)
    assert record.table.history() == []
