"""The view for logs, pipes and dumb terminals: a line for each thing that happens, and no control codes."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console

from failoverctl.report.course import Step
from lab.testbed.report.snapshot import Snapshot, plain_text


class PlainView:
    """Prints what changed between two snapshots, with its seconds since the failure (before it: the start)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: Snapshot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, snapshot: Snapshot) -> None:
        before, self._before = self._before, snapshot
        if before is None:
            self._say(plain_text(f"{snapshot.scenario}: {snapshot.headline}", self._console.encoding))
        lines = self._steps(before, snapshot) + self._state(before, snapshot) + self._log(before, snapshot)
        for at, text in sorted(lines, key=lambda line: line[0]):
            self._say(f"{_clock(snapshot, at)}  {plain_text(text, self._console.encoding)}")

    def _steps(self, before: Snapshot | None, now: Snapshot) -> list[tuple[float, str]]:
        seen = {} if before is None else {(step.name, step.start): step for step in before.steps}
        lines = []
        for step in now.steps:
            old = seen.get((step.name, step.start))
            if old is None and step.end is None:
                lines.append((step.start, f"> {step.name}"))
            elif step.end is not None and ((old is None and step.counts) or (old is not None and old.end is None)):
                lines.append((step.end, _ended(step, step.end)))
        return lines

    def _state(self, before: Snapshot | None, now: Snapshot) -> list[tuple[float, str]]:
        lines = []
        if now.failure_at is not None and (before is None or before.failure_at is None):
            lines.append((now.failure_at, "! the fault strikes"))
        if now.doing and (before is None or now.doing != before.doing):
            lines.append((now.at, f"# {now.doing}"))
        if now.access is not None and (before is None or now.access != before.access):
            lines.append((now.at, f"= database open to: {', '.join(sorted(now.access)) or 'nobody'}"))
        if now.address and (before is None or now.address != before.address):
            lines.append((now.at, f"= name points to: {now.name or 'nobody'} ({now.address})"))
        for server, state in sorted(now.hosts.items()):
            if before is None or before.hosts.get(server) != state:
                lines.append((now.at, f"= {server} is {state}"))
        if before is not None and now.agents and _moved(before, now):
            lines.append((now.at, f"= agents: {_agents(now)}"))
        return lines

    def _log(self, before: Snapshot | None, now: Snapshot) -> list[tuple[float, str]]:
        return [(entry.at, entry.label) for entry in now.log if before is None or entry not in before.log]

    def _say(self, line: str) -> None:
        # `markup` and `highlight` off: what hosts and functions say is text, never formatting.
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _clock(snapshot: Snapshot, at: float) -> str:
    if snapshot.failure_at is not None and at >= snapshot.failure_at:
        return f"{'+' + format(at - snapshot.failure_at, '.2f'):>8} s"
    return f"{at - snapshot.started_at:>8.2f}  "


def _ended(step: Step, end: float) -> str:
    took = f"{end - step.start:.2f} s"
    mark = "x" if step.failed else "<"
    return f"{mark} {step.name} ({took}){': ' + step.result if step.result else ''}"


def _moved(before: Snapshot, now: Snapshot) -> bool:
    """Whether agents crossed a tenth of their number, or all are somewhere: not a line for each of two hundred."""
    everyone = max(1, sum(now.agents.values()))
    places = set(before.agents) | set(now.agents)
    return any(
        before.agents.get(place, 0) * 10 // everyone != now.agents.get(place, 0) * 10 // everyone for place in places
    )


def _agents(now: Snapshot) -> str:
    parts = [f"{now.agents.get(server, 0)} with {server}" for server in now.servers]
    return ", ".join([*parts, f"{now.agents.get(None, 0)} on their way"])
