"""The sentences of the page: what happened, and what the receipt proves, for a reader who was not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.record import Run
from failoverctl.report.chart import seconds
from failoverctl.report.receipt import proof_of, word_of


def what_came_of_it(report: Report) -> str:
    """One or two sentences under the headline."""
    change = report["changes"][-1] if report["changes"] else None
    if change is None:
        return "No change of the active server was asked for."
    old, new = change["old"], change["new"]
    since = "failure" if report["failure_at"] is not None else "request"
    if change["takeover_s"] is None:
        kept = f"{new} wrote nothing: {old} remains the active server."
        return kept if not report["journal_violations"] else f"{new} wrote without ever having been permitted to."
    told = f"{new} wrote its first row {seconds(change['takeover_s'])} after the {since}."
    if report["journal_violations"]:
        return f"{told} {old} wrote on beside it for {report['dual_active_s']:.3f} s."
    return f"{told} {old} wrote nothing after that."


def receipt(run: Run, report: Report) -> list[str]:
    """The fence receipt in sentences, from what was stored; odd values are shown as they are, never glossed over."""
    stored = run.proof
    if stored is None:
        return ["No receipt was written: the fence of this run was never proven, or none was needed."]
    server = word_of(stored, "server")
    return [
        f"{_when(run, report, stored)} it was certain that {server} could not use the database.",
        proof_of(stored, server),
        f"The receipt is good for epoch {word_of(stored, 'epoch')} alone.",
    ]


def _when(run: Run, report: Report, stored: Mapping[str, Any]) -> str:
    verified = stored.get("verified_at")
    if not isinstance(verified, int | float):
        return "At a time that the receipt does not say,"
    told = f"At {seconds(verified - run.zero, signed=True)}"
    change = report["changes"][-1] if report["changes"] else None
    if change is None or change["first_write_at"] is None:
        return f"{told},"
    lead = run.t0 + change["first_write_at"] - verified
    return f"{told}, {seconds(abs(lead))} {'before' if lead >= 0 else 'AFTER'} {change['new']} first wrote,"


def size(count: int) -> str:
    """Bytes for people, in powers of a thousand."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
