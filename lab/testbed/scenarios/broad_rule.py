"""Somebody opened the database to the whole network, in the owner's group: revoking access changes nothing.

The database can't prove the fence: every ended session of MS1 would come back. The network can: its ACL denies MS1
whatever the groups allow, and at rest it denies MS2, so that the rule allows nobody who must be out.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.scenarios.proofs import check_by_network, check_named
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, NETWORK, 1024, 65535)
    story.note(f"somebody opens the database to {NETWORK}")
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome()
    check_named(testbed, story, "The rule is named", NETWORK)
    check_by_network(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "broad-rule",
    "The database is open to the whole network; the network proves the fence",
    "promoted",
    run,
    agents=5,
)
