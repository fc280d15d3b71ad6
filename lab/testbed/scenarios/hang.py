"""The zombie that the manual warns of: the administration interface hangs while the database writer goes on.

Nothing about the connection to the database looks wrong. Only the fence keeps the two servers apart.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome()
    story.await_agents("ms2")
    story.watch_on(1.5)


SCENARIO = Scenario("hang", "MS1's administration interface hangs while its database writer goes on", "promoted", run)
