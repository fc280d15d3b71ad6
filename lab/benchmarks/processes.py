"""What the functions' processes on the testbed use: processor time, memory, open descriptors. Read from /proc."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from lab.testbed.testbed import STACK, Testbed

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    """What one process uses at one moment.

    Args:
        cpu_ms: processor time since it began, its threads that have ended included.
        rss_kib: memory that is resident.
        descriptors: how many are open.
    """

    pid: int
    cpu_ms: float
    rss_kib: int
    descriptors: int


def uses(testbed: Testbed, function: str) -> list[Use]:
    """Every living process of a function ("database-access"), the eldest first."""
    functions = testbed.cloud.functions
    with functions._lock:
        pool = functions._pools.get(f"{STACK}-{function}")
        sandboxes = [*pool.idle, *pool.busy] if pool else []
    found = []
    for sandbox in sorted(sandboxes, key=lambda each: each.started_at):
        if sandbox._process is not None:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                found.append(_use(sandbox._process.pid))
    return found


def cpu_ms(testbed: Testbed, function: str) -> float:
    """Processor time of all of a function's processes together."""
    return sum(each.cpu_ms for each in uses(testbed, function))


def _use(pid: int) -> Use:
    about = Path(f"/proc/{pid}")
    fields = (about / "stat").read_text().rsplit(")", 1)[1].split()
    status = (about / "status").read_text()
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return Use(
        pid=pid,
        cpu_ms=(int(fields[11]) + int(fields[12])) * _TICK_MS,
        rss_kib=int(rss.split()[1]),
        descriptors=len(list((about / "fd").iterdir())),
    )
