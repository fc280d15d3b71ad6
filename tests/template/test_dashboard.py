"""The dashboard and the alarms ask for metrics that are really published, under the names they are published by."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.template.deployment import ROOT, functions, resources, template, value

OURS = "MsFailover"
OF_AWS = {
    "AWS/States": {f"Executions{each}" for each in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")},
    "AWS/Lambda": {"Errors"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
}
"""What AWS itself publishes, as far as it is asked for here (developer guides of the three)."""


def body() -> dict[str, Any]:
    (board,) = resources("AWS::CloudWatch::Dashboard").values()
    found: dict[str, Any] = json.loads(value(board["DashboardBody"]))
    return found


def widgets(kind: str) -> list[dict[str, Any]]:
    return [each["properties"] for each in body()["widgets"] if each["type"] == kind]


Metric = tuple[str, str, tuple[tuple[str, str], ...]]


def shown() -> list[Metric]:
    """Namespace, name and dimensions of every metric on the dashboard."""
    rows = [[part for part in row if isinstance(part, str)] for each in widgets("metric") for row in each["metrics"]]
    return [(row[0], row[1], tuple(sorted(zip(row[2::2], row[3::2], strict=True)))) for row in rows]


def watched() -> list[Metric]:
    """The same of every alarm."""
    alarms = [value(each) for each in resources("AWS::CloudWatch::Alarm").values()]
    return [
        (each["Namespace"], each["MetricName"], tuple(sorted((d["Name"], d["Value"]) for d in each["Dimensions"])))
        for each in alarms
    ]


def published(service: str) -> set[str]:
    """The names that a function's source gives its metrics; tests/failoverctl/test_testbed.py checks what arrives."""
    source = (ROOT / "functions" / service / "app.py").read_text()
    assert f'EphemeralMetrics(namespace=observability.NAMESPACE, service="{service}")' in source
    assert re.search(r'add_dimension\("Pair", (SETTINGS|context\.settings)\.pair\.name\)', source)
    return set(re.findall(r'"([A-Z][A-Za-z]+)"', source))


def test_there_is_something_to_check() -> None:
    assert len(shown()) > 20
    assert len(watched()) > 8


@pytest.mark.parametrize("metric", [*shown(), *watched()], ids=lambda each: str(each[1]))
def test_every_metric_is_one_that_somebody_publishes(metric: Metric) -> None:
    namespace, name, dimensions = metric
    if namespace != OURS:
        assert name in OF_AWS[namespace]
        return
    assert set(dict(dimensions)) == {"Pair", "service"}
    assert name in published(dict(dimensions)["service"])


def test_every_alarm_is_on_the_dashboard() -> None:
    (widget,) = widgets("alarm")
    wanted = {value({"Fn::GetAtt": [name, "Arn"]}) for name in resources("AWS::CloudWatch::Alarm")}
    assert set(widget["alarms"]) == wanted


def test_every_function_s_errors_are_on_the_dashboard() -> None:
    always = [each["Properties"] for each in template()["Resources"].values() if "Condition" not in each]
    names = {value(each["FunctionName"]) for each in functions().values() if each in always}
    assert {dict(dimensions)["FunctionName"] for space, _, dimensions in shown() if space == "AWS/Lambda"} == names


def test_no_widget_lies_on_another_or_hangs_over_the_edge() -> None:
    taken: set[tuple[int, int]] = set()
    for each in body()["widgets"]:
        assert each["x"] + each["width"] <= 24
        fields = {
            (each["x"] + column, each["y"] + row) for column in range(each["width"]) for row in range(each["height"])
        }
        assert not fields & taken, each["properties"].get("title")
        taken |= fields
