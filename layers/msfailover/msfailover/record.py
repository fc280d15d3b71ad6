"""The pair's record as it is stored and read again: one definition, for what is deployed and for failoverctl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msfailover.chain import ChainHead
from msfailover.pair import Lease, PairState, Receipt, Role


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
    lease, receipt, active = data.get("lease"), data.get("receipt"), data.get("active")
    return PairState(
        active=Role(active) if active else None,
        epoch=int(data.get("epoch", 0)),
        lease=Lease(
            execution=str(lease["execution"]),
            action=str(lease["action"]),
            target=Role(lease["target"]),
            epoch=int(lease["epoch"]),
            reason=str(lease["reason"]),
            requested_by=str(lease["requested_by"]),
            taken_at=float(lease["taken_at"]),
            counts_from=float(lease.get("counts_from", 0.0)),
        )
        if lease
        else None,
        receipt=Receipt.from_json(receipt) if receipt else None,
        acknowledged=bool(data.get("acknowledged", True)),
        mode=str(data.get("mode", "automatic")),
        maintenance_until=float(data.get("maintenance_until", 0.0)),
        halted=str(data.get("halted", "")),
        held=str(data.get("held", "")),
        path_seen_epoch=int(data.get("path_seen_epoch", -1)),
        path_seen_by=str(data.get("path_seen_by", "")),
        path_hidden_epoch=int(data.get("path_hidden_epoch", -1)),
        path_unseen_epoch=int(data.get("path_unseen_epoch", -1)),
        second_probe_epoch=int(data.get("second_probe_epoch", -1)),
        granted=Role(granted) if (granted := data.get("let_in")) else None,
        grant_settles_at=float(data.get("let_in_settles_at", 0.0)),
        chain=ChainHead.from_json(data.get("chain")),
        version=int(data.get("version", 0)),
    )
