"""The database's door: what its security groups are, in nftables."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from local.machines import OpenTo

from .host import Host

_TABLE = "inet door"


class Door:
    """The packet filter in front of a host, as a security group filters: stateful, and silent to who may not enter.

    Replaced as a whole in one transaction. A rule that goes takes no established connection with it.
    Implements `local.machines.Doors`.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def apply(self, rules: Sequence[OpenTo]) -> None:
        """Let in what the rules name and nothing else. Raises ValueError for a rule that can't be expressed."""
        self._host.run(["nft", "-f", "-"], stdin=ruleset(rules))


def ruleset(rules: Sequence[OpenTo]) -> str:
    """The whole door as one nftables transaction."""
    lines = "\n".join(f"        {_accept(rule)}" for rule in rules)
    return f"""table {_TABLE}
delete table {_TABLE}
table {_TABLE} {{
    chain input {{
        type filter hook input priority 0; policy drop;
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
