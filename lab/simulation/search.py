"""Where schedules come from: every single fault there is, or faults by chance; and how a violation is made small."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lab.simulation.faults import Fault, Kind, kinds_at
from lab.simulation.runner import Result, Runner
from lab.simulation.schedule import BASES, Schedule, drawn

SHRINKS_AT_MOST = 400
FOR_GOOD = 99


def singles(runner: Runner, *, everywhere: bool = False) -> Iterator[Schedule]:
    """Every beginning without a fault, and with one fault: each kind at each place that is come to.

    Args:
        runner: finds out which places a beginning comes to.
        everywhere: each beginning with each fault. Otherwise a fault of a task strikes once for each verb (and where
            a healthy server is to be failed over from), every other fault once in all, in the first beginning that
            comes to its place.
    """
    known: set[tuple[object, ...]] = set()
    yield from BASES
    for base in BASES:
        for place in runner.run(base).places:
            well = " of a healthy server" if base.action == "failover" and base.ms1 == "healthy" else ""
            verb = base.action + well if place.startswith("task:") else ""
            faults = [Fault(kind, place) for kind in kinds_at(place)]
            if place.startswith("task:"):
                faults.append(Fault(Kind.ERROR, place, times=FOR_GOOD))
            for fault in faults:
                if fault.kind is Kind.LOGIN and base.database != "silent":
                    continue  # there is nothing that could
                key = (base if everywhere else verb, fault)
                if key not in known:
                    known.add(key)
                    yield replace(base, faults=(fault,))


def places(runner: Runner) -> Mapping[str, int]:
    """Every place that some beginning comes to, and how often at most."""
    found: dict[str, int] = {}
    for base in BASES:
        for place, count in runner.run(base).places.items():
            found[place] = max(count, found.get(place, 0))
    return found


def by_chance(seed: int, number: int, known: Mapping[str, int]) -> Schedule:
    """The schedule of a seed with a number: always the same one, whoever runs it and beside what."""
    return drawn(random.Random(f"{seed}/{number}"), known)


def shrunk(runner: Runner, broken: Result) -> Result:
    """The smallest schedule found that breaks the same invariant: fewest faults, and the rest as ordinary as can be."""
    left = SHRINKS_AT_MOST

    def still_broken(schedule: Schedule) -> Result | None:
        nonlocal left
        left -= 1
        result = runner.run(schedule)
        return result if result.invariant == broken.invariant else None

    smaller: Result | None = broken
    while smaller is not None and left > 0:
        broken, smaller = smaller, None
        for schedule in _simpler(broken.schedule):
            smaller = still_broken(schedule)
            if smaller is not None or left <= 0:
                break
    return broken


def _simpler(schedule: Schedule) -> Iterator[Schedule]:
    faults, plain = schedule.faults, Schedule()
    for at in range(len(faults)):
        yield replace(schedule, faults=faults[:at] + faults[at + 1 :])
    for name in ("order", "resume", "dry_run", "restart", "controls", "access", "database", "ms2", "ms1"):
        if getattr(schedule, name) != getattr(plain, name):
            yield replace(schedule, **{name: getattr(plain, name)})
    for at, fault in enumerate(faults):
        for nth, times in ((fault.nth, fault.times // 2), (1, fault.times), (fault.nth // 2, fault.times)):
            if nth and times and (nth, times) != (fault.nth, fault.times):
                easier = replace(fault, nth=nth, times=times)
                yield replace(schedule, faults=(*faults[:at], easier, *faults[at + 1 :]))
