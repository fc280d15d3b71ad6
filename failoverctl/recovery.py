"""How long the service was out, beside the target: of a change, of the one that runs, and of the last ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from failoverctl.account import Stack

TREND_OF = 10
"""Changes that the trend is of, the latest ones."""
DEFAULT_TARGET_S = 120.0


def target_of(stack: Stack) -> float:
    """Seconds within which a server is to serve again, as the stack has it; the default for a stack of before 0.2."""
    return float(stack.parameters.get("RecoveryTargetSeconds") or DEFAULT_TARGET_S)


def seconds_of(line: Mapping[str, Any]) -> float | None:
    """Seconds until a server served, of a line of the history; None where it was no change that came to that."""
    found = line.get("recovery_s")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def in_words(line: Mapping[str, Any], target_s: float) -> Text | None:
    """How long a change took until a server served, red above the target; None where it did not come to that."""
    took = seconds_of(line)
    if took is None:
        return None
    late = took > target_s
    said = f"served after {took:.1f} s, {'above' if late else 'within'} the target of {target_s:g} s"
    return Text(said, style="bold red" if late else "")


def so_far(record: Mapping[str, Any], at: float, target_s: float) -> str:
    """How long a change that runs has taken, from where the seconds count; empty where none does."""
    lease = record.get("lease") or {}
    since = float(lease.get("counts_from") or 0)
    return f"{max(0.0, at - since):.0f} s of {target_s:g} s" if since and lease.get("action") != "adopt" else ""


def trend(lines: Sequence[Mapping[str, Any]], target_s: float) -> Text | None:
    """Median and worst of the last changes after which a server served; None where there was none.

    Args:
        lines: of the history, newest first.
    """
    took = [found for each in lines if (found := seconds_of(each)) is not None][:TREND_OF]
    if not took:
        return None
    late = sum(each > target_s for each in took)
    of = "the last change" if len(took) == 1 else f"the last {len(took)} changes"
    said = f"Seconds until a server served, of {of}: median {median(took):.1f}, worst {max(took):.1f}"
    return Text(f"{said}; {late} above the target of {target_s:g}.", style="yellow" if late else "")


def median(seconds: Sequence[float]) -> float:
    """The median of some seconds, of which there is one at least.

    As `statistics` has it, which takes `status` longer to import than all that it is for.
    """
    ordered, half = sorted(seconds), len(seconds) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
