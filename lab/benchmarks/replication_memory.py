"""How much memory a replication takes on both hosts, and how that grows with the number of files."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.benchmarks.replication_hosts import Pair
from lab.benchmarks.replication_kill import processes
from lab.benchmarks.replication_tools import DIRECTORIES, Tool
from lab.benchmarks.replication_tree import plant, rewrite
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.server_host import DATA

COUNTS = (20_000, 80_000)
_SIZE = 10
_EVERY_S = 0.01


def memory(pair: Pair, tools: Sequence[Tool]) -> dict[str, Any]:
    """Peaks in MB of all that a tool runs on each host, on trees of tiny files; and bytes for each further file.

    A peak is the greatest sum of the processes' own pages (without what they share with others) in any sample, one
    each 10 ms.
    """
    source = pair.host("ms1").files.path(DATA)
    found: dict[str, Any] = {tool.name: {} for tool in tools}
    for count in COUNTS:
        for name in DIRECTORIES:
            shutil.rmtree(source / name)
            (source / name).mkdir()
        plant(source, count, _SIZE)
        for tool in tools:
            tool.wipe()
            first = _peaks(pair, tool)
            rewrite(source, range(1), _SIZE, seed=count)
            one = _peaks(pair, tool)
            found[tool.name][str(count)] = {"first": first, "one": one}
            print(f"  {tool.name:8} {count:6} files: first {first}, one {one}", flush=True)
    for row in found.values():
        row["bytes_per_file"] = {kind: _growth(row, kind) for kind in ("first", "one")}
    return found


def _growth(row: dict[str, Any], kind: str) -> dict[str, int]:
    few, many = (row[str(count)][kind] for count in COUNTS)
    return {role: round((many[role] - few[role]) * 1e6 / (COUNTS[1] - COUNTS[0])) for role in few}


def _peaks(pair: Pair, tool: Tool) -> dict[str, float]:
    done = threading.Event()
    peaks = {"ms1": 0, "ms2": 0}
    hosts = {role: pair.host(role) for role in peaks}
    rest = {role: processes(host) for role, host in hosts.items()}

    def watch() -> None:
        while not done.is_set():
            for role, host in hosts.items():
                peaks[role] = max(peaks[role], _private(host, rest[role]))
            time.sleep(_EVERY_S)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        tool.run()
    finally:
        done.set()
        watching.join()
    return {role: round(size / 1e6, 1) for role, size in peaks.items()}


def _private(host: Host, rest: set[int]) -> int:
    """Bytes that only the host's new processes hold."""
    total = 0
    for pid in processes(host) - rest:
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean:", "Private_Dirty:")):
                    total += int(line.split()[1]) * 1024
    return total
