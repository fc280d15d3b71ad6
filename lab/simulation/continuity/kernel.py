"""Virtual time for several processes: one runs at a time, and time passes only when all of them wait.

A process is a thread that hands over whenever it sleeps; what happens when is decided by the kernel's queue alone, so
the same seed gives the same day.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from typing import Any

BEGINNING = 1_790_000_000.0
"""Seconds since 1970 at which the day begins."""


class Killed(BaseException):
    """The process is gone; nothing in it may catch this."""


class Process:
    """One call of the function.

    Args:
        kernel: whose time it lives in.
        work: what it does.
        ended: called with its outcome, and the exception that ended it or None.
    """

    def __init__(
        self, kernel: Kernel, work: Callable[[], Any], ended: Callable[[Any, BaseException | None], None]
    ) -> None:
        self._kernel, self._work, self._ended = kernel, work, ended
        self._go, self._waits = threading.Semaphore(0), threading.Semaphore(0)
        self.killed_at = float("inf")
        self._thread = threading.Thread(target=self._run, daemon=True)

    def resume(self) -> None:
        """Let it run until it sleeps or ends."""
        self._kernel.running = self
        if not self._thread.is_alive():
            self._thread.start()
        self._go.release()
        self._waits.acquire()
        self._kernel.running = None

    def sleep(self, seconds: float) -> None:
        """Called by the process itself."""
        kernel = self._kernel
        until = kernel.now + max(0.0, seconds)
        kernel.at(min(until, max(kernel.now, self.killed_at)), self.resume)
        self._waits.release()
        self._go.acquire()
        if kernel.now >= self.killed_at:
            raise Killed

    def _run(self) -> None:
        self._go.acquire()
        outcome: Any = None
        error: BaseException | None = None
        try:
            outcome = self._work()
        except BaseException as raised:  # whatever it is, the day goes on without this process
            error = raised
        self._ended(outcome, error)
        self._waits.release()


class Kernel:
    """The time, and what happens when. Stands in for the module `time` in the function."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.running: Process | None = None
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (max(when, self.now), self._number, what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.now + seconds, what)

    def run(self, until: float) -> None:
        """Let happen what happens until then."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, what = heapq.heappop(self._queue)
            what()
        self.now = until

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        if self.running is not None:
            self.running.sleep(seconds)
