"""The pair's record as it is stored and read again: one definition, for what is deployed and for failoverctl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msfailover.chain import ChainHead
from msfailover.pair import Lease, PairState, Receipt, Role
from msfailover.request import LATEST, Action

_NO_EPOCH = 10**15
"""Above what a host remembers, 15 digits. A change that came to an epoch nobody acts in can still be read and ended."""


class RecordUnreadable(Exception):
    """The record is there, but is not what this software writes. Nothing is done on it, and nothing was changed."""


def state_to_json(state: PairState) -> dict[str, Any]:
    """The record as JSON has it, every field of it."""
    lease = state.lease
    return {
        "active": state.active.value if state.active else None,
        "epoch": state.epoch,
        "lease": {
            "execution": lease.execution,
            "action": lease.action,
            "target": lease.target.value,
            "epoch": lease.epoch,
            "reason": lease.reason,
            "requested_by": lease.requested_by,
            "taken_at": lease.taken_at,
            "counts_from": lease.counts_from,
        }
        if lease
        else None,
        "receipt": state.receipt.to_json() if state.receipt else None,
        "acknowledged": state.acknowledged,
        "mode": state.mode,
        "maintenance_until": state.maintenance_until,
        "halted": state.halted,
        "held": state.held,
        "path_seen_epoch": state.path_seen_epoch,
        "path_seen_by": state.path_seen_by,
        "path_hidden_epoch": state.path_hidden_epoch,
        "path_unseen_epoch": state.path_unseen_epoch,
        "second_probe_epoch": state.second_probe_epoch,
        # Stored under the names that a deployed pair's record has: an update finds and keeps what is there.
        "let_in": state.granted.value if state.granted else None,
        "let_in_settles_at": state.grant_settles_at,
        "chain": state.chain.to_json(),
        "version": state.version,
    }


def state_from_json(data: Mapping[str, Any]) -> PairState:
    """Read a record; an empty mapping is the record of a pair that has not been adopted.

    What every version has written must be there, and of its type; what came later may be missing.

    Raises:
        RecordUnreadable: it is of another shape.
    """
    try:
        return _state(data)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise RecordUnreadable(
            f"The pair's record can't be read ({error!r:.200}). Nothing was changed. Restore it from the table's backup"
            " or its history before anything else."
        ) from error


def _state(data: Mapping[str, Any]) -> PairState:
    if not data:
        return PairState()
    lease, receipt = data["lease"], data["receipt"]
    return PairState(
        active=_role(data["active"]),
        epoch=_whole(data["epoch"], 0),
        lease=_lease(lease) if lease is not None else None,
        receipt=Receipt.from_json(receipt) if receipt is not None else None,
        acknowledged=_flag(data["acknowledged"]),
        mode=_text(data["mode"]),
        maintenance_until=_moment(data["maintenance_until"]),
        halted=_text(data["halted"]),
        held=_text(data.get("held", "")),
        path_seen_epoch=_whole(data.get("path_seen_epoch", -1), -1),
        path_seen_by=_text(data.get("path_seen_by", "")),
        path_hidden_epoch=_whole(data.get("path_hidden_epoch", -1), -1),
        path_unseen_epoch=_whole(data.get("path_unseen_epoch", -1), -1),
        second_probe_epoch=_whole(data.get("second_probe_epoch", -1), -1),
        granted=_role(data.get("let_in")),
        grant_settles_at=_moment(data.get("let_in_settles_at", 0.0)),
        chain=ChainHead.from_json(data.get("chain")),
        version=_whole(data["version"], 0),
    )


def _lease(data: Mapping[str, Any]) -> Lease:
    return Lease(
        execution=_text(data["execution"]),
        action=Action(data["action"]).value,
        target=Role(data["target"]),
        epoch=_whole(data["epoch"], 1),
        reason=_text(data["reason"]),
        requested_by=_text(data["requested_by"]),
        taken_at=_moment(data["taken_at"]),
        counts_from=_moment(data.get("counts_from", 0.0)),
    )


# Nothing is converted. What a hand has written as "false" is true to `bool`, an empty lease would be none, and a number
# that is no time would fail wherever it is shown: each a permission or a failure that nobody has decided on (I3).


def _role(value: object) -> Role | None:
    return None if value is None else Role(_text(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r:.60} is neither true nor false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.60} is no text")
    return value


def _whole(value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _NO_EPOCH:
        raise ValueError(f"{value!r:.60} is no whole number of at least {least} that this software counts to")
    return value


def _moment(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < LATEST:
        raise ValueError(f"{value!r:.60} is no time in seconds since 1970")
    return float(value)
