"""The drill: a switchover and back on a testbed of its own, with a report that fits a page.

What a game day on AWS is (docs/drill.md), without the day: the same workflow, the same verbs, the same questions.
"""

from __future__ import annotations

from pathlib import Path

from failoverctl.acceptance.report.figures import Report

SCENARIO = "failback"


def summary(report: Report) -> str:
    """The report of a drill, as Markdown.

    Args:
        report: of the scenario that goes there and home again.
    """
    ways = report["changes"]
    silences = {each["name"].rsplit(", ", 1)[-1]: each for each in report["invariants"] if "service, " in each["name"]}
    lines = [
        f"# Drill: {'it held' if report['ok'] else 'it did NOT hold'}",
        "",
        "| way | from the request to the new server's first write | without service |",
        "|---|---|---|",
    ]
    for way, found in zip(ways, silences.values(), strict=False):
        took = "never" if way["takeover_s"] is None else f"{way['takeover_s']:.2f} s"
        lines.append(f"| {way['old']} to {way['new']} | {took} | {found['sentence'].split(',')[0]} |")
    broken = [f"- {each['name']}: {each['sentence']}" for each in report["invariants"] if each["answer"] != "yes"]
    agents = report["agents"]
    lines += [
        "",
        f"- Outcome: {report['outcome'] or 'none'}, epoch {report['epoch']}.",
        f"- Rows in the journal that should not be there: {report['journal_violations']};"
        f" both servers wrote for {report['dual_active_s']:.3f} s.",
        f"- Agents: {agents['recovered']} of {agents['count']} back.",
        "- All checks held." if not broken else "- Not held:",
        *broken,
        "",
    ]
    return "\n".join(lines)


def write(report: Report, directory: Path) -> Path:
    """Keep the summary beside the run's own report; returns where."""
    path = directory / "drill.md"
    path.write_text(summary(report), encoding="utf-8")
    return path
