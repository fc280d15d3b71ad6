"""What an owner has to attach: which interfaces are the database's, and the command that puts our group there."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from typing import Any

OURS = 41
"""Rule numbers of the stack's own in a network ACL, from NetworkAclRuleNumber on."""


def describe(ec2: Any, access: str, parameters: Mapping[str, str]) -> str:
    """Say where the access group is attached, and where it has to be.

    Args:
        ec2: a client.
        access: the id of the stack's group.
        parameters: the stack's parameters.

    Returns:
        sentences and commands for a person; nothing is changed.
    """
    carrying, host = _interfaces(ec2, "group-id", access), parameters["DatabaseHost"]
    if carrying:
        lines = [f"The access group {access} is attached to the database:"]
        for each in carrying:
            beside = [group for group in _groups(each) if group != access]
            lines.append(f"  {each['NetworkInterfaceId']}, beside {', '.join(beside) or 'no other group'}")
        lines.append(
            "Take both servers out of the groups beside it; failoverctl readiness names a rule that allows one."
        )
        return "\n".join([*lines, *_elsewhere(host, access, carrying), *_borders(ec2, carrying, parameters)])
    found = [each for address in _addresses(host) for each in _interfaces(ec2, "addresses.private-ip-address", address)]
    if not found:
        return (
            f"No network interface of this account has an address of {host}. Attach {access} to the database by hand,"
            " beside its own groups."
        )
    lines = [f"The access group {access} is attached to nothing yet. The database is behind:"]
    for each in found:
        groups = " ".join([*_groups(each), access])
        about = each.get("Description", "")
        lines.append(f"  {each['NetworkInterfaceId']} ({about})")
        command = f"ec2 modify-network-interface-attribute --network-interface-id {each['NetworkInterfaceId']} --groups"
        if about.startswith("RDS"):
            command = (
                "rds modify-db-instance --apply-immediately --db-instance-identifier NAME --vpc-security-group-ids"
            )
        lines.append(f"  aws {command} {groups}")
    return "\n".join([*lines, *_borders(ec2, found, parameters)])


def _elsewhere(host: str, access: str, carrying: list[Any]) -> list[str]:
    """Whether the database's name, as resolved here, leads to anything but what the access group is attached to."""
    known = {each["PrivateIpAddress"] for interface in carrying for each in interface.get("PrivateIpAddresses", [])}
    known |= {each["Ipv6Address"] for interface in carrying for each in interface.get("Ipv6Addresses", [])}
    found = _addresses(host)
    if not found:
        return [f"{host} can't be resolved from here; failoverctl readiness resolves it inside the VPC."]
    strange = [each for each in found if each not in known]
    if not strange:
        return []
    return [
        f"But {host} leads to {', '.join(strange)}, which is on no interface that carries {access}: nothing is proven"
        " about that database. Attach the access group there, too, or correct DatabaseHost."
    ]


def _borders(ec2: Any, interfaces: list[Any], parameters: Mapping[str, str]) -> list[str]:
    """The subnets and network ACLs of the database, and what of ours stands in those that are listed."""
    subnets = sorted({each["SubnetId"] for each in interfaces if each.get("SubnetId")})
    wanted = re.findall(r"subnet-[0-9a-f]+", str(parameters.get("DatabaseSubnetIds", "")))
    subnets = sorted({*subnets, *wanted})
    if not subnets:
        return []
    asked = [{"Name": "association.subnet-id", "Values": subnets}]
    acls = [
        each
        for page in ec2.get_paginator("describe_network_acls").paginate(Filters=asked)
        for each in page["NetworkAcls"]
    ]
    names = sorted(each["NetworkAclId"] for each in acls)
    lines = [f"The database stands in {', '.join(subnets)}, behind {', '.join(names)}: DatabaseNetworkAclIds."]
    if any(str(each.get("Description", "")).startswith("RDS") for each in interfaces) and not wanted:
        lines.append("RDS may move it to any subnet of its subnet group: name them all as DatabaseSubnetIds.")
    listed = re.findall(r"acl-[0-9a-f]+", str(parameters.get("DatabaseNetworkAclIds", "")))
    missing = [each for each in names if each not in listed]
    if listed and missing:
        lines.append(f"Not among DatabaseNetworkAclIds: {', '.join(missing)}. Until then the network proves nothing.")
    first = int(parameters.get("NetworkAclRuleNumber", 10))
    for acl in acls:
        for each in acl["Entries"]:
            address = each.get("CidrBlock", each.get("Ipv6CidrBlock", ""))
            if each["RuleAction"] == "deny" and first <= each["RuleNumber"] < first + OURS:
                way = "--egress" if each["Egress"] else "--ingress"
                lines.append(f"  {acl['NetworkAclId']} denies {address}: --rule-number {each['RuleNumber']} {way}")
    return lines


def _groups(interface: Mapping[str, Any]) -> list[str]:
    return [each["GroupId"] for each in interface["Groups"]]


def _addresses(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        return sorted({str(each[4][0]) for each in socket.getaddrinfo(host, None)})
    except OSError:
        return []  # a name that only the VPC can resolve


def _interfaces(ec2: Any, name: str, value: str) -> list[Any]:
    pages = ec2.get_paginator("describe_network_interfaces").paginate(Filters=[{"Name": name, "Values": [value]}])
    return [each for page in pages for each in page["NetworkInterfaces"]]
