"""The database's access group filters as a security group does."""

from __future__ import annotations

import pytest

from lab.testbed.host_interfaces import OpenTo
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.database_firewall import ruleset
from tests.lab.testbed.hosts.conftest import Testbed


@pytest.mark.testbed
def test_a_revoked_access_lets_the_established_session_go_on_and_refuses_a_new_one(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.open_to()
    testbed.wait_writing("ms1", rows=10)
    assert not testbed.reaches("ms1", DATABASE, 5432)
    testbed.hosts.ms("ms1").stop()
    before = testbed.writes_of("ms1")
    testbed.hosts.ms("ms1").start()
    assert not testbed.reaches("ms1", DATABASE, 5432)
    assert testbed.writes_of("ms1") == before


@pytest.mark.testbed
def test_a_rule_allows_its_own_network_only(testbed: Testbed) -> None:
    testbed.open_to("ms2")
    assert testbed.reaches("ms2", DATABASE, 5432)
    assert not testbed.reaches("ms1", DATABASE, 5432)
    testbed.hosts.firewall.apply([OpenTo("10.77.0.8/29", "-1", -1, -1)])
    assert testbed.reaches("ms1", DATABASE, 5432)
    assert not testbed.reaches("vpc", DATABASE, 5432)


@pytest.mark.testbed
def test_a_rule_for_another_port_lets_nobody_in(testbed: Testbed) -> None:
    testbed.hosts.firewall.apply([OpenTo("10.77.0.0/24", "tcp", 1, 5431), OpenTo("10.77.0.0/24", "udp", 5432, 5432)])
    assert not testbed.reaches("ms1", DATABASE, 5432)
    testbed.hosts.firewall.apply([OpenTo("0.0.0.0/0", "tcp", 5400, 5432), OpenTo("::/0", "icmp", -1, -1)])
    assert testbed.reaches("ms1", DATABASE, 5432)


@pytest.mark.testbed
def test_a_second_port_of_the_engine_s_is_filtered_as_the_port_that_was_asked_for(testbed: Testbed) -> None:
    testbed.hosts.database.answer_on(5433)
    testbed.hosts.firewall.apply(
        [OpenTo("10.77.0.11/32", "tcp", 5433, 5433), OpenTo("10.77.0.12/32", "tcp", 5432, 5432)]
    )
    assert [testbed.reaches("ms1", DATABASE, port) for port in (5432, 5433)] == [False, True]
    assert [testbed.reaches("ms2", DATABASE, port) for port in (5432, 5433)] == [True, False]


@pytest.mark.testbed
def test_the_judge_reads_the_journal_behind_revoked_access(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.open_to()
    rows = testbed.hosts.journal.rows()
    assert rows
    assert all(row.server in ("ms1", "ms2") for row in rows)
    assert abs(testbed.hosts.journal.now() - rows[-1].at) < 60


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="sctp"):
        ruleset([OpenTo("10.0.0.0/8", "sctp", 1, 2)])
