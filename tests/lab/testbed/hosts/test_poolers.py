"""A pooler hides who its clients are, on the database's own host and on a third one."""

from __future__ import annotations

import pytest

from lab.testbed.host_interfaces import AclEntry, NetworkAcl, OpenTo
from lab.testbed.hosts.addresses import DATABASE, DATABASE_SUBNETS, MS1, POOLER
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.pooler import PORT
from tests.lab.testbed.hosts.conftest import Testbed


def origins(testbed: Testbed) -> list[str | None]:
    """Where the database sees the application's sessions come from; None for its own host's socket."""
    connection = testbed.hosts.database.connect()
    try:
        found = connection.run("SELECT host(client_addr) FROM pg_stat_activity WHERE usename = 'ms'")
        return [origin for (origin,) in found]
    finally:
        connection.close()


def through(testbed: Testbed, host: str, address: str) -> None:
    """Have ms1, and it alone, use the database through a pooler on a host."""
    testbed.hosts.start_pooler(host)
    testbed.hosts.firewall.apply([OpenTo("10.77.0.0/24", "tcp", 1, 65535)])
    testbed.hosts.ms("ms1").power_on()
    testbed.hosts.lead_servers_to(address, PORT)
    testbed.hosts.ms("ms1").start()
    testbed.wait_writing("ms1")


@pytest.mark.testbed
def test_behind_a_pooler_on_its_own_host_the_database_sees_no_client_and_an_acl_cuts_it(testbed: Testbed) -> None:
    through(testbed, "database", DATABASE)
    assert set(origins(testbed)) == {None}
    allow = AclEntry(100, True, "-1", "0.0.0.0/0")
    deny = AclEntry(10, False, "-1", f"{MS1}/32")
    testbed.hosts.firewall.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], (allow, deny), (allow, deny)))
    before = testbed.writes_of("ms1")
    began = testbed.hosts.journal.now()
    wait_until("half a second has passed", lambda: testbed.hosts.journal.now() - began > 0.5, deadline_s=5)
    assert testbed.writes_of("ms1") <= before + 1
    assert origins(testbed), "the pooler keeps the session, over which nothing can come"
    testbed.hosts.firewall.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], (allow,), (allow,)))
    testbed.hosts.ms("ms1").stop()


@pytest.mark.testbed
def test_behind_a_pooler_on_a_third_host_every_client_has_the_pooler_s_address(testbed: Testbed) -> None:
    through(testbed, "pooler", POOLER)
    assert POOLER in origins(testbed)
    assert MS1 not in origins(testbed)
    testbed.hosts.ms("ms1").stop()
