"""The border of a host's subnet: what its network ACL is, in nftables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from lab.testbed.host_interfaces import AclEntry, NetworkAcl

_TABLE = "inet network_acl"
_TCP, _UDP, _ICMP, _ICMP6 = "6", "17", "1", "58"


def ruleset(acl: NetworkAcl, device: str = "eth0") -> str:
    """A network ACL in front of a device, as one nftables transaction.

    Its hooks are of priority raw, before the kernel knows to which connection a packet belongs: so no connection
    outlives an entry, as on AWS. What comes from or goes to the subnet itself crosses no border.

    Raises:
        ValueError: an entry's protocol is no number, or its network is none.
    """
    return f"""table {_TABLE}
delete table {_TABLE}
table {_TABLE} {{
    chain inward {{
        type filter hook prerouting priority raw; policy accept;
        iifname != "{device}" accept
{_lines(acl.subnets, acl.ingress, "saddr")}
    }}
    chain outward {{
        type filter hook output priority raw; policy accept;
        oifname != "{device}" accept
        ip6 daddr ff00::/8 accept
{_lines(acl.subnets, acl.egress, "daddr")}
    }}
}}
"""


def _lines(subnets: Iterable[str], entries: Iterable[AclEntry], far: str) -> str:
    # Link-local addresses are how IPv6 finds its neighbours; they never cross a border.
    inside = [f"{_network(cidr, far)} accept" for cidr in (*subnets, "fe80::/10")]
    decided = [_rule(entry, far) for entry in sorted(entries, key=lambda each: each.number)]
    return "\n".join(f"        {line}" for line in (*inside, *decided, "meta nfproto { ipv4, ipv6 } drop"))


def _rule(entry: AclEntry, far: str) -> str:
    return f"{_network(entry.cidr, far)} {_kind(entry)}{'accept' if entry.allow else 'drop'}"


def _network(cidr: str, far: str) -> str:
    network = ipaddress.ip_network(cidr, strict=False)
    family = "ip" if network.version == 4 else "ip6"
    if network.prefixlen == 0:
        return f"meta nfproto {'ipv4' if network.version == 4 else 'ipv6'}"
    return f"{family} {far} {network}"


def _kind(entry: AclEntry) -> str:
    low, high = entry.ports
    if entry.protocol == "-1":
        return ""
    if not entry.protocol.isdecimal():
        raise ValueError(f"protocol {entry.protocol!r} of entry {entry.number} is no number")
    if entry.protocol in (_TCP, _UDP) and (low, high) != (0, 65535):
        return f"{'tcp' if entry.protocol == _TCP else 'udp'} dport {low}-{high} "
    if entry.protocol in (_ICMP, _ICMP6) and entry.icmp[0] != -1:
        name = "icmp" if entry.protocol == _ICMP else "icmpv6"
        code = f"{name} code {entry.icmp[1]} " if entry.icmp[1] != -1 else ""
        return f"{name} type {entry.icmp[0]} {code}"
    return f"meta l4proto {entry.protocol} "
