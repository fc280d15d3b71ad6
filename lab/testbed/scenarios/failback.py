"""There and home again: after a switchover the service is moved back, by the same verb in the next epoch.

Nothing goes back by itself. What MS2 imported while it was active must be on MS1 when that one serves again.
"""

from __future__ import annotations

from lab.testbed import compare_copies
from lab.testbed.scenarios.planned import check_carried_ahead, check_without_service, switch_over
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    asked_at = switch_over(testbed, story, "ms1", "ms2")
    story.check("There", story.outcome == "promoted", f"It ended as {story.outcome}.")
    check_without_service(testbed, story, asked_at, "Without service, there")
    testbed.hosts.import_package(5, 20_000, "ms2")
    story.note("ms2 imports software")
    asked_at = switch_over(testbed, story, "ms2", "ms1")
    check_without_service(testbed, story, asked_at, "Without service, back")
    check_carried_ahead(testbed, story)
    home = compare_copies.compare(testbed.hosts.ms("ms2"), testbed.hosts.ms("ms1"))
    story.check(
        "What ms2 imported came home",
        home.identical is True,
        f"Of ms2's {home.files} files ms1 has {'all' if home.identical else 'not all'} as they are.",
    )
    story.await_agents("ms1")
    lines = [(str(line["action"]), str(line["outcome"]), int(line["epoch"])) for line in testbed.history()]
    wanted = [("switchover", "promoted", 3), ("switchover", "promoted", 2)]
    story.check("Both are in the history", lines[:2] == wanted, f"Newest first: {lines[:2]}.")
    story.watch_on(1)


SCENARIO = Scenario("failback", "The service is moved to MS2, and home again", "promoted", run)
