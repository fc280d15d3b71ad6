"""Where everything stands on the testbed's one network."""

from __future__ import annotations

from dataclasses import dataclass

NETWORK = "10.77.0.0/24"
PREFIX = 24
BRIDGE = "br0"
CLOUD = "10.77.0.1"

# Subnets as on AWS, by address: all are on one bridge, and a network ACL stands where a packet crosses their border.
SERVERS_SUBNET = "10.77.0.0/28"
DATABASE_SUBNETS = ("10.77.0.16/28", "10.77.0.96/28")
FUNCTIONS_SUBNET = "10.77.0.64/28"
SECOND_FUNCTIONS_SUBNET = "10.77.0.112/28"
"""In the other zone."""
POOLER_SUBNET = "10.77.0.80/28"

MS1 = "10.77.0.11"
MS2 = "10.77.0.12"
VPC = "10.77.0.68"
VPC_ELSEWHERE = "10.77.0.116"
DATABASE = "10.77.0.30"
DATABASE_ELSEWHERE = "10.77.0.98"
"""In the other zone's subnet: where a Multi-AZ database is after it failed over."""
AGENTS = "10.77.0.40"
NAMES = "10.77.0.53"
RESOLVER = "10.77.0.2"
"""The network's base plus two, as in a VPC; there only where the testbed has a caching resolver."""

NOBODY = "10.77.0.13"
"""Beside the servers, where nothing is."""

READER = "10.77.0.101"
POOLER = "10.77.0.84"

ADDRESS_OF = {"ms1": MS1, "ms2": MS2, "vpc": VPC, "database": DATABASE, "agents": AGENTS, "names": NAMES}
MORE = {"database2": READER, "pooler": POOLER, "vpc2": VPC_ELSEWHERE}
"""Hosts that are there only where a scenario wants them."""

ZONE = "corp.example"
SERVICE_NAME = "ms.corp.example"
WRITER_NAME = "writer.corp.example"
"""Where the database is written to, as every host resolves it: by its own /etc/hosts."""
ADMIN_PORT = 443
AGENT_PORT = 17235
SSM_PORT = 5080


@dataclass(frozen=True)
class Place:
    """A host's name and its address on the bridge."""

    name: str
    address: str

    @property
    def mac(self) -> str:
        """A hardware address that stays with the host over power cycles, as a network interface's does."""
        octets = [int(part) for part in self.address.split(".")]
        return "02:00:" + ":".join(f"{octet:02x}" for octet in octets)
