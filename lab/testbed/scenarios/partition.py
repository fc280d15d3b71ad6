"""MS1 is cut off from everything but the database: it looks dead to everyone, and goes on writing.

No order reaches it, so nothing but the fence ends its work. When the network heals it finds its access revoked.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    host = testbed.hosts.ms("ms1").host
    story.fault("ms1 is cut off from all but the database; it writes on", lambda: host.cut([DATABASE]))
    story.await_outcome()
    story.await_agents("ms2")
    host.reconnect()
    story.note("the network heals; ms1 can be reached again")
    story.watch_on(2)


SCENARIO = Scenario("partition", "MS1 is cut off from everything but the database, and writes on", "promoted", run)
