"""Somebody opened the database to the whole network, in the owner's group: shutting our door shuts nothing.

The database can't prove the fence: every ended session of MS1 comes back. So its machine is switched off. At rest such
a rule lets both servers in, which is what the audit is for.
"""

from __future__ import annotations

from local.hosts.addresses import NETWORK
from local.scenarios.database_down import check_by_power
from local.scenarios.scenario import Scenario, Story
from local.stage import Stage


def play(stage: Stage, story: Story) -> None:
    stage.cloud.client("ec2").authorize_security_group_ingress(
        GroupId=stage.owner.database_group_id,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": [{"CidrIp": NETWORK}]}],
    )
    story.tell(f"somebody opens the database to {NETWORK}")
    story.fault("ms1's administration interface hangs; it writes on", lambda: stage.hosts.hang_admin("ms1"))
    story.await_outcome()
    steps = stage.steps(story.executions[0])
    named = next((step.result for step in steps if step.name == "VerifyFence" and NETWORK in step.result), "")
    story.check("The rule is named", bool(named), named or "No step of the fence named the rule.")
    check_by_power(stage, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "broad-rule",
    "The database is open to the whole network; the fence is proven by power",
    "promoted",
    play,
    parameters={"PowerPauseSeconds": "1"},
    agents=5,
    excused=("The door let in one at most",),
)
