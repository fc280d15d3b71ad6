"""What adapters saw, in the words that decisions judge: a port's signal, a group's rule, a database's session."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

OUR_NAME = "ms-failover"
"""What our own connections call themselves, where a database shows the name that a client gives."""


IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class SessionKind(StrEnum):
    """What a session is for. All but `background` can write, or may come to.

    A `login` has begun, a `connection` has said nothing yet: it is no session, and may never be one.
    """

    CLIENT = "client"
    REPLICATION = "replication"
    LOGIN = "login"
    CONNECTION = "connection"
    BACKGROUND = "background"


@dataclass(frozen=True)
class Session:
    """One session as a database shows it.

    Args:
        id: what the engine needs to end exactly this one and none that took its number later; opaque to others.
        kind: what it is for.
        address: where it comes from, if the database shows an address.
        host_name: the client's name, if the database shows that in place of an address.
        user: the database user, if shown.
        local: it comes from the database's own machine, without a network in between.
        hidden: it is there, but where it comes from is not shown to us.
    """

    id: str
    kind: SessionKind = SessionKind.CLIENT
    address: str | None = None
    host_name: str | None = None
    user: str | None = None
    local: bool = False
    hidden: bool = False

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        if self.hidden:
            return "hidden"
        return self.address or self.host_name or ("local" if self.local else "not shown")


@dataclass(frozen=True)
class Listing:
    """All sessions of a database but our own.

    Args:
        sessions: what was read.
        gaps: a sentence for each reason why that may not be all of them; empty for a whole list.
        late_login_s: a list read sooner than so many seconds after access was revoked may miss a connection that came
            through before and turns into a session later; 0 where every connection is listed from its first packet,
            None where the engine does not say.
        not_writer: why what answered is not the database's writer, or not known to be it; read in the same connection
            and moment. Empty for the writer. A standby's list says nothing of who writes.
        announced: why an address in the list may be one that a proxy announced, not the one that packets come from;
            empty where every address is the network's own.
        read_from: the addresses of the database that the list was read from.
    """

    sessions: tuple[Session, ...]
    gaps: tuple[str, ...] = ()
    late_login_s: float | None = 0.0
    not_writer: str = ""
    announced: str = ""
    read_from: tuple[str, ...] = ()


def parse_address(text: str) -> IPAddress | None:
    """Read an address; an IPv4 address mapped into IPv6 is the IPv4 address. None for what is no address."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Read a network, or an address as the network of that address alone; None for what is neither."""
    address = parse_address(text)
    try:
        return ipaddress.ip_network(address if address is not None else text, strict=False)
    except ValueError:
        return None


ANY_PROTOCOL = "-1"


TCP = ("tcp", "6")


@dataclass(frozen=True)
class Rule:
    """One inbound rule of one security group.

    Args:
        group_id: the group it stands in.
        rule_id: its own id, by which it can be revoked.
        protocol: "tcp", "6", "-1" and so on, as EC2 gives it.
        from_port, to_port: the range; None with protocol -1.
        cidr: an IPv4 or IPv6 network, if it names one.
        source_group: a security group, if it refers to one.
        prefix_list: the id of a prefix list, if it refers to one.
        prefixes: that list's networks; None where they could not be read.
    """

    group_id: str
    rule_id: str
    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    cidr: str | None = None
    source_group: str | None = None
    prefix_list: str | None = None
    prefixes: tuple[str, ...] | None = None
    description: str = ""

    def __str__(self) -> str:
        source = self.cidr or self.source_group or self.prefix_list or "an unreadable source"
        return f"{self.rule_id} of {self.group_id} ({source}, {self.protocol} {self.from_port}-{self.to_port})"

    def covers(self, port: int) -> bool:
        """Whether the rule is about TCP connections to `port`."""
        if self.protocol == ANY_PROTOCOL:
            return True
        if self.protocol.lower() not in TCP:
            return False
        if self.from_port is None or self.to_port is None or self.from_port == -1:
            return True
        return self.from_port <= port <= self.to_port


class Signal(StrEnum):
    """What came back from one port. A refusal says that the listener is gone; a silence says little."""

    ANSWERS = "answers"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    WRONG_CERTIFICATE = "wrong certificate"
    WRONG_STATUS = "wrong status"
    BROKEN = "broken"


@dataclass(frozen=True)
class Instance:
    """An EC2 instance as EC2 describes it.

    Args:
        id: `i-…`.
        state: pending, running, stopping, stopped, shutting-down or terminated.
        addresses: every private IPv4 and IPv6 address of its interfaces; none once it is terminated.
        stop_protected: whether EC2 refuses to stop it; None where that was not asked or told.
        auto_scaling: the Auto Scaling group that it belongs to; empty for none.
        spot: whether it is a Spot instance.
        root_device: `ebs` or `instance-store`.
    """

    id: str
    state: str
    addresses: tuple[str, ...] = ()
    stop_protected: bool | None = None
    auto_scaling: str = ""
    spot: bool = False
    root_device: str = "ebs"


@dataclass(frozen=True)
class Holder:
    """A network interface that has one of the addresses that were asked for; `instance_id` is empty without one."""

    address: str
    interface_id: str
    instance_id: str = ""

    def __str__(self) -> str:
        return f"{self.interface_id} of {self.instance_id}" if self.instance_id else self.interface_id


@dataclass(frozen=True)
class Machine:
    """What EC2 shows of a server: the configured instance, and right after it whoever holds the server's addresses."""

    instance: Instance | None
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True)
class AclEntry:
    """One entry of a network ACL.

    Args:
        number: entries are evaluated by rising number, and the first that matches decides.
        egress: whether it is about packets that leave the subnet; False for packets that enter it.
        allows: what it does with a packet that matches.
        protocol: "-1" for all, else a number, as EC2 gives it.
        cidr: the IPv4 or IPv6 network at the other end.
    """

    number: int
    egress: bool
    allows: bool
    protocol: str
    cidr: str

    def __str__(self) -> str:
        direction = "outbound" if self.egress else "inbound"
        return f"{direction} entry {self.number} ({'allow' if self.allows else 'deny'} {self.cidr})"


@dataclass(frozen=True)
class NetworkAcl:
    """A network ACL: its id, the subnets that it stands before, and its entries in any order."""

    acl_id: str
    subnets: frozenset[str]
    entries: tuple[AclEntry, ...]


@dataclass(frozen=True)
class Subnet:
    """A subnet and its networks, IPv4 and IPv6."""

    subnet_id: str
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Interface:
    """One network interface.

    Args:
        interface_id: its id.
        subnet_id: the subnet that it stands in.
        groups: the ids of its security groups.
        private: its private addresses, IPv4 and IPv6.
        public: the public IPv4 addresses associated with them.
        requester: who made it, where a service of AWS did ("amazon-rds"); empty otherwise.
        instance_id: the EC2 instance that it is attached to; empty for none.
        prefixes: the networks that are delegated to it, each address of which its machine may use.
        vpc_id: the VPC that its subnet is of.
        kind: its type, as EC2 calls it ("interface", "transit_gateway", …).
        any_source: whether its machine may send from any address, as routers do: EC2's source/destination check is off.
    """

    interface_id: str
    subnet_id: str
    groups: frozenset[str]
    private: tuple[str, ...]
    public: tuple[str, ...] = ()
    requester: str = ""
    instance_id: str = ""
    prefixes: tuple[str, ...] = ()
    any_source: bool = False
    vpc_id: str = ""
    kind: str = "interface"

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.private + self.public
