"""The list that shows nothing but the names that clients chose, as the adapter for Oracle reads it."""

from __future__ import annotations

import json
import os
import sys

import pytest

from lab.testbed.host_interfaces import OpenTo
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed
from tests.lab.testbed.hosts.inside import PROJECT

STAND_IN = PROJECT / "lab" / "testbed" / "hosts" / "stand_ins" / "python"
ASK = """
import json, sys
from msfailover.adapters.sessions import DatabaseSettings, Login, engine_for
host, password, authority, end = json.loads(sys.stdin.read())
class Source:
    def current(self): return Login("ms_failover", password)
    def renewed(self): return None
settings = DatabaseSettings("oracle", host, 5432, "tectia", ca_file=authority)
engine = engine_for(settings, Source())
listing = engine.list_sessions()
clients = [each for each in listing.sessions if each.user == "MS"]
told = {
    "names": [each.host_name for each in clients],
    "addresses": [each.address for each in listing.sessions],
    "not_writer": listing.not_writer, "gaps": listing.gaps, "rights": engine.can_list_and_terminate().answer,
}
if end:
    told["ended"] = engine.terminate([each.id for each in clients]).asked
    told["again"] = engine.terminate([each.id for each in clients]).gone
print(json.dumps(told))
"""


def ask(testbed: Testbed, *, end: bool) -> dict[str, object]:
    testbed.hosts.host("vpc").files.write("/etc/authority.pem", testbed.hosts.ca_pem)
    path = os.pathsep.join((str(STAND_IN), str(PROJECT / "layers" / "msfailover")))
    argv = ["env", f"PYTHONPATH={path}", sys.executable, "-c", ASK]
    stdin = json.dumps([DATABASE, testbed.hosts.passwords.monitor, "/etc/authority.pem", end])
    told: dict[str, object] = json.loads(testbed.hosts.host("vpc").run(argv, stdin=stdin).stdout)
    return told


@pytest.mark.testbed
def test_it_shows_the_names_that_clients_chose_and_no_address_and_ends_sessions(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.firewall.apply([OpenTo("10.77.0.0/24", "tcp", 5432, 5432)])
    told = ask(testbed, end=False)
    assert told["names"] == ["ms1"]
    assert set(told["addresses"]) == {None}  # type: ignore[call-overload]
    assert (told["not_writer"], told["gaps"], told["rights"]) == ("", [], "yes")
    testbed.open_to("vpc")
    told = ask(testbed, end=True)
    assert (told["ended"], told["again"]) == (1, 1)
    wait_until("the session is gone", lambda: testbed.sessions_of("ms1") == 0, deadline_s=5)
    assert ask(testbed, end=False)["names"] == []
