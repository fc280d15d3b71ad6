"""A simulation on several processes: each has a runner of its own, and takes the schedules that are its turn."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lab.simulation import defects, search
from lab.simulation.runner import Result, Runner

STORIES_AT_MOST = 3


@dataclass
class Tally:
    """What came of many schedules; `stories` has the first broken one of each kind, made small."""

    schedules: int = 0
    violations: int = 0
    states: set[str] = field(default_factory=set)
    faults: set[tuple[str, str]] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    stories: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.schedules += 1
        self.states |= result.states
        self.faults |= {(fault.kind.value, fault.place) for fault in result.fired}
        self.outcomes.update(result.outcomes)
        self.violations += bool(result.violation)

    def merge(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.violations += other.violations
        self.states |= other.states
        self.faults |= other.faults
        self.outcomes.update(other.outcomes)
        known = {_likeness(each) for each in self.stories}
        self.stories += [each for each in other.stories if _likeness(each) not in known]
        del self.stories[STORIES_AT_MOST:]


def simulate(schedules: int, seed: int, workers: int, defect: str = "", *, everything: bool = False) -> Tally:
    """Run a simulation.

    Args:
        schedules: how many by chance.
        seed: which ones.
        workers: in how many processes.
        defect: the name of a deliberate defect to put in. Then every single fault is tried first, and the first
            violation ends it: it is found.
        everything: every single fault in every beginning, in place of schedules by chance.
    """
    turns = [(turn, workers, schedules, seed, defect, everything) for turn in range(workers)]
    if workers == 1:
        return _turn(turns[0])
    whole = Tally()
    with multiprocessing.get_context("spawn").Pool(workers, _leave_ctrl_c_to_the_parent) as pool:
        for part in pool.imap_unordered(_turn, turns):
            whole.merge(part)
            if defect and whole.violations:
                pool.terminate()
                break
    return whole


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _turn(order: tuple[int, int, int, int, str, bool]) -> Tally:
    turn, workers, schedules, seed, defect, everything = order
    runner = Runner(defect=defects.ALL[defect] if defect else None)
    tally = Tally()
    for result in _results(runner, turn, workers, schedules, seed, bool(defect), everything):
        tally.add(result)
        new = result.violation and _likeness(result) not in {_likeness(each) for each in tally.stories}
        if new and len(tally.stories) < STORIES_AT_MOST:
            tally.stories.append(search.shrunk(runner, result))
        if defect and result.violation:
            break
    runner.close()
    return tally


def _results(
    runner: Runner, turn: int, workers: int, schedules: int, seed: int, singles_first: bool, everything: bool
) -> Iterator[Result]:
    if everything or singles_first:
        yield from map(runner.run, islice(search.singles(runner, everywhere=everything), turn, None, workers))
    if everything:
        return
    known = search.places(runner)
    for number in range(turn, schedules, workers):
        yield runner.run(search.by_chance(seed, number, known))


def _likeness(result: Result) -> str:
    return result.invariant
