"""Discrete events: processes that wait, in virtual time, and give way to each other in one order only."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

Process = Generator[Any, Any, Any]
"""Yields seconds to wait for, or a list of processes to run side by side, whose results it is then sent."""


@dataclass
class _Running:
    process: Process
    parent: _Running | None = None
    place: int = 0
    left: int = 0
    results: list[Any] = field(default_factory=list)


class Loop:
    """Runs processes. The same processes, begun in the same order, give the same events."""

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._due: list[tuple[float, int, _Running, Any]] = []

    def begin(self, process: Process, after: float = 0.0) -> None:
        """Begin a process so many seconds from now."""
        self._put(after, _Running(process), None)

    def run(self, until: float) -> None:
        """Run until a time in seconds."""
        while self._due and self._due[0][0] <= until:
            self.now, _, running, sent = heapq.heappop(self._due)
            self._step(running, sent)
        self.now = max(self.now, until)

    def _put(self, after: float, running: _Running, sent: Any) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.now + after, self._count, running, sent))

    def _step(self, running: _Running, sent: Any) -> None:
        try:
            asked = running.process.send(sent)
        except StopIteration as ended:
            self._end(running, ended.value)
            return
        if isinstance(asked, list):
            running.left, running.results = len(asked), [None] * len(asked)
            for place, each in enumerate(asked):
                self._put(0.0, _Running(each, running, place), None)
        else:
            self._put(float(asked), running, None)

    def _end(self, running: _Running, result: Any) -> None:
        parent = running.parent
        if parent is None:
            return
        parent.results[running.place] = result
        parent.left -= 1
        if parent.left == 0:
            self._put(0.0, parent, parent.results)
