"""Network ACLs: what moto's ACL of a subnet lets over the border, and what EC2 refuses and moto does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.network_acls import NetworkAcl as NetworkAcls
from moto.ec2.models.network_acls import NetworkAclBackend, NetworkAclEntry
from moto.ec2.responses.network_acls import NetworkACLs

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.host_interfaces import AclEntry, NetworkAcl

CHANGES = (
    (NetworkAclBackend, "create_network_acl_entry"),
    (NetworkAclBackend, "delete_network_acl_entry"),
    (NetworkAclBackend, "replace_network_acl_entry"),
    (NetworkAclBackend, "replace_network_acl_association"),
)
"""What changes a border."""

LAST = 32767
"""The number of the entry that denies what no other matches; every ACL has it, in both directions, for good."""
ENTRIES_MOST = 20
"""Entries of a direction, by EC2's default quota; the last one does not count."""

_PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58", "all": "-1"}


class EntryNotFoundError(EC2ClientError):  # type: ignore[misc]
    def __init__(self, number: int) -> None:
        super().__init__("InvalidNetworkAclEntry.NotFound", f"The network acl entry identified by {number} is unknown.")


class EntryLimitError(EC2ClientError):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("NetworkAclEntryLimitExceeded", f"There are {ENTRIES_MOST} entries of that direction already.")


class EntryNumberError(EC2ClientError):  # type: ignore[misc]
    def __init__(self, number: int) -> None:
        super().__init__("InvalidParameterValue", f"Value ({number}) for parameter ruleNumber is invalid.")


def install(patches: Patches) -> None:
    """Let moto refuse what EC2 refuses. To be installed before anything follows `CHANGES`."""
    moto_make, moto_add = NetworkAclBackend.create_network_acl, NetworkAclBackend.create_network_acl_entry

    def make(ec2: Any, vpc_id: str, tags: Any = None, default: bool = False) -> Any:
        made = moto_make(ec2, vpc_id, tags, default)
        if not default:
            for egress in (False, True):
                moto_add(ec2, made.id, LAST, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None)
        return made

    def add(ec2: Any, network_acl_id: str, rule_number: int, *rest: Any, **more: Any) -> Any:
        egress = more["egress"] if "egress" in more else rest[2]
        entries = ec2.get_network_acl(network_acl_id).network_acl_entries
        own = [each for each in entries if each.egress == egress and int(each.rule_number) != LAST]
        # moto's own default entries come this way, the last one too.
        if not 1 <= int(rule_number) <= LAST:
            raise EntryNumberError(rule_number)
        if len(own) >= ENTRIES_MOST:
            raise EntryLimitError
        return moto_add(ec2, network_acl_id, rule_number, *rest, **more)

    patches.put(NetworkAclBackend, "create_network_acl", make, why="moto's lack the entry that denies the rest")
    patches.put(NetworkAclBackend, "create_network_acl_entry", add, why="moto knows no quota and no wrong numbers")
    for name in ("create_network_acl_entry", "replace_network_acl_entry", "delete_network_acl_entry"):
        answer = getattr(NetworkACLs, name)
        patches.put(NetworkACLs, name, _unless_dry(answer), why="moto carries out what is only tried dry")
    moto_value = NetworkAcls.get_filter_value

    def value(acl: Any, name: str, method: str | None = None) -> Any:
        return acl.id if name == "network-acl-id" else moto_value(acl, name, method)

    patches.put(NetworkAcls, "get_filter_value", value, why="moto does not filter by network-acl-id")
    moto_delete = NetworkAclBackend.delete_network_acl_entry

    def delete(ec2: Any, network_acl_id: str, rule_number: int, egress: bool) -> Any:
        _place_of(ec2, network_acl_id, rule_number, egress)
        return moto_delete(ec2, network_acl_id, rule_number, egress)

    def replace(ec2: Any, network_acl_id: str, rule_number: int, **more: Any) -> Any:
        entries, place = _place_of(ec2, network_acl_id, rule_number, more["egress"])
        entries[place] = NetworkAclEntry(ec2, network_acl_id, rule_number, **more)
        return entries[place]

    why = "moto ends in StopIteration where there is no such entry"
    patches.put(NetworkAclBackend, "delete_network_acl_entry", delete, why=why)
    why += ", and for a moment has neither the old one nor the new one"
    patches.put(NetworkAclBackend, "replace_network_acl_entry", replace, why=why)


def _unless_dry(answer: Callable[..., Any]) -> Callable[..., Any]:
    def act(response: Any) -> Any:
        response.error_on_dryrun()
        return answer(response)

    return act


def _place_of(ec2: Any, network_acl_id: str, number: int, egress: bool) -> tuple[list[Any], int]:
    """The entries of an ACL, and where one that can be changed is among them. Raises EntryNotFoundError."""
    entries = ec2.get_network_acl(network_acl_id).network_acl_entries
    for place, each in enumerate(entries):
        if (each.rule_number, each.egress) == (number, egress) and number != LAST:
            return entries, place
    raise EntryNotFoundError(number)


def border_of(interface_id: str) -> NetworkAcl:
    """The border of the subnet that an interface is in, by the ACL that the subnet is associated with."""
    ec2 = backend("ec2")
    subnet = ec2.get_network_interface(interface_id).subnet
    acl = next(
        each
        for each in ec2.network_acls.values()
        if any(association.subnet_id == subnet.id for association in each.associations)
    )
    networks = [subnet.cidr_block]
    networks += [str(each["ipv6CidrBlock"]) for each in subnet.ipv6_cidr_block_associations.values()]
    entries = [(bool(each.egress), _entry(each)) for each in list(acl.network_acl_entries)]
    return NetworkAcl(
        subnets=tuple(networks),
        ingress=tuple(entry for egress, entry in entries if not egress),
        egress=tuple(entry for egress, entry in entries if egress),
    )


def _entry(entry: Any) -> AclEntry:
    protocol = str(entry.protocol).lower()
    low, high = entry.port_range_from, entry.port_range_to
    kind, code = entry.icmp_type, entry.icmp_code
    return AclEntry(
        number=int(entry.rule_number),
        allow=str(entry.rule_action) == "allow",
        protocol=_PROTOCOLS.get(protocol, protocol),
        cidr=str(entry.cidr_block or entry.ipv6_cidr_block),
        ports=(0 if low is None else int(low), 65535 if high is None else int(high)),
        icmp=(-1 if kind is None else int(kind), -1 if code is None else int(code)),
    )
