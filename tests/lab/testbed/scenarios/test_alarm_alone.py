"""The second way in, which has to do without the watchdog's own start."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.play import rehearse, taken_over


def test_alarm_rule_and_state_machine_alone_make_the_failover(tmp_path: Path) -> None:
    rehearsed = rehearse("alarm", tmp_path)
    assert taken_over(rehearsed.report)
    rehearsed.held("Started by the alarm")
