"""Is a server cut off from the database by network ACLs? And which entries of our own cut it off, or let it pass?

A network ACL stands at the border of a subnet and keeps no track of connections: where every subnet of the database
denies every address of a server in both directions, before any entry that allows, no packet passes between the two,
of connections old or new. Traffic that stays inside a subnet passes no ACL: a server in a subnet of the database's
can't be cut off in this way. Nor can one that comes by a transit gateway whose attachment is in a subnet of the
database's: for what that sends to the subnet no rule is evaluated (Amazon VPC Transit Gateways, "Network ACLs for
transit gateways").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from msfailover.observations import ANY_PROTOCOL, AclEntry, Interface, NetworkAcl, Subnet, parse_address
from msfailover.pair import Role, Server
from msfailover.verdict import Verdict, no, unknown, yes

NUMBERS_EACH = 20
"""Rule numbers that each server has to itself, in either direction: so lifting one never lifts the other."""

USUAL_QUOTA = 20
"""Entries of an ACL in one direction, the default ones among them (Amazon VPC quotas, "Rules per network ACL")."""

RDS = "amazon-rds"


class NoRoomForEntries(Exception):
    """The server has more addresses than there are numbers free for our entries in an ACL."""


@dataclass(frozen=True)
class Ground:
    """What EC2 shows of the network between a server and the database.

    Args:
        server: the server.
        own: its interfaces; empty for a managed instance outside EC2, and where EC2 knows of none.
        guarded: the interfaces that carry the access group, which are the database's.
        wanted: the subnets that the owner says the database may be in; empty leaves it to its interfaces.
        subnets: those of `subnets_of`, as read.
        acls: those of DatabaseNetworkAclIds, which entries may be written to.
        gateways: interfaces of transit gateways in those subnets, by which the server may come.
    """

    server: Server
    own: tuple[Interface, ...]
    guarded: tuple[Interface, ...]
    wanted: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    acls: tuple[NetworkAcl, ...]
    gateways: tuple[Interface, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of the server, those configured first."""
        return addresses_of(self.server, self.own)


def addresses_of(server: Server, own: Iterable[Interface]) -> tuple[str, ...]:
    """The addresses that are configured for a server, and those that EC2 knows of it."""
    return tuple(dict.fromkeys((*server.addresses, *(address for each in own for address in each.addresses))))


def subnets_of(guarded: Iterable[Interface], wanted: Sequence[str]) -> tuple[str, ...]:
    """The ids of the subnets that the database may be in."""
    return tuple(dict.fromkeys((*wanted, *(each.subnet_id for each in guarded))))


def is_cut(ground: Ground) -> Verdict:
    """Say whether no packet passes between a server and the database.

    Returns:
        yes, with the ACLs and addresses in its evidence; no, naming what lets it pass; or unknown.
    """
    doubt = _subnets_in_doubt(ground) or _server_in_doubt(ground)
    if doubt is not None:
        return doubt
    for subnet in ground.subnets:
        doubt = _before(ground, subnet)
        if doubt is not None:
            return doubt
    names = sorted({acl.acl_id for acl in ground.acls if acl.subnets & {each.subnet_id for each in ground.subnets}})
    return yes(
        f"{ground.server.role} is cut off: {', '.join(names)} deny {', '.join(ground.addresses)} in both directions,"
        f" before all else, in front of every subnet of the database ({_subnet_names(ground.subnets)}).",
        acls=names,
        addresses=list(ground.addresses),
        subnets=[each.subnet_id for each in ground.subnets],
    )


