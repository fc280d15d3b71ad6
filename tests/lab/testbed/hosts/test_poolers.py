"""A pooler hides who its clients are, on the database's own host and on a third one."""

from __future__ import annotations

import pytest

from lab.testbed.host_interfaces import AclEntry, NetworkAcl, OpenTo
from lab.testbed.hosts.addresses import DATABASE, DATABASE_SUBNETS, MS1, POOLER
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.pooler import PORT
from tests.lab.testbed.hosts.conftest import Stage


def origins(stage: Stage) -> list[str | None]:
    """Where the database sees the application's sessions come from; None for its own host's socket."""
    connection = stage.hosts.database.connect()
    try:
        found = connection.run("SELECT host(client_addr) FROM pg_stat_activity WHERE usename = 'ms'")
        return [origin for (origin,) in found]
    finally:
        connection.close()


def through(stage: Stage, host: str, address: str) -> None:
    """Have ms1, and it alone, use the database through a pooler on a host."""
    stage.hosts.start_pooler(host)
    stage.hosts.doors.apply([OpenTo("10.77.0.0/24", "tcp", 1, 65535)])
    stage.hosts.ms("ms1").power_on()
    stage.hosts.lead_servers_to(address, PORT)
    stage.hosts.ms("ms1").start()
    stage.wait_writing("ms1")


@pytest.mark.stage
def test_behind_a_pooler_on_its_own_host_the_database_sees_no_client_and_an_acl_cuts_it(stage: Stage) -> None:
    through(stage, "database", DATABASE)
    assert set(origins(stage)) == {None}
    allow = AclEntry(100, True, "-1", "0.0.0.0/0")
    deny = AclEntry(10, False, "-1", f"{MS1}/32")
    stage.hosts.doors.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], (allow, deny), (allow, deny)))
    before = stage.writes_of("ms1")
    began = stage.hosts.journal.now()
    wait_until("half a second has passed", lambda: stage.hosts.journal.now() - began > 0.5, deadline_s=5)
    assert stage.writes_of("ms1") <= before + 1
    assert origins(stage), "the pooler keeps the session, over which nothing can come"
    stage.hosts.doors.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], (allow,), (allow,)))
    stage.hosts.ms("ms1").stop()


@pytest.mark.stage
def test_behind_a_pooler_on_a_third_host_every_client_has_the_pooler_s_address(stage: Stage) -> None:
    through(stage, "pooler", POOLER)
    assert POOLER in origins(stage)
    assert MS1 not in origins(stage)
    stage.hosts.ms("ms1").stop()
