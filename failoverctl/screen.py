"""What a person sees: one screen of status, the steps of an execution, lists."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from failoverctl.steps import Step

_COLOURS = {"yes": "green", "no": "red", "unknown": "yellow"}
NARROW = 110


def status_screen(status: Mapping[str, Any], steps: RenderableType | None = None) -> RenderableType:
    """One screen that says how the pair is.

    Args:
        status: as `status.read_status` gathers it.
        steps: shown in place of what needs a person: while a change runs that is the change.
    """
    below = _attention(status) if steps is None else [steps]
    return Group(_headline(status), _servers(status), _facts(status), *below)


def _headline(status: Mapping[str, Any]) -> Text:
    record = status["record"]
    active = record.get("active") or "nobody"
    if record.get("trouble"):
        return Text.assemble((f"{status['pair']}: ", "bold"), ("who is active is not known", "bold red"))
    said = Text.assemble((f"{status['pair']}: ", "bold"), (f"{active} is active", "bold green"))
    return said.append(f", epoch {record.get('epoch', 0)}, mode {record.get('mode', 'automatic')}")


def _servers(status: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("server", "is", "administration", "agents' port", "database door", "sessions"):
        table.add_column(title)
    for role, server in status["servers"].items():
        active, look = server["is"] == "active", server["look"]
        table.add_row(
            role,
            Text(server["is"], style="bold" if active else ""),
            _signal(look.get("admin", "unknown"), active),
            _signal(look.get("port", "unknown"), active),
            _answer(server["door"], active, {"yes": "open", "no": "shut"}),
            _answer(server["sessions"], active, {"yes": "has some", "no": "none"}),
        )
    return table


def _signal(signal: str, wanted: bool) -> Text:
    good = (signal == "answers") == wanted
    return Text(signal, style="green" if good else "yellow" if signal == "unknown" else "red")


def _answer(found: Mapping[str, Any], wanted: bool, words: Mapping[str, str]) -> Text:
    answer = str(found.get("answer", "unknown"))
    style = "yellow" if answer == "unknown" else "green" if (answer == "yes") == wanted else "red"
    return Text(words.get(answer, answer), style=style)


def _facts(status: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    name, copy, ready = status["name"], status["replication"], status["readiness"]
    table.add_row("name", f"{name.get('record')} → {name['points_to'] or name.get('sentence') or name.get('trouble')}")
    age = (
        f"whole set of {ago(copy['age_s'])} ago" if copy.get("as_of") else copy.get("trouble") or "nothing arrived yet"
    )
    table.add_row("standby's copy", age)
    if ready and not ready.get("trouble"):
        said = Text(f"{ready.get('sentence')} ", style=_COLOURS.get(str(ready.get("answer")), ""))
        table.add_row("readiness", said.append(f"({ago(status['at'] - float(ready['at']))} ago)", style="dim"))
    else:
        table.add_row("readiness", str(ready.get("trouble") or "not checked yet"))
    alarms = status["alarms"]
    if not isinstance(alarms, Mapping):
        ringing = [each["name"] for each in alarms if each["state"] == "ALARM"]
        table.add_row("alarms", Text(", ".join(ringing) or f"none of {len(alarms)}", style="red" if ringing else ""))
    running, last = status["execution"], status["last_change"]
    if running and not running.get("trouble"):
        since = ago(status["at"] - running["since"])
        table.add_row("running", Text(f"{running['action']}, {since}: {running['step']}", style="bold yellow"))
    if last and not last.get("trouble"):
        what = f"{last['action']} {last['source']} → {last['target']}: {last['outcome']}"
        table.add_row("last change", f"{what} ({ago(status['at'] - float(last['ended_at']))} ago)")
    return table


def _attention(status: Mapping[str, Any]) -> list[RenderableType]:
    if status["well"]:
        return [Text("All is well.", style="green")]
    lines = Table.grid(padding=(0, 1, 0, 0))
    for each in status["attention"]:
        said = Text(each["sentence"])
        if each["command"]:
            said.append(f"\n→ {each['command']}", style="bold")
        if each["see"]:
            said.append(f"\n  docs/operate.md, {each['see']}", style="dim")
        lines.add_row("•", said)
    return [Panel(lines, title="needs a person", title_align="left", border_style="yellow")]


def steps_table(
    steps: Sequence[Step], began: float, now: float | None = None, *, width: int = 120, rows: int | None = None
) -> Table:
    """The steps with their times and a bar each: where the seconds went.

    Args:
        began: seconds since 1970; all times are shown from there.
        now: the end of the bars of steps that still run.
        width: columns there are.
        rows: lines there are at most: then a step has one line, and the latest are shown; None for all of it.
    """
    shown = [each for each in steps if each.kind in ("Task", "Wait", "Fail")]
    end = max([each.end or now or each.start for each in shown] or [began + 1])
    span = max(end - began, 0.001)
    bar = 12 if width < NARROW else 24
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    overflow: Any = "fold" if rows is None else "ellipsis"
    names = max([len(each.name) + (3 if each.tries > 1 else 0) for each in shown] or [5])
    for title, justify, least in (
        ("step", "left", names),
        ("from", "right", 6),
        ("took", "right", 8),
        ("", "left", bar),
    ):
        table.add_column(title, justify=justify, no_wrap=True, min_width=least)  # type: ignore[arg-type]
    # Left to itself rich would take the room for a long sentence from the columns before it.
    said = max(12, width - names - 6 - 8 - bar - 5)
    table.add_column("said", overflow=overflow, no_wrap=rows is not None, max_width=said)
    for each in shown if rows is None else shown[-max(1, rows - 1) :]:
        until = each.end or now or each.start
        before = min(bar - 1, int(bar * (each.start - began) / span))
        length = max(1, round(bar * (until - each.start) / span))
        style = "red" if each.failed else "cyan" if each.end else "yellow"
        again = f" ×{each.tries}" if each.tries > 1 else ""
        table.add_row(
            each.name + again,
            f"{each.start - began:.2f}",
            f"{until - each.start:.2f} s" if each.end else "…",
            Text(" " * before + "━" * min(length, bar - before), style=style),
            Text(each.said, style="red" if each.failed else ""),
        )
    return table


_NEXT = {
    "rolled-back": ("find out why the other server did not come up", "failoverctl explain", "rolled-back"),
    "halted": ("mend what is named, then go on", 'failoverctl resume --reason "…"', "failover-halted"),
    "blocked": ("mend what is named", "failoverctl readiness", "blocked"),
    "refused": ("see who holds what", "failoverctl status", "refused"),
    "stood-down": ("nothing; the active server answers", "", "stood-down"),
    "timed-out": ("see how it was left, then go on", 'failoverctl resume --reason "…"', "failover-timed-out"),
    "aborted": ("see how it was left, then go on", 'failoverctl resume --reason "…"', "failover-timed-out"),
}


def ended_text(outcome: str, would: str, sentence: str, where: str, took_s: float | None = None) -> Text:
    """How an execution ended, and what to do next where that is not plain.

    Args:
        would: what a dry run says would come of it; empty where it was none.
        where: the options that name this pair.
        took_s: seconds it took; None leaves it out.
    """
    after = f" after {took_s:.2f} s" if took_s is not None else ""
    said = Text.assemble((f"would be {would}" if would else outcome, "bold"), f"{after}: {sentence}")
    if would:
        return said.append("\nIt was a dry run: nothing was changed.", style="dim")
    todo, command, section = _NEXT.get(outcome, ("", "", ""))
    if todo:
        said.append(f"\nNext: {todo}{f': {command}{where}' if command else '.'}", style="bold")
        said.append(f"\nSee docs/operate.md, {section}.", style="dim")
    return said


def longest(steps: Sequence[Step], took_s: float) -> str:
    """Where the seconds went, in one sentence: the three longest steps, and what lay between steps."""
    spent = sorted(
        ((each.end - each.start, each.name) for each in steps if each.end and each.kind in ("Task", "Wait")),
        reverse=True,
    )
    if not spent:
        return ""
    told = ", ".join(f"{name} {seconds:.2f} s" for seconds, name in spent[:3])
    return f"Longest: {told}; {max(0.0, took_s - busy(steps)):.2f} s in no step at all."


def busy(steps: Sequence[Step]) -> float:
    """Seconds in which at least one step ran; those that ran side by side count once."""
    total, reached = 0.0, 0.0
    for start, end in sorted((e.start, e.end) for e in steps if e.end and e.kind in ("Task", "Wait")):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def history_list(lines: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The history for people: a line for what was done, and below it why and how it ended."""
    shown = [_history_line(each) for each in lines]
    return Text("\n").join(shown)


