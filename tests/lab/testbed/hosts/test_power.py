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
from tests.lab.testbed.hosts.conftest import Stage


@pytest.mark.stage
def test_the_database_still_lists_the_session_of_a_host_whose_power_was_cut(stage: Stage) -> None:
    stage.only_active("ms1")
    machines = stage.hosts.machines
    pid = stage.hosts.host("ms1").pid
    machines.power_off("i-1")
    assert not machines.is_on("i-1")
    assert not Path(f"/proc/{pid}").exists()
    before = stage.writes_of("ms1")
    assert stage.sessions_of("ms1") == 1
    # Long enough for another server's session to come and go: the dead one's neither writes nor goes.
    stage.open_to("ms2")
    stage.hosts.ms("ms2").start()
    stage.wait_writing("ms2", rows=20)
    stage.hosts.ms("ms2").stop()
    wait_until("ms2's session is gone", lambda: stage.sessions_of("ms2") == 0, deadline_s=5)
    assert stage.sessions_of("ms1") == 1
    assert stage.writes_of("ms1") == before


@pytest.mark.stage
def test_files_stay_over_a_power_cycle_and_what_is_temporary_goes(stage: Stage) -> None:
    stage.only_active("ms1")
    host = stage.hosts.host("ms1")
    host.run(["sh", "-c", "echo kept >/var/lib/kept; echo lost >/tmp/lost; echo lost >/run/lost"])
    host.run(["useradd", "--create-home", "carrier"])
    stage.hosts.machines.power_off("i-1")
    with pytest.raises(HostOffError):
        host.run(["true"])
    stage.hosts.machines.power_on("i-1")
    assert host.run(["cat", "/var/lib/kept"]).stdout == "kept\n"
    assert host.run(["ls", "/tmp", "/run"]).stdout.count("lost") == 0
    assert host.run(["id", "-un", "carrier"]).stdout == "carrier\n"
    assert "carrier" not in Path("/etc/passwd").read_text()
    assert not Path("/home/carrier").exists()
    assert host.run(["hostname"]).stdout == "ms1\n"


@pytest.mark.stage
@pytest.mark.parametrize("thawed", [False, True])
def test_a_host_that_stands_still_can_be_switched_off_and_on(stage: Stage, thawed: bool) -> None:
    host = stage.hosts.host("ms1")
    host.freeze()
    if thawed:
        host.thaw()
    stage.hosts.machines.power_off("i-1")
    assert not host.is_on
    stage.hosts.machines.power_on("i-1")
    assert host.run(["hostname"]).stdout == "ms1\n"


@pytest.mark.stage
@pytest.mark.parametrize("enabled", [True, False])
def test_the_server_starts_with_its_host_only_when_its_autostart_is_on(stage: Stage, enabled: bool) -> None:
    stage.only_active("ms1")
    server = stage.hosts.ms("ms1")
    server.host.run(["systemctl", "enable" if enabled else "disable", "ssh-mgmt-server"])
    stage.hosts.machines.power_off("i-1")
    stage.hosts.machines.power_on("i-1")
    if enabled:
        wait_until("the server runs", server.is_running, deadline_s=10)
        server.host.run(["systemctl", "disable", "ssh-mgmt-server"])
    else:
        assert not server.is_running()


@pytest.mark.stage
def test_power_can_be_cut_and_given_twice(stage: Stage) -> None:
    machines = stage.hosts.machines
    machines.power_on("i-2")
    pid = stage.hosts.host("ms2").pid
    machines.power_on("i-2")
    assert stage.hosts.host("ms2").pid == pid
    machines.power_off("i-2")
    machines.power_off("i-2")
    machines.power_on("i-2")
    assert machines.is_on("i-2")
    with pytest.raises(HostError, match="i-3"):
        machines.power_off("i-3")


@pytest.mark.stage
def test_orphans_of_a_host_are_reaped(stage: Stage) -> None:
    host = stage.hosts.host("ms2")
    stage.hosts.machines.power_on("i-2")
    orphan = int(host.run(["sh", "-c", "sleep 0.05 >/dev/null 2>&1 & echo $!"]).stdout)
    gone = lambda: not host.inside(f"/proc/{orphan}").exists()  # noqa: E731
    wait_until("the orphan is reaped", gone, deadline_s=5)


@pytest.mark.stage
def test_a_cut_host_reaches_only_whom_it_was_left(stage: Stage) -> None:
    stage.only_active("ms1")
    stage.hosts.host("ms1").cut(only_except=[DATABASE])
    try:
        stage.wait_writing("ms1", rows=10)
        assert not stage.reaches("ms1", MS2, 22)
        assert not stage.reaches("vpc", MS1, 443)
        assert stage.reaches("vpc", MS2, 22)
        with pytest.raises(TimeoutError):
            socket.create_connection((MS1, 22), timeout=0.5)  # from the cloud's address
        stage.hosts.host("ms1").cut()
        before = stage.writes_of("ms1")
        assert not stage.reaches("ms1", DATABASE, 5432)
        assert stage.writes_of("ms1") <= before + 1
    finally:
        stage.hosts.host("ms1").reconnect()
    assert stage.reaches("ms1", MS2, 22)
    stage.wait_writing("ms1")


@pytest.mark.stage
def test_a_host_that_goes_takes_nobody_elses_address_with_it(stage: Stage) -> None:
    """The bridge must not change its hardware address with its ports: nobody would find the cloud for a while."""
    stage.only_active("ms1")
    for instance, role in (("i-1", "ms1"), ("i-2", "ms2")):
        stage.hosts.machines.power_off(instance)
        known = json.loads(command(["ip", "-json", "link", "show", BRIDGE]))[0]["address"]
        assert known == Place("cloud", CLOUD).mac
        assert not stage.hosts.host(role).is_on
        stage.hosts.machines.power_on(instance)
