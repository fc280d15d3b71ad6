"""Waiting for a condition, with a deadline; what waited too long says what it waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from failoverctl.acceptance import polling


class TestbedError(Exception):
    """The testbed is not as it has to be; the sentence says what, and what to do."""


def wait_for(what: str, condition: Callable[[], Any], deadline_s: float, every_s: float = 0.05) -> Any:
    """Return the first true value of `condition()`. Raises TestbedError, naming `what`, after `deadline_s` seconds."""
    return polling.wait_for(what, condition, deadline_s, every_s, TestbedError)
