"""`readiness`: whom it asks, what it publishes and keeps, and when its alarm goes off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.decisions.machine import was_owner
from msfailover.pair import PairState, Role
from msfailover.questions import of_readiness
from msfailover.request import BadRequest
from msfailover.verdict import Verdict, no, yes

from lab.testbed.cloud.alarm_evaluation import EXTRA_POINTS, Rule, evaluate
from tests.functions.answers import Answers, Asked, Raises
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import lease, state
from tests.template.deployment import ROOT, template

FUNCTIONS = {"access": "database-access", "sessions": "database-sessions"}
AT = "10.0.0.30"
NOTHING = {("database-access", "ms2"), ("database-sessions", "ms2")}


class Topic(Wire):
    """SNS, which tells how many have confirmed that they want to be told."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, "sns", {"GetTopicAttributes": lambda _: self.attributes()})
        self.confirmed: int | None = 1

    def attributes(self) -> dict[str, Any]:
        if self.confirmed is None:
            raise Failure("AuthorizationError")
        return {"Attributes": {"SubscriptionsConfirmed": str(self.confirmed)}}


@pytest.fixture
def topic(cloud: None) -> Iterator[Topic]:
    with Topic(clients.sns()) as made:
        yield made


@pytest.fixture
def readiness(run: Start, record: Record, answers: Answers, topic: Topic) -> ModuleType:
    """The function, in front of a pair that is well."""
    record.put(state())
    for question in of_readiness(Role.MS1).values():
        function = FUNCTIONS.get(question.function, question.function)
        answers.prepare(function, question.action, _well(function, question.action))
    answers.prepare("pair", "keep_readiness", {"answer": "yes", "sentence": "Kept."})
    return run("readiness", TABLE_NAME=record.name)


def _well(function: str, action: str) -> Callable[[Asked], Verdict]:
    def answer(asked: Asked) -> Verdict:
        server = asked.get("server")
        if action == "foreign" or (action == "status" and (function, server) in NOTHING):
            return no(f"{server}: nothing.", guarded=[AT], database_addresses=[AT])
        active = server == "ms1"
        return yes(
            f"{action}: well.",
            service="running" if active else "stopped",
            autostart="off",
            version="6.6.9-1",
            role="active" if active else "standby",
            epoch=1,
            write_error="",
            clock=time.time(),
            values=["10.0.0.11"],
            addresses=["10.0.0.11"],
            days_left=300,
            guarded=[AT],
            database_addresses=[AT],
        )

    return answer


def check(readiness: ModuleType) -> dict[str, Any]:
    answer: dict[str, Any] = readiness.handler({"action": "check"}, None)
    return answer


def published(told: str) -> list[int]:
    return [json.loads(line)["Ready"][0] for line in told.splitlines() if '"CloudWatchMetrics"' in line]


