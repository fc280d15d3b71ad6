"""In shadow mode MS1 dies: what would have been done is recorded, operators are notified once, and nothing is done.

That is how a new installation shows for some weeks whether it would have been right.
"""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import alarm_asks, await_held, keep, notes, notified
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed

WOULD = "would have failed over because"


def run(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "set_mode", mode="shadow")
    before, heard = as_it_stands(testbed), len(notified())
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"), old=None)
    await_held(testbed)
    story.note("the watchdog writes down what it would have done")
    refused = alarm_asks(testbed, story)
    story.check("The alarm's failover is held", refused == "refused", f"What it asked for was {refused}.")
    lines = wait_for("a line of the history", lambda: [each for each in notes(testbed) if WOULD in each], 10)
    story.check("Written down, once", len(lines) == 1, f"{len(lines)} line(s): {lines[0]}")
    story.watch_on(3)
    messages = notified()[heard:]
    story.check("Notified once", len(messages) == 1, f"Messages: {messages}.")
    check_untouched(testbed, story, before)
    story.outcome = "held"


SCENARIO = Scenario("shadow", "MS1 dies in shadow mode: written down, not acted on", "held", run, agents=5)
