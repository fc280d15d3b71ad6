"""The database was restored and renamed: `DatabaseHost` leads to one that the stack's group does not stand in front of.

The group is still on the interface of the database that was there before, behind the network ACL; the new one has the
owner's group alone, which allows the whole network, in a subnet without that ACL. Whatever the group and the ACL say
is about the wrong database. Power proves the fence.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.scenarios.proofs import check_by_power, check_named
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.surroundings import allow, move_access_group, take_from_behind_acl
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    allow(testbed, NETWORK, testbed.hosts.database.port)
    move_access_group(testbed, "10.77.0.105")
    take_from_behind_acl(testbed, testbed.owner.database_subnet_ids[0])
    story.note("the database is another one: behind the owner's group alone, which allows everybody")
    answer = testbed.invoke("audit", {})
    story.check("The audit does not call it safe", answer["risk"]["answer"] != "no", str(answer["risk"]["sentence"]))
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome(run_s=120)
    check_named(testbed, story, "It is named", "DatabaseHost leads to")
    check_by_power(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "access-elsewhere",
    "The access group is not in front of the database that the name leads to",
    "promoted",
    run,
    parameters={"PowerPauseSeconds": "1", "DatabaseSubnetIds": ""},
    agents=5,
    excused=("The access group allowed one at most",),
)
