"""MS1 dies, and the owner wants no automatic failover with a copy that is older than so many seconds: it is held.

Operators are notified once; a person who accepts the copy's age starts the failover, which is never held.
"""

from __future__ import annotations

import time

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import alarm_asks, await_held, notified
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed

OLDEST_S = 2


def run(testbed: Testbed, story: Story) -> None:
    story.doing = "the standby's copy gets older than the owner allows"
    wait_for(
        "a copy that is old", lambda: 0 < float(testbed.freshness().get("as_of", 0)) < time.time() - OLDEST_S - 1, 60
    )
    before, heard = as_it_stands(testbed), len(notified())
    testbed.hosts.kill_ms("ms1")
    story.note("ms1's server process is killed")
    why = await_held(testbed)
    story.check("The failover is held for the copy's age", f"{OLDEST_S} s are allowed" in why, why)
    refused = alarm_asks(testbed, story)
    story.check("The alarm's failover is held", refused == "refused", f"What it asked for was {refused}.")
    check_untouched(testbed, story, before)
    messages = notified()[heard:]
    story.check("Operators are notified, once", len(messages) == 1, f"Messages: {messages}.")
    request = {"action": "failover", "reason": "Ann accepts the copy as it is", "requested_by": "Ann"}
    story.fault("a person asks for it", lambda: testbed.start(request))
    story.await_outcome()
    story.await_agents("ms2")
    story.watch_on(1)


SCENARIO = Scenario(
    "copy-too-old",
    "MS1 dies, and the standby's copy is older than the owner allows",
    "promoted",
    run,
    {"OldestCopySeconds": str(OLDEST_S)},
    agents=5,
)
