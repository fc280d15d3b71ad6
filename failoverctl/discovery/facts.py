"""What was found in an account: plain facts, from which parameters and obstacles are decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msfailover.observations import Instance, Interface, NetworkAcl, Rule
from msfailover.pair import Role

ENGINES = {
    "postgres": "postgresql",
    "aurora-postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "aurora-mysql": "mysql",
    "aurora": "mysql",
}
"""What the template calls an engine of RDS; Oracle's editions begin with one of `ORACLE`."""
ORACLE = ("oracle-", "custom-oracle-")
BY_PORT = {5432: "postgresql", 3306: "mysql", 1521: "oracle", 2484: "oracle"}
"""The engine whose own port it is."""
ACCESS_GROUP = ": lets the one active server in to the database. Do not edit."
"""How the description of a stack's access group ends: no group of the owner's."""


@dataclass(frozen=True)
class Wanted:
    """What the operator gave.

    Args:
        ms1, ms2: ids of the instances.
        database: an RDS instance's or cluster's identifier, or `i-…:PORT`; empty where only the file names a host.
        record: the DNS record's name, lower case, without a dot at its end.
        given: parameters that the operator or the file has set, by their names in the template.
        secret: name or ARN of the monitoring role's secret; empty for none.
    """

    ms1: str
    ms2: str
    database: str
    record: str
    given: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""


@dataclass(frozen=True)
class Agent:
    """The SSM agent of a server, as Systems Manager knows it; `ping` is Online, ConnectionLost or Inactive."""

    ping: str
    computer: str = ""
    address: str = ""
    platform: str = ""


@dataclass(frozen=True)
class Host:
    """One of the two servers.

    Args:
        role: its place in the pair.
        instance_id: as given.
        instance: as EC2 describes it; None where EC2 knows none, or was not asked (`mi-…`).
        interfaces: its network interfaces, that of the first device first.
        vpc: the network of the first of them.
        name: its tag Name.
        windows: whether EC2 says that it runs Windows.
        profile: whether it has an instance profile.
        agent: None where Systems Manager knows none.
        asked: whether Systems Manager answered at all.
    """

    role: Role
    instance_id: str
    instance: Instance | None = None
    interfaces: tuple[Interface, ...] = ()
    vpc: str = ""
    name: str = ""
    windows: bool = False
    profile: bool = False
    agent: Agent | None = None
    asked: bool = True

    @property
    def managed(self) -> bool:
        """Whether it is a managed instance outside EC2."""
        return self.instance_id.startswith("mi-")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every private address, IPv4 before IPv6: the first one is where it is probed."""
        if self.managed:
            return (self.agent.address,) if self.agent and self.agent.address else ()
        found = dict.fromkeys(address for each in self.interfaces for address in each.private)
        return tuple(sorted(found, key=lambda address: ":" in address))

    @property
    def subnets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.subnet_id for each in self.interfaces))

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(group for each in self.interfaces for group in each.groups)


@dataclass(frozen=True)
class Database:
    """The database that both servers use.

    Args:
        kind: "rds" (an instance), "cluster" (Aurora, or a Multi-AZ cluster) or "ec2".
        id: its identifier, or the instance's id.
        engine: as RDS calls it; empty on EC2.
        host: the endpoint, or the address on EC2.
        port: of the endpoint, or as given.
        tls_port: of RDS Oracle's option SSL; 0 for none.
        name: the initial database (Oracle: the SID), or empty.
        resource_id: `db-…` or `cluster-…`.
        iam: whether IAM authentication is on.
        vpc: its network.
        groups: its security groups.
        subnets: every subnet that it may be in.
        addresses: on EC2, its private addresses.
        copy_of: what it is a read replica of; empty for a writer.
        proxies: RDS Proxies that lead to it; None where that could not be read.
        master_secret: the master user's secret, which RDS keeps.
        options: whether the option groups of an Oracle were read.
    """

    kind: str
    id: str
    engine: str = ""
    host: str = ""
    port: int = 0
    tls_port: int = 0
    name: str = ""
    resource_id: str = ""
    iam: bool = False
    vpc: str = ""
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    copy_of: str = ""
    proxies: tuple[str, ...] | None = ()
    master_secret: str = ""
    options: bool = True


@dataclass(frozen=True)
class Group:
    """A security group in front of the database, and whether it is the access group of a stack of ours."""

    group_id: str
    access: bool = False


@dataclass(frozen=True)
class Route:
    """One route: a network (or the id of a prefix list), and what it leads to ("local", "nat-…", "igw-…")."""

    network: str
    target: str


@dataclass(frozen=True)
class SubnetThere:
    """A subnet as it is: its networks, its zone, how many addresses are free, and its route table's routes."""

    subnet_id: str
    vpc: str
    zone: str
    networks: tuple[str, ...]
    free: int
    routes: tuple[Route, ...] | None = None