def could_be_cut(ground: Ground, numbers: range) -> Verdict:
    """Say whether our own entries would cut a server off, if they were written now. Writes nothing.

    Args:
        numbers: the rule numbers that are the server's own; see `numbers_of`.
    """
    try:
        planned = tuple(_with_denials(acl, ground.addresses, numbers) for acl in ground.acls)
    except NoRoomForEntries as error:
        return no(str(error))
    cut = is_cut(replace(ground, acls=planned))
    if not cut.is_yes:
        return cut
    full = [acl.acl_id for acl in planned if max(_count(acl, egress=each) for each in (True, False)) > USUAL_QUOTA]
    if full:
        return unknown(
            f"Whether {ground.server.role} could be cut off is not known: {', '.join(full)} would have more than"
            f" {USUAL_QUOTA} entries in one direction, which is EC2's usual limit."
        )
    return yes(f"{ground.server.role} could be cut off by {', '.join(cut.evidence['acls'])}.", **cut.evidence)


def numbers_of(role: Role, first: int) -> range:
    """The rule numbers that are one server's own, from the first of all our own."""
    start = first if role is Role.MS1 else first + NUMBERS_EACH
    return range(start, start + NUMBERS_EACH)


def number_for_trying(first: int) -> int:
    """A rule number of our own that holds no entry: for calls that are made dry."""
    return first + 2 * NUMBERS_EACH


@dataclass(frozen=True)
class Placed:
    """An entry of our own in an ACL: one that is there, or is to be written.

    Args:
        acl_id: the ACL.
        entry: the entry.
        replaces: whether it takes the place of one of ours that is of no use any more; else its number is free.
    """

    acl_id: str
    entry: AclEntry
    replaces: bool = False

    def __str__(self) -> str:
        return f"{self.entry} of {self.acl_id}"

    @property
    def address(self) -> str:
        """The one address that it denies."""
        return _plain_network(self.entry.cidr).partition("/")[0]


def missing(acls: Iterable[NetworkAcl], addresses: Collection[str], numbers: range) -> list[Placed]:
    """The entries that some ACLs lack to deny some addresses in both directions; see `_missing`."""
    return [each for acl in acls for each in _missing(acl, addresses, numbers)]


def denials(acls: Iterable[NetworkAcl], numbers: range) -> list[Placed]:
    """Entries of our kind under a server's numbers."""
    return [Placed(acl.acl_id, each) for acl in acls for each in acl.entries if is_ours(each, numbers)]


def denials_of(acls: Iterable[NetworkAcl], addresses: Collection[str], numbers: range) -> list[Placed]:
    """Those of them that deny the server."""
    wanted = {_host_network(each) for each in addresses}
    return [each for each in denials(acls, numbers) if _plain_network(each.entry.cidr) in wanted]


def useless(acls: Iterable[NetworkAcl], addresses: Collection[str], numbers: range) -> list[Placed]:
    """Our own entries under a server's numbers that deny an address which is not the server's (any more)."""
    wanted = {_host_network(each) for each in addresses}
    return [each for each in denials(acls, numbers) if _plain_network(each.entry.cidr) not in wanted]


def told(ground: Ground, numbers: range) -> dict[str, list[str]]:
    """For a verdict's evidence: our own entries that deny the server, and those that are of no use."""
    return {
        "denials": [str(each) for each in denials_of(ground.acls, ground.addresses, numbers)],
        "useless": [str(each) for each in useless(ground.acls, ground.addresses, numbers)],
    }


def _missing(acl: NetworkAcl, addresses: Collection[str], numbers: range) -> list[Placed]:
    """The entries that an ACL lacks to deny some addresses in both directions.

    Args:
        addresses: to be denied.
        numbers: the rule numbers that are the server's own.

    Raises:
        NoRoomForEntries: too few of those are free.
    """
    writes: list[Placed] = []
    for egress in (False, True):
        wanted = [_host_network(each) for each in addresses]
        own = [each for each in acl.entries if each.egress is egress and each.number in numbers]
        kept = {_plain_network(each.cidr) for each in own if is_ours(each, numbers)}
        lacking = [each for each in wanted if each not in kept]
        useless = [each.number for each in own if is_ours(each, numbers) and _plain_network(each.cidr) not in wanted]
        free = [number for number in numbers if number not in {each.number for each in own}]
        # Free ones first: what is of no use to this server may be another stack's, that has the same numbers here.
        places = [*((number, False) for number in free), *((number, True) for number in useless)]
        if len(lacking) > len(places):
            raise NoRoomForEntries(
                f"{acl.acl_id} has no room: {len(lacking)} addresses are to be denied, and of the rule numbers"
                f" {numbers.start} to {numbers.stop - 1} only {len(places)} are free."
            )
        writes += [
            Placed(acl.acl_id, AclEntry(number, egress, allows=False, protocol=ANY_PROTOCOL, cidr=cidr), replaces)
            for cidr, (number, replaces) in zip(lacking, places, strict=False)
        ]
    return writes


