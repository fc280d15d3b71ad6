"""Waiting for a condition, never for a time: every wait on the testbed has a deadline and says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable


class WaitedTooLongError(RuntimeError):
    """A condition did not come true before its deadline."""


def wait_until(what: str, condition: Callable[[], bool], *, deadline_s: float, every_s: float = 0.02) -> None:
    """Return as soon as `condition()` is true; ask every `every_s` seconds.

    Raises WaitedTooLongError, naming `what`, when it is not true after `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= end:
            raise WaitedTooLongError(f"{what}: not so after {deadline_s:g} s")
        time.sleep(every_s)
