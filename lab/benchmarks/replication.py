"""Replications side by side on one tree, in one run: `python -m lab.benchmarks.replication`.

Ours against plain rsync, lsyncd and csync2: the first copy, a run in which nothing changed, one in which one file did,
what each leaves on the standby when it is killed at half, and the memory that it takes as the tree grows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.benchmarks.replication_hosts import Pair
from lab.benchmarks.replication_kill import killed_at_half
from lab.benchmarks.replication_memory import memory
from lab.benchmarks.replication_tables import Row, tables
from lab.benchmarks.replication_tools import Csync2, Lsyncd, Ours, PlainRsync, Tool, let_root_in
from lab.benchmarks.replication_tree import digests, path_of, plant, rewrite
from lab.testbed import namespaces
from lab.testbed.hosts.server_host import DATA
from lab.testbed.polling import wait_for
from lab.testbed.state_files import BUILD

FILES, BYTES_EACH = 20_000, 50_000
ROUNDS = 5
SETTLE_S = 0.1
"""A file that changed within the last moment counts as changed once more: rounds begin on a tree at rest."""


def main() -> int:
    """Run all of it; returns 0 where ours keeps its limits, 1 where one was missed, 2 where it can't be run."""
    parser = argparse.ArgumentParser(prog="python -m lab.benchmarks.replication", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="*", default=[], metavar="TOOL", help="some of: rsync ours lsyncd csync2")
    parser.add_argument("--output", type=Path, default=BUILD / "bench-replication.json")
    arguments = parser.parse_args()
    if not namespaces.is_inside():
        return _run_inside()
    start = time.monotonic()
    with Pair(BUILD / "bench-replication") as pair:
        found = _Comparison(pair, arguments.files, arguments.rounds, arguments.only).run()
    found["seconds"] = round(time.monotonic() - start)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(found, indent=1) + "\n")
    print("\n" + tables(found))
    print(f"{found['seconds']} s in all; written to {arguments.output}")
    return 0 if all(row["kept"] for row in found["limits"].values()) else 1


def _run_inside() -> int:
    try:
        return namespaces.run_inside(sys.argv[1:], module="lab.benchmarks.replication")
    except namespaces.CannotRun as problem:
        print(problem, file=sys.stderr)
        return 2


