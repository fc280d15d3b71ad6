"""A change of a deployed pair as AWS still knows of it: the record that its page and its replay are made of.

Every moment is in seconds since 1970 (UTC), by the clock of whoever noted it. What is not known is None, or empty, and
`missing` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from msfailover.watching import Run

from failoverctl.errors import CommandError, Exit
from failoverctl.report.course import Event, Phase, Step
from failoverctl.report.phases import phases

FORMAT = 1
AUTOMATIC = {"watch": "the watchdog", "alarm": "the alarm"}
"""Who asks by itself, as the record and as people name it."""
OTHER = {"ms1": "ms2", "ms2": "ms1"}
NOTED_WITHIN_S = 1.0
_ASKED = {
    "failover": "a failover",
    "switchover": "a switchover",
    "force": "a forced failover",
    "resume": "the change to be resumed",
    "adopt": "an adoption",
}


@dataclass(frozen=True)
class PastChange:
    """One execution of the workflow, ended or not.

    Args:
        pair, stack, region: whose it is.
        execution: its ARN.
        read_at: when all this was read.
        action, reason, requested_by: what was asked for, why and by whom; empty where not known.
        dry_run: whether it was to change nothing.
        source, target: the server that was active, and the one that was to be; empty where not known. After a change
            was turned round they are those of the way back, as in the pair's history.
        epoch: of the change; None where not known.
        outcome: how it ended; "running" while it runs.
        would: what a dry run says would come of it.
        sentence: what the workflow says of its end.
        started_at: when the execution began.
        stopped_at: when it ended; None while it runs.
        counts_from: from when on the seconds until a server serves count; None where not known.
        recovery_s: seconds from there until a server served again; None where it did not come to that.
        target_s: within how many a server is to serve again.
        files_as_of: up to which moment the new server holds the other one's files; None where not known.
        receipt: the fence receipt as it was stored.
        steps: the workflow's, in the order they were entered.
        has_answers: whether the steps say what they ended with, and whether they failed.
        probes: what the watchdog observed around it.
        settings: the stack's parameters, as they are now.
        missing: a sentence for each thing that could not be read, or is kept no longer.
    """

    pair: str
    stack: str
    region: str
    execution: str
    read_at: float
    outcome: str
    started_at: float
    target_s: float
    action: str = ""
    reason: str = ""
    requested_by: str = ""
    dry_run: bool = False
    source: str = ""
    target: str = ""
    epoch: int | None = None
    would: str = ""
    sentence: str = ""
    stopped_at: float | None = None
    counts_from: float | None = None
    recovery_s: float | None = None
    files_as_of: float | None = None
    receipt: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()
    has_answers: bool = True
    probes: tuple[Run, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.execution.rsplit(":", 1)[-1]

    @property
    def runs(self) -> bool:
        return self.outcome == "running"

    @property
    def is_automatic(self) -> bool:
        return self.requested_by in AUTOMATIC

    @property
    def was_active(self) -> str:
        """The server that was active when it began; empty where not known."""
        turned = self.outcome == "rolled-back" or any(each.name == "TurnBack" for each in self.steps)
        return self.target if turned or self.action == "adopt" else self.source

    @property
    def aimed_at(self) -> str:
        """The server that was to be active when it began; empty where not known."""
        return self.target if self.action == "adopt" else OTHER.get(self.was_active, self.target)

    @property
    def fenced_at(self) -> float | None:
        """When the fence was proven, as the receipt has it."""
        at = (self.receipt or {}).get("verified_at")
        return float(at) if isinstance(at, int | float) else None

    @property
    def served_at(self) -> float | None:
        """When a server was seen to serve again."""
        return None if self.counts_from is None or self.recovery_s is None else self.counts_from + self.recovery_s

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Where the time went."""
        return phases(self.failure_at, self.steps)

    # ---- as it is drawn (failoverctl.report.course.Course) ---------------------------------------------------------

    @property
    def failure_at(self) -> float | None:
        """The first failed probe of the outage that led to it; None where it was not asked for because of one."""
        if self.action not in ("failover", "force"):
            return None
        first = None
        for run in self.probes:
            if run.active.value != self.was_active or run.from_s > self.started_at + NOTED_WITHIN_S:
                break
            if not run.failures:
                first = None if run.finding == "healthy" else first
            elif first is None:
                first = run.from_s
        if first is None and self.requested_by == "watch":
            first = self.counts_from
        return None if first is None else min(first, self.started_at)

    @property
    def zero(self) -> float:
        failed = self.failure_at
        return self.started_at if failed is None else failed

    @property
    def began_at(self) -> float:
        return min([self.zero - 1.0, *(each.from_s for each in self.probes[:1])])

    @property
    def ended_at(self) -> float:
        return self.read_at if self.stopped_at is None else self.stopped_at

    @property
    def events(self) -> tuple[Event, ...]:
        """What is worth a mark."""
        found = []
        if self.failure_at is not None:
            found.append(Event(self.failure_at, f"first failed probe of {self.was_active}"))
        by = AUTOMATIC.get(self.requested_by, self.requested_by.partition(" (")[0])
        found.append(Event(self.started_at, f"{by or 'somebody'} asks for {_ASKED.get(self.action, 'a change')}"))
        if self.fenced_at is not None and self.receipt:
            found.append(Event(self.fenced_at, f"{self.receipt.get('server')} is fenced"))
        if self.stopped_at is not None:
            found.append(Event(self.stopped_at, f"it ends: {self.outcome}"))
        return tuple(found)

    @property
    def moments(self) -> tuple[float, ...]:
        return tuple(at for at in (self.started_at, self.fenced_at, self.served_at, self.ended_at) if at is not None)

    @property
    def trailing_at(self) -> float:
        return self.began_at

    # ---- as it is kept ---------------------------------------------------------------------------------------------

    @property
    def derived(self) -> dict[str, Any]:
        """What follows from the rest, for readers: moments, seconds from one to the next, and the phases."""
        return {
            "failure_at": self.failure_at,
            "fenced_at": self.fenced_at,
            "detection_s": since(self.failure_at, self.started_at),
            "fence_s": since(self.started_at, self.fenced_at),
            "promotion_s": since(self.fenced_at, self.served_at),
            "took_s": since(self.started_at, self.stopped_at),
            "copy_age_s": since(self.files_as_of, self.stopped_at),
            "phases": [
                {"name": each.name, "start": round(each.start, 3), "end": round(each.end, 3)} for each in self.phases
            ],
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back to an equal change, without what is derived."""
        found = {**asdict(self), "probes": [each.to_json() for each in self.probes], "missing": list(self.missing)}
        found["steps"] = [asdict(each) for each in self.steps]
        return {"format": FORMAT, **found, "derived": self.derived}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> PastChange:
        """Read a change back.

        Raises:
            CommandError: it is not one, or of another format.
        """
        try:
            values = {name: each for name, each in data.items() if name not in ("format", "derived", "page")}
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']!r}")
            values["steps"] = tuple(Step(**each) for each in values["steps"])
            values["probes"] = tuple(Run.from_json(each) for each in values["probes"])
            values["missing"] = tuple(values["missing"])
            return PastChange(**values)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise CommandError(
                f"That is no change as `failoverctl report --json` writes it in format {FORMAT} ({error!r:.100}).",
                Exit.USAGE,
            ) from error


def since(start: float | None, end: float | None) -> float | None:
    """Seconds from one moment to another; None where either is not known, or the second came first."""
    return None if start is None or end is None or end < start else round(end - start, 3)
