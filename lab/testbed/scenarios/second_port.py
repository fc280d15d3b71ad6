"""The engine listens on a second port, and an owner's rule opens that one to both servers.

The stack's own group says nothing of it: an ended session of MS1 comes back through the other port. There are no
network ACLs here, so power proves the fence.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import DATABASE, SERVERS_SUBNET
from lab.testbed.scenarios.proofs import WITHOUT_ACLS, check_by_power, check_named
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow, lead_servers_to
from lab.testbed.testbed import Testbed

_SECOND = 5433


def run(testbed: Testbed, story: Story) -> None:
    testbed.hosts.database.answer_on(_SECOND)
    allow(testbed, SERVERS_SUBNET, _SECOND)
    lead_servers_to(testbed, story, DATABASE, _SECOND)
    story.note(f"ms1 comes by the database's second port, {_SECOND}, which the owner opened to both servers")
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome(run_s=120)
    check_named(testbed, story, "The rule is named", SERVERS_SUBNET)
    check_by_power(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "second-port",
    "An owner's rule opens the database's second port; power proves the fence",
    "promoted",
    run,
    parameters={**WITHOUT_ACLS, "PowerPauseSeconds": "1", "DatabaseOtherPorts": str(_SECOND)},
    agents=5,
)
