"""What stands in front of the database: its security groups and its subnet's network ACL, in nftables."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from lab.testbed.host_interfaces import NetworkAcl, OpenTo
from lab.testbed.hosts import network_acl
from lab.testbed.hosts.host import Host

_TABLE = "inet access_group"


class AccessGroup:
    """The packet filters in front of a host, both silent to who may not enter. Implements `host_interfaces.Firewall`.

    Each is replaced as a whole in one transaction. A rule of the security groups that goes takes no established
    connection with it; an entry of the network ACL that comes does.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def apply(self, rules: Sequence[OpenTo]) -> None:
        """Allow what the rules name and nothing else. Raises ValueError for a rule that can't be expressed."""
        self._host.run(["nft", "-f", "-"], stdin=ruleset(rules))

    def apply_acl(self, acl: NetworkAcl) -> None:
        """Let pass the border what the ACL allows. Raises ValueError for an entry that can't be expressed."""
        self._host.run(["nft", "-f", "-"], stdin=network_acl.ruleset(acl))


def ruleset(rules: Sequence[OpenTo]) -> str:
    """The groups' rules as one nftables transaction.

    They filter before the host changes anything itself, so that a port that it leads to another one is the port asked
    for, as it is at an interface on AWS.
    """
    lines = "\n".join(f"        {_accept(rule)}" for rule in rules)
    return f"""table {_TABLE}
delete table {_TABLE}
table {_TABLE} {{
    chain inward {{
        type filter hook prerouting priority mangle; policy drop;
        iif "lo" accept
        ct state established,related accept
{lines}
    }}
}}
"""


def _accept(rule: OpenTo) -> str:
    network = ipaddress.ip_network(rule.cidr, strict=False)
    source = "" if network.prefixlen == 0 else f"saddr {network} "
    family = f"ip {source}" if network.version == 4 else f"ip6 {source}"
    everyone = f"meta nfproto {'ipv4' if network.version == 4 else 'ipv6'} "
    match = family if source else everyone
    if rule.protocol in ("tcp", "udp"):
        ports = f"{rule.from_port}-{rule.to_port}" if rule.from_port != rule.to_port else f"{rule.from_port}"
        return f"{match}{rule.protocol} dport {ports} accept"
    if rule.protocol == "icmp":
        return f"{match}meta l4proto icmp accept"
    if rule.protocol == "-1":
        return f"{match}accept"
    raise ValueError(f"protocol {rule.protocol!r} is none of tcp, udp, icmp, -1")
