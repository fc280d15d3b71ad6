"""`DatabaseHost` leads to a read-only standby: after a failover of the database's own the writer is another instance.

The servers follow the writer by its name; the stack asks the instance that was the writer once. That one has no session
of MS1's, and every session it has is of known origin: it proves nothing. The writer stands behind the owner's group
alone, so neither group nor ACL are about it. Power proves the fence.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import READER, SERVERS_SUBNET, WRITER_NAME
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.proofs import check_by_power
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import add_reader, allow, take_from_behind_acl
from lab.testbed.testbed import Testbed


def arrange(testbed: Testbed) -> None:
    testbed.hosts.lead_servers_to(WRITER_NAME, testbed.hosts.database.port)


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, SERVERS_SUBNET, testbed.hosts.database.port)
    reader = add_reader(testbed)
    take_from_behind_acl(testbed, testbed.owner.database_subnet_ids[1])
    story.note("the database has a standby, behind the owner's group alone")
    reader.take_over()
    testbed.hosts.database = reader
    for role in ("ms1", "ms2"):
        testbed.hosts.ms(role).host.files.lead_writer_to(READER)
    before = testbed.hosts.journal.now()
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].last > before, 20)
    story.note("the database has failed over: DatabaseHost leads to what is read-only now; ms1 writes to the other one")
    answer = testbed.invoke("database-sessions", {"action": "status", "server": "ms1", "reads": 3, "proof": True})
    story.check("Its list proves nothing", answer["answer"] == "unknown", str(answer["sentence"]))
    testbed.invoke("audit", {})
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome(run_s=120)
    check_by_power(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "database-standby",
    "DatabaseHost leads to a read-only standby, and the servers write elsewhere",
    "promoted",
    run,
    parameters={"PowerPauseSeconds": "1", "DatabaseSubnetIds": ""},
    agents=5,
    excused=("The access group allowed one at most",),
    arrange=arrange,
)
