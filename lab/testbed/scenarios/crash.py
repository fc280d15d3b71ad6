"""The Management Server's process is killed. Its host lives on, the listener refuses, the sessions go with it."""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    story.await_agents("ms2")
    story.watch_on(1.5)


SCENARIO = Scenario("crash", "MS1's server process is killed", "promoted", run)
