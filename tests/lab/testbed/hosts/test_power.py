"""Power, as an instance has it: cut without a word, back with the same files."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from lab.testbed.hosts.addresses import BRIDGE, CLOUD, DATABASE, MS1, MS2, Place
from lab.testbed.hosts.host import HostError, HostOffError
from lab.testbed.hosts.network import command
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed


@pytest.mark.testbed
def test_the_database_still_lists_the_session_of_a_host_whose_power_was_cut(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    machines = testbed.hosts.machines
    pid = testbed.hosts.host("ms1").pid
    machines.power_off("i-1")
    assert not machines.is_on("i-1")
    assert not Path(f"/proc/{pid}").exists()
    before = testbed.writes_of("ms1")
    assert testbed.sessions_of("ms1") == 1
    # Long enough for another server's session to come and go: the dead one's neither writes nor goes.
    testbed.open_to("ms2")
    testbed.hosts.ms("ms2").start()
    testbed.wait_writing("ms2", rows=20)
    testbed.hosts.ms("ms2").stop()
    wait_until("ms2's session is gone", lambda: testbed.sessions_of("ms2") == 0, deadline_s=5)
    assert testbed.sessions_of("ms1") == 1
    assert testbed.writes_of("ms1") == before


@pytest.mark.testbed
def test_files_stay_over_a_power_cycle_and_what_is_temporary_goes(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    host = testbed.hosts.host("ms1")
    host.run(["sh", "-c", "echo kept >/var/lib/kept; echo lost >/tmp/lost; echo lost >/run/lost"])
    host.run(["useradd", "--create-home", "carrier"])
    testbed.hosts.machines.power_off("i-1")
    with pytest.raises(HostOffError):
        host.run(["true"])
    testbed.hosts.machines.power_on("i-1")
    assert host.run(["cat", "/var/lib/kept"]).stdout == "kept\n"
    assert host.run(["ls", "/tmp", "/run"]).stdout.count("lost") == 0
    assert host.run(["id", "-un", "carrier"]).stdout == "carrier\n"
    assert "carrier" not in Path("/etc/passwd").read_text()
    assert not Path("/home/carrier").exists()
    assert host.run(["hostname"]).stdout == "ms1\n"


@pytest.mark.testbed
@pytest.mark.parametrize("thawed", [False, True])
def test_a_host_that_stands_still_can_be_switched_off_and_on(testbed: Testbed, thawed: bool) -> None:
    host = testbed.hosts.host("ms1")
    host.freeze()
    if thawed:
        host.thaw()
    testbed.hosts.machines.power_off("i-1")
    assert not host.is_on
    testbed.hosts.machines.power_on("i-1")
    assert host.run(["hostname"]).stdout == "ms1\n"


@pytest.mark.testbed
@pytest.mark.parametrize("enabled", [True, False])
def test_the_server_starts_with_its_host_only_when_its_autostart_is_on(testbed: Testbed, enabled: bool) -> None:
    testbed.only_active("ms1")
    server = testbed.hosts.ms("ms1")
    server.host.run(["systemctl", "enable" if enabled else "disable", "ssh-mgmt-server"])
    testbed.hosts.machines.power_off("i-1")
    testbed.hosts.machines.power_on("i-1")
    if enabled:
        wait_until("the server runs", server.is_running, deadline_s=10)
        server.host.run(["systemctl", "disable", "ssh-mgmt-server"])
    else:
        assert not server.is_running()


@pytest.mark.testbed
def test_power_can_be_cut_and_given_twice(testbed: Testbed) -> None:
    machines = testbed.hosts.machines
    machines.power_on("i-2")
    pid = testbed.hosts.host("ms2").pid
    machines.power_on("i-2")
    assert testbed.hosts.host("ms2").pid == pid
    machines.power_off("i-2")
    machines.power_off("i-2")
    machines.power_on("i-2")
    assert machines.is_on("i-2")
    with pytest.raises(HostError, match="i-3"):
        machines.power_off("i-3")


@pytest.mark.testbed
def test_orphans_of_a_host_are_reaped(testbed: Testbed) -> None:
    host = testbed.hosts.host("ms2")
    testbed.hosts.machines.power_on("i-2")
    orphan = int(host.run(["sh", "-c", "sleep 0.05 >/dev/null 2>&1 & echo $!"]).stdout)
    gone = lambda: not host.inside(f"/proc/{orphan}").exists()  # noqa: E731
    wait_until("the orphan is reaped", gone, deadline_s=5)


@pytest.mark.testbed
def test_a_cut_host_reaches_only_whom_it_was_left(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.host("ms1").cut(only_except=[DATABASE])
    try:
        testbed.wait_writing("ms1", rows=10)
        assert not testbed.reaches("ms1", MS2, 22)
        assert not testbed.reaches("vpc", MS1, 443)
        assert testbed.reaches("vpc", MS2, 22)
        with pytest.raises(TimeoutError):
            socket.create_connection((MS1, 22), timeout=0.5)  # from the cloud's address
        testbed.hosts.host("ms1").cut()
        before = testbed.writes_of("ms1")
        assert not testbed.reaches("ms1", DATABASE, 5432)
        assert testbed.writes_of("ms1") <= before + 1
    finally:
        testbed.hosts.host("ms1").reconnect()
    assert testbed.reaches("ms1", MS2, 22)
    testbed.wait_writing("ms1")


@pytest.mark.testbed
def test_a_host_that_goes_takes_nobody_elses_address_with_it(testbed: Testbed) -> None:
    """The bridge must not change its hardware address with its ports: nobody would find the cloud for a while."""
    testbed.only_active("ms1")
    for instance, role in (("i-1", "ms1"), ("i-2", "ms2")):
        testbed.hosts.machines.power_off(instance)
        known = json.loads(command(["ip", "-json", "link", "show", BRIDGE]))[0]["address"]
        assert known == Place("cloud", CLOUD).mac
        assert not testbed.hosts.host(role).is_on
        testbed.hosts.machines.power_on(instance)
