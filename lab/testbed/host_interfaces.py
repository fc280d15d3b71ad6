"""What the testbed's cloud asks of its hosts: what AWS does to machines, firewalls, DNS records and running code."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class OpenTo:
    """What a database's interface allows: a network, a protocol ("tcp", "udp", "icmp" or "-1"), a range of ports."""

    cidr: str
    protocol: str
    from_port: int
    to_port: int


@dataclass(frozen=True)
class AclEntry:
    """One entry of a network ACL, for one direction.

    Args:
        number: entries are tried by rising number; the first that matches decides.
        allow: or else it denies.
        protocol: IANA's number as text, "-1" for all.
        cidr: of the far end, IPv4 or IPv6.
        ports: first and last destination port, for "6" (TCP) and "17" (UDP).
        icmp: type and code, -1 for all, for "1" (ICMP) and "58" (ICMPv6).
    """

    number: int
    allow: bool
    protocol: str
    cidr: str
    ports: tuple[int, int] = (0, 65535)
    icmp: tuple[int, int] = (-1, -1)


@dataclass(frozen=True)
class NetworkAcl:
    """What stands at a subnet's border.

    Args:
        subnets: the subnet's own networks; what comes from there does not cross the border.
        ingress, egress: entries for either direction, in any order. What none of them matches is denied.
    """

    subnets: tuple[str, ...]
    ingress: tuple[AclEntry, ...]
    egress: tuple[AclEntry, ...]

    def passes(self, address: str, port: int) -> bool:
        """Whether TCP gets through: from an address to a port behind the border, and back to a high port."""
        if any(_within(address, cidr) for cidr in self.subnets):
            return True
        return _first(self.ingress, address, port) and _first(self.egress, address, 49152)


def _first(entries: tuple[AclEntry, ...], address: str, port: int) -> bool:
    for entry in sorted(entries, key=lambda each: each.number):
        on_port = entry.protocol == "-1" or (entry.protocol == "6" and entry.ports[0] <= port <= entry.ports[1])
        if on_port and _within(address, entry.cidr):
            return entry.allow
    return False


def _within(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)


@dataclass(frozen=True)
class Record:
    """One record set as Route 53 holds it; `ttl` in seconds."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


class Machines(Protocol):
    """What EC2 does to a host."""

    def power_off(self, instance_id: str) -> None:
        """Cut the power; return when no process of the host is left. Does nothing to a host that is off."""

    def power_on(self, instance_id: str) -> None:
        """Boot: sshd, the SSM agent, and the server if its autostart is on. Does nothing to a host that is on."""

    def is_on(self, instance_id: str) -> bool: ...


class Firewall(Protocol):
    """What the network does to one interface in front of the database."""

    def apply(self, rules: Sequence[OpenTo]) -> None:
        """Filter as security groups do: established connections outlive a rule, as on AWS."""

    def apply_acl(self, acl: NetworkAcl) -> None:
        """Filter as the subnet's network ACL does: packet by packet, whatever connection each belongs to."""


class Names(Protocol):
    """What Route 53 does to its name servers. `publish` returns when the records are served."""

    def publish(self, zone: str, records: Sequence[Record]) -> None: ...


class Places(Protocol):
    """Where a function's process runs: on the database's network, or outside it."""

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], *, in_vpc: bool, stdout: int, stderr: int, network: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start a function's process. `network` is that of its subnet, where it has one."""
        ...
