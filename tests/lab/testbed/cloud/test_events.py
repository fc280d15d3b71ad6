"""The bus: patterns, what targets get, and events that are lost, doubled or late; schedules."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.events import target_input
from lab.testbed.cloud.schedules import ScheduleError, Schedules, first, following
from lab.testbed.cloud.targets import normally
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually

EVENT: dict[str, Any] = {
    "id": "1",
    "source": "aws.cloudwatch",
    "resources": ["arn:a"],
    "detail": {"alarmName": 'a "b"', "state": {"value": "ALARM"}, "n": 3},
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": '{"x": 1}'}, '{"x": 1}'),
        ({"InputPath": "$.detail.state"}, '{"value": "ALARM"}'),
        ({"InputPath": "$.resources[0]"}, '"arn:a"'),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"alarm": "$.detail.alarmName", "n": "$.detail.n", "no": "$.detail.gone"},
                    "InputTemplate": '{"reason": "alarm <alarm>", "n": <n>, "no": "<no>", "by": "'
                    '<aws.events.rule-name>"}',
                }
            },
            '{"reason": "alarm a \\"b\\"", "n": 3, "no": "", "by": "r"}',
        ),
    ],
)
def test_what_a_target_gets(target: dict[str, Any], expected: str) -> None:
    assert json.loads(target_input(target, EVENT, "arn:aws:events:r:1:rule/r")) == json.loads(expected)


@pytest.fixture
def called(sky: Sky) -> Iterator[Any]:
    """A rule that sends every `test.*` event to a function; gives what the function was called with."""
    events = sky.cloud.client("events")
    pattern = {"source": [{"prefix": "test."}], "detail": {"kind": [{"anything-but": "quiet"}]}}
    events.put_rule(Name="to-other", EventPattern=json.dumps(pattern))
    arn = backend("lambda").get_function(sky.stack.outputs["Other"]).function_arn
    events.put_targets(Rule="to-other", Targets=[{"Id": "t", "Arn": arn, "InputPath": "$.detail"}])
    log = sky.cloud.logs._directory / f"{sky.stack.outputs['Other']}.log"

    def lines(mark: str) -> int:
        text = log.read_text() if log.exists() else ""
        return sum(mark in line for line in text.splitlines() if line.startswith("called with"))

    yield lines
    sky.cloud.targets.plan = normally
    events.remove_targets(Rule="to-other", Ids=["t"])
    events.delete_rule(Name="to-other")


def put(sky: Sky, mark: str, kind: str = "loud", source: str = "test.unit") -> None:
    detail = json.dumps({"mark": mark, "kind": kind})
    answer = sky.cloud.client("events").put_events(Entries=[{"Source": source, "DetailType": "T", "Detail": detail}])
    assert answer["FailedEntryCount"] == 0


def test_events_reach_what_their_pattern_says(sky: Sky, called: Any) -> None:
    put(sky, "quiet-one", kind="quiet")
    put(sky, "stranger", source="other.unit")
    put(sky, "loud-one")
    eventually(lambda: called("loud-one") == 1, 15)
    assert called("quiet-one") == called("stranger") == 0


def test_events_can_be_lost_doubled_and_late(sky: Sky, called: Any) -> None:
    plans = {"lost": (), "doubled": (0.0, 0.0), "late": (0.3,)}
    sky.cloud.targets.plan = lambda _rule, _arn, payload: next(
        (delays for mark, delays in plans.items() if mark in str(payload)), (0.0,)
    )
    put(sky, "lost")
    put(sky, "doubled")
    eventually(lambda: called("doubled") == 2, 15)
    put(sky, "late")
    eventually(lambda: called("late") == 1, 15)
    assert called("lost") == 0


def test_a_schedule_has_fired_soon_after_it_was_made_and_can_be_fired(sky: Sky, called: Any) -> None:
    eventually(lambda: called('"action": "tick"') >= 1, 15)
    before = called('"action": "tick"')
    [name] = sky.stack.of_type("AWS::Scheduler::Schedule").values()
    sky.cloud.schedules.fire(name)
    eventually(lambda: called('"action": "tick"') == before + 1, 15)
    with pytest.raises(KeyError, match="nobody"):
        sky.cloud.schedules.fire("nobody")


def test_rates_crons_and_one_moment() -> None:
    now = datetime.datetime(2026, 3, 1, 12, 0, 30, tzinfo=datetime.UTC).timestamp()  # a Sunday
    assert first("rate(1 minute)", now, 2.0) == now + 2
    assert following("rate(5 minutes)", now, now + 1) == now + 300
    assert following("rate(1 minute)", now, now + 200) == now + 240
    assert first("cron(5 12 * * ? *)", now, 0) == now - 30 + 300
    assert first("cron(0/15 * ? * 2-6 *)", now, 0) == now - 30 + 12 * 3600  # Monday, midnight
    once = "at(2026-03-01T12:05:00)"
    assert (first(once, now, 2.0), following(once, now + 270, now + 271)) == (now + 270, math.inf)
    for wrong in ("at(tomorrow)", "cron(0 9 ? * MON *)", "rate(5)"):
        with pytest.raises(ScheduleError):
            first(wrong, now, 0)


def test_a_schedule_fires_each_period_and_not_while_paused(sky: Sky, called: Any) -> None:
    [name] = sky.stack.of_type("AWS::Scheduler::Schedule").values()
    sent: list[str] = []

    class Recorder:
        def deliver(self, origin: str, _arn: str, _payload: str) -> None:
            sent.append(origin)

    recorder: Any = Recorder()
    schedules = Schedules(recorder, first_after_s=1)
    for second in (0, 0.5, 1.1, 30, 61.2, 61.3, 121.5):
        schedules.step(1000 + second)
    assert sent == [name] * 3
    schedules.pause(name)
    schedules.step(1000 + 185)
    schedules.resume(name)
    schedules.step(1000 + 186)
    assert sent == [name] * 3
    schedules.step(1000 + 242)
    assert sent == [name] * 4
