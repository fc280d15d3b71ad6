"""What a person sees: one screen of status, the steps of an execution, lists."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from failoverctl import game_days, recovery
from failoverctl.expected import Wanted, colour, is_under_way, name_may_point_to, signal_colour, wanted_of
from failoverctl.problems import FOLLOWING
from failoverctl.serving import GOOD, ago, in_order, is_cut_off
from failoverctl.steps import Step

_HEADS = {"good": "bold green", "doubtful": "bold yellow", "bad": "bold red"}
_ENDS = {"promoted": "green", "halted": "red", "blocked": "red", "rolled-back": "yellow"}
_COLOURS = {"yes": "green", "no": "red", "unknown": "yellow"}
NARROW = 110
NAMED_AT_MOST = 4
"""Alarms without data that are named; more of them are counted, as they are just after the deployment."""
SERVER_TITLES = ("is", "administration", "agents' port", "database access", "sessions")


def status_screen(status: Mapping[str, Any], steps: RenderableType | None = None) -> RenderableType:
    """One screen that says how the pair is: who serves, the cause and the next command, and then all the rest.

    Args:
        status: as `status.read_status` gathers it.
        steps: shown in place of what else needs a person: while a change runs that is the change.
    """
    below = _problems(status) if steps is None else [steps]
    return Group(first_line(status), *_cause(status), _servers(status), _facts(status), *below)


def first_line(status: Mapping[str, Any]) -> Text:
    record, head = status["record"], status["headline"]
    said = Text.assemble((f"{status['pair']}: ", "bold"), (head["sentence"], _HEADS[head["how"]]))
    if record.get("error"):
        return said
    said.append(f" · epoch {record.get('epoch', 0)}, mode {record.get('mode', 'automatic')}", style="dim")
    in_maintenance = float(record.get("maintenance_until") or 0) > status["at"]
    return said.append(", in maintenance", style="yellow") if in_maintenance else said


def _cause(status: Mapping[str, Any]) -> list[RenderableType]:
    if status["well"]:
        return []
    first = status["problems"][0]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("why", Text(first["sentence"]))
    if first["command"]:
        table.add_row("next", Text(first["command"], style="bold"))
    if first["see"]:
        table.add_row("", Text(f"docs/operate.md, {first['see']}", style="dim"))
    return [table]


def _servers(status: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("server", *SERVER_TITLES):
        table.add_column(title)
    for role, cells in server_cells(status).items():
        table.add_row(role, *cells)
    return table


def server_cells(status: Mapping[str, Any]) -> dict[str, list[Text]]:
    """What each server is, shows and has, under `SERVER_TITLES`; green is as it should be in the pair's state."""
    found, wanted = {}, wanted_of(status)
    for role, server in status["servers"].items():
        granted = "granted, cut off" if is_cut_off(server["access"]) else "granted"
        observation, cells = server["observation"], wanted[role]
        found[role] = [
            Text(server["is"], style="bold" if server["is"] == "active" else ""),
            _signal(observation.get("admin", "unknown"), cells.service),
            _signal(observation.get("port", "unknown"), cells.service),
            _answer(server["access"], cells.access, {"yes": granted, "no": "revoked"}),
            _answer(server["sessions"], cells.sessions, {"yes": "has some", "no": "none"}),
        ]
    return found


def _signal(signal: str, wanted: Wanted) -> Text:
    return Text(signal, style=signal_colour(signal, wanted))


def _answer(found: Mapping[str, Any], wanted: Wanted, words: Mapping[str, str]) -> Text:
    answer = str(found.get("answer", "unknown"))
    return Text(words.get(answer, answer), style=colour(answer, wanted))


