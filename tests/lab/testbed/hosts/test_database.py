"""The database: who may do what in it."""

from __future__ import annotations

import json
import sys

import pytest

from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed

# Runs on a host, so that the database sees that host's address.
ASK = """
import json, ssl, sys
import pg8000.native
user, password, tls, sql = json.loads(sys.stdin.read())
trust = False
if tls:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
try:
    connection = pg8000.native.Connection(
        user, host="10.77.0.30", database="tectia", password=password, ssl_context=trust, timeout=3)
    print(json.dumps({"rows": connection.run(sql)}, default=str))
except Exception as error:
    print(json.dumps({"error": str(error)}))
"""


def ask(testbed: Testbed, user: str, password: str, sql: str, *, tls: bool = True) -> dict[str, object]:
    stdin = json.dumps([user, password, tls, sql])
    answer = testbed.hosts.host("vpc").run([sys.executable, "-c", ASK], stdin=stdin).stdout
    found: dict[str, object] = json.loads(answer)
    return found


@pytest.mark.testbed
def test_the_monitoring_account_sees_and_ends_sessions_and_nothing_else(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.open_to("ms1", "vpc")
    password = testbed.hosts.passwords.monitor
    seen = "SELECT host(client_addr) FROM pg_stat_activity WHERE usename = 'ms'"
    assert ask(testbed, "ms_failover", password, seen) == {"rows": [["10.77.0.11"]]}
    testbed.open_to("vpc")
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ms'"
    assert ask(testbed, "ms_failover", password, ended) == {"rows": [[True]]}
    wait_until("the session is gone", lambda: testbed.sessions_of("ms1") == 0, deadline_s=5)
    for forbidden in ("SELECT * FROM journal", "CREATE TABLE t (i int)", "INSERT INTO journal (server) VALUES ('x')"):
        assert "permission denied" in str(ask(testbed, "ms_failover", password, forbidden)), forbidden


@pytest.mark.testbed
def test_a_wrong_password_and_a_plain_connection_are_turned_away(testbed: Testbed) -> None:
    testbed.open_to("vpc")
    assert "password authentication failed" in str(ask(testbed, "ms", "wrong", "SELECT 1"))
    assert "no encryption" in str(ask(testbed, "ms", testbed.hosts.passwords.application, "SELECT 1", tls=False))
    assert ask(testbed, "ms", testbed.hosts.passwords.application, "SELECT 1") == {"rows": [[1]]}


@pytest.mark.testbed
def test_it_stops_and_starts_with_its_rows(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.ms("ms1").stop()
    before = testbed.writes_of("ms1")
    for end in (testbed.hosts.database.stop, testbed.hosts.database.kill):
        end()
        end()
        assert not testbed.reaches("database", DATABASE, 5432)
        testbed.hosts.database.start()
        testbed.hosts.database.start()
        assert testbed.writes_of("ms1") == before
