"""The short verdict at a run's end: what came of it, how long it took, where the time went, what held."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from failoverctl import terminal
from failoverctl.acceptance.report.figures import Invariant, PhaseFigures, Report
from lab.testbed.report.snapshot import plain_text

_MARKS = {"yes": ("held", "green"), "no": ("BROKEN", "bold red"), "unknown": ("unknown", "bold yellow")}


def verdict(report: Report, console: Console | None = None) -> None:
    """Print it on the console, stdout's by default; in plain lines where that is no terminal."""
    console = console or terminal.console()
    console.print()
    console.print(headline(report, console.encoding), soft_wrap=True)
    phases = _phases(report, console.encoding)
    if phases.row_count:
        console.print()
        console.print(phases)
    console.print()
    console.print(_invariants(report["invariants"], console.encoding))


def headline(report: Report, encoding: str = "utf-8") -> Text:
    """One sentence with the outcome, the takeover and the agents."""
    ok = report["ok"]
    outcome = plain_text(report["outcome"], encoding) or "no outcome"
    text = Text.assemble((("OK" if ok else "NOT OK"), "bold green" if ok else "bold red"), "  ")
    text.append(f"{report['scenario']}: {outcome}", "bold")
    if outcome != report["expected"]:
        text.append(f" (expected: {report['expected']})", "bold red")
    change = report["changes"][-1] if report["changes"] else None
    if change is not None and report["takeover_s"] is not None:
        text.append(f"; {change['new']} wrote {report['takeover_s']:.2f} s after the ")
        text.append("failure" if report["failure_at"] is not None else "request")
    agents = report["agents"]
    if agents["count"]:
        when = "" if agents["recovered_s"] is None else f" after {agents['recovered_s']:.2f} s"
        text.append(f"; {agents['recovered']} of {agents['count']} agents back{when}")
    text.append(".")
    return text


def _phases(report: Report, encoding: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    phases = report["phases"]
    if not phases:
        return table
    zero = report["failure_at"] if report["failure_at"] is not None else 0.0
    begin = min(phase["start"] for phase in phases)
    whole = max(max(phase["end"] for phase in phases) - begin, 0.001)
    table.add_row(Text("where the time went", "dim"), Text("from", "dim"), Text("took", "dim"), "")
    for phase in phases:
        took = phase["end"] - phase["start"]
        table.add_row(
            plain_text(phase["name"], encoding),
            f"{phase['start'] - zero:+.2f} s",
            f"{took:.2f} s",
            _span(phase, begin, whole),
        )
    return table


def _span(phase: PhaseFigures, begin: float, whole: float, width: int = 40) -> Text:
    """The phase's place on a line of `width` characters; at least one of them, however short it was."""
    start = min(width - 1, int(width * (phase["start"] - begin) / whole))
    length = max(1, round(width * (phase["end"] - phase["start"]) / whole))
    return Text(" " * start + "=" * min(length, width - start), "cyan")


def _invariants(invariants: list[Invariant], encoding: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(max_width=36)  # a scenario's own names are long, and the sentence needs its room
    table.add_column()
    for invariant in invariants:
        word, style = _MARKS[invariant["answer"]]
        table.add_row(Text(word, style), invariant["name"], Text(plain_text(invariant["sentence"], encoding), "dim"))
    return table
