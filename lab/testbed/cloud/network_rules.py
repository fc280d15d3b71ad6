"""What moto's groups and network ACLs let through to the database's interfaces, applied to real ones at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.managed_prefixes import ManagedPrefixListBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend

from lab.testbed.cloud import network_acls
from lab.testbed.cloud.account import backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.host_interfaces import Firewall, NetworkAcl, OpenTo

_ALL_PORTS = (0, 65535)

_CHANGES = (
    (SecurityGroupBackend, "authorize_security_group_ingress"),
    (SecurityGroupBackend, "revoke_security_group_ingress"),
    (SecurityGroupBackend, "modify_security_group_rules"),
    (NetworkInterfaceBackend, "modify_network_interface_attribute"),
    (ManagedPrefixListBackend, "modify_managed_prefix_list"),
)


@dataclass
class _Watched:
    """An interface, the real one that it stands for, and what was applied to that last."""

    interface_id: str
    firewall: Firewall
    rules: frozenset[OpenTo] | None = None
    acl: NetworkAcl | None = None


class DatabaseFirewall:
    """Watches interfaces: their groups, and the ACL of their subnet.

    Args:
        access groups: the database's.
        functions_address: where functions in the VPC come from.
    """

    def __init__(self, firewall: Firewall, functions_address: str) -> None:
        self._access = firewall
        self._functions_address = functions_address
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self.effect_s: Callable[[], float] = lambda: 0.0
        """Says of each change how many seconds pass until packets are treated by it."""

    def install(self, patches: Patches) -> None:
        network_acls.install(patches)
        for owner, name in (*_CHANGES, *network_acls.CHANGES):
            original = getattr(owner, name)
            patches.put(owner, name, self._followed(original), why="a rule or entry in moto changes nothing")
        add = SecurityGroup.add_ingress_rule
        patches.put(SecurityGroup, "add_ingress_rule", self._followed(add), why="a template's rules come this way")

    def watch(self, interface_id: str, firewall: Firewall | None = None) -> None:
        """Apply an interface's groups and border, now and whenever they change.

        Args:
            access groups: of the real interface; the database's if none.
        """
        with self._lock:
            self._watched[interface_id] = _Watched(interface_id, firewall or self._access)
        self.refresh()

    def refresh(self) -> None:
        """Apply groups and borders as they are, where that is a change."""
        with self._lock:
            for each in self._watched.values():
                self._refresh(each)

    def _refresh(self, watched: _Watched) -> None:
        acl = network_acls.border_of(watched.interface_id)
        if acl != watched.acl:
            watched.firewall.apply_acl(acl)
            watched.acl = acl
        rules = frozenset(open_to(watched.interface_id, self._functions_address))
        if rules != watched.rules:
            watched.firewall.apply(sorted(rules, key=lambda rule: (rule.cidr, rule.protocol, rule.from_port)))
            watched.rules = rules

    def _followed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            later_s = self.effect_s()
            if later_s > 0:
                later = threading.Timer(later_s, self.refresh)
                later.daemon = True
                later.start()
            else:
                self.refresh()
            return result

        return changed


def open_to(interface_id: str, functions_address: str) -> Iterator[OpenTo]:
    """Everything that the groups on an interface allow, group references and prefix lists resolved to addresses."""
    interface = backend("ec2").get_network_interface(interface_id)
    for group in interface.group_set:
        for rule in group.ingress_rules:
            ports = (rule.from_port, rule.to_port)
            low, high = _ALL_PORTS if ports[0] is None or ports[0] == -1 else ports
            for cidr in _sources(rule, functions_address):
                yield OpenTo(cidr, rule.ip_protocol, int(low), int(high))


def _sources(rule: Any, functions_address: str) -> Iterator[str]:
    for family in ("CidrIp", "CidrIpv6"):
        if rule.ip_range.get(family):
            yield rule.ip_range[family]
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
