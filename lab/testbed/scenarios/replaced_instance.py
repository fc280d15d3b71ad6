"""MS1's instance was replaced: its address runs on under a new id, and the id that the stack knows is terminated.

Somebody also opened the database to the whole network, so the rules prove nothing, and there are no network ACLs.
Power must not prove it either: that a machine is terminated says nothing of a server that another machine is by now.
Nothing is proven, and so nobody is promoted, until somebody takes the rule away: then the database proves it.
"""

from __future__ import annotations

import time

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import keep
from lab.testbed.scenarios.proofs import WITHOUT_ACLS
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow, disallow, replace_instance
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, NETWORK, 1024, 65535)
    story.note(f"somebody opens the database to {NETWORK}")
    keep(testbed, story, "maintenance", seconds=300)
    before = testbed.hosts.journal.now()
    new = replace_instance(testbed, "ms1")
    story.note(f"ms1 is another instance now: {new} in place of {testbed.instances['ms1']}")
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].last > before, 10)
    story.await_agents("ms1")
    keep(testbed, story, "maintenance", seconds=0)
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"), old=None)
    execution = story.await_execution(30)

    def asked() -> str:
        results = [step.result for step in testbed.steps(execution) if step.name == "VerifyPower" and step.result]
        return results[1] if len(results) > 1 else ""  # by then every way was tried, and tried again

    said = str(wait_for("a second read of power", asked, 90))
    receipt, written = testbed.record().get("receipt"), testbed.hosts.journal.by_server()
    unproven = (not receipt or receipt["epoch"] != 2) and "ms2" not in written and new in said
    story.check("Nothing is proven", unproven, said)
    story.note("the rule for everybody is taken away")
    disallow(testbed, NETWORK, 1024, 65535)
    story.change(time.time(), "ms1", "ms2")
    story.await_end(execution, 120)
    by = testbed.record()["receipt"]["by"]
    story.check("Proven by the database, then", by == "database", f"The receipt is by {by}.")
    story.watch_on(2)


SCENARIO = Scenario(
    "replaced-instance",
    "MS1's instance was replaced, its old id is terminated: that is no proof",
    "promoted",
    run,
    parameters={**WITHOUT_ACLS, "PowerPauseSeconds": "1"},
    agents=5,
    excused=("The access group allowed one at most",),
)
