"""When access and the DNS record changed on the testbed, noted as it happens: nothing has to be polled."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Mapping, Sequence

from failoverctl.acceptance.report.record import AccessObserved, NameSeen
from lab.testbed.host_interfaces import Firewall, Names, NetworkAcl, OpenTo, Record


class RecordedFirewall:
    """Firewall that remember who could use the database from when on.

    Implements `lab.testbed.host_interfaces.Firewall`.
    """

    def __init__(self, firewall: Firewall, servers: Mapping[str, str], port: int) -> None:
        self._access, self._servers, self._port = firewall, servers, port
        self._lock = threading.Lock()
        self._seen: list[AccessObserved] = []
        self._rules: tuple[OpenTo, ...] = ()
        self._acl: NetworkAcl | None = None

    def apply(self, rules: Sequence[OpenTo]) -> None:
        self._access.apply(rules)
        with self._lock:
            self._rules = tuple(rules)
            self._note()

    def apply_acl(self, acl: NetworkAcl) -> None:
        self._access.apply_acl(acl)
        with self._lock:
            self._acl = acl
            self._note()

    def _note(self) -> None:
        allowed = frozenset(name for name, address in self._servers.items() if self._allows(address))
        if not self._seen or self._seen[-1].servers != allowed:
            self._seen.append(AccessObserved(time.time(), allowed))

    @property
    def seen(self) -> tuple[AccessObserved, ...]:
        with self._lock:
            return tuple(self._seen)

    def _allows(self, address: str) -> bool:
        if self._acl is not None and not self._acl.passes(address, self._port):
            return False
        return any(
            ipaddress.ip_address(address) in ipaddress.ip_network(rule.cidr, strict=False)
            and (rule.protocol == "-1" or rule.from_port <= self._port <= rule.to_port)
            for rule in self._rules
        )


class RecordedNames:
    """Names that remember where the pair's name pointed from when on. Implements `host_interfaces.Names`."""

    def __init__(self, names: Names, servers: Mapping[str, str], name: str) -> None:
        self._names, self._name = names, name
        self._server_at = {address: server for server, address in servers.items()}
        self._lock = threading.Lock()
        self._seen: list[NameSeen] = []

    def publish(self, zone: str, records: Sequence[Record]) -> None:
        self._names.publish(zone, records)
        wanted = [each for each in records if each.name.rstrip(".") == self._name and each.type in ("A", "AAAA")]
        address = wanted[0].values[0] if wanted else ""
        with self._lock:
            if not self._seen or self._seen[-1].address != address:
                self._seen.append(NameSeen(time.time(), self._server_at.get(address), address))

    @property
    def seen(self) -> tuple[NameSeen, ...]:
        with self._lock:
            return tuple(self._seen)
