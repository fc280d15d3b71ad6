"""The border of the database's subnet cuts as a network ACL does: packet by packet, whatever the connection."""

from __future__ import annotations

import sys

import pytest

from lab.testbed.host_interfaces import AclEntry, NetworkAcl, OpenTo
from lab.testbed.hosts.addresses import DATABASE, DATABASE_SUBNETS, MS1, MS2, SERVERS_SUBNET
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed

ALL = AclEntry(100, True, "-1", "0.0.0.0/0")
ALL6 = AclEntry(101, True, "-1", "::/0")

# Counts what comes back over one connection, by a file, until it is killed.
ECHOED = """
import pathlib, socket, sys, time
far = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
far.settimeout(None)
count = 0
while True:
    far.sendall(b"x")
    count += len(far.recv(1))
    pathlib.Path(sys.argv[3]).write_text(str(count))
    time.sleep(0.005)
"""
ECHO = """
import socket, sys, threading
def serve(near):
    while data := near.recv(100):
        near.sendall(data)
listening = socket.create_server((sys.argv[1], int(sys.argv[2])), family=socket.AF_INET6 if ":" in sys.argv[1] else 2)
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""
DATABASE6, MS1_6 = "fd77:30::30", "fd77::11"


def acl(*, deny_in: tuple[AclEntry, ...] = (), deny_out: tuple[AclEntry, ...] = ()) -> NetworkAcl:
    return NetworkAcl(DATABASE_SUBNETS[:1], (ALL, ALL6, *deny_in), (ALL, ALL6, *deny_out))


def deny(address: str, number: int = 10, protocol: str = "-1", ports: tuple[int, int] = (0, 65535)) -> AclEntry:
    return AclEntry(number, False, protocol, address, ports)


def silent(testbed: Testbed, role: str) -> bool:
    """Whether a server that tries to write all the time gets no row through, for as long as it would write ten."""
    before = testbed.writes_of(role)
    began = testbed.hosts.journal.now()
    wait_until("half a second has passed", lambda: testbed.hosts.journal.now() - began > 0.5, deadline_s=5)
    return testbed.writes_of(role) == before


@pytest.fixture(autouse=True)
def open_border(testbed: Testbed) -> None:
    testbed.hosts.firewall.apply_acl(acl())


@pytest.mark.testbed
@pytest.mark.parametrize("direction", ["both", "inward", "outward"])
def test_an_entry_cuts_the_established_session_that_a_rule_that_goes_leaves_alone(
    testbed: Testbed, direction: str
) -> None:
    testbed.only_active("ms1")
    testbed.open_to()
    testbed.wait_writing("ms1", rows=10)
    entries = (deny(f"{MS1}/32"),)
    cut = acl(
        deny_in=entries if direction != "outward" else (),
        deny_out=entries if direction != "inward" else (),
    )
    testbed.hosts.firewall.apply_acl(cut)
    # With the way back closed, what was sent already is still written; nothing is acknowledged, so no more comes.
    wait_until("it is silent", lambda: silent(testbed, "ms1"), deadline_s=5)
    assert testbed.hosts.ms("ms1").is_running()
    assert testbed.sessions_of("ms1") == 1, "the database does not know that nothing comes any more"
    testbed.hosts.firewall.apply_acl(acl())
    testbed.wait_writing("ms1", rows=1)


@pytest.mark.testbed
def test_an_entry_keeps_out_whom_a_rule_allows_and_nobody_else(testbed: Testbed) -> None:
    testbed.open_to("ms1", "ms2", "vpc")
    testbed.hosts.firewall.apply_acl(acl(deny_in=(deny(f"{MS1}/32"),)))
    assert [testbed.reaches(role, DATABASE, 5432) for role in ("ms1", "ms2", "vpc")] == [False, True, True]
    testbed.hosts.firewall.apply_acl(acl(deny_out=(deny(f"{MS2}/32"),)))
    assert [testbed.reaches(role, DATABASE, 5432) for role in ("ms1", "ms2", "vpc")] == [True, False, True]


@pytest.mark.testbed
def test_the_lowest_number_that_matches_decides_and_what_nothing_matches_is_denied(testbed: Testbed) -> None:
    testbed.open_to("ms1", "ms2")
    testbed.hosts.firewall.apply_acl(acl(deny_in=(deny(f"{MS1}/32", number=200),)))
    assert testbed.reaches("ms1", DATABASE, 5432)
    some = (AclEntry(300, False, "-1", "0.0.0.0/0"), AclEntry(20, True, "6", f"{MS2}/32", (5432, 5432)))
    testbed.hosts.firewall.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], some, (ALL,)))
    assert [testbed.reaches(role, DATABASE, 5432) for role in ("ms1", "ms2")] == [False, True]
    testbed.hosts.firewall.apply_acl(NetworkAcl(DATABASE_SUBNETS[:1], (), ()))
    assert not testbed.reaches("ms2", DATABASE, 5432)


@pytest.mark.testbed
def test_protocol_and_ports_count_and_are_those_of_the_far_end_s_target(testbed: Testbed) -> None:
    testbed.open_to("ms1")
    for protocol, ports, reached in (
        ("6", (5432, 5432), False),
        ("6", (5000, 5431), True),
        ("6", (1, 65535), False),
        ("17", (5432, 5432), True),
        ("1", (0, 65535), True),
    ):
        testbed.hosts.firewall.apply_acl(acl(deny_in=(deny(f"{MS1}/32", protocol=protocol, ports=ports),)))
        assert testbed.reaches("ms1", DATABASE, 5432) is reached, (protocol, ports)
    # On the way back the port is the client's own, a high one.
    testbed.hosts.firewall.apply_acl(acl(deny_out=(deny(f"{MS1}/32", protocol="6", ports=(5432, 5432)),)))
    assert testbed.reaches("ms1", DATABASE, 5432)
    testbed.hosts.firewall.apply_acl(acl(deny_out=(deny(f"{MS1}/32", protocol="6", ports=(32768, 65535)),)))
    assert not testbed.reaches("ms1", DATABASE, 5432)


@pytest.mark.testbed
def test_what_stays_in_the_subnet_passes_no_acl(testbed: Testbed) -> None:
    testbed.open_to("ms1", "ms2")
    within = NetworkAcl((*DATABASE_SUBNETS, SERVERS_SUBNET), (deny("0.0.0.0/0"),), (deny("0.0.0.0/0"),))
    testbed.hosts.firewall.apply_acl(within)
    assert testbed.reaches("ms1", DATABASE, 5432)
    assert not testbed.reaches("vpc", DATABASE, 5432)
    assert testbed.reaches("database", DATABASE, 5432), "a host reaches itself over no border"


@pytest.mark.testbed
def test_it_cuts_ipv6_too(testbed: Testbed) -> None:
    database, ms1 = testbed.hosts.host("database"), testbed.hosts.host("ms1")
    for role in ("ms1", "ms2"):
        testbed.hosts.ms(role).power_on()
    for host, address in ((database, DATABASE6), (ms1, MS1_6)):
        host.run(["ip", "addr", "add", f"{address}/16", "dev", "eth0", "nodad"])
    testbed.hosts.firewall.apply([OpenTo("::/0", "-1", 0, 65535)])
    testbed.hosts.firewall.apply_acl(NetworkAcl(("fd77:30::/64",), (ALL, ALL6), (ALL, ALL6)))
    database.spawn([sys.executable, "-c", ECHO, DATABASE6, "7777"], log="echo")
    database.wait_listening(7777)
    ms1.spawn([sys.executable, "-c", ECHOED, DATABASE6, "7777", "/var/lib/echoed"], log="echoed")
    echoed = ms1.files.path("/var/lib/echoed")

    def count() -> int:
        return int(echoed.read_text() or 0) if echoed.exists() else 0

    wait_until("the echo comes", lambda: count() > 5, deadline_s=10)
    testbed.hosts.firewall.apply_acl(
        NetworkAcl(("fd77:30::/64",), (ALL, ALL6, deny(f"{MS1_6}/128")), (ALL, ALL6, deny(f"{MS1_6}/128")))
    )

    def still() -> bool:
        before, began = count(), testbed.hosts.journal.now()
        wait_until("a while has passed", lambda: testbed.hosts.journal.now() - began > 0.3, deadline_s=5)
        return count() == before

    wait_until("no echo comes", still, deadline_s=5)
    testbed.hosts.firewall.apply_acl(NetworkAcl(("fd77:30::/64",), (ALL, ALL6), (ALL, ALL6)))
    before = count()
    wait_until("the echo comes again", lambda: count() > before, deadline_s=10)
