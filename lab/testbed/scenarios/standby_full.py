"""MS2's disk is full, so that it could not even record its role, and then MS1's administration interface hangs.

Its host answers, and its service could be ordered to start: only writing tells. It is blocked, and nothing is touched.
"""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed

STATE = "/var/lib/ms-failover"


def run(testbed: Testbed, story: Story) -> None:
    standby, before = testbed.hosts.ms("ms2").host, as_it_stands(testbed)
    small = f"cp -a {STATE} {STATE}.kept && mount -t tmpfs -o size=2m small {STATE} && cp -a {STATE}.kept/. {STATE}"
    standby.run(["sh", "-c", f"{small} && {{ head -c 3M /dev/zero >{STATE}/filler || true; }}"])
    story.note("the disk with ms2's record of its role is full")
    story.fault("ms1's administration interface hangs", lambda: testbed.hosts.hang_admin("ms1"), old=None)
    story.await_outcome()
    check_untouched(testbed, story, before)
    sentence = str(testbed.history()[0].get("sentence"))
    story.check("The reason is the disk", "disk full" in sentence, sentence)
    written = testbed.hosts.journal.by_server()["ms1"].count
    wait_for("ms1 writes on", lambda: testbed.hosts.journal.by_server()["ms1"].count > written + 5, 5)
    story.check("The active server was let alone", True, "ms1 writes on.")


SCENARIO = Scenario("standby-full", "MS1 hangs while MS2's disk is full", "blocked", run, agents=5)
