"""The view for a terminal: one screen, redrawn in place, that stays in the scroll-back when the run is over."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from local.report.live import Snapshot, plain_text
from local.report.record import Step

_COLOURS = ("yellow", "cyan")  # the two servers', from the terminal's own palette, so they suit its background
_BARS = " ▁▂▃▄▅▆▇█"
_BARS_ASCII = " .:-=+*##"
_RATE_STEP_S = 0.5  # one character of the writes' history
_RATE_LENGTH = 40
_LOG_LINES = 5
_STEP_LINES = 24


class ScreenView:
    """Draws a snapshot as one screen. Not thread safe: `Watching` calls it from one thread at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = _BARS_ASCII if console.options.ascii_only else _BARS
        self._rates = Rates()
        self._live = Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def update(self, snapshot: Snapshot) -> None:
        self._rates.see(snapshot)
        self._live.update(self.draw(snapshot), refresh=True)

    def draw(self, snapshot: Snapshot) -> Group:
        """The whole screen, at most as high as the terminal."""
        # Header, rule, line of what goes on, two blank lines, and the log with its rule.
        room = max(4, self._console.height - _LOG_LINES - 8)
        body = Table.grid(expand=True, padding=(0, 2))
        body.add_column(ratio=11, no_wrap=True)
        body.add_column(ratio=9, no_wrap=True)
        body.add_row(self._steps(snapshot, min(room, _STEP_LINES)), self._state(snapshot))
        return Group(_header(snapshot), Rule(style="dim"), _doing(snapshot), Text(), body, Text(), self._log(snapshot))

    def _steps(self, now: Snapshot, room: int) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True, max_width=24)
        table.add_column(justify="right", width=8)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        for step in now.steps[-room:]:
            mark, style = _mark(step, self._console.options.ascii_only)
            took = (step.end if step.end is not None else now.at) - step.start
            result = Text(plain_text(step.result), no_wrap=True, overflow="ellipsis")
            table.add_row(Text(mark, style), Text(step.name, style), Text(f"{took:.2f} s", style), result)
        if not now.steps:
            table.add_row("", Text("no workflow runs", "dim"), "", "")
        return table

    def _state(self, now: Snapshot) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=8, style="dim")
        table.add_column(no_wrap=True)
        table.add_row("database", _door(now))
        table.add_row("name", _name(now))
        table.add_row()
        for index, server in enumerate(now.servers):
            colour = _COLOURS[index]
            rate = self._rates.latest(server)
            line = Text(self._bar(self._rates.history(server)), colour)
            line.append(f" {rate:5.0f}/s" if rate else "       -", colour if rate else "dim")
            table.add_row("writes" if index == 0 else "", Text.assemble((f"{server} ", colour), line))
        table.add_row()
        everyone = max(1, sum(now.agents.values()))
        for index, place in enumerate((*now.servers, None)):
            colour = _COLOURS[index] if index < 2 else "dim"
            count = now.agents.get(place, 0)
            bar = ("#" if self._console.options.ascii_only else "━") * round(24 * count / everyone)
            label = f"{place} " if place else "on their way "
            text = Text.assemble((label, colour), (bar, colour), (f" {count}", colour if count else "dim"))
            table.add_row("agents" if index == 0 else "", text)
        for index, server in enumerate(now.servers):
            state = plain_text(now.hosts.get(server, ""))
            if state:
                table.add_row("hosts" if index == 0 else "", Text.assemble((f"{server} ", _COLOURS[index]), state))
        return table

    def _bar(self, rates: list[float]) -> str:
        top = max(self._rates.top, 1.0)
        return "".join(self._bars[min(8, round(8 * rate / top)) if rate <= 0 else max(1, round(8 * rate / top))]
                       for rate in rates)  # fmt: skip

    def _log(self, now: Snapshot) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", style="dim", width=9)
        table.add_column(no_wrap=True, overflow="ellipsis")
        origin = now.failure_at if now.failure_at is not None else now.started_at
        entries = now.log[-_LOG_LINES:]
        for entry in entries:
            table.add_row(f"{entry.at - origin:+.2f} s", Text(plain_text(entry.label)))
        for _ in range(_LOG_LINES - len(entries)):
            table.add_row("", "")
        return table


class Rates:
    """The writes per second of each server, made from growing totals; one value for each half second."""

    def __init__(self) -> None:
        self._history: dict[str, deque[float]] = {}
        self._totals: dict[str, int] = {}
        self._at: float | None = None
        self.top = 0.0

    def see(self, now: Snapshot) -> None:
        if self._at is None:
            self._at, self._totals = now.at, dict(now.written)
            return
        passed = now.at - self._at
        if passed < _RATE_STEP_S:
            return
        for server in now.servers:
            total = now.written.get(server, 0)
            rate = max(0.0, (total - self._totals.get(server, 0)) / passed)
            self._history.setdefault(server, deque(maxlen=_RATE_LENGTH)).append(rate)
            self.top = max(self.top, rate)
        self._at, self._totals = now.at, dict(now.written)

    def latest(self, server: str) -> float:
        history = self._history.get(server)
        return history[-1] if history else 0.0

    def history(self, server: str, length: int = 24) -> list[float]:
        """The last `length` values, oldest first, with zeros before the first one."""
        values = list(self._history.get(server, ()))[-length:]
        return [0.0] * (length - len(values)) + values


def _header(now: Snapshot) -> Table:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(justify="right", no_wrap=True)
    title = Text.assemble((now.scenario, "bold"), ("  " + plain_text(now.headline), "dim"))
    if now.failure_at is None:
        clock = Text(f"{now.at - now.started_at:.1f} s", "dim")
    else:
        clock = Text.assemble((f"+{now.at - now.failure_at:.1f} s", "bold red"), (" since the failure", "dim"))
    line.add_row(title, clock)
    return line


def _doing(now: Snapshot) -> Text:
    return Text(plain_text(now.doing) or " ", "bold", no_wrap=True, overflow="ellipsis")


def _mark(step: Step, ascii_only: bool) -> tuple[str, str]:
    if step.failed:
        return ("x" if ascii_only else "✗"), "red"
    if step.end is None:
        return (">" if ascii_only else "●"), "bold"
    return ("+" if ascii_only else "✓"), "green"


def _door(now: Snapshot) -> Text:
    if now.door is None:
        return Text("not known", "dim")
    if not now.door:
        return Text("open to nobody", "bold")
    if set(now.servers) <= now.door:
        return Text("OPEN TO BOTH SERVERS", "bold white on red")
    only = sorted(now.door)[0]
    return Text.assemble("open to ", (only, f"bold {_colour(now, only)}"), (" alone", "dim"))


def _name(now: Snapshot) -> Text:
    if now.name is None:
        return Text(f"points to {plain_text(now.address)}" if now.address else "not known", "dim")
    return Text.assemble("points to ", (now.name, f"bold {_colour(now, now.name)}"), (f" {now.address}", "dim"))


def _colour(now: Snapshot, server: str) -> str:
    return _COLOURS[now.servers.index(server)] if server in now.servers else "red"
