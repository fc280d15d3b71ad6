"""What an order may do, as the record says where the thing is done, and not where the order began (I10)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from msfailover.pair import PairState

T = TypeVar("T")

LASTS_S = 1.0
"""Seconds for which what was read of the record stands. With the 4 s for which a client waits for EC2 it makes the 5 s
after which nothing that grants access is on its way any more (transitions.GRANT_SETTLES_S)."""


class Authority(Generic[T]):
    """Asked before each thing that is done: an order that has waited meanwhile reads the record again.

    Args:
        read: reads the record.
        demand: what the record says of the order; raises where it does not allow it (any more).
    """

    def __init__(self, read: Callable[[], PairState], demand: Callable[[PairState], T]) -> None:
        self._read, self._demand = read, demand
        self._last: tuple[float, T] | None = None

    def __call__(self) -> T:
        """What `demand` returned; raises what it does, or what reading the record does."""
        begun = time.monotonic()
        if self._last is None or begun - self._last[0] > LASTS_S:
            self._last = begun, self._demand(self._read())
        return self._last[1]
