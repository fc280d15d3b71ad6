"""The execution is killed between fence and promotion: nobody is active, and the lease is held by the dead.

Nothing moves by itself from there. A person resumes it: Step Functions is asked whether the holder still runs. At once
that is refused, since a call of the one that was killed may be under way; a little later the change goes on in the same
epoch, from a fence that is proven again.
"""

from __future__ import annotations

import time

from msfailover.pair import CALLS_LAST_S

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    first = story.await_execution(20)
    story.await_receipt(epoch=2)
    testbed.cloud.client("stepfunctions").stop_execution(
        executionArn=first, error="Killed", cause="the scenario's doing"
    )
    killed_at = time.time()
    story.note("the execution is killed, between fence and promotion")
    epoch = testbed.record()["lease"]["epoch"]
    reached = {step.name for step in testbed.steps(first)}
    story.check(
        "Killed between fence and promotion",
        "VerifyFence" in reached and "VerifyPromotion" not in reached,
        f"It came as far as {testbed.steps(first)[-1].name}.",
    )
    late = testbed.start({"action": "failover", "reason": "ms1 is down", "requested_by": "Ann"})
    refused = testbed.outcome(late, 20)
    story.check("The lease outlives its holder", refused == "refused", f"A failover asked for meanwhile was {refused}.")
    resume = {"action": "resume", "reason": "the last one was killed", "requested_by": "Ann"}
    too_soon = testbed.outcome(testbed.start(resume), 20)
    story.check(
        "Not taken over at once",
        too_soon == "refused",
        f"Ann resumed it while a call of the killed one could be under way: {too_soon}.",
    )
    story.watch_on(max(0.0, killed_at + CALLS_LAST_S + 1 - time.time()))
    resumed = testbed.start(resume)
    story.follow(resumed)
    story.note("Ann resumes it again")
    story.await_end(resumed)
    record = testbed.record()
    story.check("The same change went on", record["epoch"] == epoch, f"Killed and ended in epoch {record['epoch']}.")
    story.watch_on(1)


SCENARIO = Scenario(
    "halfway", "The workflow is killed between fence and promotion, and resumed", "promoted", run, agents=5
)
