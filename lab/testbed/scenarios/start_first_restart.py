"""The server's process dies, its host is well: with RestartFirst the service is started again where it was.

The pair stays as it is, access group and name are not touched, and the agents come back to the server they had.
"""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    before = as_it_stands(testbed)
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"), old=None)
    killed_at = testbed.hosts.journal.now()
    story.await_outcome()
    steps = [step.name for step in testbed.steps(story.executions[-1])]
    story.check("Restarted once", steps.count("RestartSource") == 1, f"Steps: {', '.join(steps)}.")
    check_untouched(testbed, story, before)
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].last > killed_at + 0.5, 10)
    story.check("The active server serves again", True, "ms1 writes again.")
    story.await_agents("ms1")
    story.watch_on(1)


SCENARIO = Scenario(
    "start-first-restart",
    "MS1's process dies, and is restarted where it was",
    "stood-down",
    run,
    parameters={"RestartFirst": "yes"},
    agents=5,
)
