"""Time that only passes when somebody waits, and threads that are not: the same run gives the same run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

BEGINNING = 1_790_000_000.0
"""Seconds since 1970 at which every schedule begins."""


class Clock:
    """Stands in for the module `time` wherever the project, or moto's interpreter, waits or asks what time it is.

    Args:
        passed: called after each wait, so that the world can go on.
    """

    def __init__(self) -> None:
        self._now = BEGINNING
        self.passed: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        self.passed()

    def advance(self, seconds: float) -> None:
        """Let time pass without letting the world act on it yet."""
        self._now += seconds

    def reset(self) -> None:
        self._now = BEGINNING

    @property
    def elapsed(self) -> float:
        """Seconds since the schedule began."""
        return self._now - BEGINNING


class AtOnce:
    """Stands in for `ThreadPoolExecutor`: what is handed in is done there and then, in that order."""

    def __init__(self, max_workers: int = 1, **_: Any) -> None:
        del max_workers

    def __enter__(self) -> AtOnce:
        return self

    def shutdown(self, wait: bool = True) -> None:
        del wait

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., T], *items: Iterable[Any]) -> Iterator[T]:
        return iter([work(*each) for each in zip(*items, strict=False)])


class ThreadAtOnce:
    """Stands in for `threading.Thread`: runs when it is started, and has ended by then."""

    name = native_id = "at-once"

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...] = (), **_: Any) -> None:
        self._target, self._args = target, args

    def start(self) -> None:
        self._target(*self._args)

    def join(self, timeout: float | None = None) -> None:
        del timeout

    def is_alive(self) -> bool:
        return False
