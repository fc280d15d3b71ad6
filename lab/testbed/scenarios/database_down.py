"""The database goes down while MS1 hangs: who is connected can't be asked, so the proof must come by power.

There are no network ACLs here, which would prove it whether the database answers or not. MS1's writer tries to get back
in all the time. The database returns only after MS1's machine is off.
"""

from __future__ import annotations

from lab.testbed.scenarios.proofs import WITHOUT_ACLS, check_by_power
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    def strike() -> None:
        testbed.hosts.hang_admin("ms1")
        testbed.hosts.database.kill()

    story.fault("ms1's administration interface hangs, and the database goes down", strike)
    execution = story.await_execution(20)
    story.await_receipt(epoch=2)
    testbed.hosts.database.start()
    story.note("the database is back")
    story.await_end(execution)
    check_by_power(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "database-down",
    "The database is down while MS1 hangs; the fence is proven by power",
    "promoted",
    run,
    parameters={**WITHOUT_ACLS, "PowerPauseSeconds": "1"},
    agents=5,
)
