"""The lines of the pair's history: how a change ended, and what was noted beside the changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msfailover.pair import Receipt, Role


def read_withheld(data: Mapping[str, Any]) -> str:
    """Why a configuration was not carried, as a stored item or a host's result has it; empty where it was.

    What 0.1.0 wrote has one field for what became of it and why: "held back: versions differ".
    """
    if "config_withheld" in data:
        return str(data["config_withheld"] or "")
    _, withheld, why = str(data.get("config", "")).partition("held back: ")
    return why if withheld else ""


class Outcome(StrEnum):
    """How a workflow ends; each execution has exactly one."""

    PROMOTED = "promoted"
    STOOD_DOWN = "stood-down"
    REFUSED = "refused"
    BLOCKED = "blocked"
    ROLLED_BACK = "rolled-back"
    HALTED = "halted"


SEVERITIES = {
    Outcome.PROMOTED: "warning",
    Outcome.STOOD_DOWN: "warning",
    Outcome.REFUSED: "info",
    Outcome.BLOCKED: "critical",
    Outcome.ROLLED_BACK: "error",
    Outcome.HALTED: "critical",
}
"""How urgent an end is, in the words of PagerDuty's events; the workflow's state Notify has the same table."""


@dataclass(frozen=True)
class History:
    """One line of the pair's history: what a change was, who asked for it, and how it ended.

    Args:
        files_as_of: where a server was promoted, the moment up to which it holds the other one's files, in seconds
            since 1970; 0 where that is not known.
        config_withheld: why the last complete copy did not carry the configuration; empty where it did.
        config_as_of: then, the moment as of which the promoted server's configuration is the other one's; 0 where it
            never was.
        counts_from: from when on the seconds until a server serves count (see `Lease`); 0 in lines of before 0.2.
    """

    epoch: int
    execution: str
    action: str
    source: Role
    target: Role
    outcome: Outcome
    sentence: str
    reason: str
    requested_by: str
    taken_at: float
    ended_at: float
    receipt: Receipt | None
    files_as_of: float = 0.0
    config_withheld: str = ""
    config_as_of: float = 0.0
    counts_from: float = 0.0

    @property
    def recovery_s(self) -> float | None:
        """Seconds from `counts_from` until a server served again; None where the change did not come to that."""
        served = self.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK) and self.action != "adopt"
        return round(max(0.0, self.ended_at - self.counts_from), 3) if served and self.counts_from else None

    @property
    def key(self) -> str:
        """One line for one execution, however it ends: a second end of it finds the first one there."""
        return f"history#{self.epoch:09d}#{self.taken_at:.3f}#{self.execution.rsplit(':', 1)[-1]}"

    def to_json(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "execution": self.execution,
            "action": self.action,
            "source": self.source.value,
            "target": self.target.value,
            "outcome": self.outcome.value,
            "sentence": self.sentence,
            "reason": self.reason,
            "requested_by": self.requested_by,
            "taken_at": self.taken_at,
            "ended_at": self.ended_at,
            "receipt": self.receipt.to_json() if self.receipt else None,
            "files_as_of": self.files_as_of,
            "config_withheld": self.config_withheld,
            "config_as_of": self.config_as_of,
            "counts_from": self.counts_from,
            "recovery_s": self.recovery_s,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> History:
        """Read a stored line; raises `ValueError` or `KeyError` where it is not one."""
        return History(
            epoch=int(data["epoch"]),
            execution=str(data["execution"]),
            action=str(data["action"]),
            source=Role(data["source"]),
            target=Role(data["target"]),
            outcome=Outcome(data["outcome"]),
            sentence=str(data["sentence"]),
            reason=str(data["reason"]),
            requested_by=str(data["requested_by"]),
            taken_at=float(data["taken_at"]),
            ended_at=float(data["ended_at"]),
            receipt=Receipt.from_json(data["receipt"]) if data.get("receipt") else None,
            files_as_of=float(data.get("files_as_of", 0.0)),
            config_withheld=read_withheld(data),
            config_as_of=float(data.get("config_as_of", 0.0)),
            counts_from=float(data.get("counts_from", 0.0)),
        )


def changes_in(lines: Iterable[Mapping[str, Any]]) -> list[History]:
    """The changes among stored lines, in their order. Notes are left out, and what can't be read: a line that a hand
    has damaged, or a later version wrote, must not keep the next change from its end.
    """
    found = []
    for each in lines:
        try:
            found.append(History.from_json(each))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            continue
    return found


@dataclass(frozen=True)
class Note:
    """A line of the history that is no change of the pair: a setting changed, a failover held, a game day ended.

    Args:
        game_day: of a game day that has ended, what is kept of it.
    """

    epoch: int
    action: str
    active: Role | None
    sentence: str
    requested_by: str
    at: float
    game_day: Mapping[str, Any] | None = None

    @property
    def ended_at(self) -> float:
        return self.at

    @property
    def key(self) -> str:
        return f"history#{self.epoch:09d}#{self.at:.3f}#{self.action}#noted"

    def to_json(self) -> dict[str, Any]:
        active = self.active.value if self.active else None
        return {
            "epoch": self.epoch,
            "execution": "none",
            "action": self.action,
            "source": active,
            "target": active,
            "outcome": "noted",
            "sentence": self.sentence,
            "reason": "",
            "requested_by": self.requested_by,
            "taken_at": self.at,
            "ended_at": self.at,
            "receipt": None,
            **({"game_day": dict(self.game_day)} if self.game_day else {}),
        }
