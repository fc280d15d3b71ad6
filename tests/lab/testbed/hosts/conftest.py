"""One testbed per test module: hosts are brought up once, and each test puts them in the state that it wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.testbed.host_interfaces import OpenTo, Record
from lab.testbed.hosts.addresses import ADDRESS_OF, SERVICE_NAME, ZONE
from lab.testbed.hosts.hosts import Hosts
from lab.testbed.hosts.polling import wait_until


@pytest.fixture(scope="module")
def engine() -> str:
    """The database's; a module may have another."""
    return "postgresql"


@pytest.fixture(scope="module")
def testbed(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Testbed]:
    work_dir = tmp_path_factory.mktemp("testbed")
    with Hosts(work_dir, agents=5, preseeded=True, autostart=(), engine=engine) as hosts:
        hosts.machines.enroll({"i-1": "ms1", "i-2": "ms2"})
        yield Testbed(hosts)


class Testbed:
    """The hosts, and the few moves that the tests have in common."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts

    def open_to(self, *roles: str) -> None:
        port = self.hosts.database.port
        self.hosts.firewall.apply([OpenTo(f"{ADDRESS_OF[role]}/32", "tcp", port, port) for role in roles])

    def name_to(self, role: str) -> None:
        self.hosts.names.publish(ZONE, [Record(SERVICE_NAME + ".", "A", 5, (ADDRESS_OF[role],))])

    def writes_of(self, role: str) -> int:
        found = self.hosts.journal.by_server().get(role)
        return found.count if found else 0

    def wait_writing(self, role: str, rows: int = 3) -> None:
        """Return when the server has written that many more rows."""
        before = self.writes_of(role)
        wait_until(f"{role} writes", lambda: self.writes_of(role) >= before + rows, deadline_s=10)

    def only_active(self, role: str) -> None:
        """The state at rest: the other one is stopped, access is granted to this one, which runs and writes."""
        other = {"ms1": "ms2", "ms2": "ms1"}[role]
        for server in self.hosts.servers.values():
            server.host.reconnect()
            server.power_on()
            server.switch()
        self.hosts.ms(other).stop()
        self.open_to(role)
        self.hosts.ms(role).stop()
        self.hosts.ms(role).start()
        self.name_to(role)
        self.wait_writing(role)

    def sessions_of(self, role: str) -> int:
        return [session.address for session in self.hosts.database.sessions()].count(ADDRESS_OF[role])

    def reaches(self, role: str, address: str, port: int) -> bool:
        """Whether a connection from a host is accepted, in a second."""
        script = f"timeout 1 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null"
        return self.hosts.host(role).run(["sh", "-c", script], check=False).returncode == 0
