"""MS2 is started as ordered, and Run Command never tells of it: what the command did decides, not its result."""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    commands = testbed.cloud.ssm.commands
    before = commands.result_after
    commands.result_after = lambda document: float("inf") if document.endswith("-start") else before(document)
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome(30, 60)
    lost = [each for each in commands.all() if each.document_name.endswith("-start") and not each.stdout]
    story.check("The result was lost", bool(lost), f"{len(lost)} result of the start document never came.")
    story.await_agents("ms2")
    story.watch_on(1.5)


SCENARIO = Scenario(
    "lost-result",
    "MS2 starts as ordered, but the result of the order never arrives",
    "promoted",
    run,
    agents=5,
    cloud="aws",
)