class _Comparison:
    """One run of everything."""

    def __init__(self, pair: Pair, files: int, rounds: int, only: Sequence[str]) -> None:
        self._pair = pair
        self._files = files
        self._rounds = rounds
        self._source = pair.host("ms1").files.path(DATA)
        self._seed = 100
        self._ours = Ours(pair)
        self._lsyncd = Lsyncd(pair)
        every: list[Tool] = [PlainRsync(pair), self._ours, self._lsyncd, Csync2(pair)]
        self._tools = [tool for tool in every if not only or tool.name in only]
        self._rows: dict[str, Row] = {tool.name: {} for tool in self._tools}

    def run(self) -> dict[str, Any]:
        let_root_in(self._pair)
        _say(f"{self._files} files of {BYTES_EACH} bytes")
        plant(self._source, self._files, BYTES_EACH)
        for tool in self._tools:
            tool.set_up()
        self._first_copies()
        self._each_round("nothing changed", self._nothing)
        self._each_round("one file changed", self._one)
        self._killed()
        _say("memory")
        same_options = PlainRsync(self._pair, "-aHAX")
        same_options.set_up()
        usage = memory(self._pair, [PlainRsync(self._pair), same_options, self._ours])
        return {
            "tree": {"files": self._files, "bytes": self._files * BYTES_EACH},
            "rounds": self._rounds,
            "tools": self._rows,
            "memory": usage,
            "limits": _limits(self._rows),
        }

    def _first_copies(self) -> None:
        for number in range(self._rounds):
            for tool in self._in_turn(number):
                # A minute and more each: once has to do, and is said.
                if tool.name == "csync2" and number > 0:
                    continue
                tool.wipe()
                self._note(tool, "first", tool.run)

    def _each_round(self, what: str, measure: Callable[[Tool], None]) -> None:
        _say(what)
        for tool in self._tools:
            tool.run()
        self._pair.rest()
        for number in range(self._rounds):
            for tool in self._in_turn(number):
                measure(tool)

    def _nothing(self, tool: Tool) -> None:
        self._rest(tool)
        self._note(tool, "none", tool.run)

    def _one(self, tool: Tool) -> None:
        self._rest(tool)
        if tool is self._lsyncd:
            with self._lsyncd.watching():
                self._note(tool, "one", self._until_lsyncd_brought)
            return
        self._change_one()
        self._note(tool, "one", tool.run)

    def _rest(self, tool: Tool) -> None:
        """Bring a tool's copy up to date with what changed in the others' turns, on hosts that are at rest: minutes lie
        between two runs, and what ours does after one is nobody's to pay for."""
        time.sleep(SETTLE_S)
        tool.run()
        self._pair.rest()

    def _change_one(self) -> tuple[Path, bytes]:
        self._seed += 1
        number = self._seed * 7 % self._files
        rewrite(self._source, range(number, number + 1), BYTES_EACH, self._seed)
        path = path_of(self._source, number)
        return path.relative_to(self._source), path.read_bytes()

    def _until_lsyncd_brought(self) -> float:
        """It acts by itself: from the file's change to its arrival."""
        start = time.perf_counter()
        name, content = self._change_one()
        copy = self._pair.host("ms2").files.path(self._lsyncd.target) / name
        wait_for("lsyncd's copy", lambda: copy.read_bytes() == content, 30, every_s=0.002)
        return time.perf_counter() - start

    def _note(self, tool: Tool, key: str, run: Callable[[], float]) -> None:
        before = self._connections()
        seconds = run()
        row = self._rows[tool.name]
        row.setdefault(f"{key}_s", []).append(round(seconds, 3))
        row.setdefault(f"{key}_connections", []).append(self._connections() - before)
        print(f"  {tool.name:8} {key:6} {seconds:7.3f} s", flush=True)

    def _connections(self) -> int:
        """How many TCP connections ms2 has taken since it is up, by its kernel's count."""
        lines = Path(f"/proc/{self._pair.host('ms2').pid}/net/snmp").read_text().splitlines()
        names, numbers = (line.split() for line in lines if line.startswith("Tcp:"))
        return int(numbers[names.index("PassiveOpens")])

    def _in_turn(self, number: int) -> list[Tool]:
        """The tools, beginning with another one in each round."""
        first = number % len(self._tools)
        return self._tools[first:] + self._tools[:first]

    def _killed(self) -> None:
        """Half of the files are imported anew; each tool is killed when half of that has arrived."""
        _say("killed at half")
        for tool in self._tools:
            self._rest(tool)
        before = digests(self._source)
        half = range(self._files // 2)
        rewrite(self._source, half, BYTES_EACH, seed=2)
        after = digests(self._source)
        for tool in self._tools:
            row = killed_at_half(self._pair, tool, before, after, len(half) * BYTES_EACH // 2)
            self._rows[tool.name]["killed"] = row
            print(f"  {tool.name:8} {row}", flush=True)


def _limits(rows: dict[str, Row]) -> dict[str, dict[str, Any]]:
    """Ours against plain rsync: median by median, of the same run."""
    if not {"rsync", "ours"} <= rows.keys():
        return {}
    found = {}
    for key, limit in (("none", 0.5), ("one", 1.3), ("first", 1.15)):
        ratio = statistics.median(rows["ours"][f"{key}_s"]) / statistics.median(rows["rsync"][f"{key}_s"])
        found[key] = {"ratio": round(ratio, 2), "limit": limit, "kept": ratio <= limit}
    calls = max(rows["ours"]["none_connections"])
    found["none_connections"] = {"ratio": calls, "limit": 0, "kept": calls == 0}
    usable = bool(rows["ours"]["killed"]["usable"])
    found["killed_usable"] = {"ratio": int(usable), "limit": 1, "kept": usable}
    return found


def _say(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    sys.exit(main())