def _facts(status: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for about, said in facts(status):
        table.add_row(about, said)
    return table


def facts(status: Mapping[str, Any]) -> list[tuple[str, Text]]:
    """What there is to know around the servers: the name, the copy, readiness, alarms, what runs and what ran last."""
    name = status["name"]
    right = name["points_to"] in name_may_point_to(status)
    points = name["points_to"] or ", ".join(name["values"]) or name.get("sentence") or name.get("error")
    arrow = Text(f"{name.get('record')} → ").append(str(points), style="" if right else "yellow")
    if name.get("resolver_says"):
        arrow.append(f"  (a resolver still says {name['resolver_says']})", style="dim")
    found = [
        ("name", arrow),
        ("standby's copy", _copy(status)),
        ("readiness", _readiness(status)),
        ("alarms", _alarms(status)),
    ]
    if status["probes"]:
        found.insert(0, ("probes", _probes(status["probes"])))
    running, last = status["execution"], status["last_change"]
    if running and not running.get("error"):
        since = ago(status["at"] - running["since"])
        found.append(("running", Text(f"{running['action']}, {since}: {running['step']}", style="bold yellow")))
        if counted := recovery.so_far(status["record"], status["at"], status["recovery_target_s"]):
            found.append(("until it serves", Text(counted)))
    if last and not last.get("error"):
        said = Text(f"{last['action']} {last['source']} → {last['target']}: ")
        said.append(str(last["outcome"]), style="" if _is_over(status, last) else _ENDS.get(str(last["outcome"]), ""))
        said.append(f" ({ago(status['at'] - float(last['ended_at']))} ago)")
        took = recovery.in_words(last, status["recovery_target_s"])
        found.append(("last change", said.append("; ").append_text(took) if took else said))
    if status.get("game_day"):
        found.append(("game day", game_days.in_words(status["game_day"], status["at"])))
    return found


def _probes(probes: Mapping[str, Any]) -> Text:
    first, second = probes["first_subnets"], probes["second_subnets"]
    if probes["error"]:
        return Text(f"the second one, in {second}, can't be asked", style="yellow")
    if probes["shown"] == "second":
        return Text(f"shown is what the second one sees from {second}: nothing is seen from {first}", style="yellow")
    if probes["differ"]:
        return Text(f"shown is what is seen from {first}; from {second} it is not the same", style="yellow")
    unproven = "" if probes["believed"] else "; the second one has not been seen to reach both servers in this epoch"
    return Text(f"both see the same, from {first} and from {second}{unproven}")


def _is_over(status: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Whether a change that came to nothing is history: it was resumed, or a server serves again without it."""
    if last["outcome"] == "halted":
        return not status["record"].get("halted")
    return last["outcome"] in ("blocked", "rolled-back") and status["headline"]["how"] == GOOD


def _copy(status: Mapping[str, Any]) -> Text:
    copy = status["replication"]
    if copy.get("error"):
        return Text(str(copy["error"]), style="yellow")
    late = copy.get("as_of") and copy["oldest_s"] and copy["age_s"] > copy["oldest_s"]
    said = Text(f"whole set of {ago(copy['age_s'])} ago" if copy.get("as_of") else "nothing arrived yet")
    said.style = "red" if late else ""
    if copy.get("failed"):
        # While a change is under way the server that the files come from may be the one that is down.
        return said.append(f"; the last run: {copy['failed']}", style="yellow" if is_under_way(status) else "red")
    if copy.get("on_its_way"):
        return said.append("; the next one is on its way", style="cyan")
    return said.append("; of before the last change", style="yellow") if copy.get("of_before") else said


def _readiness(status: Mapping[str, Any]) -> Text:
    ready = status["readiness"]
    if not ready or ready.get("error"):
        return Text(str(ready.get("error") or "not checked yet"), style="yellow")
    when = f"({ago(status['at'] - float(ready['at']))} ago)"
    if ready.get("outdated"):
        again = ", asked anew" if ready.get("asked_anew") else ""
        return Text(f"outdated: checked before {ready['outdated']} {when}{again}", style="yellow")
    if ready.get("waits"):
        return Text("ready but for the standby's copy, which is on its way ", style="cyan").append(when, style="dim")
    return Text(f"{ready.get('sentence')} ", style=_COLOURS.get(str(ready.get("answer")), "")).append(when, style="dim")


def _alarms(status: Mapping[str, Any]) -> Text:
    alarms = status["alarms"]
    if isinstance(alarms, Mapping):
        return Text(str(alarms.get("error")), style="yellow")
    ringing = [e["name"] for e in alarms if e["state"] == "ALARM" and not (e.get("waiting") or e.get("over"))]
    missing = [each["name"] for each in alarms if each["state"] == "MISSING"]
    # What rings because of the outage that a change under way is about says nothing new.
    expected = FOLLOWING if is_under_way(status) else ()
    red = bool(set(ringing) - set(expected))
    over = [each["name"] for each in alarms if each.get("over")]
    waiting = [each["name"] for each in alarms if each.get("waiting")]
    said = Text(", ".join(ringing) or f"none of {len(alarms)}", style="red" if red else "yellow" if ringing else "")
    if missing:
        said.append(f"; not there: {', '.join(missing)}", style="yellow")
    if over:
        said.append(f"; {', '.join(over)} still to clear", style="dim")
    if waiting:
        which = ", ".join(waiting) if len(waiting) <= NAMED_AT_MOST else str(len(waiting))
        said.append(f"; {which} waiting for first data", style="dim")
    return said


def _problems(status: Mapping[str, Any]) -> list[RenderableType]:
    if status["well"]:
        sentence, whole = in_order(status)
        return [Text(sentence, style="green" if whole else "yellow")]
    others = [each for each in status["problems"][1:] if not each["follows"]]
    folded = [each for each in status["problems"][1:] if each["follows"]]
    lines = Table.grid(padding=(0, 1, 0, 0))
    for each in others:
        said = Text(each["sentence"])
        if each["command"]:
            said.append(f"\n→ {each['command']}", style="bold")
        if each["see"]:
            said.append(f"\n  docs/operate.md, {each['see']}", style="dim")
        lines.add_row("•", said)
    shown: list[RenderableType] = []
    if others:
        shown.append(Panel(lines, title="needs a person, too", title_align="left", border_style="yellow"))
    if folded:
        names = ", ".join(dict.fromkeys(_short(each) for each in folded))
        shown.append(Text(f"follows from it: {names}", style="dim"))
    return shown


def _short(line: Mapping[str, Any]) -> str:
    return f"alarm {line['alarm']}" if line["alarm"] else str(line["see"])


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
    "halted": (
        "mend what is named, then go on; failoverctl status says to which server",
        'failoverctl resume --reason "…"',
        "failover-halted",
    ),
    "blocked": ("mend what is named", "failoverctl readiness", "blocked"),
    "refused": ("see who holds what", "failoverctl status", "refused"),
    "stood-down": ("read the reason; where the active server just answered again, nothing", "", "stood-down"),
    "timed-out": ("see how it was left, then go on", 'failoverctl resume --reason "…"', "failover-timed-out"),
    "aborted": ("see how it was left, then go on", 'failoverctl resume --reason "…"', "failover-timed-out"),
}


_LEFT = ("failover", "force", "resume")
"""Verbs after which the server that was left is down for a reason that nobody knows yet."""


def ended_text(
    outcome: str, would: str, sentence: str, where: str, took_s: float | None = None, action: str = ""
) -> Text:
    """How an execution ended, and what to do next where that is not plain.

    Args:
        would: what a dry run says would come of it; empty where it was none.
        where: the options that name this pair.
        took_s: seconds it took; None leaves it out.
        action: the verb; empty where it is not known.
    """
    after = f" after {took_s:.2f} s" if took_s is not None else ""
    said = Text.assemble((f"would be {would}" if would else outcome, "bold"), f"{after}: {sentence}")
    if would:
        return said.append("\nIt was a dry run: nothing was changed.", style="dim")
    todo, command, section = _NEXT.get(outcome, ("", "", ""))
    if outcome == "promoted" and action in _LEFT:
        todo, command, section = "mend the server that was left: it is no standby yet", "failoverctl readiness", outcome
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


def history_list(lines: Sequence[Mapping[str, Any]], target_s: float, trend: Text | None = None) -> RenderableType:
    """The history for people: a line for what was done, below it why and how it ended; at the end the trend."""
    shown = [_history_line(each, target_s) for each in lines]
    return Text("\n").join([*shown, *([trend] if trend else [])])


def _history_line(line: Mapping[str, Any], target_s: float) -> Text:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(line["ended_at"])))
    said = Text(f"{when}  epoch {line['epoch']}  ")
    if line["outcome"] == "noted":
        day = line.get("game_day")
        what = f"game day: {day.get('result')}" if day else f"{line['action']} by {line['requested_by']}"
        return said.append(what, style="bold").append(f"\n    {line['sentence']}")
    took = float(line["ended_at"]) - float(line["taken_at"])
    said.append(f"{line['action']} {line['source']} → {line['target']}: ", style="bold")
    said.append(str(line["outcome"]), style="bold green" if line["outcome"] == "promoted" else "bold yellow")
    said.append(f" in {took:.1f} s, by {line['requested_by']}\n    why: {line['reason']}\n    end: {line['sentence']}")
    if served := recovery.in_words(line, target_s):
        said.append("\n    out: ").append_text(served)
    return said.append(f"\n    execution {str(line['execution']).rsplit(':', 1)[-1]}", style="dim")


def readiness_table(ready: Mapping[str, Any]) -> RenderableType:
    """The checks: what is not yes first, what only follows from another check folded under it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("check", "", "what was seen, and what to do"):
        table.add_column(title, overflow="fold")
    roots = [each for each in ready["checks"] if not each.get("because")]
    for each in sorted(roots, key=lambda each: each["answer"] == "yes"):
        answer = str(each["answer"])
        seen = Text(each["sentence"])
        folded = [str(one["name"]) for one in ready["checks"] if one.get("because") == each["name"]]
        if folded:
            seen.append(f"\nSo these are not known: {', '.join(folded)}.", style="dim")
        if each["remedy"]:
            seen.append(f"\n→ {each['remedy']}", style="bold")
        table.add_row(Text(each["name"]), Text(answer, style=_COLOURS.get(answer, "")), seen)
    return Group(table, Text(str(ready["sentence"]), style=_COLOURS.get(str(ready["answer"]), "")))
