"""The stand-ins for systemctl and dpkg-query say and do what the real ones would for the one service."""

from __future__ import annotations

import time

import pytest

from lab.testbed.hosts.host import Host
from lab.testbed.hosts.server_host import VERSION
from tests.lab.testbed.hosts.conftest import Testbed

UNIT = "ssh-mgmt-server"


def systemctl(host: Host, *words: str) -> tuple[int, str]:
    done = host.run(["systemctl", *words], check=False)
    return done.returncode, done.stdout.strip()


@pytest.mark.testbed
def test_start_and_stop_can_be_said_twice(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    host = testbed.hosts.host("ms1")
    pid = systemctl(host, "show", "-p", "MainPID", "--value", UNIT)[1]
    assert systemctl(host, "start", UNIT) == (0, "")
    assert systemctl(host, "show", "-p", "MainPID", "--value", f"{UNIT}.service")[1] == pid
    assert systemctl(host, "is-active", UNIT) == (0, "active")
    for _ in range(2):
        assert systemctl(host, "stop", UNIT) == (0, "")
        assert systemctl(host, "is-active", UNIT) == (3, "inactive")
    assert host.run(["pgrep", "-f", "ms_server.py"], check=False).stdout == ""
    shown = systemctl(host, "show", UNIT, "-p", "ActiveState,SubState", "--property=MainPID")[1]
    assert shown.split() == ["ActiveState=inactive", "SubState=dead", "MainPID=0"]


@pytest.mark.testbed
def test_two_starts_at_once_start_one(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    host = testbed.hosts.host("ms1")
    testbed.hosts.ms("ms1").stop()
    host.run(["sh", "-c", f"systemctl start {UNIT} & systemctl start {UNIT} & systemctl start {UNIT} & wait"])
    assert len(host.run(["pgrep", "-f", "ms_server.py"]).stdout.split()) == 1


@pytest.mark.testbed
def test_a_second_server_beside_the_service_is_refused(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    done = testbed.hosts.host("ms1").run([f"/usr/local/sbin/{UNIT}"], check=False)
    assert done.returncode == 1
    assert "another server runs" in done.stderr


@pytest.mark.testbed
def test_a_killed_server_has_failed_until_it_is_started_or_forgotten(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    host = testbed.hosts.host("ms1")
    testbed.hosts.kill_ms("ms1")
    assert systemctl(host, "is-active", UNIT) == (3, "failed")
    assert systemctl(host, "reset-failed", UNIT)[0] == 0
    assert systemctl(host, "is-active", UNIT) == (3, "inactive")
    assert systemctl(host, "start", UNIT)[0] == 0


@pytest.mark.testbed
def test_autostart_is_kept(testbed: Testbed) -> None:
    host = testbed.hosts.host("ms1")
    for _ in range(2):
        assert systemctl(host, "enable", UNIT)[0] == 0
        assert systemctl(host, "is-enabled", UNIT) == (0, "enabled")
    for _ in range(2):
        assert systemctl(host, "disable", UNIT)[0] == 0
        assert systemctl(host, "is-enabled", UNIT) == (1, "disabled")
        assert systemctl(host, "is-enabled", "--quiet", UNIT) == (1, "")


@pytest.mark.testbed
def test_a_server_that_fails_to_start_says_why(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    server = testbed.hosts.ms("ms1")
    server.stop()
    server.switch(start_fails=True)
    done = server.host.run(["systemctl", "start", UNIT], check=False)
    assert done.returncode == 1
    assert "told to fail" in done.stderr
    assert systemctl(server.host, "is-active", UNIT) == (3, "failed")


@pytest.mark.testbed
def test_a_server_that_ignores_term_is_killed_in_the_end(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    server = testbed.hosts.ms("ms1")
    server.stop()
    server.switch(ignore_term_s=60)
    server.start()
    began = time.monotonic()
    assert systemctl(server.host, "stop", UNIT)[0] == 0
    assert 4.9 < time.monotonic() - began < 8
    assert not server.is_running()


@pytest.mark.testbed
def test_units_of_others_are_unknown(testbed: Testbed) -> None:
    host = testbed.hosts.host("ms1")
    assert systemctl(host, "start", "cron")[0] == 5
    assert systemctl(host, "is-active", "cron") == (4, "inactive")
    assert systemctl(host, "bogus", UNIT)[0] == 1


@pytest.mark.testbed
def test_dpkg_query_tells_the_version(testbed: Testbed) -> None:
    host = testbed.hosts.host("ms1")
    asked = ["dpkg-query", "-W", "-f=${Version}", UNIT]
    assert host.run(asked).stdout == VERSION
    assert host.run([*asked[:2], "-f", "${Package} ${db:Status-Status}\\n", UNIT]).stdout == f"{UNIT} installed\n"
    assert host.run(["dpkg-query", "-W", "cron"], check=False).returncode == 1
