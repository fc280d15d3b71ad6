"""Recorded changes, made up but true to life."""

from __future__ import annotations

from typing import Any

from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.watching import Ports, Run

from failoverctl.report.change import PastChange
from failoverctl.report.course import Step

T0 = 1_790_000_000.0
ANSWERS: Ports = (Signal.ANSWERS, Signal.ANSWERS)
REFUSED: Ports = (Signal.REFUSED, Signal.REFUSED)
SILENT: Ports = (Signal.SILENT, Signal.SILENT)
HUNG: Ports = (Signal.SILENT, Signal.ANSWERS)


def probes(at: float, count: int, saw: Ports, finding: str, active: Role = Role.MS1) -> Run:
    """Probes each 5 s that saw the same of the active server; the other one refuses, as a standby does."""
    ms1, ms2 = (saw, REFUSED) if active is Role.MS1 else (REFUSED, saw)
    failures = 0 if finding == "healthy" else count
    return Run(T0 + at, T0 + at + 5 * (count - 1), count, 5.0, active, 1, ms1, ms2, "", "", finding, failures, 4)


def outage(saw: Ports, finding: str, active: Role = Role.MS1) -> tuple[Run, ...]:
    """A server that was well, and was then seen like that until the change began."""
    return probes(-100, 17, ANSWERS, "healthy", active), probes(-15, 4, saw, finding, active)


def change(**about: Any) -> PastChange:
    """A failover from ms1 to ms2 that the watchdog asked for, because ms1 was hung."""
    given: dict[str, Any] = {
        "outcome": "promoted",
        "started_at": T0,
        "stopped_at": T0 + 30,
        "target_s": 120.0,
        "action": "failover",
        "requested_by": "watch",
        "source": "ms1",
        "target": "ms2",
        "counts_from": T0 - 15,
        "probes": outage(HUNG, "half-dead"),
        "settings": {"ProbeIntervalSeconds": "5", "FailureThreshold": "4", "DatabaseNetworkAclIds": "given"},
        **about,
    }
    return PastChange("tectia", "demo", "eu-central-1", "arn:aws:states:x:1:execution:m:watch-1", T0 + 60, **given)


def steps(*names: str, failed: str = "") -> tuple[Step, ...]:
    """Steps in that order, a second each."""
    return tuple(Step(name, T0 + at, T0 + at + 1, "", name == failed) for at, name in enumerate(names))
