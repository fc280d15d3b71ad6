"""The scenarios on a cloud with AWS's behaviour, seed by seed: `python -m lab.benchmarks.on_aws --seeds 20`.

Prints the table of docs/clouds.md: how each ended, how long it took and where the seconds went.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.testbed.state_files import BUILD, ROOT

SCENARIOS = ("crash", "hang", "partition", "reboot", "switchover")
DEADLINE_S = 900
ENDS_WITHIN_S = 30
RUN = (sys.executable, "-m", "lab.testbed", "run")
PHASES = ("detect", "confirm", "stop", "fence", "grant access and start", "verify")
"""Those that take long; admitting, updating the record beside the start, committing and notifying are left out."""

Report = Mapping[str, Any]


def main() -> int:
    """Run what was asked for and print the table; 0 if every run ended as it should."""
    arguments = _parser().parse_args()
    scenarios = tuple(arguments.scenarios.split(","))
    if not arguments.drawn:
        before = signal.signal(signal.SIGTERM, _stop)
        try:
            run_all(scenarios, range(arguments.first, arguments.seeds + 1), arguments.at_once, arguments.output)
        except KeyboardInterrupt:
            print("Stopped; nothing of it goes on. --first continues from a seed.", file=sys.stderr)
            return 130
        finally:
            signal.signal(signal.SIGTERM, before)
    reports = read(arguments.output, scenarios)
    print(table(reports))
    return 0 if reports and all(each["ok"] for found in reports.values() for each in found) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.benchmarks.on_aws", description="Scenarios on AWS as it is.")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="separated by commas")
    parser.add_argument("--seeds", type=int, default=20, help="the last one")
    parser.add_argument("--first", type=int, default=1, help="the first one; the table has those of before, too")
    parser.add_argument("--at-once", type=int, default=2, help="how many are run side by side")
    parser.add_argument("--output", type=Path, default=BUILD / "on-aws")
    parser.add_argument("--drawn", action="store_true", help="run nothing, show what is there")
    return parser


def _stop(*_: object) -> None:
    """As Ctrl-C does: without it the testbeds would outlive this process."""
    raise KeyboardInterrupt


def run_all(scenarios: Sequence[str], seeds: Iterable[int], at_once: int, output: Path) -> None:
    """Run each scenario with each seed, on a testbed of its own each. Ended, it ends the testbeds that are up."""
    up = Testbeds()
    with ThreadPoolExecutor(at_once) as threads:
        try:
            runs = [
                threads.submit(_run, scenario, seed, output / f"{scenario}-{seed}", up)
                for seed in seeds
                for scenario in scenarios
            ]
            for each in runs:
                each.result()
        except KeyboardInterrupt:
            threads.shutdown(wait=False, cancel_futures=True)
            up.end()
            raise


class Testbeds:
    """The testbeds that are up; none comes up once they have been ended."""

    def __init__(self) -> None:
        self._processes, self._lock, self._ended = set[subprocess.Popen[bytes]](), threading.Lock(), False

    @contextmanager
    def one(self, command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A testbed's process; raises `CancelledError` where they have been ended."""
        with self._lock:
            if self._ended:
                raise CancelledError
            self._processes.add(process := subprocess.Popen(command, **options))
        try:
            yield process
        finally:
            with self._lock:
                self._processes.discard(process)

    def end(self) -> None:
        """Interrupt them all: a testbed takes down what it has put up."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                process.send_signal(signal.SIGINT)


def _run(scenario: str, seed: int, directory: Path, up: Testbeds) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").unlink(missing_ok=True)
    command = [*RUN, scenario, "--cloud", "aws", "--seed", str(seed), "--output", str(directory)]
    environment = {**os.environ, "MS_FAILOVER_BUILD": str(directory)}
    with (
        (directory / "log").open("w") as log,
        up.one(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            status = process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            status = -1
        finally:
            _wait_or_kill(process)
    ended = "as it should" if status == 0 else f"not so, see {directory}/log"
    print(f"{scenario}, seed {seed}: {ended}", flush=True)


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Wait for one that has ended, or was interrupted a moment ago; one that goes on all the same is killed."""
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read(output: Path, scenarios: Sequence[str]) -> dict[str, list[Report]]:
    """The reports of the runs that came to their end, by scenario."""
    found: dict[str, list[Report]] = {}
    for scenario in scenarios:
        files = sorted(output.glob(f"{scenario}-[0-9]*/report.json"))
        if files:
            found[scenario] = [json.loads(file.read_text()) for file in files]
    return found


def table(reports: Mapping[str, Sequence[Report]]) -> str:
    """How the runs of each scenario ended, what they took (median and worst), and the median of each phase."""
    heads = ["scenario", "seeds", "as it should", "both wrote", "new server writes", "all agents back", *PHASES]
    rows = [_row(name, found) for name, found in reports.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))


def _row(name: str, reports: Sequence[Report]) -> list[str]:
    well = sum(bool(each["ok"]) for each in reports)
    both = max(float(each["dual_active_s"]) for each in reports)
    takeovers = [each["takeover_s"] for each in reports if each.get("takeover_s") is not None]
    agents = [each["agents"]["recovered_s"] for each in reports if each["agents"].get("recovered_s") is not None]
    return [
        f"`{name}`",
        str(len(reports)),
        str(well),
        f"{both:g} s",
        _span(takeovers),
        _span(agents),
        *(_phase(reports, phase) for phase in PHASES),
    ]


def _span(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.0f} s (worst {max(seconds):.0f})" if seconds else "–"


def _phase(reports: Sequence[Report], name: str) -> str:
    took = [each["end"] - each["start"] for report in reports for each in report["phases"] if each["name"] == name]
    return f"{statistics.median(took):.0f} s" if took else "–"


if __name__ == "__main__":
    sys.exit(main())
