"""MS2's server does not start: the workflow stops for a human. Safe: MS1 is out and proven so, MS2 alone may get in.

The human mends MS2 and resumes; the same change is then carried to its end.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    standby = testbed.hosts.ms("ms2")
    standby.switch(start_fails=True)
    story.fault("ms1's server process is killed; ms2's will not start", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    record = testbed.record()
    story.check("Recorded for people", bool(record["halted"]), record["halted"] or "The record says nothing of it.")
    story.check("The lease stays", bool(record.get("lease")), "A change left half done is held for a person.")
    allowed = testbed.firewall.seen[-1].servers
    story.check(
        "Safe meanwhile", "ms1" not in allowed, f"The access group allows {', '.join(sorted(allowed)) or 'nobody'}."
    )
    standby.switch()
    story.note("ms2 is mended; Ann resumes")
    resumed = testbed.start({"action": "resume", "reason": "ms2 is mended", "requested_by": "Ann"})
    story.follow(resumed)
    outcome = testbed.outcome(resumed, 60)
    story.note(f"resumed: {outcome}")
    story.check("Resumable", outcome == "promoted", f"Resumed by a person, it ended as {outcome}.")
    story.watch_on(1)


SCENARIO = Scenario("start-fails", "MS2's server does not start", "halted", run, agents=5)
