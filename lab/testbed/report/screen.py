"""The view for a terminal: one screen, redrawn in place, that stays in the scroll-back when the run is over.

Every line is cut to the width it has: nothing wraps, nothing jumps, and a redraw costs no layout.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, OverflowMethod
from rich.live import Live
from rich.text import Text

from failoverctl.report.course import Step
from lab.testbed.report.snapshot import Snapshot, plain_text

_COLOURS = ("yellow", "cyan")  # the two servers', from the terminal's own palette, so they suit its background
_BARS = " ▁▂▃▄▅▆▇█"
_BARS_ASCII = " .:-=+*##"
_RATE_STEP_S = 0.5  # one character of the writes' history
_RATE_LENGTH = 40
_LOG_LINES = 5
_STEP_LINES = 24
_LABEL = 10


class ScreenView:
    """Draws a snapshot as one screen. Not thread safe: `Watching` calls it from one thread at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ascii = console.options.ascii_only
        self._rates = Rates()
        self._overflow: OverflowMethod = "crop" if self._ascii else "ellipsis"
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

    def draw(self, now: Snapshot) -> Text:
        """The whole screen: as wide as the terminal, and no higher than it is."""
        width = max(60, self._console.width) - 1
        right = min(48, width * 2 // 5)
        left = width - right - 3
        state = self._state(now, right)
        # Header, rule, what goes on, a line before and after the columns, and the log.
        room = max(len(state), min(_STEP_LINES, self._console.height - _LOG_LINES - 7))
        steps = self._steps(now, left, room)
        height = max(len(steps), len(state))
        blank = Text()
        rule = Text(("-" if self._ascii else "─") * width, "dim")
        lines = [self._header(now, width), rule, self._fit(Text(self._plain(now.doing), "bold"), width), blank]
        for index in range(height):
            first = steps[index] if index < len(steps) else Text()
            second = state[index] if index < len(state) else blank
            lines.append(Text.assemble(self._fit(first, left, pad=True), "   ", self._fit(second, right)))
        lines += [blank, *self._log(now, width)]
        return Text("\n", no_wrap=True).join(lines)

    def _steps(self, now: Snapshot, width: int, room: int) -> list[Text]:
        shown = [step for step in now.steps if step.counts][-room:]
        if not shown:
            return [Text("no workflow runs", "dim")]
        longest = min(22, max(len(step.name) for step in shown))
        lines = []
        for step in shown:
            mark, style = _mark(step, self._ascii)
            took = (step.end if step.end is not None else now.at) - step.start
            name = step.name[:longest].ljust(longest)
            line = Text.assemble((f"{mark} {name} {took:6.2f} s", style), "  ", (self._plain(step.result), "dim"))
            lines.append(self._fit(line, width))
        return lines

    def _state(self, now: Snapshot, width: int) -> list[Text]:
        lines = [_labelled("database", _access_group(now)), _labelled("name", _name(now)), Text()]
        chart = max(8, width - _LABEL - 12)
        for index, server in enumerate(now.servers):
            rate = self._rates.latest(server)
            line = Text.assemble((f"{server} ", _COLOURS[index]), (self._chart(server, chart), _COLOURS[index]))
            line.append(f"{rate:4.0f}/s" if rate else "     -", _COLOURS[index] if rate else "dim")
            lines.append(_labelled("writes" if index == 0 else "", line))
        lines.append(Text())
        everyone = max(1, sum(now.agents.values()))
        for index, place in enumerate((*now.servers, None)):
            colour = _COLOURS[index] if place else "dim"
            count = now.agents.get(place, 0)
            bar = ("#" if self._ascii else "━") * round((chart - 1) * count / everyone)
            line = Text.assemble((f"{place or '  -'} {bar.ljust(chart)}", colour), (f"{count:4}", colour))
            lines.append(_labelled("agents" if index == 0 else "", line))
        hosts = [(server, self._plain(now.hosts[server])) for server in now.servers if server in now.hosts]
        if hosts:
            lines.append(Text())
        for index, (server, state) in enumerate(hosts):
            line = Text.assemble((f"{server} ", _colour(now, server)), state)
            lines.append(_labelled("hosts" if index == 0 else "", line))
        return lines

    def _header(self, now: Snapshot, width: int) -> Text:
        if now.failure_at is None:
            clock = Text(f"{now.at - now.started_at:.1f} s", "dim")
        else:
            clock = Text.assemble((f"+{now.at - now.failure_at:.1f} s", "bold red"), (" since the failure", "dim"))
        title = Text.assemble((now.scenario, "bold"), ("  " + self._plain(now.headline), "dim"))
        return Text.assemble(self._fit(title, width - len(clock) - 2, pad=True), "  ", clock)

    def _fit(self, text: Text, width: int, pad: bool = False) -> Text:
        """Cut to a number of columns, with an ellipsis where something is lost."""
        text.truncate(max(1, width), overflow=self._overflow, pad=pad)
        return text

    def _plain(self, text: str) -> str:
        return plain_text(text, self._console.encoding)

    def _chart(self, server: str, length: int) -> str:
        bars = _BARS_ASCII if self._ascii else _BARS
        top = max(self._rates.top, 1.0)
        history = self._rates.history(server, length)
        return "".join(bars[max(1, round(8 * rate / top)) if rate > 0 else 0] for rate in history)

    def _log(self, now: Snapshot, width: int) -> list[Text]:
        origin = now.failure_at if now.failure_at is not None else now.started_at
        lines = [
            self._fit(Text.assemble((f"{entry.at - origin:+7.2f} s  ", "dim"), self._plain(entry.label)), width)
            for entry in now.log[-_LOG_LINES:]
        ]
        return lines + [Text()] * (_LOG_LINES - len(lines))


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


def _labelled(label: str, content: Text) -> Text:
    return Text.assemble((label.ljust(_LABEL), "dim"), content)


def _mark(step: Step, ascii_only: bool) -> tuple[str, str]:
    if step.failed:
        return ("x" if ascii_only else "✗"), "red"
    if step.end is None:
        return (">" if ascii_only else "●"), "bold"
    return ("+" if ascii_only else "✓"), "green"


def _access_group(now: Snapshot) -> Text:
    if now.access is None:
        return Text("not known", "dim")
    if not now.access:
        return Text("open to nobody", "bold")
    if set(now.servers) <= now.access:
        return Text("OPEN TO BOTH SERVERS", "bold white on red")
    only = sorted(now.access)[0]
    return Text.assemble("open to ", (only, f"bold {_colour(now, only)}"), (" alone", "dim"))


def _name(now: Snapshot) -> Text:
    if now.name is None:
        return Text(f"points to {plain_text(now.address)}" if now.address else "not known", "dim")
    return Text.assemble("points to ", (now.name, f"bold {_colour(now, now.name)}"), (f" {now.address}", "dim"))


def _colour(now: Snapshot, server: str) -> str:
    return _COLOURS[now.servers.index(server)] if server in now.servers else "red"
