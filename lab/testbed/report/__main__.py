"""`python -m lab.testbed.report [DIRECTORY] [--picture FILE]`: draw a recorded run again, or its picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from failoverctl.acceptance.report.publish import RECORD
from lab.testbed.report.redraw import redraw


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.testbed.report", description="Draw a recorded run again.")
    parser.add_argument("directory", nargs="?", type=Path, default=Path("build"), help="where its record.json is")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="also write the picture of its timeline")
    wanted = parser.parse_args()
    try:
        redraw(wanted.directory, wanted.picture)
    except FileNotFoundError:
        sys.exit(f"there is no {RECORD} with its figures in {wanted.directory}: run a scenario first (make run)")
    except ValueError as error:
        sys.exit(f"{wanted.directory / RECORD}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
