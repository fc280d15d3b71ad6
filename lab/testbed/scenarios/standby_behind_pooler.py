"""MS2 alone reaches the database through a pooler on a third host, and somebody moves the service to it.

MS2 serves, but the database's list never shows its sessions as its own: the switchover is turned back. By then MS1's
own way was seen and MS2's was not, so cutting MS2's addresses may cut nothing: neither network nor list proves its
fence. A switchover switches no machine off, so it halts with nobody granted access; the
resume that it suggests may, and does.
"""

from __future__ import annotations

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed.hosts.addresses import POOLER_SUBNET
from lab.testbed.scenarios.proofs import check_by_power
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow, redirect_through_pooler
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, POOLER_SUBNET, testbed.hosts.database.port)
    testbed.hosts.start_pooler("pooler")
    redirect_through_pooler(testbed, "ms2")
    story.note("ms2 goes through a pooler on a third host")
    story.change(testbed.hosts.journal.now(), "ms1", "ms2")
    execution = testbed.start(SWITCHOVER)
    story.follow(execution)
    story.await_end(execution, 240)
    turned = next((step for step in testbed.steps(execution) if step.name == "TurnBack"), None)
    if turned is not None:
        story.change(turned.start, "ms2", "ms1")
    why = str(testbed.history()[0]["sentence"])
    story.check("Not turned back without a proof", story.outcome == "halted" and "no list showed" in why, why)
    allowed = testbed.firewall.seen[-1].servers
    story.check("Nobody is granted access meanwhile", not allowed, f"The access group allows {sorted(allowed)}.")
    story.note("Ann resumes, to ms1")
    execution = testbed.start({"action": "resume", "target": "ms1", "reason": "as suggested", "requested_by": "Ann"})
    story.follow(execution)
    story.await_end(execution, 120)
    story.await_agents("ms1", 60)
    check_by_power(testbed, story, "ms2")
    story.watch_on(2)


SCENARIO = Scenario(
    "standby-behind-pooler",
    "MS2 comes through a pooler elsewhere; only a resume, by power, proves its fence",
    "promoted",
    run,
    parameters={"PowerPauseSeconds": "1"},
    agents=5,
)
