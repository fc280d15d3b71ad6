"""EC2's view of network interfaces, where moto's differs: which filters find one, and what a termination leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance

from lab.testbed.cloud.patching import Patches

_OF_THE_PRIMARY = ("private_ip", "private_ip_address", "private_dns_name", "public_ip", "public_ip_address")


def install(patches: Patches) -> None:
    """Find interfaces by all their addresses and groups; let a terminated instance have none."""
    moto_value = NetworkInterface.get_filter_value

    def value(interface: Any, name: str, method: str | None = None) -> Any:
        found = _FILTERS.get(name)
        return found(interface) if found else moto_value(interface, name, method)

    patches.put(
        NetworkInterface, "get_filter_value", value, why="moto filters by the first address and not by all groups"
    )
    for name in _OF_THE_PRIMARY:
        why = "moto takes for granted that an instance has an interface; a terminated one has none"
        patches.put(Instance, name, _where_there_is_one(getattr(Instance, name)), why=why)


def _where_there_is_one(own: Any) -> property:
    read = own.fget
    return property(lambda instance: read(instance) if instance.nics else None)


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "addresses.private-ip-address": lambda each: [str(ip["PrivateIpAddress"]) for ip in each.private_ip_addresses],
    "ipv6-addresses.ipv6-address": lambda each: [str(ip) for ip in each.ipv6_addresses],
    "group-id": lambda each: [group.id for group in each.group_set],
    "status": lambda each: each.status,
    "attachment.status": lambda each: "attached" if each.attachment_id else None,
}


def release(instance: Any) -> None:
    """Take a terminated instance's interfaces away: its own are deleted, and those attached later stay by themselves.

    Their addresses are free from then on, for an instance that replaces it.
    """
    for index, interface in sorted(instance.nics.items()):
        instance.detach_eni(interface)
        if index == 0:
            interface.delete()
    instance._subnet_id = None
