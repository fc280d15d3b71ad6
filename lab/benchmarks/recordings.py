"""Outages as the real probe saw them, recorded on a testbed: probes one after the other while something happens.

outages.json beside this file is such a recording; `make bench ONLY=detection-recorded` makes a new one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from msfailover.adapters.pair_table import PairTable
from msfailover.decisions.detection import Observation
from msfailover.observations import Signal

from lab.benchmarks.warm import QUIET
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.polling import wait_for
from lab.testbed.run_scenario import prepare
from lab.testbed.scenarios.scenario import Story
from lab.testbed.state_files import BUILD
from lab.testbed.testbed import STACK, Testbed

RECORDED = BUILD / "outages.json"
BEFORE_S = 0.5
SPAN_S = 9.0


@dataclass(frozen=True)
class Fault:
    """Something to record: how it begins, how and after how many seconds it ends, and what to make of it."""

    name: str
    strike: Callable[[Testbed], object]
    mend: Callable[[Testbed], object]
    lasts_s: float
    usable: bool = False
    must_be_found: bool = True


_CUT: Callable[[Testbed], object] = lambda testbed: testbed.hosts.ms("ms1").host.cut([DATABASE])  # noqa: E731
_HEAL: Callable[[Testbed], object] = lambda testbed: testbed.hosts.ms("ms1").host.reconnect()  # noqa: E731
_START: Callable[[Testbed], object] = lambda testbed: testbed.hosts.ms("ms1").start()  # noqa: E731

FAULTS = (
    Fault("crash", lambda testbed: testbed.hosts.kill_ms("ms1"), _START, SPAN_S),
    Fault(
        "hang",
        lambda testbed: testbed.hosts.hang_admin("ms1"),
        lambda testbed: testbed.hosts.ms("ms1").recover_admin(),
        SPAN_S,
    ),
    Fault("partition", _CUT, _HEAL, SPAN_S),
    Fault("short partition", _CUT, _HEAL, 1.0, usable=True, must_be_found=False),
    Fault("restart", lambda testbed: testbed.hosts.ms("ms1").stop(), _START, 1.0, must_be_found=False),
)


def file() -> Path:
    """The latest recording: one made here, or the one that came with the project."""
    return RECORDED if RECORDED.exists() else Path(__file__).with_name("outages.json")


def run() -> dict[str, Any]:
    """Record each fault on a testbed whose pair is in a maintenance, so that nothing comes of it."""
    found = []
    with Testbed(BUILD / "bench-testbed", parameters=QUIET) as testbed:
        prepare(testbed, Story(testbed))
        table = PairTable(testbed.cloud.client("dynamodb"), testbed._stack.outputs["TableName"], STACK)
        table.change(lambda state: replace(state, maintenance_until=time.time() + 900))
        for fault in FAULTS:
            found.append(_record(testbed, fault))
            print(f"{fault.name:16} {len(found[-1]['samples'])} probes", flush=True)
            wait_for("ms1 answers again", lambda: _sample(testbed, 0.0)["active"][0] == Signal.ANSWERS, 20)
    RECORDED.write_text("[\n" + ",\n".join(json.dumps(each) for each in found) + "\n]\n")
    return {}


def _record(testbed: Testbed, fault: Fault) -> dict[str, Any]:
    samples: list[dict[str, Any]] = []
    began = time.monotonic()
    struck = mended = None
    while (now := time.monotonic()) < began + BEFORE_S + SPAN_S:
        if struck is None and now - began >= BEFORE_S:
            struck = time.monotonic()
            fault.strike(testbed)
        if struck is not None and mended is None and now - struck >= fault.lasts_s:
            fault.mend(testbed)
            mended = time.monotonic()
        samples.append(_sample(testbed, began))
    assert struck is not None
    if mended is None:
        fault.mend(testbed)
    for each in samples:
        each["at"] = round(each["at"] - (struck - began), 3)
    lasts = (mended or time.monotonic()) - struck
    return {
        "name": fault.name,
        "lasts_s": round(lasts, 2),
        "usable": fault.usable,
        "must_be_found": fault.must_be_found,
        "samples": thinned(samples),
    }


def thinned(samples: Sequence[dict[str, Any]], every_s: float = 0.2) -> list[dict[str, Any]]:
    """One probe each `every_s` seconds, and each that saw something else than the one before it."""
    kept = list(samples[:1])
    for before, each in pairwise(samples):
        changed = any(each.get(what) != before.get(what) for what in ("active", "other", "sessions"))
        if changed or each["at"] - kept[-1]["at"] >= every_s:
            kept.append(each)
    return kept


def _sample(testbed: Testbed, began: float) -> dict[str, Any]:
    at = time.monotonic()
    seen = testbed.invoke("probe", {"action": "probe"})
    took = time.monotonic() - at
    observation = Observation(Signal(seen["ms1"]["admin"]), Signal(seen["ms1"]["port"]))
    sample: dict[str, Any] = {
        "at": at - began,
        "seconds": round(took, 3),
        "active": [observation.admin.value, observation.port.value],
        "other": [seen["ms2"]["admin"], seen["ms2"]["port"]],
    }
    if observation.refused:
        sample["sessions"] = testbed.invoke("database-sessions", {"action": "status", "server": "ms1"})["answer"]
    return sample
