"""Somebody grants access by hand for the inactive server, and starts it: both write, and no workflow is to blame.

Nothing can keep an administrator with every right from doing so; there are no network ACLs here, which would have to be
changed as well. The audit notices within its minute, revokes access again, ends the sessions and notifies. What was
written meanwhile is in the journal, and the report says so.
"""

from __future__ import annotations

import time

from lab.testbed.hosts.addresses import MS2
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.auditing import audit_finds, check_alarm, sessions_of
from lab.testbed.scenarios.proofs import WITHOUT_ACLS
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("somebody grants access for ms2 by hand, and starts it", lambda: _intrude(testbed), old=None)
    wait_for("ms2 writes", lambda: "ms2" in testbed.hosts.journal.by_server(), 10)
    story.note("ms1 and ms2 both write")
    answer = audit_finds(testbed, story, "access-open", "stray-rules", "stray-sessions", "two-services")
    put_out_at = testbed.hosts.journal.now()
    story.outcome = "put-out" if answer["done"] else "left-in"
    did = (f"{each['act']} of {each['server']}: {each['sentence']}" for each in answer["done"])
    story.note(" ".join(did) or "the audit did nothing")
    allowed, left = testbed.firewall.seen[-1].servers, sessions_of(testbed, MS2)
    story.check(
        "The intruder is out",
        allowed == {"ms1"} and left == 0,
        f"The access group allows {', '.join(sorted(allowed))}; ms2 has {left} sessions.",
    )
    check_alarm(testbed, story)
    story.watch_on(1.5)
    writes = testbed.hosts.journal.by_server()
    silent = writes["ms2"].last <= put_out_at
    story.check(
        "It stays out", silent, f"ms2 wrote last {time.time() - writes['ms2'].last:.1f} s ago; its server runs on."
    )
    story.check("The active server was let alone", writes["ms1"].last > put_out_at, "ms1 wrote all the time.")
    audit_finds(testbed, story)


def _intrude(testbed: Testbed) -> None:
    port = testbed.hosts.database.port
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": f"{MS2}/32"}]}
    testbed.cloud.client("ec2").authorize_security_group_ingress(GroupId=testbed.access_group, IpPermissions=[rule])
    testbed.hosts.ms("ms2").start()


SCENARIO = Scenario(
    "intruder",
    "Somebody grants the inactive server access by hand and starts it",
    "put-out",
    run,
    parameters=WITHOUT_ACLS,
    agents=5,
    excused=("One writer at a time", "The access group allowed one at most", "Fence before promotion"),
)
