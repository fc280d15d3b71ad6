"""The world's two servers, its database with its firewall, and its DNS record: what is really so."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from lab.simulation.subnet_borders import Borders

PORT = 5432
PORTS = (PORT, 5433)
"""Every port that the database listens on."""

POOLER = "10.99.0.9"
MS1_ADDRESSES = ("10.77.0.11", "10.77.1.11")
ACCESS_GROUP = "sg-00000000d00000001"
OWNERS = "sg-00000000a00000002"
SERVERS_GROUP = "sg-00000000b00000003"
DELEGATED = "10.77.9.0/28"
"""A network that is delegated to ms1's interface where a schedule says so: its machine may use every address of it."""

ROUTED = "10.77.8.8"
"""An address that is routed to ms1's interface where a schedule says so, and that EC2 does not know of it."""

PREFIX_LIST = "pl-0000000000000001"
STOPPING_TAKES_S = 12.0


@dataclass
class Host:
    """A server's machine and the service on it.

    Args:
        machine: what EC2 says of it: running, stopping, stopped, terminated.
        alive: whether its operating system runs (a machine can be `running` and dead).
        runs: whether the service runs; a running one connects to the database whenever it can, for ever.
        answers: whether the service answers on its ports.
        seen: whether the probe and SSM can reach the host; the database it can reach in any case.
        probed: whether the probe can, too.
        prefixes: the networks that are delegated to its interface; it connects from an address of each as well.
        any_source: whether EC2 lets it send from any address; it connects from one that is routed to it as well.
        frozen: whether every process of it stands still: what was handed to its agent is carried out when it wakes.
        stubborn: whether the service ignores being stopped, and being killed.
        never_stops: whether the machine stays in `stopping` for ever once it is ordered off.
        start: what becomes of an attempt to start it: "", "fails" or "hangs"; or it starts and is "misreported": its
            host says that it is stopped, and does not stop it therefore.
    """

    role: str
    instance_id: str
    addresses: tuple[str, ...]
    machine: str = "running"
    alive: bool = True
    runs: bool = False
    answers: bool = True
    seen: bool = True
    probed: bool = True
    prefixes: tuple[str, ...] = ()
    any_source: bool = False
    frozen: bool = False
    stubborn: bool = False
    never_stops: bool = False
    autostart: bool = False
    start: str = ""
    epoch: int = 0
    stopped_at: float = 0.0

    @property
    def on(self) -> bool:
        return self.machine in ("running", "stopping") and self.alive

    @property
    def reachable(self) -> bool:
        return self.on and self.seen

    @property
    def every_address(self) -> tuple[str, ...]:
        """Every address that it connects from: its own, one of each network that is delegated, and one routed to it."""
        delegated = (str(ipaddress.ip_network(each)[5]) for each in self.prefixes)
        return (*self.addresses, *delegated, *((ROUTED,) if self.any_source else ()))

    @property
    def serves(self) -> bool:
        return self.reachable and self.probed and not self.frozen and self.runs and self.answers


@dataclass(frozen=True)
class Open:
    """A session on the database. A ghost is one whose client died without a word: listed, but nobody writes.

    A silent one is only a connection: it is no session, but can become one as long as it is there.
    """

    id: str
    role: str
    address: str
    ghost: bool = False
    silent: bool = False


