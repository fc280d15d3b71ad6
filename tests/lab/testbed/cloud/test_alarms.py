"""Alarms: the evaluation by itself against CloudWatch's documented tables, then the way from a metric to its target."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.alarm_evaluation import EXTRA_POINTS, Rule, Sample, State, evaluate, points
from lab.testbed.cloud.alarms import STATE_CHANGED
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually
from tests.lab.testbed.cloud.test_functions import call


def rule(periods: int = 3, datapoints: int = 3, missing: str = "missing", period_s: int = 10) -> Rule:
    return Rule("GreaterThanThreshold", 0.5, period_s, periods, datapoints, "Maximum", missing)


def values(text: str) -> list[float | None]:
    """A row as CloudWatch's documentation draws it: 0 fine, X breaching, - missing."""
    return [{"0": 0.0, "X": 1.0, "-": None}[letter] for letter in text.split()]


@pytest.mark.parametrize(
    ("row", "datapoints", "missing", "ignore", "breaching", "not_breaching"),
    [
        # 3 of 3
        ("0 - X - X", 3, "OK", "OK", "OK", "OK"),
        ("0 - - - -", 3, "OK", "OK", "OK", "OK"),
        ("- - - - -", 3, "INSUFFICIENT_DATA", "kept", "ALARM", "OK"),
        ("0 X X - X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("- - X - -", 3, "ALARM", "kept", "ALARM", "OK"),
        # 2 of 3
        ("0 - X - X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 0 X 0 X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 - X - -", 2, "OK", "OK", "ALARM", "OK"),
        ("- - - - 0", 2, "OK", "OK", "ALARM", "OK"),
        ("- - - X -", 2, "ALARM", "kept", "ALARM", "OK"),
        # without gaps
        ("X X 0 0 0", 3, "OK", "OK", "OK", "OK"),
        ("0 0 X X X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
    ],
)
@pytest.mark.parametrize("current", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_the_documented_tables(
    row: str, datapoints: int, missing: str, ignore: str, breaching: str, not_breaching: str, current: State
) -> None:
    expected = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    for treatment, state in expected.items():
        got = evaluate(values(row), rule(3, datapoints, treatment), current)
        assert got == (current if state == "kept" else state), treatment


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=5, max_size=5), st.integers(1, 3))
def test_without_gaps_only_the_last_periods_count(recent: list[float], datapoints: int) -> None:
    expected = "ALARM" if sum(recent[-3:]) >= datapoints else "OK"
    for treatment in ("missing", "ignore", "breaching", "notBreaching"):
        assert evaluate(recent, rule(3, datapoints, treatment), "OK") == expected


def test_points_are_complete_periods_only() -> None:
    samples = [Sample(99.9, 1), Sample(100.0, 2), Sample(109.9, 5), Sample(110.0, 9)]
    assert points(samples, rule(2, 2), now=112.0) == [None] * (EXTRA_POINTS) + [1.0, 5.0]


@pytest.mark.parametrize(
    ("name", "value"), [("Sum", 6), ("Average", 2), ("Minimum", 1), ("Maximum", 3), ("SampleCount", 3), ("p50", 2)]
)
def test_statistics(name: str, value: float) -> None:
    samples = [Sample(100, 1), Sample(101, 2), Sample(102, 3)]
    about = Rule("GreaterThanThreshold", 0, 10, 1, 1, name)
    assert points(samples, about, now=110)[-1] == value


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="4 of 3"):
        rule(3, 4)
    with pytest.raises(ValueError, match="comparison"):
        Rule("GreaterThanUpperThreshold", 0, 10, 1, 1, "Sum")


def test_from_a_functions_metric_to_the_state_machine(sky: Sky) -> None:
    alarm = sky.stack.resources["Alarm"]
    client = sky.cloud.client("stepfunctions")
    machine = sky.stack.outputs["MachineArn"]

    def state() -> str:
        return str(sky.cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"])

    def started() -> list[str]:
        executions = client.list_executions(stateMachineArn=machine, maxResults=100)["executions"]
        inputs = [client.describe_execution(executionArn=each["executionArn"])["input"] for each in executions]
        return [each for each in inputs if json.loads(each).get("action") == "alarm"]

    sky.cloud.alarms.step(time.time())
    assert state() == "OK"  # nothing is missing: it treats missing as not breaching
    call(sky, "Echo", action="metric", value=1)
    eventually(lambda: sky.cloud.client("cloudwatch").list_metrics(Namespace="Sample")["Metrics"])
    sky.cloud.alarms.step(time.time() + 11)  # the period is over
    assert state() == "ALARM"
    [event] = [
        e for e in sky.cloud.bus.seen if e["detail-type"] == STATE_CHANGED and e["detail"]["state"]["value"] == "ALARM"
    ]
    assert event["source"] == "aws.cloudwatch"
    assert event["resources"] == [sky.stack.outputs["AlarmArn"]]
    assert event["detail"]["previousState"]["value"] == "OK"
    assert event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == {"Server": "ms1"}
    eventually(started)
    assert json.loads(started()[0]) == {"action": "alarm", "text": f"by {alarm}"}
    topic = backend("sns").topics[sky.stack.outputs["Topic"]]
    eventually(lambda: any(alarm in note[1] for note in topic.sent_notifications))


def test_setting_a_state_is_a_change_too(sky: Sky) -> None:
    client = sky.cloud.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="by-hand",
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    assert client.describe_alarms(AlarmNames=["by-hand"])["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
    client.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="drill")
    client.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="drill")
    events = [e for e in sky.cloud.bus.seen if e["detail"].get("alarmName") == "by-hand"]
    assert [e["detail"]["state"]["value"] for e in events] == ["ALARM"]
    client.delete_alarms(AlarmNames=["by-hand"])