@dataclass(frozen=True)
class Zone:
    """A hosted zone that the record's name lies in; `seen` tells whether the servers' network resolves by it."""

    zone_id: str
    name: str
    private: bool
    seen: bool = True


@dataclass(frozen=True)
class Record:
    """A record set of the record's name; `simple` is False for an alias and for any routing policy."""

    zone_id: str
    type: str
    values: tuple[str, ...] = ()
    ttl_s: int = 0
    simple: bool = True


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint of the network: the service's short name ("ssm"), and whether its name leads to it."""

    service: str
    usable: bool


@dataclass(frozen=True)
class Secret:
    """A secret of Secrets Manager."""

    arn: str
    name: str


@dataclass(frozen=True)
class Concurrency:
    """How many Lambda functions may run at once in the account and region, and how many of them nobody has reserved."""

    limit: int
    unreserved: int


@dataclass(frozen=True)
class Facts:
    """Everything that was found. None is what could not be read, and `unread` says why.

    Args:
        groups, rules: of the database: its groups, and the inbound rules of those that are the owner's.
        subnets: of the networks of servers and database, by id.
        acls: that stand before those subnets.
        secrets: the one that was named, or those whose names speak for this software.
    """

    wanted: Wanted
    ms1: Host
    ms2: Host
    database: Database | None = None
    groups: tuple[Group, ...] = ()
    rules: tuple[Rule, ...] | None = ()
    subnets: Mapping[str, SubnetThere] = field(default_factory=dict)
    acls: tuple[NetworkAcl, ...] | None = ()
    zones: tuple[Zone, ...] | None = ()
    records: tuple[Record, ...] | None = ()
    endpoints: tuple[Endpoint, ...] | None = ()
    secrets: tuple[Secret, ...] | None = ()
    concurrency: Concurrency | None = None
    unread: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.ms1, self.ms2

    @property
    def vpc(self) -> str:
        """The network of the pair: the servers', where both are in one; for managed instances the database's."""
        found = {each.vpc for each in self.hosts if each.vpc}
        if not found and self.database:
            found = {self.database.vpc} - {""}
        return found.pop() if len(found) == 1 else ""

    @property
    def engine(self) -> str:
        """As the template calls it: what was given, else what RDS says or the port tells; empty where unknown."""
        known = self.database
        if known is None:
            return self.wanted.given.get("DatabaseEngine", "")
        if known.engine:
            return engine_of(known.engine)
        return self.wanted.given.get("DatabaseEngine") or BY_PORT.get(known.port, "")

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        return next((each for each in self.acls or () if subnet_id in each.subnets), None)

    def zone(self) -> Zone | None:
        """The one zone that the servers' network resolves the record by; None where there is none, or several are."""
        candidates = [each for each in self.zones or () if each.seen]
        private = [each for each in candidates if each.private]
        longest = max((len(each.name) for each in private or candidates), default=0)
        found = [each for each in private or candidates if len(each.name) == longest]
        return found[0] if len(found) == 1 else None


def engine_of(engine: str) -> str:
    """What the template calls an engine of RDS; empty for one that this software does not know."""
    return "oracle" if engine.startswith(ORACLE) else ENGINES.get(engine, "")
