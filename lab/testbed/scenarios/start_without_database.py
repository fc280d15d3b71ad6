"""The database goes down with MS1, and MS2's server does not start without one: tried again until it is back.

The network proves the fence whether the database answers or not, so the start is ordered while there is none yet: as
when a Multi-AZ database takes a minute or two to fail over.
"""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    testbed.hosts.ms("ms2").switch(needs_database=True)

    def strike() -> None:
        testbed.hosts.ms("ms1").power_off()
        testbed.hosts.database.kill()

    story.fault("ms1's host and the database go down; ms2's server needs one to start", strike)
    execution = story.await_execution(30)
    wait_for("the start to have failed", lambda: _failed_starts(testbed, execution), 60)
    story.note("ms2's server did not start without a database")
    testbed.hosts.database.start()
    story.note("the database is back")
    story.await_end(execution, 90)
    failed = _failed_starts(testbed, execution)
    story.check("The start was tried again", failed > 0, f"{failed} start(s) failed before there was a database.")
    story.await_agents("ms2")
    story.watch_on(1)


def _failed_starts(testbed: Testbed, execution: str) -> int:
    client = testbed.cloud.client("stepfunctions")
    events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    return sum(each.get("taskFailedEventDetails", {}).get("error") == "DatabaseAway" for each in events)


SCENARIO = Scenario(
    "start-without-database",
    "MS1 and the database go down; MS2 needs one to start",
    "promoted",
    run,
    agents=5,
)