def is_ours(entry: AclEntry, numbers: range) -> bool:
    """Whether an entry is of the one kind that we write: a denial of everything for one address, under our numbers."""
    if entry.allows or entry.protocol != ANY_PROTOCOL or entry.number not in numbers:
        return False
    network = _network(entry.cidr)
    return network is not None and network.num_addresses == 1


def denied_by_others(acls: Iterable[NetworkAcl], address: str, numbers: range) -> str:
    """Names an entry, not of ours, that denies an address everything before any entry that allows; empty for none.

    It is asked of the address that access is granted to: an owner's ACL need not allow a server's others, say a public
    one.
    """
    for acl in acls:
        entries = [each for each in acl.entries if not is_ours(each, numbers)]
        for egress in (False, True):
            first = _first(entries, address, egress=egress)
            if first is not None and not first.allows and first.protocol == ANY_PROTOCOL:
                return f"{first} of {acl.acl_id}"
    return ""


def _subnets_in_doubt(ground: Ground) -> Verdict | None:
    """What keeps us from knowing every subnet that the database may be in; None where nothing does."""
    role = ground.server.role
    if not ground.guarded:
        return unknown(f"Whether {role} is cut off is not known: no network interface carries the access group.")
    strays = [each for each in ground.guarded if ground.wanted and each.subnet_id not in ground.wanted]
    if strays:
        return unknown(
            f"Whether {role} is cut off is not known: the database's interface {strays[0].interface_id} stands in"
            f" {strays[0].subnet_id}, which is not among DatabaseSubnetIds."
        )
    if not ground.wanted and any(each.requester == RDS for each in ground.guarded):
        return unknown(
            f"Whether {role} is cut off is not known: RDS may move the database to another subnet of its subnet group;"
            " DatabaseSubnetIds has to name them all."
        )
    if ground.gateways:
        gateway = ground.gateways[0]
        return unknown(
            f"Whether {role} is cut off is not known: it may come by the transit gateway whose {gateway.interface_id}"
            f" stands in {gateway.subnet_id}, a subnet of the database's: EC2 evaluates no network ACL for what that"
            " sends there."
        )
    wanted, read = set(subnets_of(ground.guarded, ground.wanted)), {each.subnet_id for each in ground.subnets}
    if wanted - read:
        return unknown(
            f"Whether {role} is cut off is not known: EC2 does not say of {', '.join(sorted(wanted - read))}."
        )
    return None


