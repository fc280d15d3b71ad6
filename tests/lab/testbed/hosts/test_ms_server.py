"""The Management Server's stand-in: the journal, the zombie, and what it does when the database is away."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from lab.testbed.hosts.addresses import ADMIN_PORT, MS1
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed


def ask_admin(testbed: Testbed, path: str = "/login", timeout_s: float = 1.0) -> bytes:
    """One request to ms1's administration interface, certificate checked. Raises OSError when it does not answer."""
    trust = ssl.create_default_context(cadata=testbed.hosts.ca_pem.decode())
    with (
        socket.create_connection((MS1, ADMIN_PORT), timeout=timeout_s) as plain,
        trust.wrap_socket(plain, server_hostname="ms.corp.example") as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: ms.corp.example\r\n\r\n".encode())
        answer = b""
        while part := secure.recv(4096):
            answer += part
        return answer


def answers(testbed: Testbed) -> bool:
    try:
        return ask_admin(testbed).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


@pytest.mark.testbed
def test_it_writes_many_times_a_second_over_one_connection(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    first = testbed.hosts.journal.rows()[-1]
    testbed.wait_writing("ms1", rows=40)
    rows = testbed.hosts.journal.rows(after_id=first.id)
    assert len(rows) / (rows[-1].at - first.at) > 10
    assert testbed.sessions_of("ms1") == 1


@pytest.mark.testbed
def test_its_administration_interface_answers(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    wait_until("the interface answers", lambda: answers(testbed), deadline_s=5)
    assert b"ms1" in ask_admin(testbed, "/")
    assert ask_admin(testbed, "/nothing").startswith(b"HTTP/1.1 404 ")


@pytest.mark.testbed
def test_a_hung_interface_takes_connections_while_the_writer_goes_on(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    wait_until("the interface answers", lambda: answers(testbed), deadline_s=5)
    testbed.hosts.hang_admin("ms1")
    with pytest.raises(TimeoutError):
        ask_admin(testbed, timeout_s=0.5)
    testbed.wait_writing("ms1", rows=10)
    assert testbed.hosts.ms("ms1").is_running()
    testbed.hosts.ms("ms1").recover_admin()
    wait_until("the interface answers again", lambda: answers(testbed), deadline_s=5)
    testbed.hosts.hang_admin("ms1")
    testbed.hosts.ms("ms1").stop()
    assert not testbed.hosts.ms("ms1").is_running()


@pytest.mark.testbed
def test_it_connects_again_by_itself_when_its_session_was_closed(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.database.kill()
    assert testbed.hosts.ms("ms1").is_running()
    testbed.hosts.database.start()
    testbed.wait_writing("ms1")


@pytest.mark.testbed
def test_its_first_write_comes_soon_after_its_start(testbed: Testbed) -> None:
    testbed.only_active("ms1")
    testbed.hosts.ms("ms1").stop()
    last = testbed.hosts.journal.rows()[-1].id
    began = time.time()
    testbed.hosts.ms("ms1").start()
    wait_until("it writes", lambda: bool(testbed.hosts.journal.rows(last)), deadline_s=5)
    assert testbed.hosts.journal.rows(last)[0].at - began < 3


@pytest.mark.testbed
def test_a_server_without_its_configuration_does_not_start(testbed: Testbed) -> None:
    host = testbed.hosts.host("ms2")
    testbed.hosts.ms("ms2").stop()
    host.run(["mv", "/etc/opt/ssh-mgmt/server/ms.json", "/etc/opt/ssh-mgmt/server/away"])
    try:
        done = host.run(["systemctl", "start", "ssh-mgmt-server"], check=False)
        assert done.returncode == 1
        assert "ms.json" in done.stderr
    finally:
        host.run(["mv", "/etc/opt/ssh-mgmt/server/away", "/etc/opt/ssh-mgmt/server/ms.json"])


@pytest.mark.testbed
def test_imported_software_appears_whole(testbed: Testbed) -> None:
    made = testbed.hosts.import_package(8, 1000)
    host = testbed.hosts.host("ms1")
    sizes = host.run(["stat", "-c", "%s", *map(str, made)]).stdout.split()
    assert sizes == ["1000"] * 8
    assert {path.parts[5] for path in made} == {"cds", "dists"}
