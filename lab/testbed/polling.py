"""Waiting for a condition, with a deadline; what waited too long says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class TestbedError(Exception):
    """The testbed is not as it has to be; the sentence says what, and what to do."""


def wait_for(what: str, condition: Callable[[], Any], deadline_s: float, every_s: float = 0.05) -> Any:
    """Return the first true value of `condition()`. Raises TestbedError, naming `what`, after `deadline_s` seconds."""
    end = time.monotonic() + deadline_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TestbedError(f"{what}: not so after {deadline_s:g} s")
        time.sleep(every_s)