def test_a_pair_that_is_well_is_ready_published_and_kept(
    readiness: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    found = check(readiness)
    assert found["answer"] == "yes", found["sentence"]
    assert {each["answer"] for each in found["checks"]} == {"yes"}
    assert published(capsys.readouterr().out) == [1]
    (kept,) = [payload for name, payload in answers.asked if name == "pair"]
    assert kept == {"action": "keep_readiness", "readiness": found}


def test_every_question_is_asked_once_and_none_of_them_acts(readiness: ModuleType, answers: Answers) -> None:
    check(readiness)
    asked = sorted((name, *payload.values()) for name, payload in answers.asked if name != "pair")
    wanted = sorted(
        (FUNCTIONS.get(each.function, each.function), *each.payload().values())
        for each in of_readiness(Role.MS1).values()
    )
    assert asked == wanted


def test_every_function_that_the_workflow_calls_is_kept_warm(readiness: ModuleType, answers: Answers) -> None:
    check(readiness)
    machine = (ROOT / "statemachine" / "failover.asl.json").read_text()
    called = {name for name in ("Pair", "Probe", "Server", "DatabaseAccess", "DatabaseSessions", "Dns", "Replicate")
              if f"${{{name}Function}}" in machine}  # fmt: skip
    assert {name.replace("-", "") for name, _ in answers.asked} >= {name.lower() for name in called}


def test_one_no_is_not_ready_and_says_what_to_do(
    readiness: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare("replicate", "status", no("The last whole set is a week old."))
    found = check(readiness)
    assert (found["answer"], found["sentence"]) == ("no", "Not ready: standby's copy fresh (no).")
    (bad,) = [each for each in found["checks"] if each["answer"] != "yes"]
    assert bad["sentence"] == "The last whole set is a week old."
    assert bad["remedy"]
    assert published(capsys.readouterr().out) == [0]


def test_a_function_that_fails_is_unknown_and_unknown_is_not_ready(
    readiness: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare("dns", "rights", Raises("Runtime.ExitError"))
    found = check(readiness)
    assert (found["answer"], found["sentence"]) == ("unknown", "Not ready: permissions (unknown).")
    assert published(capsys.readouterr().out) == [0]


def test_a_pair_that_nobody_took_into_care_is_not_ready_and_nobody_is_asked(
    readiness: ModuleType, record: Record, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    record.put(PairState())
    assert check(readiness)["sentence"] == "Not ready: the pair has not been adopted; run adopt first."
    assert [name for name, _ in answers.asked] == ["pair"]
    assert published(capsys.readouterr().out) == [0]


def test_a_machine_that_owns_its_servers_addresses_at_rest_is_remembered(
    readiness: ModuleType, record: Record, answers: Answers
) -> None:
    answers.prepare("server", "machine", lambda asked: no("Protected.", owns=asked["server"] == "ms1"))
    check(readiness)
    kept = record.table.machines()
    assert set(kept) - {"pair", "item"} == {"ms1"}
    assert was_owner(readiness.handler.context.settings.pair.ms1, state(), kept)
    assert not was_owner(readiness.handler.context.settings.pair.ms1, state(epoch=2), kept)


def test_nothing_is_remembered_while_a_change_is_under_way(
    readiness: ModuleType, record: Record, answers: Answers
) -> None:
    record.put(state(lease=lease()))
    answers.prepare("server", "machine", yes("It is.", owns=True))
    check(readiness)
    assert record.table.machines() == {}


@pytest.mark.parametrize(("confirmed", "answer"), [(0, "no"), (None, "unknown"), (2, "yes")])
def test_a_topic_without_a_confirmed_subscriber_tells_nobody(
    readiness: ModuleType, topic: Topic, confirmed: int | None, answer: str
) -> None:
    topic.confirmed = confirmed
    (people,) = [each for each in check(readiness)["checks"] if each["name"] == "notifications"]
    assert people["answer"] == answer


def test_a_result_that_can_not_be_kept_is_told_all_the_same(
    readiness: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare("pair", "keep_readiness", Raises("RecordBusy"))
    assert check(readiness)["answer"] == "yes"
    assert published(capsys.readouterr().out) == [1]


def test_the_active_server_of_the_record_is_the_one_that_is_asked_about(
    readiness: ModuleType, record: Record, answers: Answers
) -> None:
    record.put(state(active=Role.MS2, epoch=2))
    check(readiness)
    asked = [payload for name, payload in answers.asked if name == "server"]
    assert {"action": "check_standby", "server": "ms1"} in asked
    assert {"action": "runs", "server": "ms2"} in asked


def test_anything_but_a_check_is_refused(readiness: ModuleType, answers: Answers) -> None:
    with pytest.raises(BadRequest, match="check or status is needed"):
        readiness.handler({"action": "mend"}, None)
    assert answers.asked == []


@pytest.mark.parametrize("function", ["database-access", "database-sessions", "dns"])
def test_a_viewer_s_question_is_passed_on_as_a_status_and_nothing_else(
    readiness: ModuleType, answers: Answers, function: str
) -> None:
    asked = {"action": "status", "function": function, "server": "ms1", "payload": {"action": "grant"}}
    assert readiness.handler(asked, None)["answer"] == "yes"
    assert answers.asked == [(function, {"action": "status", "server": "ms1"})]


@pytest.mark.parametrize(
    "asked", [{"function": "pair"}, {"function": "server"}, {"function": "dns", "server": "ms3"}, {}]
)
def test_a_viewer_s_question_to_anybody_else_is_refused(
    readiness: ModuleType, answers: Answers, asked: dict[str, str]
) -> None:
    with pytest.raises(BadRequest):
        readiness.handler({"action": "status", **asked}, None)
    assert answers.asked == []


# ---- the alarm -------------------------------------------------------------------------------------------------------


def rule() -> Rule:
    alarm = template()["Resources"]["NotReadyAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("MsFailover", "Ready")
    return Rule(
        alarm["ComparisonOperator"], float(alarm["Threshold"]), alarm["Period"], alarm["EvaluationPeriods"],
        alarm["DatapointsToAlarm"], alarm["Statistic"], alarm["TreatMissingData"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "state_"),
    [
        ([1, 1], "OK"),
        ([1, 0], "OK"),
        ([0, 1], "OK"),
        ([0, 0], "ALARM"),
        ([None, None], "ALARM"),
        ([0, None], "ALARM"),
    ],
)
def test_the_alarm_goes_off_after_ten_minutes_of_no_or_of_silence(values: list[float | None], state_: str) -> None:
    assert evaluate([None] * EXTRA_POINTS + values, rule(), "OK") == state_


def test_it_is_asked_every_five_minutes_and_its_alarm_counts_in_the_same_steps() -> None:
    schedule = template()["Resources"]["ReadinessFunction"]["Properties"]["Events"]["Regularly"]["Properties"]
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(schedule["Input"]) == {"action": "check"}
    assert rule().period_s == 300


def test_the_example_event_is_the_one_it_understands() -> None:
    event = Path(ROOT / "events" / "readiness.json")
    assert json.loads(event.read_text()) == {"action": "check"}
