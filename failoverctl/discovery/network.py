"""The way between servers and database: which network ACLs may cut it, and what stands in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from msfailover.observations import NetworkAcl, parse_address, parse_network
from msfailover.pair import Role

from failoverctl.discovery.facts import Database, Facts, Host, SubnetThere
from failoverctl.discovery.parameters import ANY, Value

FIRST_NUMBER = 10
"""The template's NetworkAclRuleNumber."""
OURS = 41
"""Rule numbers of the stack's own, from that on: so many for each server, and one for dry tries."""
NUMBERS_EACH = 20
USUAL_QUOTA = 20
"""Entries of an ACL in one direction, with EC2's own (Amazon VPC quotas, "Rules per network ACL")."""


def database_acls(facts: Facts) -> list[NetworkAcl]:
    """The network ACLs of every subnet that the database may be in; none where one of them is not known."""
    subnets = facts.database.subnets if facts.database else ()
    found = [facts.acl_of(each) for each in subnets]
    known = [each for each in found if each is not None]
    return list({each.acl_id: each for each in known}.values()) if len(known) == len(found) else []


def first_number(facts: Facts) -> int:
    """The first of 41 rule numbers that come before every entry of the owner's; what is set stays; 0 for no room."""
    set_already = facts.wanted.given.get("NetworkAclRuleNumber", "")
    if set_already.isdigit():
        return int(set_already)
    servers = {parse_address(address) for host in facts.hosts for address in host.addresses}
    taken = [
        entry.number
        for acl in database_acls(facts)
        for entry in acl.entries
        if entry.allows or _single(entry.cidr) not in servers  # our own of an earlier deployment are no obstacle
    ]
    if not [each for each in taken if each < FIRST_NUMBER + OURS]:
        return FIRST_NUMBER
    return max(0, min(taken) - OURS)


def inside(facts: Facts, host: Host) -> str:
    """The subnet of the database's that a server stands in, by id or by address; empty for none."""
    subnets = facts.database.subnets if facts.database else ()
    for each in subnets:
        networks = facts.subnets[each].networks if each in facts.subnets else ()
        if each in host.subnets or any(holds(network, address) for network in networks for address in host.addresses):
            return each
    return ""


def sharing(facts: Facts) -> dict[str, list[str]]:
    """The database's network ACLs that stand before other subnets, too, and which: an entry would cut those, too."""
    own = set(facts.database.subnets) if facts.database else set()
    return {each.acl_id: others for each in database_acls(facts) if (others := sorted(each.subnets - own))}


def servers_among(facts: Facts, subnets: Iterable[str]) -> list[str]:
    """Those of some subnets that a server stands in, and with it the functions."""
    return [each for each in subnets if any(each in host.subnets for host in facts.hosts)]


def why_not_cut(facts: Facts) -> str:
    """Why entries of the stack's would not cut a server off; empty if they would. The deployed stack asks again."""
    number = first_number(facts)
    if not number:
        return "no 41 rule numbers are free before the owner's entries"
    for host in facts.hosts:
        if any(each.prefixes for each in host.interfaces):
            return f"a network is delegated to {host.role}, and the entries deny single addresses"
        last = number + (NUMBERS_EACH if host.role is Role.MS2 else 0) + len(host.addresses) - 1
        for acl in database_acls(facts):
            for egress in (False, True):
                reason = _why_not_in(acl, egress, last, len(host.addresses))
                if reason:
                    return f"{reason} ({host.role})"
    return ""


def _why_not_in(acl: NetworkAcl, egress: bool, last: int, more: int) -> str:
    """Why entries up to a number would not hold in one direction of an ACL: one that allows comes first, or no room."""
    there = [each for each in acl.entries if each.egress is egress]
    before = [each for each in there if each.allows and each.number <= last]
    if before:
        return f"{before[0]} of {acl.acl_id} comes before the entries of the stack, up to {last}"
    if len(there) + more > USUAL_QUOTA:
        return f"{acl.acl_id} would have more than {USUAL_QUOTA} entries in one direction, EC2's usual limit"
    return ""


def acl_values(facts: Facts) -> Iterator[Value]:
    """The parameters of a fence by the network, where it can be had."""
    if facts.database is None or why_no_acls(facts):
        return
    named = ",".join(each.acl_id for each in database_acls(facts))
    yield Value("DatabaseNetworkAclIds", named, "before every subnet of the database")
    if facts.database.kind != "ec2":
        yield Value("DatabaseSubnetIds", ",".join(facts.database.subnets), "its subnet group: RDS may move it there")
    number = first_number(facts)
    if number != FIRST_NUMBER:
        yield Value("NetworkAclRuleNumber", str(number), "41 numbers before the owner's entries", ANY)


def why_no_acls(facts: Facts) -> str:
    """Why no fence by the network is proposed; empty where one is."""
    if facts.database is None:
        return "the database is not known"
    if facts.acls is None or not database_acls(facts):
        return "the network ACLs of the database's subnets could not be read"
    if any(not each.addresses for each in facts.hosts):
        return "not every address of the servers is known"
    within = [f"{each.role} stands in {subnet}" for each in facts.hosts if (subnet := inside(facts, each))]
    if within:
        return f"{within[0]}, a subnet of the database's"
    for acl, others in sharing(facts).items():
        if servers_among(facts, others):
            return f"{acl} stands before the servers' own {', '.join(servers_among(facts, others))}, too"
    return why_not_cut(facts)


def way_of(subnet: SubnetThere, addresses: Iterable[str]) -> list[str]:
    """What a subnet's routes lead to, for some addresses or networks: the longest match counts."""
    found = []
    for each in addresses:
        routes = [route for route in subnet.routes or () if holds(route.network, each)]
        longest = max(routes, key=lambda route: _length(route.network), default=None)
        found.append(longest.target if longest else "")
    return found


def reaches_out(subnet: SubnetThere) -> bool:
    """Whether a function without a public address reaches the internet from a subnet."""
    return any(each.startswith("nat-") for each in way_of(subnet, ["8.8.8.8"]))


def holds(network: str, other: str) -> bool:
    """Whether a network holds an address or another network; False for what is neither."""
    outer, inner = parse_network(network), parse_network(other)
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def database_networks(facts: Facts, database: Database) -> list[str]:
    """The networks that the database may be reached in: its addresses on EC2, else its subnets'."""
    subnets = [facts.subnets[each] for each in database.subnets if each in facts.subnets]
    return [*database.addresses] or [network for each in subnets for network in each.networks if ":" not in network]


def _single(cidr: str) -> object:
    network = parse_network(cidr)
    return network.network_address if network is not None and network.num_addresses == 1 else cidr


def _length(network: str) -> int:
    parsed = parse_network(network)
    return parsed.prefixlen if parsed is not None else -1
