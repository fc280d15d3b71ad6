"""Waiting for a condition, with a deadline; what waited too long says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class NotSo(Exception):
    """Something did not come to be in its time; the sentence says what."""


class CannotTry(Exception):
    """A scenario can't be run on this pair; the sentence says why."""


def wait_for(
    what: str,
    condition: Callable[[], Any],
    deadline_s: float,
    every_s: float = 0.5,
    problem: type[Exception] = NotSo,
) -> Any:
    """Return the first true value of `condition()`. Raises `problem`, naming `what`, after `deadline_s` seconds."""
    end = time.monotonic() + deadline_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise problem(f"{what}: not so after {deadline_s:g} s")
        time.sleep(every_s)
