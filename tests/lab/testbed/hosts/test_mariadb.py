"""MariaDB in PostgreSQL's place: the same journal, the same door, the same rights."""

from __future__ import annotations

import json
import sys

import pytest

from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Stage

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


def ask(stage: Stage, user: str, password: str, sql: str, *, tls: bool = True) -> dict[str, object]:
    stdin = json.dumps([user, password, tls, sql])
    found: dict[str, object] = json.loads(stage.hosts.host("vpc").run([sys.executable, "-c", ASK], stdin=stdin).stdout)
    return found


@pytest.mark.stage
def test_the_server_writes_the_journal_behind_the_door(stage: Stage) -> None:
    stage.only_active("ms1")
    stage.open_to()
    stage.wait_writing("ms1", rows=10)
    assert stage.sessions_of("ms1") == 1
    assert not stage.reaches("ms1", DATABASE, 3306)
    row = stage.hosts.journal.rows()[-1]
    assert abs(stage.hosts.journal.now() - row.at) < 30
    counted = "SELECT count(*) FROM journal WHERE server = :server AND id <= :id"
    assert stage.hosts.database.connect().run(counted, server=row.server, id=row.id)[0][0] >= 10


@pytest.mark.stage
def test_the_monitoring_account_sees_and_ends_sessions_and_nothing_else(stage: Stage) -> None:
    stage.only_active("ms1")
    stage.open_to("vpc")
    password = stage.hosts.passwords.monitor
    listed = ask(stage, "ms_failover", password, "SELECT id FROM information_schema.processlist WHERE user = 'ms'")
    rows = listed["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    assert ask(stage, "ms_failover", password, f"KILL {rows[0][0]}") == {"rows": []}
    wait_until("the session is gone", lambda: stage.sessions_of("ms1") == 0, deadline_s=5)
    for forbidden in ("SELECT * FROM tectia.journal", "INSERT INTO tectia.journal (server) VALUES ('x')"):
        assert "denied" in str(ask(stage, "ms_failover", password, forbidden)), forbidden


@pytest.mark.stage
def test_a_wrong_password_and_a_plain_connection_are_turned_away(stage: Stage) -> None:
    stage.open_to("vpc")
    right = stage.hosts.passwords.application
    assert "denied" in str(ask(stage, "ms", "wrong", "SELECT 1"))
    assert "error" in ask(stage, "ms", right, "SELECT 1", tls=False)
    assert ask(stage, "ms", right, "SELECT 1") == {"rows": [[1]]}


@pytest.mark.stage
def test_it_stops_and_starts_with_its_rows(stage: Stage) -> None:
    stage.only_active("ms1")
    stage.hosts.ms("ms1").stop()
    before = stage.writes_of("ms1")
    for end in (stage.hosts.database.stop, stage.hosts.database.kill):
        end()
        end()
        stage.hosts.database.start()
        stage.hosts.database.start()
        assert stage.writes_of("ms1") == before
