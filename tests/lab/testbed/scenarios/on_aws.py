"""Scenarios on a cloud with AWS's manners and the template's defaults: slower, and no worse. A module for each seed."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import run_scenario, taken_over

DEADLINE_S = 420
SCENARIOS = ("crash", "hang", "partition", "reboot", "switchover")


def assert_ends_as_on_an_ideal_cloud(name: str, seed: int, directory: Path) -> None:
    """Run a scenario with the manners drawn from this seed. Fails where it does not end promoted, or two ever wrote."""
    # Agents are with the new server once Route 53 and a TTL are through; that they are is what the shorter time shows.
    turned = ("--turn", "route53.pending=5..8")
    ran = run_scenario(name, directory, "--cloud", "aws", "--seed", str(seed), *turned, deadline_s=DEADLINE_S)
    assert taken_over(ran.report)
    if name != "reboot":  # which does not wait for them
        assert ran.report["agents"]["recovered"] == ran.report["agents"]["count"]
