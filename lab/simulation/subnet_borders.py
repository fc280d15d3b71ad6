"""The borders of the database's subnets in the world of memory: network ACLs, without memory of any connection."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from typing import Any

ACLS = ("acl-0000000a", "acl-0000000b")
OWNERS_ACL = "acl-0000000c"
SUBNETS = ("subnet-0000000a", "subnet-0000000b")
SERVERS_SUBNET = "subnet-0000000e"
NETWORKS = {"subnet-0000000a": "10.77.4.0/24", "subnet-0000000b": "10.77.5.0/24"}
FIRST = 10
NEIGHBOUR = "10.88.0.9"
"""The address of a server of another pair, whose stack writes into the same ACLs where a schedule says so."""

IN_EFFECT_AFTER_S = 0.9
"""Seconds from an entry's writing until it is in effect: EC2 shows it at once."""


class Borders:
    """Which packets pass between an address and the database, as its subnet's ACL has it now.

    Args:
        now: the time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.at = SUBNETS[0]
        self.standing = dict(zip(SUBNETS, ACLS, strict=True))
        self.entries: dict[str, list[dict[str, Any]]] = {acl: self._usual() for acl in (*ACLS, OWNERS_ACL)}

    def _usual(self) -> list[dict[str, Any]]:
        return [
            self.entry(number, egress, action, "0.0.0.0/0", at=0.0)
            for egress in (False, True)
            for number, action in ((100, "allow"), (32767, "deny"))
        ]

    def entry(
        self, number: int, egress: bool, action: str, cidr: str, protocol: str = "-1", at: float | None = None
    ) -> dict[str, Any]:
        written = self._now() if at is None else at
        shown = {"RuleNumber": number, "Egress": egress, "RuleAction": action, "CidrBlock": cidr, "Protocol": protocol}
        return {**shown, "at": written}

    def write(self, acl: str, entry: dict[str, Any]) -> None:
        self.entries[acl].append(entry)

    def find(self, acl: str, number: int, egress: bool) -> dict[str, Any] | None:
        held = [each for each in self.entries[acl] if (each["RuleNumber"], each["Egress"]) == (number, egress)]
        return held[0] if held else None

    def lets_pass(self, address: str, *, egress: bool) -> bool:
        """Whether packets pass in one direction. An entry that is not in effect yet stops nothing."""
        return self._allows(self.entries[self.standing[self.at]], address, egress)

    def _allows(self, acl: list[dict[str, Any]], address: str, egress: bool) -> bool:
        for each in sorted(acl, key=lambda entry: int(entry["RuleNumber"])):
            counts = each["Egress"] is egress and self._now() - each["at"] >= IN_EFFECT_AFTER_S
            if counts and _holds(each["CidrBlock"], address):
                return bool(each["RuleAction"] == "allow")
        return False

    def denies(self, address: str) -> bool:
        """Whether every ACL of the database's has an entry that denies an address, in both directions."""
        written = {
            (acl, each["Egress"])
            for acl in ACLS
            for each in self.entries[acl]
            if each["RuleAction"] == "deny" and each["CidrBlock"] == f"{address}/32"
        }
        return written == {(acl, egress) for acl in ACLS for egress in (False, True)}

    def lose(self, address: str) -> None:
        """Somebody removes the entries that deny an address from the first ACL, by hand."""
        held = self.entries[ACLS[0]]
        self.entries[ACLS[0]] = [
            each for each in held if each["RuleAction"] != "deny" or each["CidrBlock"] != f"{address}/32"
        ]

    def deny_at_rest(self, addresses: tuple[str, ...]) -> None:
        """The standby is denied, as it is at rest: under the second server's numbers."""
        for acl in ACLS:
            for number, address in enumerate(addresses, FIRST + 20):
                for egress in (False, True):
                    self.write(acl, self.entry(number, egress, "deny", f"{address}/32", at=0.0))

    def share(self) -> None:
        """Another stack denies a server of its own in these ACLs, under a number that this one has for its standby."""
        for acl in ACLS:
            for egress in (False, True):
                self.write(acl, self.entry(FIRST + 25, egress, "deny", f"{NEIGHBOUR}/32", at=0.0))

    def shown(self, acl: str) -> dict[str, Any]:
        """An ACL as EC2 describes it."""
        return {
            "NetworkAclId": acl,
            "Associations": [{"SubnetId": subnet} for subnet, standing in self.standing.items() if standing == acl],
            "Entries": [{key: value for key, value in each.items() if key != "at"} for each in self.entries[acl]],
        }

    def mend(self) -> None:
        """The owner takes back what he did to ACLs and subnets."""
        self.at = SUBNETS[0]
        self.standing = dict(zip(SUBNETS, ACLS, strict=True))
        for acl in ACLS:
            kept = [each for each in self.entries[acl] if each["CidrBlock"] != f"{NEIGHBOUR}/32"]
            self.entries[acl] = [each for each in kept if each["RuleNumber"] >= FIRST]


@functools.cache
def _holds(cidr: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
