"""`python -m lab.simulation`: faults by the thousand on the real workflow and the real functions.

Exit code: 0 no violation, 1 a violation, 2 wrong arguments, 3 a deliberate defect that nothing found.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from typing import Any, NoReturn

from lab.simulation import defects
from lab.simulation.runner import Result, Runner
from lab.simulation.schedule import Schedule
from lab.simulation.workers import Tally, simulate


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SystemExit(_wrong(message))


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(prog="python -m lab.simulation", description=__doc__, add_help=True)
    parser.add_argument("--schedules", type=int, default=2000, help="how many schedules by chance")
    parser.add_argument("--seed", type=int, default=1, help="which ones; the same seed makes the same schedules")
    parser.add_argument("--defect", default="", help="with a deliberate defect put in; `list` names them")
    parser.add_argument("--singles", action="store_true", help="every single fault in every beginning, in their place")
    parser.add_argument("--replay", default="", help="one schedule, as it was printed, shown in full")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    asked = parser.parse_args(arguments)
    if asked.schedules < 1 or asked.workers < 1:
        return _wrong("--schedules and --workers must be at least 1.")
    if asked.defect == "list":
        print("\n".join(f"{each.name:26} {each.sentence}" for each in defects.ALL.values()))
        return 0
    if asked.defect and asked.defect not in defects.ALL:
        return _wrong(f"there is no defect {asked.defect!r}; there are: {', '.join(defects.ALL)}.")
    if asked.replay:
        try:
            schedule = Schedule.parse(asked.replay)
        except ValueError as error:
            return _wrong(f"{error}.")
        return replay(schedule, asked.defect)
    began = time.monotonic()
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        tally = simulate(asked.schedules, asked.seed, asked.workers, asked.defect, everything=asked.singles)
    except KeyboardInterrupt:
        print("Stopped; nothing of it goes on.", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return report(tally, time.monotonic() - began, asked.seed, asked.defect)


def _stop(*_: object) -> None:
    """As Ctrl-C does: without it the worker processes would outlive this one."""
    raise KeyboardInterrupt


def replay(schedule: Schedule, defect: str) -> int:
    """Run one schedule again and show its story."""
    runner = Runner(defect=defects.ALL[defect] if defect else None)
    result = runner.run(schedule)
    runner.close()
    show(result, defect)
    return 1 if result.violation else 0


def report(tally: Tally, seconds: float, seed: int, defect: str) -> int:
    """Print what came of it, for people and as one line of JSON; returns the exit code."""
    for broken in tally.stories:
        show(broken, defect)
    rate = tally.schedules / seconds
    print(f"{tally.schedules} schedules in {seconds:.1f} s ({rate:.1f} a second), seed {seed}")
    print(f"{len(tally.states)} distinct states of the pair and its record, {len(tally.faults)} distinct faults")
    print("outcomes: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.outcomes.items())))
    print(f"violations: {tally.violations}")
    if defect:
        found = "is found" if tally.violations else "SURVIVES: the simulation has a hole"
        print(f"the defect {defect} {found}. ({defects.ALL[defect].sentence})")
    line: dict[str, Any] = {
        "schedules": tally.schedules,
        "seconds": round(seconds, 1),
        "per_second": round(rate, 1),
        "seed": seed,
        "distinct_states": len(tally.states),
        "distinct_faults": len(tally.faults),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "violations": tally.violations,
        **({"defect": defect} if defect else {}),
    }
    print(json.dumps(line))
    return 1 if tally.violations else 3 if defect else 0


def show(result: Result, defect: str = "") -> None:
    """The story of a schedule, line by line, and how to see it again."""
    print(f"The schedule: {result.schedule}")
    for line in result.story:
        print(f"  {line}")
    print(f"VIOLATION of {result.violation}" if result.violation else "No violation.")
    with_defect = f"--defect {defect} " if defect else ""
    print(f'Again: python -m lab.simulation {with_defect}--replay "{result.schedule}"\n')


def _wrong(sentence: str) -> int:
    print(f"simulate: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
