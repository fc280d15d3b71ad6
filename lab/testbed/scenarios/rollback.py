"""A switchover whose target does not start: the same path the other way, in an epoch and with a fence of its own.

MS1 had been stopped and fenced by then. It is active again without a person's doing, and the standby can be given files
again: MS2's host must not go on believing that it is the active one.
"""

from __future__ import annotations

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed.scenarios.planned import without_service
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    testbed.hosts.ms("ms2").switch(start_fails=True)
    story.note("ms2's server will not start")
    asked_at = testbed.hosts.journal.now()
    story.change(asked_at, "ms1", "ms2")
    execution = testbed.start(SWITCHOVER)
    story.follow(execution)
    story.await_end(execution, 120)
    turned = next((step for step in testbed.steps(execution) if step.name == "TurnBack"), None)
    if turned is not None:
        story.change(turned.start, "ms2", "ms1")
    story.await_agents("ms1")
    record = testbed.record()
    story.check(
        "Home again in an epoch of its own",
        (record["active"], int(record["epoch"])) == ("ms1", 3),
        f"{record['active']} is active in epoch {record['epoch']}.",
    )
    story.check("The lease was given back", record.get("lease") is None, "Nobody holds it.")
    allowed = testbed.firewall.seen[-1].servers
    story.check("The access group allows ms1 alone", allowed == {"ms1"}, f"It allows {', '.join(sorted(allowed))}.")
    line = testbed.history()[0]
    story.check(
        "The history says why", "start" in str(line["sentence"]), f"{line['outcome']}: {str(line['sentence'])[:200]}"
    )
    silent = without_service(testbed, asked_at)
    story.check("Not without service for long", silent < 20, f"Nobody wrote for {silent:.2f} s.")
    copied = testbed.invoke("replicate", {"action": "now"})
    story.check("The standby takes files again", copied["answer"] == "yes", copied["sentence"])
    story.watch_on(1)


SCENARIO = Scenario("rollback", "A switchover's target does not start", "rolled-back", run, agents=5)
