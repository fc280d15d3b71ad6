"""A run as it happens: what a person sees in the terminal, and what a log gets where there is no terminal.

The conductor gives a callable that returns a `Snapshot`; `watch` reads it a few times a second, in a thread of its
own, and shows it. Reading must be cheap for both sides: the machine that draws is the machine that is measured.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from failoverctl import terminal
from lab.testbed.report.plain import PlainView
from lab.testbed.report.screen import ScreenView
from lab.testbed.report.snapshot import Snapshot

UPDATES_PER_S = 8


class View(Protocol):
    """Something that shows snapshots. Entering it starts the showing, leaving it ends it, whatever happened."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, snapshot: Snapshot) -> None:
        """Show this one. Never raises for what is in the snapshot."""


class Watching:
    """Feeds a view from a callable, `UPDATES_PER_S` times a second, until left; then updates it one last time."""

    def __init__(self, source: Callable[[], Snapshot], view: View, updates_per_s: float = UPDATES_PER_S) -> None:
        self._source = source
        self._view = view
        self._pause = 1 / updates_per_s
        self.trouble: Exception | None = None  # what the latest update failed on
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="live-view", daemon=True)

    def __enter__(self) -> Self:
        self._view.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=2)
        self._update()
        self._view.__exit__(kind, error, trace)

    def _go_on(self) -> None:
        while not self._over.wait(self._pause):
            self._update()

    def _update(self) -> None:
        # A source that fails (a host is going away under it) is asked again at the next update, and a view that
        # can't show something must not end the run, nor hide how it ended.
        try:
            self._view.update(self._source())
        except Exception as error:
            self.trouble = error
        else:
            self.trouble = None


def watch(
    source: Callable[[], Snapshot], console: Console | None = None, updates_per_s: float = UPDATES_PER_S
) -> Watching:
    """The view that suits the console (stdout's by default): a live screen in a terminal, plain lines elsewhere.

    Use as a context manager around the run. Drawing an update costs some 3 ms of a processor; where `source` costs more
    than that, take fewer updates.
    """
    console = console or terminal.console()
    return Watching(source, ScreenView(console) if is_lively(console) else PlainView(console), updates_per_s)


def is_lively(console: Console) -> bool:
    """Whether the console can be redrawn in place: a terminal, and not a dumb one."""
    return console.is_terminal and not console.is_dumb_terminal
