"""A connection that MS1 made before its access was revoked, and that says nothing: the fence sees it and does not trust
it.

It is in no list of PostgreSQL's, but in its host's, which ms-failover may read here. While it is there, the database
can't prove the fence: it could log in at any moment, for a minute by PostgreSQL's default, as here. Nobody can end it
from the database's side, and there are no network ACLs here, so MS1's machine is switched off.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import MS1
from lab.testbed.scenarios.late_login import connect_in_silence, take_database_as_installed
from lab.testbed.scenarios.proofs import WITHOUT_ACLS, check_by_power, check_named
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    take_database_as_installed(testbed)
    connect_in_silence(testbed, story)
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    check_named(testbed, story, "The connection is named", f"1 connection from {MS1}")
    check_by_power(testbed, story)
    story.watch_on(1)


SCENARIO = Scenario(
    "silent-connection",
    "MS1 has a connection that has not logged in; the fence is proven by power",
    "promoted",
    run,
    parameters={**WITHOUT_ACLS, "PowerPauseSeconds": "1"},
    agents=5,
)
