"""The database's standby follows it, is read-only, lists its own sessions only, and can change places with it."""

from __future__ import annotations

import sys

import pytest

from lab.testbed.host_interfaces import OpenTo
from lab.testbed.hosts.addresses import MS1, READER, WRITER_NAME
from lab.testbed.hosts.database import Asker, Database, Session
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed

ASKED = """
import json, ssl, sys
import pg8000.native
trust = ssl.create_default_context()
trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
connection = pg8000.native.Connection(
    "ms", host=sys.argv[1], database="tectia", password=sys.argv[2], ssl_context=trust, timeout=3)
print(connection.run("SELECT pg_is_in_recovery()"))
try:
    connection.run("INSERT INTO journal (server) VALUES ('ms1')")
except Exception as error:
    print(error)
"""


def rows(database: Database) -> int:
    return int(Asker(database.connect)("SELECT count(*) FROM journal")[0][0])


@pytest.mark.testbed
def test_a_reader_follows_is_read_only_and_shows_no_session_of_the_writer_s(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.firewall.apply([OpenTo("10.77.0.0/24", "tcp", 5432, 5432)])
    reader = testbed.hosts.start_reader()
    before = rows(reader)
    wait_until("rows reach the reader", lambda: rows(reader) > before, deadline_s=10)
    assert Session("ms", MS1) in testbed.hosts.database.sessions()
    assert Session("ms", MS1) not in reader.sessions()
    argv = [sys.executable, "-c", ASKED, READER, testbed.hosts.passwords.application]
    said = testbed.hosts.ms("ms1").host.run(argv).stdout
    assert said.startswith("[[True]]")
    assert "read-only transaction" in said

    testbed.hosts.lead_servers_to(WRITER_NAME, 5432)
    testbed.wait_writing("ms1")
    old, written = testbed.hosts.database, testbed.writes_of("ms1")
    reader.take_over()
    for host in ("ms1", "ms2", "vpc"):
        testbed.hosts.host(host).files.lead_writer_to(READER)
    testbed.hosts.database = reader
    testbed.wait_writing("ms1")
    assert testbed.writes_of("ms1") > written, "no row was lost"
    assert Session("ms", MS1) in reader.sessions()
    assert Session("ms", MS1) not in old.sessions()
    assert Asker(old.connect)("SELECT pg_is_in_recovery()") == [(True,)]
    wait_until("rows reach the old writer", lambda: rows(old) > written, deadline_s=10)
