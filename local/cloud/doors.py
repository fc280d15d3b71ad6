"""Security groups: what moto's groups on the database's interface let in, applied to the real interface at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.managed_prefixes import ManagedPrefixListBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend

from local.cloud.account import backend
from local.cloud.patching import Patches
from local.machines import Doors, OpenTo

_ALL_PORTS = (0, 65535)

_CHANGES = (
    (SecurityGroupBackend, "authorize_security_group_ingress"),
    (SecurityGroupBackend, "revoke_security_group_ingress"),
    (SecurityGroupBackend, "modify_security_group_rules"),
    (NetworkInterfaceBackend, "modify_network_interface_attribute"),
    (ManagedPrefixListBackend, "modify_managed_prefix_list"),
)


class DatabaseDoors:
    """Watches the groups of one interface. `functions_address`: where functions in the VPC come from."""

    def __init__(self, doors: Doors, functions_address: str) -> None:
        self._doors = doors
        self._functions_address = functions_address
        self._interface_id: str | None = None
        self._applied: frozenset[OpenTo] | None = None
        self._lock = threading.Lock()

    def install(self, patches: Patches) -> None:
        for owner, name in _CHANGES:
            original = getattr(owner, name)
            patches.put(owner, name, self._followed(original), why="a group in moto opens and shuts nothing")
        add = SecurityGroup.add_ingress_rule
        patches.put(SecurityGroup, "add_ingress_rule", self._followed(add), why="a template's rules come this way")

    def watch(self, interface_id: str) -> None:
        """Make this the database's interface, and apply its groups."""
        self._interface_id = interface_id
        self._applied = None
        self.refresh()

    def refresh(self) -> None:
        """Apply the groups as they are, if that is a change."""
        with self._lock:
            if self._interface_id is None:
                return
            rules = frozenset(open_to(self._interface_id, self._functions_address))
            if rules != self._applied:
                self._doors.apply(sorted(rules, key=lambda rule: (rule.cidr, rule.protocol, rule.from_port)))
                self._applied = rules

    def _followed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            self.refresh()
            return result

        return changed


def open_to(interface_id: str, functions_address: str) -> Iterator[OpenTo]:
    """Everything that the groups on an interface let in, group references and prefix lists resolved to addresses."""
    interface = backend("ec2").get_network_interface(interface_id)
    for group in interface.group_set:
        for rule in group.ingress_rules:
            ports = (rule.from_port, rule.to_port)
            low, high = _ALL_PORTS if ports[0] is None or ports[0] == -1 else ports
            for cidr in _sources(rule, functions_address):
                yield OpenTo(cidr, rule.ip_protocol, int(low), int(high))


def _sources(rule: Any, functions_address: str) -> Iterator[str]:
    if rule.ip_range.get("CidrIp"):
        yield rule.ip_range["CidrIp"]
    if rule.prefix_list_id:
        entries = backend("ec2").get_managed_prefix_list_entries(rule.prefix_list_id)
        for entry in next(reversed(list(entries.entries.values())), []):
            yield entry["Cidr"]
    group_id = rule.source_group.get("GroupId")
    if group_id:
        yield from sorted({f"{address}/32" for address in addresses_in(group_id, functions_address)})


def addresses_in(group_id: str, functions_address: str) -> Iterator[str]:
    """The private addresses of everything that is a member of a group: interfaces, instances, functions."""
    for interface in backend("ec2").enis.values():
        if any(group.id == group_id for group in interface.group_set):
            yield interface.private_ip_address
    for function in backend("lambda").list_functions():
        if group_id in (function._vpc_config or {}).get("SecurityGroupIds", []):
            yield functions_address
