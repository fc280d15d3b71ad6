"""MS1 reaches the database through a pooler on the database's own host: no list will ever show whose a session is.

The pooler keeps the session that it opened for MS1, and the database sees its own host. What cuts MS1 is the border of
the subnet: nothing stands between the server and that, for which the owner vouches.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import DATABASE, VPC
from lab.testbed.hosts.pooler import PORT
from lab.testbed.scenarios.proofs import check_by_network
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow
from lab.testbed.testbed import Testbed


def arrange(testbed: Testbed) -> None:
    allow(testbed, f"{VPC}/32", PORT)
    testbed.hosts.start_pooler("database")
    testbed.hosts.lead_servers_to(DATABASE, PORT)


def run(testbed: Testbed, story: Story) -> None:
    answer = testbed.invoke("database-sessions", {"action": "status", "server": "ms1"})
    story.check("No list shows its sessions", answer["answer"] == "no", f"While ms1 writes: {answer['sentence']}")
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome()
    check_by_network(testbed, story)
    story.watch_on(2)


SCENARIO = Scenario(
    "cut-pooler",
    "MS1 comes through a pooler on the database's host; the network proves the fence",
    "promoted",
    run,
    parameters={"DatabasePort": str(PORT), "DatabaseOtherPorts": "5432", "DatabasePathIsDirect": "yes"},
    agents=5,
    arrange=arrange,
)
