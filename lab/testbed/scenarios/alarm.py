"""The second way in, by itself: the watchdog measures but starts nothing; alarm and rule start the failover.

It takes as long as CloudWatch's shortest periods do: two of ten seconds, and the one in which MS1 died.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome(start_s=50)
    lines = testbed.history()
    by = str(lines[0]["requested_by"]) if lines else "nobody"
    story.check("Started by the alarm", by == "alarm", f"The failover was asked for by {by}.")
    story.watch_on(1)


SCENARIO = Scenario(
    "alarm",
    "The metric alarm alone starts the failover",
    "promoted",
    run,
    parameters={"WatchStartsFailover": "no", "AlarmPeriodSeconds": "10", "AlarmPeriods": "2"},
    agents=5,
)
