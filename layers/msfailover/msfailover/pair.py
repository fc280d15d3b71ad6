"""The words everything speaks: a server, the pair, what the pair's record says, and the proof of a fence."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from msfailover.chain import ChainHead


class Role(StrEnum):
    """A configured place in the pair. Which of the two is *active* is the record's business, not the role's."""

    MS1 = "ms1"
    MS2 = "ms2"

    @property
    def other(self) -> Role:
        return Role.MS2 if self is Role.MS1 else Role.MS1


@dataclass(frozen=True)
class Server:
    """One of the two servers.

    Args:
        role: its configured place.
        instance_id: `i-…` for EC2, `mi-…` for a managed instance outside it (which has no power switch).
        addresses: every address its sessions and probes may come from or go to, the first one preferred.
        host_names: names a database may show in place of an address, lower case (Oracle shows nothing else).
    """

    role: Role
    instance_id: str
    addresses: tuple[str, ...]
    host_names: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def record_type(self) -> str:
        """The type of the DNS record that leads to it, by the family of its first address."""
        return "AAAA" if ":" in self.address else "A"

    def owns_all(self, addresses: Iterable[str]) -> bool:
        """Are there any, and are all of them this server's, however they are written?"""
        found, own = {_canonical(each) for each in addresses}, {_canonical(each) for each in self.addresses}
        return bool(found) and found <= own


def _canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


@dataclass(frozen=True)
class Pair:
    """Two servers, one database, one name. `name` tells several pairs in one account apart."""

    name: str
    ms1: Server
    ms2: Server

    def server(self, role: Role) -> Server:
        return self.ms1 if role is Role.MS1 else self.ms2

    def other(self, role: Role) -> Server:
        return self.server(role.other)


class FencedBy(StrEnum):
    """What made the fence certain: a network that lets nothing pass, revoked access with no session behind it, or a
    machine without power."""

    NETWORK = "network"
    DATABASE = "database"
    POWER = "power"


@dataclass(frozen=True)
class Receipt:
    """The proof that one server is out, good for one change of the active server only.

    Args:
        epoch: the epoch of the change it was made for; of no use in any other.
        server: the server that is out.
        by: which of the three proofs it is.
        access: "denied" in a proof by network or database: the network's, or the access group's, answer for that
            server.
        sessions: the server's sessions in consecutive reads; all zero in a proof by database.
        verified_at: seconds since 1970, UTC.
        evidence: the sentences it rests on.
    """

    epoch: int
    server: Role
    by: FencedBy
    access: str
    sessions: tuple[int, ...]
    verified_at: float
    evidence: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "server": self.server.value,
            "by": self.by.value,
            "access": self.access,
            "sessions": list(self.sessions),
            "verified_at": self.verified_at,
            "evidence": list(self.evidence),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Receipt:
        """Read a stored receipt; raises `ValueError` where it is not one."""
        try:
            return Receipt(
                epoch=_counted(data["epoch"]),
                server=Role(data["server"]),
                by=FencedBy(data["by"]),
                access=str(data["access"]),
                sessions=tuple(_counted(count) for count in data["sessions"]),
                verified_at=float(data["verified_at"]),
                evidence=tuple(str(line) for line in data.get("evidence", ())),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{str(data)[:80]!r} is no receipt: {error!r}") from error


def _counted(value: object) -> int:
    """A number as it was written: 0.9 sessions are not none, and "000" are not three reads without one."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r:.40} is no whole number")
    return value


@dataclass(frozen=True)
class Lease:
    """Who may change the pair now. It ends with the execution that holds it, never by a clock.

    Args:
        execution: the ARN of the Step Functions execution that holds it.
        action: the verb it runs.
        target: the server that is to be active afterwards.
        epoch: the epoch this change will have; one above the last.
        reason, requested_by: as given with the request.
        taken_at: seconds since 1970, UTC.
        counts_from: from when on the seconds until a server serves count, in seconds since 1970: the first failed
            probe where the watchdog asks, or else when the change began; 0 in a record of before 0.2.
    """

    execution: str
    action: str
    target: Role
    epoch: int
    reason: str
    requested_by: str
    taken_at: float
    counts_from: float = 0.0


CUT_SHORT = ("ABORTED", "TIMED_OUT")
"""What Step Functions calls an execution that was ended from outside, in the middle of a call perhaps."""
CALLS_LAST_S = 20
"""Seconds for which that call may be under way still: the function that grants access runs no longer (its Timeout in
template.yaml). Before they are over nobody may resume the change."""


@dataclass(frozen=True)
class PairState:
    """What the pair's record says: the one item both writers and readers go by.

    Args:
        active: the server that may use the database; None before the pair was adopted.
        epoch: grows by one at each change of the active server; 0 before the first.
        lease: held while a change runs, or was left half done.
        receipt: the fence's proof for the change under way.
        acknowledged: False after an automatic failover, until a person has looked (I7).
        mode: automatic, manual or shadow.
        maintenance_until: seconds since 1970; 0 when there is none.
        halted: why a change stopped for a human; empty when none did.
        path_seen_epoch: the epoch in which the active server's own sessions were last seen as its own; below zero
            before the first time.
        path_seen_by: what showed that they are its own, its "address" or its "name", with "new " before it where that
            was seen of the new server alone; empty before the first time.
        path_hidden_epoch: the epoch of the last change in which the new server served and no list showed its sessions;
            below zero before the first time.
        path_unseen_epoch: the epoch of the last change that was proven, and ended or turned before a list showed
            sessions of the new server; below zero before the first time.
        second_probe_epoch: the epoch in which the second probe was last seen to reach both servers; below zero before
            the first time, and where it does not any more.
        granted: the server that was granted access, or may have been, by the last change that was proven.
        grant_settles_at: seconds since 1970 from which on nothing that grants it access is on its way any more.
        held: why an automatic failover is held in the current outage; empty where none is.
        chain: the end of the history's chain of digests.
        version: grows with every write, so that two writers can't both win.
    """

    active: Role | None = None
    epoch: int = 0
    lease: Lease | None = None
    receipt: Receipt | None = None
    acknowledged: bool = True
    mode: str = "automatic"
    maintenance_until: float = 0.0
    halted: str = ""
    held: str = ""
    path_seen_epoch: int = -1
    path_seen_by: str = ""
    path_hidden_epoch: int = -1
    path_unseen_epoch: int = -1
    second_probe_epoch: int = -1
    granted: Role | None = None
    grant_settles_at: float = 0.0
    chain: ChainHead = field(default_factory=ChainHead)
    version: int = 0

    @property
    def adopted(self) -> bool:
        return self.active is not None

    @property
    def believes_second_probe(self) -> bool:
        """Whether what the second probe does not see may be taken for not there: it has seen both servers (I11)."""
        return self.second_probe_epoch == self.epoch
