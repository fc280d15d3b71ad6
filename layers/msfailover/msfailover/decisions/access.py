"""Who can get in to the database, by every rule of every group in front of it. One question, three answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from msfailover.observations import TCP, IPAddress, Rule, parse_address, parse_network
from msfailover.pair import Server
from msfailover.verdict import Verdict, no, unknown, yes

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def can_get_in(
    server: Server,
    server_groups: frozenset[str] | None,
    server_addresses: Iterable[str],
    rules: Iterable[Rule],
    ports: Collection[int],
    *,
    any_source: bool = False,
) -> Verdict:
    """Say whether a server can open a connection to the database.

    Args:
        server: the server.
        server_groups: the groups its network interfaces are members of; None where they could not be read.
        server_addresses: addresses and networks that EC2 knows of it, beside those configured.
        rules: every inbound rule of every group on the database's side.
        ports: every TCP port that the database may listen on.
        any_source: whether it may send from addresses that EC2 does not know of it. Then a rule for a network may allow
            it; one for a single address is for whoever has that.

    Returns:
        yes, naming the rule that allows it; no; or unknown, naming what could not be read.
    """
    addresses = [ipaddress.ip_network(each) for each in dict.fromkeys((*server.addresses, *server_addresses))]
    unreadable: list[str] = []
    for rule in rules:
        if not any(rule.covers(port) for port in ports):
            continue
        answer = _allows(rule, addresses, server_groups)
        if answer is False and any_source and any(map(_is_wide, rule.prefixes or (rule.cidr,))):
            answer = None
        if answer is True:
            return yes(f"{server.role} can get in to the database by rule {rule}.", rule=str(rule), group=rule.group_id)
        if answer is None:
            unreadable.append(str(rule))
    if unreadable:
        why = "may allow an address that it sends from, unchecked by EC2" if any_source else "can't be read"
        return unknown(f"Whether {server.role} can get in is not known: {'; '.join(unreadable[:3])} {why}.")
    return no(f"{server.role} can't get in to the database: no rule of any group in front of it allows it.")


def _allows(rule: Rule, addresses: list[IPNetwork], groups: frozenset[str] | None) -> bool | None:
    """True, False, or None where it is not known."""
    if rule.source_group is not None:
        return None if groups is None else rule.source_group in groups
    if rule.prefix_list is not None:
        if rule.prefixes is None:
            return None
        found = [_within(network, addresses) for network in rule.prefixes]
        return True if True in found else None if None in found else False
    return _within(rule.cidr, addresses)


def _is_wide(network: str | None) -> bool:
    """Whether it is a network of more than one address; a rule for a group names none."""
    if network is None:
        return False
    parsed = parse_network(network)
    return parsed is None or parsed.num_addresses > 1


def _within(network: str | None, addresses: list[IPNetwork]) -> bool | None:
    try:
        parsed = ipaddress.ip_network(network or "", strict=False)
    except ValueError:
        return None
    return any(address.version == parsed.version and address.overlaps(parsed) for address in addresses)


def not_expected(rules: Iterable[Rule], functions_group: str, servers: Iterable[str]) -> list[Rule]:
    """Those of the access group's own rules that do not belong there: by networks, groups and prefix lists.

    Args:
        rules: every inbound rule of the access group.
        functions_group: the group of the functions that read the database. Any one port will do: while a stack is
            updated, rule and settings change in no certain order.
        servers: every address of the servers that may be granted access. A rule for exactly one of them, on one port,
            belongs there; one on more ports stays only where it is all that the server has, which must keep its access.
    """
    found, known = list(rules), {parse_address(each) for each in servers} - {None}
    exact = any(_of_one(rule, known) and _of_one_port(rule) for rule in found)

    def is_expected(rule: Rule) -> bool:
        if rule.source_group == functions_group:
            return _of_one_port(rule)
        return _of_one(rule, known) and (_of_one_port(rule) or not exact)

    return [rule for rule in found if not is_expected(rule)]


def _of_one_port(rule: Rule) -> bool:
    return rule.protocol.lower() in TCP and rule.from_port is not None and rule.from_port == rule.to_port


def _of_one(rule: Rule, addresses: Collection[IPAddress | None]) -> bool:
    try:
        network = ipaddress.ip_network(rule.cidr or "", strict=False)
    except ValueError:
        return False
    return network.num_addresses == 1 and network.network_address in addresses
