"""What would be missing in a failover is found before there is one."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import never_both, run_scenario


def test_a_healthy_pair_is_ready_and_a_hole_is_found_and_named(tmp_path: Path) -> None:
    ran = run_scenario("readiness", tmp_path)
    assert never_both(ran.report)
    for name in ("A healthy pair is ready", "Named: autostart off", "Named: standby is fit"):
        ran.held(name)


def test_a_watchdog_that_dies_is_notified_of(tmp_path: Path) -> None:
    ran = run_scenario("watchdog-dies", tmp_path)
    assert never_both(ran.report)
    for name in ("Quiet while it probes", "The alarm goes off and notifies", "Nothing was touched"):
        ran.held(name)
