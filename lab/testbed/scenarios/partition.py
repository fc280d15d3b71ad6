"""MS1 is cut off from everything but the database: it looks dead to everyone, and goes on writing.

No order reaches it, so nothing but the fence ends its work. When the network heals it finds its access revoked.
"""

from __future__ import annotations

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    scenarios.partition(TestbedDriver(testbed), story, "ms1", "ms2")


SCENARIO = Scenario("partition", "MS1 is cut off from everything but the database, and writes on", "promoted", run)
