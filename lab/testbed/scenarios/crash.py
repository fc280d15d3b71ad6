"""The Management Server's process is killed. Its host lives on, the listener refuses, the sessions go with it."""

from __future__ import annotations

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    scenarios.crash(TestbedDriver(testbed), story, "ms1", "ms2")


SCENARIO = Scenario("crash", "MS1's server process is killed", "promoted", run)
