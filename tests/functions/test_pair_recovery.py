"""`pair`: how long the service was out, from the first failed probe to a server that serves."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import OURS, receipt, state


@pytest.fixture
def pair(run: Start, record: Record, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    record.put(state())
    function = run("pair", TABLE_NAME=record.name)
    monkeypatch.setattr(function.step_functions, "phases", lambda *_: [])
    return function


def failover(pair: ModuleType, record: Record, outcome: str, **request: Any) -> dict[str, Any]:
    """Begin a failover, have the fence proven, and end it."""
    asked = {"action": "failover", "reason": "ms1 is silent", "requested_by": "watch", **request}
    entered = datetime.now(UTC).isoformat()
    pair.handler({"action": "begin", "request": asked, "execution": OURS, "entered": entered}, None)
    if outcome == "promoted":
        record.table.change(lambda before: state(lease=before.lease, receipt=receipt(), version=before.version))
    ended = {"action": "conclude", "outcome": outcome, "sentence": "So it ended.", "execution": OURS}
    answer: dict[str, Any] = pair.handler(ended, None)
    assert pair.handler(ended, None)["outcome"] == outcome, "twice is once"
    return answer


def published(told: str) -> list[float]:
    metrics = [json.loads(line) for line in told.splitlines() if '"CloudWatchMetrics"' in line]
    assert {(each["Pair"], each["service"]) for each in metrics} <= {("management-server", "pair")}
    return [float(each["RecoverySeconds"][0]) for each in metrics]


def test_seconds_since_the_first_failed_probe_are_in_line_metric_and_message(
    pair: ModuleType, record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = failover(pair, record, "promoted", first_failed_at=time.time() - 20)
    (line,) = record.table.history()
    assert 20 <= line["recovery_s"] < 30
    assert line["recovery_s"] == pytest.approx(line["ended_at"] - line["counts_from"], abs=0.001)
    assert set(published(capsys.readouterr().out)) == {line["recovery_s"]}
    assert f"Out: ms2 served {line['recovery_s']:.0f} s after the first failed probe." in answer["message"]


def test_without_a_probe_seconds_count_from_the_begin(pair: ModuleType, record: Record) -> None:
    answer = failover(pair, record, "promoted", requested_by="Ann")
    (line,) = record.table.history()
    assert 0 <= line["recovery_s"] < 10
    assert line["counts_from"] == line["taken_at"]
    assert "s after the begin of the change." in answer["message"]


def test_a_change_after_which_nobody_was_seen_to_serve_has_no_such_seconds(
    pair: ModuleType, record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = failover(pair, record, "stood-down", first_failed_at=time.time() - 20)
    (line,) = record.table.history()
    assert line["recovery_s"] is None
    assert published(capsys.readouterr().out) == []
    assert "Out:" not in answer["message"]
