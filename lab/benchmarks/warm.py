"""What a warm call of each function takes, on the testbed: its own processor time, and the wall's.

A function waits for what it asks: the emulated cloud, other functions, a host. The call's own part is the processor
time of its process, which does not count waiting.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from lab.benchmarks import processes
from lab.testbed.run_scenario import prepare
from lab.testbed.scenarios.scenario import Story
from lab.testbed.state_files import BUILD
from lab.testbed.testbed import Testbed

CALLS = 40
QUIET = {"ProbeIntervalSeconds": "30"}
"""The watchdog of the testbed itself is to take no part in what is measured."""

_READS: dict[str, dict[str, Any]] = {
    "audit": {},
    "database_access": {"action": "status", "server": "ms2"},
    "database_sessions": {"action": "status", "server": "ms1"},
    "dns": {"action": "status", "server": "ms1"},
    "pair": {"action": "release", "epoch": 1},
    "probe": {"action": "probe"},
    "readiness": {"action": "check"},
    "replicate": {"action": "status"},
    "server": {"action": "power", "server": "ms1"},
    "watch": {"once": True},
}
"""A call of each that changes nothing of a pair at rest."""
_DEAR = {"readiness": 5, "audit": 15}


def run(calls: int = CALLS) -> dict[str, Any]:
    """Call each function on a testbed of its own; must be inside the testbed's namespaces."""
    with Testbed(BUILD / "bench-testbed", parameters=QUIET) as testbed:
        prepare(testbed, Story(testbed))
        return {"functions": {name: _measure(testbed, name, _DEAR.get(name, calls)) for name in _READS}}


def _measure(testbed: Testbed, name: str, calls: int) -> dict[str, Any]:
    function = name.replace("_", "-")
    for _ in range(2):  # the first call starts the process and makes the clients
        testbed.invoke(function, _READS[name])
    before, wall = processes.cpu_ms(testbed, function), []
    for _ in range(calls):
        began = time.perf_counter()
        testbed.invoke(function, _READS[name])
        wall.append((time.perf_counter() - began) * 1000)
    own = (processes.cpu_ms(testbed, function) - before) / calls
    print(f"{name:18} {own:6.1f} ms of its own, {statistics.median(wall):6.1f} ms with its waiting", flush=True)
    rss_mib = max(each.rss_kib for each in processes.uses(testbed, function)) / 1024
    return {
        "warm_ms": round(own, 2),
        "warm_wall_ms": round(statistics.median(wall), 1),
        "rss_mib": round(rss_mib, 1),
    }
