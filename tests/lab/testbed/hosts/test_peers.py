"""What the comparison with other failover managers begins each of its runs with: hosts as if never used."""

from __future__ import annotations

import pytest

from lab.benchmarks.peers_managers import boot
from lab.testbed.hosts.server_host import ServerHost
from tests.lab.testbed.hosts.conftest import Testbed

pytestmark = pytest.mark.testbed


class OnMs1:
    """A manager that has the server on ms1."""

    name = "a manager"

    def start(self, server: ServerHost) -> None:
        if server.name == "ms1":
            server.start()


def test_each_run_begins_without_the_sessions_that_the_last_one_left(testbed: Testbed) -> None:
    testbed.open_to("ms1", "ms2")
    for _ in range(2):
        boot(testbed.hosts, OnMs1())
        held = testbed.sessions_of("ms1")
        testbed.hosts.ms("ms1").power_off()
        assert testbed.sessions_of("ms1") == held > 0, "a host without power ends no session"
    boot(testbed.hosts, OnMs1())
    assert testbed.sessions_of("ms1") == held
