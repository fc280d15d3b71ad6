"""A blip: the administration interface hangs for as long as the watchdog needs to start a failover, and no longer.

ConfirmOutage asks once more, gets an answer, and the failover stands down with nothing touched.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    server, before = testbed.hosts.ms("ms1"), as_it_stands(testbed)
    story.fault("ms1's administration interface hangs", server.hang_admin, old=None)
    execution = story.await_execution(20)
    server.recover_admin()
    story.note("it answers again")
    story.await_end(execution)
    check_untouched(testbed, story, before)
    story.watch_on(1)


SCENARIO = Scenario("transient", "A blip is over before the failover is confirmed", "stood-down", run, agents=5)