def _history_line(line: Mapping[str, Any]) -> Text:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(line["ended_at"])))
    said = Text(f"{when}  epoch {line['epoch']}  ")
    if line["outcome"] == "noted":
        return said.append(f"{line['action']} by {line['requested_by']}", style="bold").append(
            f"\n    {line['sentence']}"
        )
    took = float(line["ended_at"]) - float(line["taken_at"])
    said.append(f"{line['action']} {line['source']} → {line['target']}: ", style="bold")
    said.append(str(line["outcome"]), style="bold green" if line["outcome"] == "promoted" else "bold yellow")
    said.append(f" in {took:.1f} s, by {line['requested_by']}\n    why: {line['reason']}\n    end: {line['sentence']}")
    return said.append(f"\n    execution {str(line['execution']).rsplit(':', 1)[-1]}", style="dim")


def readiness_table(ready: Mapping[str, Any]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("check", "", "what was seen", "what to do"):
        table.add_column(title, overflow="fold")
    for each in ready["checks"]:
        answer = str(each["answer"])
        told = Text(each["sentence"]), Text(each["remedy"], style="bold")
        table.add_row(each["name"], Text(answer, style=_COLOURS.get(answer, "")), *told)
    return Group(table, Text(str(ready["sentence"]), style=_COLOURS.get(str(ready["answer"]), "")))


def ago(seconds: float) -> str:
    """Seconds in the largest unit that says enough: "12 s", "3 min", "5 h", "2 d"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
