"""An owner put a pooler on a third host between the servers and the database: cutting MS1's address cuts nothing.

The database sees the pooler's address from then on, and the network lets the pooler pass: so neither of the two proves
the fence, although MS1 was seen to come by its own address once. Power does.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import POOLER, POOLER_SUBNET
from lab.testbed.hosts.pooler import PORT
from lab.testbed.scenarios.proofs import check_by_power
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow, lead_servers_to
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, POOLER_SUBNET, testbed.hosts.database.port)
    testbed.hosts.start_pooler("pooler")
    lead_servers_to(testbed, story, POOLER, PORT)
    story.note("the servers go through a pooler on a third host from now on")
    testbed.invoke("audit", {})
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome(run_s=120)
    check_by_power(testbed, story)
    story.watch_on(2)


SCENARIO = Scenario(
    "third-host-pooler",
    "MS1 comes through a pooler on a third host; power proves the fence",
    "promoted",
    run,
    parameters={"PowerPauseSeconds": "1"},
    agents=5,
)
