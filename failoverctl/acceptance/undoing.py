"""What an acceptance causes and takes back: in the end in any case, in reverse order, and by hand where that fails."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Undo:
    """How something is taken back.

    Args:
        what: what is there meanwhile, in words.
        do: takes it back; does nothing where it is not there any more; has a deadline of its own.
        by_hand: the command that does it where that failed.
    """

    what: str
    do: Callable[[], object]
    by_hand: str


class Undoing:
    """What is to be taken back still. To be noted *before* it is caused: what was not caused is taken back in vain."""

    def __init__(self) -> None:
        self._open: list[Undo] = []

    @property
    def left(self) -> tuple[Undo, ...]:
        return tuple(self._open)

    def note(self, what: str, do: Callable[[], object], by_hand: str) -> Undo:
        found = Undo(what, do, by_hand)
        self._open.append(found)
        return found

    def now(self, undo: Undo) -> None:
        """Take one thing back now. Raises what its undoing raises; it is tried again in the end then."""
        undo.do()
        self._open = [each for each in self._open if each is not undo]

    def all(self) -> list[str]:
        """Take everything back, the latest first; returns what could not be, each with the command to do it by hand."""
        failed = []
        for undo in reversed(self._open):
            try:
                undo.do()
            except Exception as error:
                failed.append(f"{undo.what} could not be taken back ({error}). By hand: {undo.by_hand}")
        self._open = []
        return failed

    @contextmanager
    def guarded(self, said: Callable[[str], None]) -> Iterator[None]:
        """Take everything back at the end, however that comes, Ctrl-C included; say what could not be."""
        try:
            yield
        finally:
            if self._open:
                said("Taking back: " + ", ".join(each.what for each in reversed(self._open)) + ".")
            with _undisturbed():
                for sentence in self.all():
                    said(sentence)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Have Ctrl-C wait: a second one would leave half of it undone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
