"""What the watchdog keeps between two probes: which slot was taken, how many failures in a row, and what was observed.

A `Run` is what a later replay of the decisions needs: the probes that observed the same, as one line. The watchdog
writes it to its log (message "probes") whenever what was observed changed, and otherwise each `RUN_LASTS_S`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msfailover.observations import Signal
from msfailover.pair import Role

RUN_LASTS_S = 600.0
"""Seconds after which a run is logged, however long it goes on."""

Ports = tuple[Signal, Signal]
"""What one probe of one server returned: of its administration interface, and of its management port."""


@dataclass(frozen=True)
class Run:
    """Probes in a row that observed the same.

    Args:
        from_s: when the first of them began, in seconds since 1970.
        to_s: when the last of them began.
        count: how many there were.
        longest_gap_s: the most seconds from the beginning of a probe to the next one's, the gap before the first
            included; 0 where nobody had probed before.
        active: the server that should answer.
        epoch: the pair's epoch.
        ms1: what was observed of it; None where the probe could not be asked.
        ms2: as `ms1`.
        asked: the dearer question that was asked ("sessions", "power"); empty for none.
        answer: what it was answered with ("yes", "no", "unknown"); empty where none was asked.
        finding: the name of what was observed (docs/detection.md).
        failures: findings in a row that can be acted on, after the last probe.
        threshold: how many of them silence needs.
    """

    from_s: float
    to_s: float
    count: int
    longest_gap_s: float
    active: Role
    epoch: int
    ms1: Ports | None
    ms2: Ports | None
    asked: str
    answer: str
    finding: str
    failures: int
    threshold: int

    @property
    def observed(self) -> tuple[object, ...]:
        """What has to stay the same for a probe to be one more of this run."""
        seen = (self.active, self.epoch, self.ms1, self.ms2, self.asked, self.answer, self.finding)
        return (*seen, self.threshold, self.failures > 0)

    def to_json(self) -> dict[str, Any]:
        return {
            "from": round(self.from_s, 3),
            "to": round(self.to_s, 3),
            "count": self.count,
            "gap": round(self.longest_gap_s, 3),
            "active": self.active.value,
            "epoch": self.epoch,
            "ms1": _ports_to_json(self.ms1),
            "ms2": _ports_to_json(self.ms2),
            "asked": self.asked,
            "answer": self.answer,
            "finding": self.finding,
            "failures": self.failures,
            "threshold": self.threshold,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Run:
        """What `to_json` wrote.

        Raises:
            ValueError: it is not what this software writes.
        """
        try:
            return cls(
                float(data["from"]),
                float(data["to"]),
                int(data["count"]),
                float(data["gap"]),
                Role(data["active"]),
                int(data["epoch"]),
                _ports_from_json(data["ms1"]),
                _ports_from_json(data["ms2"]),
                str(data["asked"]),
                str(data["answer"]),
                str(data["finding"]),
                int(data["failures"]),
                int(data["threshold"]),
            )
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"This is no run of probes: {error!r}.") from error


@dataclass(frozen=True)
class Watching:
    """The item of the pair's table that the watchdog keeps. Times are milliseconds since 1970, 0 for never.

    Args:
        seeded_until_ms: the last slot that was sent to the queue.
        slot_ms: the last slot that was taken.
        probed_ms: when the last probe began.
        busy_until_ms: until when the process that probed last goes on by itself.
        by: which process that was.
        streak_of: the server that `failures` is about.
        failures: findings in a row that can be acted on.
        failed_since_ms: when the first of them was made; 0 where there is none.
        run: what the last probes observed; None before the first.
    """

    seeded_until_ms: int = 0
    slot_ms: int = 0
    probed_ms: int = 0
    busy_until_ms: int = 0
    by: str = ""
    streak_of: Role | None = None
    failures: int = 0
    failed_since_ms: int = 0
    run: Run | None = None


def _ports_to_json(seen: Ports | None) -> list[str] | None:
    return None if seen is None else [each.value for each in seen]


def _ports_from_json(data: Any) -> Ports | None:
    if data is None:
        return None
    admin, port = data
    return Signal(admin), Signal(port)
