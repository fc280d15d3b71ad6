"""The second way in, which has to do without the watchdog's own start."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import run_scenario, taken_over


def test_alarm_rule_and_state_machine_alone_make_the_failover(tmp_path: Path) -> None:
    ran = run_scenario("alarm", tmp_path)
    assert taken_over(ran.report)
    ran.held("Started by the alarm")
