"""Five triggers at once: the watchdog, the alarm, and three people who saw the same page go dark. The lease makes one.

The testbed's own watchdog is set not to start anything, so that there are exactly five.
"""

from __future__ import annotations

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    scenarios.duplicate(TestbedDriver(testbed), story, "ms1", "ms2")


SCENARIO = Scenario(
    "duplicate",
    "Five triggers at once make one failover",
    "promoted",
    run,
    parameters={"WatchStartsFailover": "no"},
    agents=5,
)
