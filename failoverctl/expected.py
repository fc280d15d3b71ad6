"""What each server is to show in the state that the pair is in: a cell is green or red by that alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

ROLES = ("ms1", "ms2")


class Wanted(Enum):
    """What is to be seen.

    Attributes:
        YES, NO: nothing else.
        COMING, LEAVING: yes or no at last, and the other one is right until then.
        NOT_YET: no; a yes may have come between two of the answers that this status is made of.
        OVERDUE: no, and a yes is what keeps a change that has stopped from going on.
        EITHER: nothing is known that says which.
    """

    YES = auto()
    NO = auto()
    COMING = auto()
    LEAVING = auto()
    NOT_YET = auto()
    OVERDUE = auto()
    EITHER = auto()


class Cells(NamedTuple):
    """What one server is to show: whether its service answers, whether it has access to the database, and sessions."""

    service: Wanted
    access: Wanted
    sessions: Wanted

    @staticmethod
    def all(wanted: Wanted) -> Cells:
        return Cells(wanted, wanted, wanted)


_RIGHT, _WRONG, _DOUBTFUL, _PLAIN = "green", "red", "yellow", ""
_YES = {
    **dict.fromkeys((Wanted.YES, Wanted.COMING), _RIGHT),
    **dict.fromkeys((Wanted.NOT_YET, Wanted.OVERDUE), _DOUBTFUL),
    Wanted.NO: _WRONG,
}
_NO = {Wanted.YES: _WRONG, **dict.fromkeys((Wanted.NO, Wanted.LEAVING, Wanted.NOT_YET, Wanted.OVERDUE), _RIGHT)}
_NEITHER = {Wanted.YES: _WRONG, Wanted.NO: _DOUBTFUL, Wanted.NOT_YET: _DOUBTFUL}
"""Colours of a yes, a no, and of a host that neither answers nor refuses; what is not named is plain."""


def colour(answer: str, wanted: Wanted) -> str:
    """How an answer (yes, no, unknown) is meant: green as it is to be, red not so, yellow in doubt, or plain."""
    return {"yes": _YES, "no": _NO}[answer].get(wanted, _PLAIN) if answer in ("yes", "no") else _DOUBTFUL


def signal_colour(signal: str, wanted: Wanted) -> str:
    """The same of what a port shows: answers, refused, or anything else."""
    if signal == "unknown":
        return _DOUBTFUL
    return {"answers": _YES, "refused": _NO}.get(signal, _NEITHER).get(wanted, _PLAIN)


def is_under_way(status: Mapping[str, Any]) -> bool:
    """Whether a change is going on: it holds the lease, was not halted, and an execution runs."""
    record = status["record"]
    return bool(record.get("lease")) and not record.get("halted") and status["execution"] is not None


def name_may_point_to(status: Mapping[str, Any]) -> tuple[str, ...]:
    """The servers that the name may lead to: in a change, and before the pair was adopted, either."""
    active = status["record"].get("active")
    return (active,) if active and not status["record"].get("lease") else ROLES


def wanted_of(status: Mapping[str, Any]) -> dict[str, Cells]:
    """What each server is to show.

    Args:
        status: as `status.read_status` gathers it.
    """
    record = status["record"]
    lease, active = record.get("lease"), record.get("active")
    if lease:
        return _in_change(status, lease)
    if not active:  # not adopted, or the record can't be read
        return {role: Cells.all(Wanted.EITHER) for role in ROLES}
    return {role: Cells.all(Wanted.YES if role == active else Wanted.NO) for role in ROLES}


def _in_change(status: Mapping[str, Any], lease: Mapping[str, Any]) -> dict[str, Cells]:
    record, target = status["record"], str(lease["target"])
    source = next(role for role in ROLES if role != target)
    stopped = not is_under_way(status)
    receipt = record.get("receipt") or {}
    if (receipt.get("server"), receipt.get("epoch")) == (source, lease["epoch"]):
        # A session that is listed is no way in for a machine that the network cuts off, or that has no power.
        listed = Wanted.NO if receipt.get("by") == "database" else Wanted.LEAVING
        out = Cells(Wanted.OVERDUE, Wanted.NO, listed)
        return {source: out, target: Cells.all(Wanted.YES if stopped else Wanted.COMING)}
    if lease["action"] == "adopt":  # who is active is being found out
        return {role: Cells.all(Wanted.EITHER) for role in ROLES}
    # A change that was turned back goes to a server that may never have been put out.
    before = Wanted.EITHER if target == record.get("active") else Wanted.NO if stopped else Wanted.NOT_YET
    return {source: Cells.all(Wanted.OVERDUE if stopped else Wanted.LEAVING), target: Cells.all(before)}
