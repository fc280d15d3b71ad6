"""An hour of the watchdog and the audit, on the testbed, in a minute or so: what it costs, and that nothing grows.

The calls are those of an hour at the template's defaults, one after the other without the pauses between them, after
some hours of them in which the processes come to their size (threads and TLS of `probe` take 3,000 calls for it). What
a process needs must not grow with the number of its calls, and every probe must have become a metric.
"""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Sequence
from typing import Any

from lab.benchmarks import processes
from lab.benchmarks.processes import Use
from lab.benchmarks.warm import QUIET
from lab.testbed.run_scenario import prepare
from lab.testbed.scenarios.scenario import Story
from lab.testbed.state_files import BUILD
from lab.testbed.testbed import STACK, Testbed

MINUTES = 60
WARM_UP_MINUTES = 240
PROBES_EACH_MINUTE = 12
GROWTH_AT_MOST_KIB = 1024
"""Allowed between the first quarter of the hour and its last: an allocator breathes, a leak goes on."""

PROBES, AUDITS = ("ActiveServerAnswers", "watch"), ("SplitBrainRisk", "audit")
"""The metrics that have a value for each probe and each audit."""

WORKERS = ("watch", "probe", "audit", "database-access", "database-sessions")


def run(minutes: int = MINUTES, warm_up: int = WARM_UP_MINUTES) -> dict[str, Any]:
    """The section of benchmarks.json; must be inside the testbed's namespaces."""
    with Testbed(BUILD / "bench-testbed", parameters=QUIET) as testbed:
        prepare(testbed, Story(testbed))
        for schedule in ("watch", "audit", "readiness", "replicate"):
            testbed.cloud.schedules.pause(f"{STACK}-{schedule}")
        testbed.cloud.event_sources.pause(f"{STACK}-watch")
        for _ in range(warm_up):
            _minute(testbed)
        probes, audits = _metric(testbed, *PROBES), _metric(testbed, *AUDITS)
        history: dict[str, list[list[Use]]] = {name: [] for name in WORKERS}
        began = time.time()
        for _ in range(minutes):
            _minute(testbed)
            for name in WORKERS:
                history[name].append(processes.uses(testbed, name))
        wall = time.time() - began
        made = minutes * PROBES_EACH_MINUTE
        published, audited = _published(testbed, probes + made, audits + minutes)
    functions = {name: growth(each, minutes) for name, each in history.items()}
    return {
        "soak": {
            "minutes": minutes,
            "took_s": round(wall, 1),
            "probes": made,
            "probes_as_metrics": published - probes,
            "audits": minutes,
            "audits_as_metrics": audited - audits,
            "metrics_complete": published - probes >= made and audited - audits >= minutes,
            "functions": functions,
            "flat": all(each["flat"] for each in functions.values()),
        }
    }


def _minute(testbed: Testbed) -> None:
    for _ in range(PROBES_EACH_MINUTE):
        testbed.invoke("watch", {"once": True})
    testbed.invoke("audit", {})


def growth(history: Sequence[Sequence[Use]], minutes: int) -> dict[str, Any]:
    """What a function's processes used, minute by minute, in a few figures.

    Args:
        history: after each minute, what each of its processes used; a process is followed by its id.
        minutes: how many there were.
    """
    quarter = max(1, len(history) // 4)
    pids = {each.pid for each in history[-1]}
    last = {each.pid: each for each in history[-1]}
    cpu = sum(each.cpu_ms for each in history[-1]) - sum(each.cpu_ms for each in history[0])
    grown = [
        statistics.median(_of(pid, history[-quarter:], "rss_kib")) - statistics.median(early)
        for pid in pids
        if (early := _of(pid, history[:quarter], "rss_kib"))
    ]
    leaked = [
        min(_of(pid, history[-quarter:], "descriptors")) - max(early)
        for pid in pids
        if (early := _of(pid, history[:quarter], "descriptors"))
    ]
    return {
        "processes": len(pids),
        "cpu_ms_per_tick": round(cpu / max(1, minutes - 1), 1),
        "rss_mib": round(max(each.rss_kib for each in last.values()) / 1024, 1),
        "grown_kib": round(max(grown, default=0)),
        "descriptors": max(each.descriptors for each in last.values()),
        "descriptors_leaked": max(0, max(leaked, default=0)),
        "flat": max(grown, default=0) < GROWTH_AT_MOST_KIB and max(leaked, default=0) <= 0,
        "rss_by_minute_mib": [round(max((u.rss_kib for u in each), default=0) / 1024, 2) for each in history],
    }


def _of(pid: int, history: Sequence[Sequence[Use]], what: str) -> list[int]:
    return [int(getattr(each, what)) for moment in history for each in moment if each.pid == pid]


def _published(testbed: Testbed, probes: int, audits: int) -> tuple[int, int]:
    """Probes and audits as metrics, once those that are on their way have come, or ten seconds have passed."""
    end = time.monotonic() + 10
    while True:
        found = _metric(testbed, *PROBES), _metric(testbed, *AUDITS)
        if (found[0] >= probes and found[1] >= audits) or time.monotonic() > end:
            return found
        time.sleep(0.2)


def _metric(testbed: Testbed, name: str, service: str) -> int:
    """How many values of a metric there are so far."""
    now = datetime.datetime.now(datetime.UTC)
    answer = testbed.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="MsFailover", MetricName=name, Statistics=["SampleCount"], Period=7200,
        Dimensions=[{"Name": "Pair", "Value": STACK}, {"Name": "service", "Value": service}],
        StartTime=now - datetime.timedelta(hours=2), EndTime=now + datetime.timedelta(minutes=1),
    )  # fmt: skip
    return int(sum(each["SampleCount"] for each in answer["Datapoints"]))
