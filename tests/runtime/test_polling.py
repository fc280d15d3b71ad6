"""Waiting: soon at first, then less often, and never without a deadline."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msfailover.runtime.polling import attempts


@dataclass
class Clock:
    """A clock that only moves when somebody sleeps, or when the work is said to take its time."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.now += seconds

    def attempts(self, deadline_s: float, work_s: float = 0.0, **about: float) -> int:
        """Run all of them, each taking `work_s`; returns how many there were."""
        count = 0
        for number in attempts(deadline_s, sleep=self.sleep, clock=lambda: self.now, **about):
            assert number == count
            count += 1
            self.now += work_s
        return count


def test_pauses_grow_from_the_first_to_the_longest() -> None:
    clock = Clock()
    clock.attempts(20.0, first_s=0.5, factor=2.0, most_s=3.0)
    assert clock.pauses[:5] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert max(clock.pauses) == 3.0


@pytest.mark.parametrize("deadline_s", [0.01, 0.3, 1.0, 7.5, 60.0])
def test_the_sum_of_all_pauses_is_the_deadline_and_no_more(deadline_s: float) -> None:
    clock = Clock()
    clock.attempts(deadline_s)
    assert sum(clock.pauses) == pytest.approx(deadline_s)


@pytest.mark.parametrize("deadline_s", [0.0, -1.0])
def test_there_is_one_attempt_even_without_any_time(deadline_s: float) -> None:
    clock = Clock()
    assert clock.attempts(deadline_s) == 1
    assert clock.pauses == []


@pytest.mark.parametrize("work_s", [0.5, 1.0, 5.0])
def test_work_that_takes_long_counts_against_the_deadline(work_s: float) -> None:
    clock = Clock()
    clock.attempts(4.0, work_s=work_s)
    assert clock.now - 1000.0 <= 4.0 + work_s


def test_no_attempt_is_begun_after_the_deadline() -> None:
    clock = Clock()
    begun = [clock.now for _ in attempts(4.0, sleep=clock.sleep, clock=lambda: clock.now)]
    assert begun[0] == 1000.0
    assert begun[-1] == pytest.approx(1004.0)


def test_whoever_stops_asking_is_not_kept_waiting() -> None:
    clock = Clock()
    for _ in attempts(60.0, sleep=clock.sleep, clock=lambda: clock.now):
        break
    assert clock.pauses == []
