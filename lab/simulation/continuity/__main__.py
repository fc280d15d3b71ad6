"""`python -m lab.simulation.continuity`: days of the watchdog in virtual time, and what came of them.

Exit code: 0 as promised, 1 not, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys

from lab.simulation.continuity.cloud import Manners
from lab.simulation.continuity.day import broken, judge, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.simulation.continuity", description=__doc__)
    parser.add_argument("--days", type=int, default=1, help="how many")
    parser.add_argument("--hours", type=float, default=24.0, help="how long each of them is")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the same seed makes the same day")
    asked = parser.parse_args(arguments)
    if asked.days < 1 or asked.hours <= 0:
        parser.error("--days must be at least 1, and --hours above 0")
    found = []
    for seed in range(asked.seed, asked.seed + asked.days):
        day = run(Manners(), seed, asked.hours)
        judgement = judge(day, asked.hours * 3600)
        print(
            f"seed {seed}: {len(day.kills)} killed, {day.lost_ticks} minutes lost, {len(day.throttled)} times throttled"
        )
        for name, value in dataclasses.asdict(judgement).items():
            print(f"  {name:24} {value:g}")
        found += [f"seed {seed}: {each}" for each in broken(judgement, Manners())]
    print("\n".join(found) or "As promised.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
