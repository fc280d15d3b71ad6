"""Ours under the same faults as the peers: the whole testbed, with its own record of what was written when."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lab.testbed.testbed as settings
from lab.benchmarks import takeover
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.run_scenario import prepare
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import PROBE_INTERVAL_S, Testbed

FAILURE_THRESHOLD = 1
"""As the others: they act on the first failure. Ours probes once more even then, before it touches anything."""


def ours(directory: Path, runs: int, faults: Sequence[str], watch_on_s: float) -> dict[str, Any]:
    """Each fault `runs` times on one testbed, the pair changing its active server each time."""
    found: dict[str, dict[str, list[float]]] = {fault: {"took": [], "both": []} for fault in faults}
    settings.FAILURE_THRESHOLD = FAILURE_THRESHOLD
    with Testbed(directory, agents=5, parameters={"WatchHoldsConnection": "yes"}) as testbed:
        prepare(testbed, Story(testbed))
        for number in range(runs):
            for fault in faults:
                took, both = _one(testbed, fault, watch_on_s)
                found[fault]["took"].append(took)
                found[fault]["both"].append(both)
                print(
                    f"{'ours':22} {fault:10} {number + 1}: takeover {took:.3f} s, both wrote {both:.3f} s", flush=True
                )
    return {
        fault: {
            "takeover_s": [round(each, 3) for each in rows["took"]],
            "median_s": round(statistics.median(rows["took"]), 3),
            "both_s": [round(each, 3) for each in rows["both"]],
            "both_worst_s": round(max(rows["both"]), 3),
        }
        for fault, rows in found.items()
    }


def _one(testbed: Testbed, fault: str, watch_on_s: float) -> tuple[float, float]:
    old = str(testbed.record()["active"])
    new = "ms2" if old == "ms1" else "ms1"
    server = testbed.hosts.ms(old)
    if fault == "reboot":
        server.host.run(["systemctl", "enable", SERVICE])
    known = {each["executionArn"] for each in testbed.executions()}
    last = testbed.hosts.journal.rows()[-1].id
    time.sleep(random.random() * PROBE_INTERVAL_S)
    failed = time.time()
    if fault == "crash":
        server.kill()
    elif fault == "hang":
        server.hang_admin()
    elif fault == "partition":
        server.host.cut([DATABASE])
    else:
        server.power_off()
    execution = wait_for("a failover", lambda: takeover._started(testbed, known), 30)
    outcome = testbed.outcome(execution, 90)
    if outcome != "promoted":
        raise RuntimeError(f"{fault} ended as {outcome}: {testbed.steps(execution)[-1].result}")
    if fault == "reboot":
        server.power_on()
        wait_for(f"{old}'s server, started by its host", server.is_running, 20)
    time.sleep(watch_on_s)
    rows = testbed.hosts.journal.rows(last)
    first = next(row.at for row in rows if row.server == new)
    late = [row.at for row in rows if row.server == old and row.at >= first]
    server.host.reconnect()
    if fault == "reboot":
        server.host.run(["systemctl", "disable", SERVICE])
    takeover._ready_again(testbed, old)
    return first - failed, late[-1] - late[0] + 0.05 if late else 0.0
