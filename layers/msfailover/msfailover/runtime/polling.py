"""Waiting for something to become true: soon at first, then less often, and never without a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator


def attempts(
    deadline_s: float,
    first_s: float = 0.05,
    factor: float = 1.6,
    most_s: float = 1.0,
    sleep: Callable[[float], None] | None = None,
    clock: Callable[[], float] | None = None,
) -> Iterator[int]:
    """Yield 0, 1, 2, … with growing pauses between, until the deadline has passed; at least once.

    Args:
        deadline_s: seconds from the first attempt after which no further one is begun.
        first_s: seconds of the first pause.
        factor: by how much each pause grows.
        most_s: seconds a pause has at most.
        sleep, clock: for tests; the system's own otherwise.
    """
    sleep = sleep or time.sleep
    clock = clock or time.monotonic
    end = clock() + deadline_s
    pause, count = first_s, 0
    while True:
        yield count
        count += 1
        left = end - clock()
        if left <= 0:
            return
        sleep(min(pause, left))
        pause = min(pause * factor, most_s)
