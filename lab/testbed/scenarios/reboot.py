"""MS1's host goes down hard and is back after the failover, its server started by the host itself.

EC2 sees a running instance all the time, and the order to stop finds nobody, or finds the host when it is back: it is
the revoked access, not the autostart switch, that keeps the server that came back away from the database.
"""

from __future__ import annotations

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    scenarios.comes_back(TestbedDriver(testbed), story, "ms1", "ms2")


SCENARIO = Scenario(
    "reboot", "MS1's host comes back after the failover and starts its server", "promoted", run, agents=5
)