def _server_in_doubt(ground: Ground) -> Verdict | None:
    """What speaks against the server being where it could be cut off; None where nothing does."""
    server = ground.server
    its_own = [each for each in ground.own if each.instance_id == server.instance_id]
    known = {address for each in its_own for address in each.addresses}
    if server.instance_id.startswith("i-"):
        strange = [each for each in server.addresses if parse_address(each) not in {parse_address(k) for k in known}]
        if strange:
            return unknown(
                f"Whether {server.role} is cut off is not known: {', '.join(strange)} is on no network interface of"
                f" {server.instance_id}, so what else that machine may use is not known."
            )
    delegated = [each for each in ground.own if each.prefixes]
    if delegated:
        return unknown(
            f"Whether {server.role} is cut off is not known: {', '.join(delegated[0].prefixes)} is delegated to its"
            f" {delegated[0].interface_id}, and our entries deny single addresses."
        )
    unbound = [each.interface_id for each in ground.own if each.any_source]
    if unbound:
        return unknown(
            f"Whether {server.role} is cut off is not known: EC2 lets its {unbound[0]} send from any address (its"
            " source/destination check is off), and our entries deny those that are known."
        )
    inside = [each for each in ground.own if each.subnet_id in {subnet.subnet_id for subnet in ground.subnets}]
    if inside:
        return no(
            f"{server.role} is not cut off: it stands in {inside[0].subnet_id}, a subnet of the database's, and what"
            " stays inside a subnet passes no network ACL."
        )
    for text in ground.addresses:
        address = parse_address(text)
        for subnet in ground.subnets:
            networks = [_network(each) for each in subnet.networks]
            if address is None or None in networks or not networks:
                return unknown(
                    f"Whether {server.role} is cut off is not known: {text} or {subnet.subnet_id} is unreadable."
                )
            if any(address in network for network in networks if network is not None):
                return no(
                    f"{server.role} is not cut off: {text} lies in {subnet.subnet_id}, a subnet of the database's."
                )
    return None


def _before(ground: Ground, subnet: Subnet) -> Verdict | None:
    """What lets the server pass to one subnet, or can't be read; None where nothing passes."""
    role = ground.server.role
    # One at a time, as EC2 has it; while one takes the other's place it may show both.
    before = [acl for acl in ground.acls if subnet.subnet_id in acl.subnets]
    if not before:
        return no(f"{role} is not cut off: {subnet.subnet_id} stands behind none of DatabaseNetworkAclIds.")
    return next((doubt for acl in before if (doubt := _through(ground, acl)) is not None), None)


def _through(ground: Ground, acl: NetworkAcl) -> Verdict | None:
    """What lets the server pass one ACL, or can't be read; None where nothing passes."""
    role = ground.server.role
    for egress in (False, True):
        if any(_network(each.cidr) is None for each in acl.entries if each.egress is egress):
            return unknown(f"Whether {role} is cut off is not known: an entry of {acl.acl_id} can't be read.")
        for address in ground.addresses:
            first = _first(acl.entries, address, egress=egress)
            if first is not None and first.allows:
                return no(f"{role} is not cut off: {first} of {acl.acl_id} lets {address} pass.")
    return None


def _first(entries: Iterable[AclEntry], address: str, *, egress: bool) -> AclEntry | None:
    """The first entry, as EC2 evaluates them, that lets something of an address pass or denies it everything.

    One that denies a protocol or a port only leaves the rest to the entries after it. None where no entry matches: what
    matches none is denied.
    """
    parsed = parse_address(address)
    for each in sorted((each for each in entries if each.egress is egress), key=lambda entry: entry.number):
        network = _network(each.cidr)
        if network is None or parsed is None or parsed not in network:
            continue
        if each.allows or each.protocol == ANY_PROTOCOL:
            return each
    return None


def _with_denials(acl: NetworkAcl, addresses: Collection[str], numbers: range) -> NetworkAcl:
    """An ACL as it would be with our entries written."""
    writes = _missing(acl, addresses, numbers)
    places = {(each.entry.number, each.entry.egress) for each in writes}
    kept = [each for each in acl.entries if (each.number, each.egress) not in places]
    return replace(acl, entries=(*kept, *(each.entry for each in writes)))


def _count(acl: NetworkAcl, *, egress: bool) -> int:
    return sum(each.egress is egress for each in acl.entries)


def _network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None


def _plain_network(cidr: str) -> str:
    return str(_network(cidr))


def _host_network(address: str) -> str:
    """The network of one address."""
    return str(ipaddress.ip_network(address))


def _subnet_names(subnets: Iterable[Subnet]) -> str:
    return ", ".join(each.subnet_id for each in subnets)
