"""The borders between the stage's cloud and its hosts: what AWS does to machines, doors, names and running code."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class OpenTo:
    """What a database's interface lets in: a network, a protocol ("tcp", "udp", "icmp" or "-1"), a range of ports."""

    cidr: str
    protocol: str
    from_port: int
    to_port: int


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


class Doors(Protocol):
    """What security groups do to the database's interface. Established connections outlive a rule, as on AWS."""

    def apply(self, rules: Sequence[OpenTo]) -> None: ...


class Names(Protocol):
    """What Route 53 does to its name servers. `publish` returns when the records are served."""

    def publish(self, zone: str, records: Sequence[Record]) -> None: ...


class Places(Protocol):
    """Where a function's process runs: on the database's network, or outside it."""

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], *, in_vpc: bool, stdout: int, stderr: int
    ) -> subprocess.Popen[bytes]: ...
