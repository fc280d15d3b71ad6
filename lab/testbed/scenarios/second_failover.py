"""After an automatic failover the other server dies, too, before anybody has looked: the next failover waits.

Two outages in a row have one cause more often than two, and moving to and fro makes it worse. Operators are notified;
once somebody has looked and acknowledges, it happens by itself.
"""

from __future__ import annotations

from lab.testbed.scenarios.people import alarm_asks, await_held, keep, notified
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    story.check("It waits to be acknowledged", not testbed.record()["acknowledged"], "The record says so.")
    before, heard = as_it_stands(testbed), len(notified())
    testbed.hosts.kill_ms("ms2")
    story.note("ms2's server process is killed, too")
    why = await_held(testbed)
    story.check("The second one is held", "not been acknowledged" in why, why)
    refused = alarm_asks(testbed, story)
    story.check("The alarm's is held, too", refused == "refused", f"What it asked for was {refused}.")
    check_untouched(testbed, story, before)
    messages = notified()[heard:]
    story.check("Operators are notified, once", len(messages) == 1, f"Messages: {messages}.")
    story.fault("a person has looked, and acknowledges", lambda: keep(testbed, story, "acknowledge"), "ms2", "ms1")
    story.await_outcome()
    record = testbed.record()
    story.check("Then it happens", record["active"] == "ms1", f"{record['active']} is active, epoch {record['epoch']}.")
    story.watch_on(1)


SCENARIO = Scenario("second-failover", "MS2 dies before the first failover is acknowledged", "promoted", run, agents=5)