@cache
def _within(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


@dataclass
class Base:
    """The database, and the rules in front of it.

    Args:
        up: whether it is there.
        seen: whether the functions can ask it.
        hidden: whether it shows no origins.
        undying: whether sessions go on that were told to end.
        names: whether it shows what clients call themselves and no address. Both servers call themselves ms2.
        standby: whether its name leads the functions to a standby, which knows nothing of the pair's sessions.
        moved: whether the name leads to another database whenever the list is read.
        watched: whether a port check from the first server's host is always under way.
        gateway: whether the first server comes by a transit gateway in the database's subnet, behind its ACL.
        announced: whether the list shows the addresses that a pooler announces.
        pooler: where sessions come through a pooler, on `another` host or on the database's own (`local`).
        pooled: whose they are.
        elsewhere: whether it stands where anybody gets in, and not behind the groups and ACLs that are read.
        borders: of its subnets.
    """

    up: bool = True
    seen: bool = True
    hidden: bool = False
    undying: bool = False
    names: bool = False
    standby: bool = False
    moved: bool = False
    watched: bool = False
    announced: bool = False
    gateway: bool = False
    pooler: str = ""
    pooled: str = "ms1"
    elsewhere: bool = False
    borders: Borders = field(default_factory=lambda: Borders(lambda: 1.0))
    sessions: list[Open] = field(default_factory=list)
    rules: tuple[dict[str, Any], ...] = ()
    prefixes: tuple[str, ...] = ()
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    _known: dict[tuple[str, str | None], bool] = field(default_factory=dict)

    def allows(self, address: str, group: str | None = None) -> bool:
        """Whether a rule (of one group, or of any) lets an address connect."""
        if self.elsewhere and group is None:
            return True
        asked = (address, group)
        if asked not in self._known:
            among = [rule for rule in self.rules if group is None or rule["GroupId"] == group]
            self._known[asked] = any(self._matches(rule, address) for rule in among)
        return self._known[asked]

    def keep_rules(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Take away every rule that is not wanted. A rule that goes away cuts no session."""
        self.rules = tuple(rule for rule in self.rules if wanted(rule))
        self._known.clear()

    def _matches(self, rule: dict[str, Any], address: str) -> bool:
        if rule["IpProtocol"] != "-1" and not any(rule["FromPort"] <= port <= rule["ToPort"] for port in PORTS):
            return False
        cidrs = self.prefixes if "PrefixListId" in rule else (rule["CidrIpv4"],)
        return any(_within(address, cidr) for cidr in cidrs)

    def add_rule(self, group: str, cidr: str, port: int = PORT) -> dict[str, Any]:
        source = {"PrefixListId": cidr} if cidr.startswith("pl-") else {"CidrIpv4": cidr}
        rule = {
            "GroupId": group,
            "SecurityGroupRuleId": f"sgr-{next(self._ids):017x}",
            "IsEgress": False,
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            **source,
        }
        self.rules += (rule,)
        self._known.clear()
        return rule

    def connect(self, host: Host) -> list[Open]:
        """Open what sessions the host can: one from each of its addresses. Returns the new ones."""
        if not (self.up and host.on and host.runs):
            return []
        have = {
            session.address
            for session in self.sessions
            if session.role == host.role and not session.ghost and not session.silent
        }
        made = [
            Open(f"{next(self._ids)}", host.role, address)
            for address in self._ways_of(host)
            if address not in have and self.reaches(address)
        ]
        self.sessions += made
        return made

    def _ways_of(self, host: Host) -> tuple[str, ...]:
        """The addresses that its sessions come from."""
        return (POOLER,) if self.hides(host.role) else host.every_address

    def hides(self, role: str) -> bool:
        """Whether a server comes through a pooler on another host, which cutting its own addresses does not cut."""
        return self.pooler == "another" and role == self.pooled

    def reaches(self, address: str) -> bool:
        """Whether an address can open a connection. A pooler on the database's own host passes no group's port."""
        local = self.pooler == "local" and address in MS1_ADDRESSES
        return (local or self.allows(address)) and all(self.ways(address))

    def ways(self, address: str) -> tuple[bool, bool]:
        """Whether packets pass from an address to the database, and back, of connections old or new.

        What reaches the database is carried out, whether or not its answer comes back.
        """
        if self.gateway and address in MS1_ADDRESSES:
            return True, True
        inward, outward = (self.elsewhere or self.borders.lets_pass(address, egress=each) for each in (False, True))
        return inward, outward

    def connect_in_silence(self, host: Host) -> None:
        """The host has a connection, of no service's, that has not logged in."""
        self.sessions.append(Open(f"{next(self._ids)}", host.role, host.addresses[0], silent=True))

    def log_in(self, role: str) -> bool:
        """What is silent and has somebody at its other end becomes a session. Says whether there was any."""
        begun = [each for each in self.sessions if each.role == role and each.silent and not each.ghost]
        self.sessions = [replace(each, silent=False) if each in begun else each for each in self.sessions]
        return bool(begun)

    def hang_up(self, role: str) -> None:
        """What a server has connected in silence ends: its machine is off, or the database waits no longer."""
        self.sessions = [each for each in self.sessions if not (each.role == role and each.silent)]

    def leave(self, role: str, *, ghosts: bool) -> None:
        """The service's sessions end; a host that died leaves all that it had behind, as ghosts."""
        mine = [session for session in self.sessions if session.role == role]
        stay = [replace(each, ghost=True) for each in mine] if ghosts else [each for each in mine if each.silent]
        self.sessions = [session for session in self.sessions if session.role != role] + stay

    def writers(self) -> set[str]:
        """The servers that hold sessions now, ghosts aside."""
        return {each.role for each in self.sessions if not (each.ghost or each.silent) and self.ways(each.address)[0]}

    def may_come(self, role: str) -> bool:
        """Whether something of a server's is connected that can become a session."""
        mine = [each for each in self.sessions if each.role == role and each.silent and not each.ghost]
        return any(self.ways(each.address)[0] for each in mine)
