"""MariaDB in PostgreSQL's place: the same journal, the same access group, the same rights."""

from __future__ import annotations

import json
import sys

import pytest

from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed

ASK = """
import json, ssl, sys
import pymysql
user, password, tls, sql = json.loads(sys.stdin.read())
trust = ssl.create_default_context()
trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
try:
    connection = pymysql.connect(
        host="10.77.0.30", user=user, password=password, ssl=trust if tls else None, ssl_disabled=not tls)
    cursor = connection.cursor()
    cursor.execute(sql)
    print(json.dumps({"rows": cursor.fetchall()}, default=str))
except Exception as error:
    print(json.dumps({"error": str(error)}))
"""


@pytest.fixture(scope="module")
def engine() -> str:
    return "mysql"


def ask(testbed: Testbed, user: str, password: str, sql: str, *, tls: bool = True) -> dict[str, object]:
    stdin = json.dumps([user, password, tls, sql])
    found: dict[str, object] = json.loads(
        testbed.hosts.host("vpc").run([sys.executable, "-c", ASK], stdin=stdin).stdout
    )
    return found


@pytest.mark.testbed
def test_the_server_writes_the_journal_behind_the_access_group(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.open_to()
    testbed.wait_writing("ms1", rows=10)
    assert testbed.sessions_of("ms1") == 1
    assert not testbed.reaches("ms1", DATABASE, 3306)
    row = testbed.hosts.journal.rows()[-1]
    assert abs(testbed.hosts.journal.now() - row.at) < 30
    counted = "SELECT count(*) FROM journal WHERE server = :server AND id <= :id"
    assert testbed.hosts.database.connect().run(counted, server=row.server, id=row.id)[0][0] >= 10


@pytest.mark.testbed
def test_the_monitoring_account_sees_and_ends_sessions_and_nothing_else(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.open_to("vpc")
    password = testbed.hosts.passwords.monitor
    listed = ask(testbed, "ms_failover", password, "SELECT id FROM information_schema.processlist WHERE user = 'ms'")
    rows = listed["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    assert ask(testbed, "ms_failover", password, f"KILL {rows[0][0]}") == {"rows": []}
    wait_until("the session is gone", lambda: testbed.sessions_of("ms1") == 0, deadline_s=5)
    for forbidden in ("SELECT * FROM tectia.journal", "INSERT INTO tectia.journal (server) VALUES ('x')"):
        assert "denied" in str(ask(testbed, "ms_failover", password, forbidden)), forbidden


@pytest.mark.testbed
def test_a_wrong_password_and_a_plain_connection_are_turned_away(testbed: Testbed) -> None:
    testbed.open_to("vpc")
    right = testbed.hosts.passwords.application
    assert "denied" in str(ask(testbed, "ms", "wrong", "SELECT 1"))
    assert "error" in ask(testbed, "ms", right, "SELECT 1", tls=False)
    assert ask(testbed, "ms", right, "SELECT 1") == {"rows": [[1]]}


@pytest.mark.testbed
def test_it_stops_and_starts_with_its_rows(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.ms("ms1").stop()
    before = testbed.writes_of("ms1")
    for end in (testbed.hosts.database.stop, testbed.hosts.database.kill):
        end()
        end()
        testbed.hosts.database.start()
        testbed.hosts.database.start()
        assert testbed.writes_of("ms1") == before
