"""The zombie that the manual warns of: the administration interface hangs while the database writer goes on.

Nothing about the connection to the database looks wrong. Only the fence keeps the two servers apart.
"""

from __future__ import annotations

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    scenarios.hang(TestbedDriver(testbed), story, "ms1", "ms2")


SCENARIO = Scenario("hang", "MS1's administration interface hangs while its database writer goes on", "promoted", run)
