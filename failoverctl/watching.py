"""`watch`: the status again and again. In a terminal one screen that fits it; in a pipe a line for what changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from failoverctl import render
from failoverctl.account import Account, Stack
from failoverctl.commands import CommandContext, parse_period
from failoverctl.errors import CommandError, Exit
from failoverctl.serving import change_in_words, is_blocked, serves
from failoverctl.status import read_status
from failoverctl.steps import Step, read_steps

HEARTBEAT_S = 60.0
"""Seconds after which a pipe gets a line though nothing has changed: a silent log could be a dead one."""


def watch(context: CommandContext) -> Exit:
    """Show the status until Ctrl-C, or for as long as `--for` says."""
    lasts = parse_period(context.arguments.period) if context.arguments.period else float("inf")
    stack = context.stack()
    statuses = _statuses(context, stack, time.monotonic() + lasts)
    if context.arguments.json:
        for found, _ in statuses:
            print(json.dumps(found), flush=True)  # noqa: T201 - the command's output
    elif context.console.is_terminal and not context.console.is_dumb_terminal:
        _on_a_screen(context, statuses)
    else:
        lines = Lines(context.console)
        for found, steps in statuses:
            lines.show(found, steps)
    return Exit.DONE


def _statuses(context: CommandContext, stack: Stack, end: float) -> Iterator[tuple[dict[str, Any], list[Step]]]:
    """The status and the running change's steps, every few seconds."""
    unanswered_since: float | None = None
    while True:
        found = read_status(context.account, stack, context.where)
        if found["record"].get("error"):
            unanswered_since = unanswered_since or found["at"]
            found["headline"]["sentence"] += f" (since {_clock(unanswered_since)})"
        else:
            unanswered_since = None
        yield found, steps_of(context.account, found["execution"])
        if time.monotonic() + context.arguments.every > end:
            return
        time.sleep(context.arguments.every)


def steps_of(account: Account, running: Mapping[str, Any] | None) -> list[Step]:
    """The steps of the execution that a status names; none where none runs, or they can't be read at the moment."""
    if not running or running.get("error"):
        return []
    try:
        return read_steps(account, running["arn"])
    except CommandError:
        return []  # the next round asks again


def _on_a_screen(context: CommandContext, statuses: Iterator[tuple[dict[str, Any], list[Step]]]) -> None:
    shown: RenderableType = Text("")
    try:
        with Live(console=context.console, auto_refresh=False, screen=True) as live:
            for found, steps in statuses:
                table = None
                if steps:
                    rows = max(5, context.console.height - 14)
                    began = float(found["execution"]["since"])
                    table = render.steps_table(steps, began, time.time(), width=context.console.width, rows=rows)
                shown = render.status_screen(found, table)
                clock = Text(f"{_clock(found['at'])}, Ctrl-C ends watching, and nothing else", style="dim")
                live.update(Fitted(shown, clock), refresh=True)
    finally:
        # What was seen last stays on the terminal, however watching ends.
        context.console.print(shown)
        context.console.print(f"Follow it with: failoverctl watch{context.where}", style="dim")


class Fitted:
    """A screen cut to the terminal's height, with a last line that says how much was left out.

    Args:
        content: what is shown from the top.
        last: the line below it.
    """

    def __init__(self, content: RenderableType, last: Text) -> None:
        self._content, self._last = content, last

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(2, (options.height or console.height) - 1)
        lines = console.render_lines(self._content, options.update(height=None), pad=False)
        last = self._last
        if len(lines) > room:
            left_out = len(lines) - room
            lines = lines[:room]
            last = Text(f"{left_out} more lines in `failoverctl status`; ", style="yellow").append_text(last)
        for line in lines:
            yield from line
            yield Segment.line()
        last.truncate(max(1, options.max_width), overflow="ellipsis")
        yield Group(last)


class Lines:
    """Prints who serves, what needs a person, and each step as it ends: one line each, when it changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._head, self._open = tuple[object, ...](), dict[str, str]()
        self._ended: set[tuple[str, float]] = set()
        self._said_at, self._running = 0.0, ""

    def show(self, found: Mapping[str, Any], steps: list[Step]) -> None:
        at = float(found["at"])
        change = change_in_words(found)
        head = _state_of(found)
        if head != self._head or at - self._said_at >= HEARTBEAT_S:
            record = found["record"]
            self._say(at, f"{found['pair']}: {found['headline']['sentence']} · epoch {record.get('epoch', 0)}")
            self._head = head
        running = found["execution"] or {}
        if running.get("name") and running["name"] != self._running and not change:
            self._say(at, f"  > {running['action']} runs: {running['name']}")
        self._running = running.get("name", "")
        for step in sorted((each for each in steps if each.end and each.kind in ("Task", "Fail")), key=_end):
            if (step.name, step.start) not in self._ended:
                self._ended.add((step.name, step.start))
                self._say(
                    at, f"  {'x' if step.failed else '<'} {step.name} ({_end(step) - step.start:.2f} s) {step.said}"
                )
        if not steps:  # while a change runs, its steps are what there is to say
            self._lines(at, found["problems"])

    def _lines(self, at: float, problems: list[Mapping[str, Any]]) -> None:
        now = {str(each["about"]): _told(each) for each in problems if not each["follows"]}
        for about, told in now.items():
            if about not in self._open:
                self._say(at, f"  ! {told}")
        for about, told in self._open.items():
            if about not in now:
                self._say(at, f"  over: {told}")
        self._open = now

    def _say(self, at: float, line: str) -> None:
        self._said_at = at
        self._console.print(f"{_clock(at)}  {line}", soft_wrap=True)
        self._console.file.flush()


def _state_of(found: Mapping[str, Any]) -> tuple[object, ...]:
    """What the first line is about: it is news where one of these changes. How long it has been so is none."""
    record, servers = found["record"], found["servers"]
    lease, active = record.get("lease") or {}, record.get("active")
    serving = tuple(role for role, server in servers.items() if serves(server))
    why = (serves(servers[active]), servers[active]["observation"].get("admin")) if active in servers else ()
    step = (found["execution"] or {}).get("step") if lease else None
    change = (lease.get("execution"), bool(record.get("halted")), step, is_blocked(found))
    return (found["headline"]["how"], active, record.get("epoch"), serving, why, change)


def _told(line: Mapping[str, Any]) -> str:
    command = f" → {line['command']}" if line["command"] else ""
    return f"{line['sentence']}{command}"


def _end(step: Step) -> float:
    return step.end or step.start


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(at))
