"""What an owner has to attach: which interfaces are the database's, and the command that puts our group there."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any


def describe(ec2: Any, door: str, parameters: Mapping[str, str]) -> str:
    """Say where the door is attached, and where it has to be.

    Args:
        ec2: a client.
        door: the id of the stack's group.
        parameters: the stack's parameters.

    Returns:
        sentences and commands for a person; nothing is changed.
    """
    carrying = _interfaces(ec2, "group-id", door)
    if carrying:
        lines = [f"The door {door} is attached to the database:"]
        for each in carrying:
            beside = [group for group in _groups(each) if group != door]
            lines.append(f"  {each['NetworkInterfaceId']}, beside {', '.join(beside) or 'no other group'}")
        lines.append(
            "Take both servers out of the groups beside it; failoverctl readiness names a rule that lets one in."
        )
        return "\n".join(lines)
    host = parameters["DatabaseHost"]
    found = [each for address in _addresses(host) for each in _interfaces(ec2, "addresses.private-ip-address", address)]
    if not found:
        return (
            f"No network interface of this account has an address of {host}. Attach {door} to the database by hand,"
            " beside its own groups."
        )
    lines = [f"The door {door} is attached to nothing yet. The database is behind:"]
    for each in found:
        groups = " ".join([*_groups(each), door])
        about = each.get("Description", "")
        lines.append(f"  {each['NetworkInterfaceId']} ({about})")
        command = f"ec2 modify-network-interface-attribute --network-interface-id {each['NetworkInterfaceId']} --groups"
        if about.startswith("RDS"):
            command = (
                "rds modify-db-instance --apply-immediately --db-instance-identifier NAME --vpc-security-group-ids"
            )
        lines.append(f"  aws {command} {groups}")
    return "\n".join(lines)


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
