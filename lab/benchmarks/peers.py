"""Ours beside keepalived and Pacemaker, between the same two hosts, in one run: `python -m lab.benchmarks.peers`.

Measured is what the database sees: how long after a fault the other server first writes, and for how long after that
the old one still does.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lab.benchmarks.peers_managers import Keepalived, Manager, Pacemaker, PowerSwitch, boot
from lab.benchmarks.peers_ours import ours
from lab.testbed import namespaces
from lab.testbed.host_interfaces import OpenTo
from lab.testbed.hosts.addresses import DATABASE, MS1, MS2
from lab.testbed.hosts.hosts import Hosts
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import TestbedError, wait_for
from lab.testbed.state_files import BUILD

RUNS = 5
GIVE_UP_S = 30
WATCH_ON_S = 4
"""How long after a takeover, or after the old host is back, the journal is still watched for two writers."""

FAULTS: dict[str, Callable[[Hosts], None]] = {
    "crash": lambda hosts: hosts.kill_ms("ms1"),
    "hang": lambda hosts: hosts.hang_admin("ms1"),
    "partition": lambda hosts: hosts.ms("ms1").host.cut([DATABASE]),
    "reboot": lambda hosts: hosts.ms("ms1").power_off(),
}


@dataclass(frozen=True)
class Taken:
    """One fault. Args: takeover_s: None where the other server never wrote. both_s: seconds in which both wrote."""

    takeover_s: float | None
    both_s: float


def main() -> int:
    """Run all of it. Returns 1 where ours had two writers at any time, or was slower than Pacemaker with fencing."""
    parser = argparse.ArgumentParser(prog="python -m lab.benchmarks.peers", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--only", nargs="*", default=[], help="some of: ours pacemaker keepalived nofence")
    parser.add_argument("--output", type=Path, default=BUILD / "benchmarks-peers.json")
    arguments = parser.parse_args()
    if not namespaces.is_inside():
        try:
            return namespaces.run_inside(sys.argv[1:], module="lab.benchmarks.peers")
        except namespaces.CannotRun as problem:
            print(problem, file=sys.stderr)
            return 2
    start = time.monotonic()
    managers: dict[str, Manager] = {
        "keepalived": Keepalived(),
        "pacemaker": Pacemaker(fencing=True),
        "nofence": Pacemaker(fencing=False),
    }
    found: dict[str, dict[str, Any]] = {}

    def keep(name: str, figures: dict[str, Any]) -> None:
        """Written after each one, so that what was measured is not lost with what comes later."""
        found[name] = figures
        result = {"runs": arguments.runs, "managers": found, "seconds": round(time.monotonic() - start)}
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")

    wanted = [manager for name, manager in managers.items() if not arguments.only or name in arguments.only]
    with _pair() as hosts:
        for manager in wanted:
            # Where no host is cut off nothing is fenced either: with and without is the same.
            faults = arguments.faults if manager is not managers["nofence"] else ["partition"]
            keep(manager.name, _figures(hosts, manager, arguments.runs, faults))
    if not arguments.only or "ours" in arguments.only:
        keep("ours", ours(BUILD / "bench-peers-ours", arguments.runs, arguments.faults, WATCH_ON_S))
    print("\n" + table(found, arguments.faults))
    print(f"{round(time.monotonic() - start)} s in all; written to {arguments.output}")
    return 0 if _kept(found) else 1


@contextmanager
def _pair() -> Iterator[Hosts]:
    """The hosts, both allowed by the database, as both must be where nothing but the manager keeps them apart."""
    with Hosts(BUILD / "bench-peers", agents=1, preseeded=True, autostart=()) as hosts:
        port = hosts.database.port
        hosts.firewall.apply([OpenTo(f"{address}/32", "tcp", port, port) for address in (MS1, MS2)])
        switch = PowerSwitch(hosts.servers)
        try:
            yield hosts
        finally:
            switch.close()


def _figures(hosts: Hosts, manager: Manager, runs: int, faults: Sequence[str]) -> dict[str, Any]:
    found = {}
    for fault in faults:
        taken = []
        for number in range(runs):
            taken.append(_one(hosts, manager, fault))
            print(f"{manager.name:22} {fault:10} {number + 1}: {taken[-1]}", flush=True)
        found[fault] = summary([each.takeover_s for each in taken], [each.both_s for each in taken])
    return found


def summary(takeovers: Sequence[float | None], both: Sequence[float]) -> dict[str, Any]:
    """A fault's runs and their median; a takeover that did not come is None, and makes the median None."""
    came = [each for each in takeovers if each is not None]
    return {
        "takeover_s": [None if each is None else round(each, 3) for each in takeovers],
        "median_s": round(statistics.median(came), 3) if len(came) == len(takeovers) else None,
        "both_s": [round(each, 3) for each in both],
        "both_worst_s": round(max(both), 3),
    }


def _one(hosts: Hosts, manager: Manager, fault: str) -> Taken:
    """Boot anew, strike ms1, and read from the journal what came of it."""
    boot(hosts, manager)
    if fault == "reboot":
        hosts.ms("ms1").host.run(["systemctl", "enable", SERVICE])
    last = hosts.journal.rows()[-1].id
    time.sleep(random.random())  # faults do not wait for a monitor's beat
    failed = time.time()
    FAULTS[fault](hosts)
    try:
        first = wait_for("ms2's first row", partial(_first_of, hosts, "ms2", last), GIVE_UP_S)
    except TestbedError:
        first = None
    if fault == "reboot":
        hosts.ms("ms1").power_on()  # the host starts its server itself, and the manager, which is a service as well
        manager.start(hosts.ms("ms1"))
    time.sleep(WATCH_ON_S)
    return Taken(None if first is None else first - failed, both_wrote(hosts, last, "ms1", first))


def _first_of(hosts: Hosts, role: str, last: int) -> float | None:
    return next((row.at for row in hosts.journal.rows(last) if row.server == role), None)


def both_wrote(hosts: Hosts, last: int, old: str, first: float | None) -> float:
    """Seconds from the new server's first row (or the old one's return, if later) to the old one's last."""
    if first is None:
        return 0.0
    late = [row.at for row in hosts.journal.rows(last) if row.server == old and row.at >= first]
    return late[-1] - late[0] + 0.05 if late else 0.0


def _kept(found: Mapping[str, Any]) -> bool:
    mine, theirs = found.get("ours"), found.get("pacemaker")
    if not mine:
        return True
    if any(row["both_worst_s"] > 0 for row in mine.values()):
        return False
    return not theirs or all(row["median_s"] <= theirs[fault]["median_s"] for fault, row in mine.items())


def table(found: Mapping[str, Mapping[str, Any]], faults: Sequence[str]) -> str:
    """Takeover and time with two writers, a row for each manager, in Markdown."""
    lines = [
        "| takeover, median s (both wrote, worst s) | " + " | ".join(faults) + " |",
        "|---|" + "---|" * len(faults),
    ]
    for name, rows in found.items():
        cells = [
            "not run"
            if fault not in rows
            else f"{'none' if rows[fault]['median_s'] is None else format(rows[fault]['median_s'], '.2f')}"
            f" ({rows[fault]['both_worst_s']:.2f})"
            for fault in faults
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
