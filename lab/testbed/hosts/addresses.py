"""Where everything stands on the testbed's one network."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Where everything stands: networks and addresses of one kind of testbed, all on one bridge."""

    network: str
    cloud: str
    servers_subnet: str
    database_subnets: tuple[str, str]
    functions_subnet: str
    second_functions_subnet: str
    pooler_subnet: str
    ms1: str
    ms2: str
    vpc: str
    vpc_elsewhere: str
    database: str
    database_elsewhere: str
    agents: str
    names: str
    resolver: str
    nobody: str
    reader: str
    pooler: str
    zone: str


OWN = Layout(
    network="10.77.0.0/24",
    cloud="10.77.0.1",
    servers_subnet="10.77.0.0/28",
    database_subnets=("10.77.0.16/28", "10.77.0.96/28"),
    functions_subnet="10.77.0.64/28",
    second_functions_subnet="10.77.0.112/28",
    pooler_subnet="10.77.0.80/28",
    ms1="10.77.0.11",
    ms2="10.77.0.12",
    vpc="10.77.0.68",
    vpc_elsewhere="10.77.0.116",
    database="10.77.0.30",
    database_elsewhere="10.77.0.98",
    agents="10.77.0.40",
    names="10.77.0.53",
    resolver="10.77.0.2",
    nobody="10.77.0.13",
    reader="10.77.0.101",
    pooler="10.77.0.84",
    zone="corp.example",
)
OF_DEMO = Layout(
    network="10.99.0.0/24",
    cloud="10.99.0.97",  # where the demo's endpoints are
    servers_subnet="10.99.0.0/27",
    database_subnets=("10.99.0.64/28", "10.99.0.80/28"),
    functions_subnet="10.99.0.96/28",
    second_functions_subnet="10.99.0.112/28",
    pooler_subnet="10.99.0.128/28",
    ms1="10.99.0.10",
    ms2="10.99.0.42",
    vpc="10.99.0.100",
    vpc_elsewhere="10.99.0.116",
    database="10.99.0.70",
    database_elsewhere="10.99.0.84",
    agents="10.99.0.210",
    names="10.99.0.200",
    resolver="10.99.0.2",
    nobody="10.99.0.13",
    reader="10.99.0.220",
    pooler="10.99.0.132",
    zone="demo.internal",
)
"""As examples/demo/template.yaml has them; each server in a subnet of its own (the second one's is 10.99.0.32/27)."""

LAYOUT_BY = "MS_FAILOVER_TESTBED_LAYOUT"
"""Set to "demo" for a process whose testbed is a demo pair: a process has one testbed."""
HERE = OF_DEMO if os.environ.get(LAYOUT_BY) == "demo" else OWN

NETWORK = HERE.network
PREFIX = 24
BRIDGE = "br0"
CLOUD = HERE.cloud

# Subnets as on AWS, by address: all are on one bridge, and a network ACL stands where a packet crosses their border.
SERVERS_SUBNET = HERE.servers_subnet
DATABASE_SUBNETS = HERE.database_subnets
FUNCTIONS_SUBNET = HERE.functions_subnet
SECOND_FUNCTIONS_SUBNET = HERE.second_functions_subnet
"""In the other zone."""
POOLER_SUBNET = HERE.pooler_subnet

MS1 = HERE.ms1
MS2 = HERE.ms2
VPC = HERE.vpc
VPC_ELSEWHERE = HERE.vpc_elsewhere
DATABASE = HERE.database
DATABASE_ELSEWHERE = HERE.database_elsewhere
"""In the other zone's subnet: where a Multi-AZ database is after it failed over."""
AGENTS = HERE.agents
NAMES = HERE.names
RESOLVER = HERE.resolver
"""The network's base plus two, as in a VPC; there only where the testbed has a caching resolver."""

NOBODY = HERE.nobody
"""Beside the servers, where nothing is."""

READER = HERE.reader
POOLER = HERE.pooler

ADDRESS_OF = {"ms1": MS1, "ms2": MS2, "vpc": VPC, "database": DATABASE, "agents": AGENTS, "names": NAMES}
MORE = {"database2": READER, "pooler": POOLER, "vpc2": VPC_ELSEWHERE}
"""Hosts that are there only where a scenario wants them."""

ZONE = HERE.zone
SERVICE_NAME = f"ms.{ZONE}"
WRITER_NAME = f"writer.{ZONE}"
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
