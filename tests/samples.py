"""A pair, its record in the states that matter, and a proof: what the tests of the decisions start from."""

from __future__ import annotations

from typing import Any

from msfailover.history import Outcome
from msfailover.pair import FencedBy, Lease, Pair, PairState, Receipt, Role, Server
from msfailover.request import Action, Request

MS1 = Server(Role.MS1, "i-00000000000000a01", ("10.0.0.11", "2001:db8::11"), ("ms1",))
MS2 = Server(Role.MS2, "i-00000000000000a02", ("10.0.0.12",), ("ms2",))
PAIR = Pair("management-server", MS1, MS2)

NOW = 1_790_000_000.0
MACHINE = "arn:aws:states:eu-central-1:123456789012"
OURS = f"{MACHINE}:execution:ms-failover-failover:ours"
THEIRS = f"{MACHINE}:execution:ms-failover-failover:theirs"


def state(**changes: Any) -> PairState:
    """The record of a pair at rest: ms1 active in epoch 1, its sessions seen as its own."""
    seen = {"path_seen_epoch": 1, "path_seen_by": "address"}
    return PairState(**{"active": Role.MS1, "epoch": 1, "version": 3, **seen, **changes})


def lease(**changes: Any) -> Lease:
    """The lease of a failover to ms2, held by `OURS`."""
    about: dict[str, Any] = {
        "execution": OURS,
        "action": "failover",
        "target": Role.MS2,
        "epoch": 2,
        "reason": "ms1 is silent",
        "requested_by": "watch",
        "taken_at": NOW,
        "counts_from": NOW,
    }
    return Lease(**{**about, **changes})


def receipt(**changes: Any) -> Receipt:
    """The proof by database that ms1 is out, for that failover."""
    about: dict[str, Any] = {
        "epoch": 2,
        "server": Role.MS1,
        "by": FencedBy.DATABASE,
        "access": "denied",
        "sessions": (0, 0, 0),
        "verified_at": NOW,
        "evidence": ("Access is revoked.", "No session."),
    }
    return Receipt(**{**about, **changes})


def proof_for(outcome: Outcome) -> Receipt | None:
    """The proof that a change has that ends so."""
    return receipt() if outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK) else None


def request(action: Action = Action.FAILOVER, **changes: Any) -> Request:
    """A person's request."""
    about: dict[str, Any] = {"target": None, "reason": "ms1 is silent", "requested_by": "Ada"}
    return Request(action, **{**about, **changes})
