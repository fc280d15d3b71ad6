"""The benchmarks' command line: `python -m lab.benchmarks [--only PART,…] [--runs N]`; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys
import time

from lab.benchmarks import results
from lab.benchmarks.parts import PARTS, Part, chosen
from lab.testbed import namespaces


def main() -> int:
    """Measure what was asked for, and draw the page; 0 if every part came to its end."""
    arguments = _parser().parse_args()
    if namespaces.is_inside():
        return _measure(PARTS[arguments.inside], arguments.runs)
    try:
        parts = chosen(arguments.only.split(",") if arguments.only else [])
        failed = [part.name for part in parts if _run(part, arguments.runs) != 0]
    except (ValueError, namespaces.CannotRun) as problem:
        print(problem, file=sys.stderr)
        return 2
    from lab.benchmarks.page import write

    print(f"\nThe figures: {results.FILE}\nThe plots: {write(results.read())}")
    if failed:
        print(f"These did not come to their end: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.benchmarks", description="How fast ms-failover is.")
    parser.add_argument("--only", default="", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--runs", type=int, default=20, help="takeovers of each fault")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    return parser


def _run(part: Part, runs: int) -> int:
    began = time.monotonic()
    print(f"\n{part.name}: {part.about}", flush=True)
    if part.on_testbed:
        status = namespaces.run_inside(["--runs", str(runs), "--inside", part.name], module="lab.benchmarks")
    else:
        status = _measure(part, runs)
    print(f"{part.name}: {time.monotonic() - began:.0f} s", flush=True)
    return status


def _measure(part: Part, runs: int) -> int:
    results.merge(part.measure(runs))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.exit(status) if not namespaces.is_inside() else os._exit(status)
