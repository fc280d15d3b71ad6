"""MS2's machine was switched off to save money, and then MS1's administration interface hangs.

A failover would leave nobody: it is blocked before anything is touched, and MS1 goes on as far as it can.
"""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    standby, before = testbed.instances["ms2"], as_it_stands(testbed)
    testbed.cloud.client("ec2").stop_instances(InstanceIds=[standby])
    wait_for("ms2 is off", lambda: not testbed.hosts.machines.is_on(standby), 15)
    story.note("ms2's machine was switched off")
    story.fault("ms1's administration interface hangs", lambda: testbed.hosts.hang_admin("ms1"), old=None)
    story.await_outcome()
    check_untouched(testbed, story, before)
    written = testbed.hosts.journal.by_server()["ms1"].count
    wait_for("ms1 writes on", lambda: testbed.hosts.journal.by_server()["ms1"].count > written + 5, 5)
    story.check("The active server was let alone", True, "ms1 writes on.")


SCENARIO = Scenario("standby-down", "MS1 hangs while MS2's machine is off", "blocked", run, agents=5)
