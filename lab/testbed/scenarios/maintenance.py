"""MS1 is killed in the middle of an announced maintenance: nothing happens and nobody is woken until it is over.

At its end, which nobody has to remember, the watchdog acts on what it sees.
"""

from __future__ import annotations

from lab.testbed.scenarios.people import alarm_asks, keep, notified
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed

LASTS_S = 9


def run(testbed: Testbed, story: Story) -> None:
    before, heard = as_it_stands(testbed), notified()
    keep(testbed, story, "maintenance", seconds=LASTS_S)
    until = float(testbed.record()["maintenance_until"])
    story.fault("ms1's server process is killed, in the maintenance", lambda: testbed.hosts.kill_ms("ms1"))
    refused = alarm_asks(testbed, story)
    story.check("The alarm's failover is held", refused == "refused", f"What it asked for was {refused}.")
    check_untouched(testbed, story, before)
    execution = story.await_execution(LASTS_S + 20)
    began = next(each["startDate"] for each in testbed.executions() if each["executionArn"] == execution).timestamp()
    story.check("Held until its end", began >= until, f"It began {began - until:+.1f} s after the maintenance's end.")
    quiet = notified() == heard
    story.check("Nobody was notified of it", quiet, f"Messages meanwhile: {notified()[len(heard) :]}.")
    story.await_end(execution)
    story.watch_on(1)


SCENARIO = Scenario("maintenance", "MS1 dies in an announced maintenance", "promoted", run, agents=5)
