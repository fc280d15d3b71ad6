"""Takeovers on the testbed, one after the other between the same two servers, and where each millisecond of them went.

The limit that no design gets under is the detection window (interval x threshold) and the server's own start; what a
takeover takes beyond it is the overhead. The server's own start is measured by itself, on the same testbed; a limit is
a floor, so the shortest start that any of the testbeds saw counts for all of them, and a busy moment flatters nobody.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from msfailover.adapters.pair_table import PairTable

from lab.benchmarks.recorder import Recorder
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.polling import wait_for
from lab.testbed.run_scenario import prepare
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import FAILURE_THRESHOLD, PROBE_INTERVAL_S, STACK, Testbed

STARTS = 5
"""How often the server's own start is measured."""

Strike = Callable[[Testbed, str], None]
Mend = Callable[[Testbed, str], None]


def _nothing(_testbed: Testbed, _role: str) -> None:
    pass


FAULTS: dict[str, tuple[Strike, Mend]] = {
    "crash": (lambda testbed, role: testbed.hosts.kill_ms(role), _nothing),
    "hang": (lambda testbed, role: testbed.hosts.hang_admin(role), _nothing),
    "partition": (
        lambda testbed, role: testbed.hosts.ms(role).host.cut([DATABASE]),
        lambda testbed, role: testbed.hosts.ms(role).host.reconnect(),
    ),
}


@dataclass(frozen=True)
class Takeover:
    """One takeover; times in seconds from the failure.

    Args:
        scenario: which fault.
        decided: when the execution began.
        first_write: when the new server first wrote.
        committed: when the execution ended.
        back: when each agent was with the new server, sorted; the last of them is `agents_back`.
        moved: when the name server first gave the new address.
        late_writes: rows of the old server after the new one's first; anything but 0 is a broken fence.
        steps: name, start and end of each state.
        calls: functions and APIs asked until the first write: how often, and for how many seconds in all.
    """

    scenario: str
    decided: float
    first_write: float
    committed: float
    back: tuple[float, ...]
    moved: float
    late_writes: int
    steps: tuple[tuple[str, float, float], ...]
    calls: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def agents_back(self) -> float:
        return self.back[-1]

    @property
    def phases(self) -> dict[str, float]:
        """What followed what, in seconds each, from the failure to the new server's first write."""
        starts = {name: start for name, start, _ in self.steps}
        marks = {
            "notice": (0.0, self.decided),
            "admit and check": (self.decided, starts["Fence"]),
            "fence and prove": (starts["Fence"], starts["Promote"]),
            "grant access and start": (starts["Promote"], self.first_write),
        }
        return {name: end - start for name, (start, end) in marks.items()}


def run(directory: Path, runs: int, scenarios: Sequence[str] = tuple(FAULTS), agents: int = 20) -> dict[str, Any]:
    """Inject each fault `runs` times on one testbed; must be inside the testbed's namespaces.

    Returns:
        the section of benchmarks.json.
    """
    found: dict[str, list[Takeover]] = {name: [] for name in scenarios}
    with Testbed(directory, agents=agents) as testbed:
        story = Story(testbed)
        prepare(testbed, story)
        recorder = Recorder(testbed.cloud, STACK)
        own_start = own_starts(testbed)
        for number in range(runs):
            for name in scenarios:
                taken = take_over(testbed, recorder, name)
                found[name].append(taken)
                print(
                    f"{name:10} {number + 1:2}: decided {taken.decided:5.2f} s, first write {taken.first_write:5.2f} s,"
                    f" committed {taken.committed:5.2f} s, agents back {taken.agents_back:5.2f} s",
                    flush=True,
                )
    told = {name: figures(taken, own_start) for name, taken in found.items() if taken}
    for name, each in told.items():
        print(f"{name}: {', '.join(f'{phase} {took:.2f} s' for phase, took in each['phases_s'].items())} (medians)")
        print(f"{name}: over the limit of {each['limit_s']:.2f} s by {each['overhead_s']:.2f} s (median),", end=" ")
        print(f"{each['overhead_worst_s']:.2f} s (worst of {len(each['takeover_s'])})", flush=True)
    return told


def figures(taken: Sequence[Takeover], own_start: Sequence[float]) -> dict[str, Any]:
    """Medians and the worst of a scenario's takeovers, against the limit by this testbed's own starts."""
    window, start = PROBE_INTERVAL_S * FAILURE_THRESHOLD, min(own_start)
    limit = window + start
    took = [each.first_write for each in taken]
    return {
        "takeover_s": _rounded(took),
        "limit_s": round(limit, 3),
        "overhead_s": round(statistics.median(took) - limit, 3),
        "overhead_worst_s": round(max(took) - limit, 3),
        "window_s": window,
        "own_start_s": round(start, 3),
        "decided_s": _rounded([each.decided for each in taken]),
        "after_decision_s": _rounded([each.first_write - each.decided for each in taken]),
        "committed_s": _rounded([each.committed for each in taken]),
        "agents_back_s": _rounded([each.agents_back for each in taken]),
        "phases_s": {
            name: round(statistics.median(each.phases[name] for each in taken), 3) for name in taken[0].phases
        },
        "late_writes": sum(each.late_writes for each in taken),
        "steps_ms": _steps(taken),
        "calls": _calls(taken),
    }


def against_one_limit(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each scenario's figures against the same limit: the one with the shortest start that was measured."""
    limit = min(each["window_s"] + each["own_start_s"] for each in found.values())
    return {
        name: {
            **each,
            "limit_s": round(limit, 3),
            "overhead_s": round(statistics.median(each["takeover_s"]) - limit, 3),
            "overhead_worst_s": round(max(each["takeover_s"]) - limit, 3),
        }
        for name, each in found.items()
    }


def take_over(testbed: Testbed, recorder: Recorder, scenario: str) -> Takeover:
    """Strike the active server, follow the takeover to its end, and mend what was broken."""
    old = str(testbed.record()["active"])
    new = "ms2" if old == "ms1" else "ms1"
    strike, mend = FAULTS[scenario]
    known = {each["executionArn"] for each in testbed.executions()}
    last = testbed.hosts.journal.rows()[-1].id
    time.sleep(random.random() * PROBE_INTERVAL_S)  # faults do not wait for the watchdog's beat
    failed = time.time()
    strike(testbed, old)
    execution = wait_for("a failover", lambda: _started(testbed, known), 20)
    outcome = testbed.outcome(execution, 60)
    if outcome != "promoted":
        raise RuntimeError(f"{scenario} ended as {outcome}: {testbed.steps(execution)[-1].result}")
    fleet = testbed.hosts.agents
    wait_for(f"all agents on {new}", lambda: fleet.counts()[new] == fleet.count, 60)
    rows = testbed.hosts.journal.rows(last)
    first = next(row for row in rows if row.server == new)
    steps = testbed.steps(execution)
    came: dict[int, float] = {}
    for event in fleet.events():
        if event.server == new and event.event == "connected" and event.at >= failed:
            came.setdefault(event.agent, event.at - failed)
    moved = next(each.at for each in testbed.names.seen if each.server == new and each.at >= failed)
    taken = Takeover(
        scenario=scenario,
        decided=steps[0].start - failed,
        first_write=first.at - failed,
        committed=max(step.end or step.start for step in steps) - failed,
        back=tuple(sorted(came.values())),
        moved=moved - failed,
        late_writes=sum(1 for row in rows if row.server == old and (row.id > first.id or row.at >= first.at)),
        steps=tuple((step.name, step.start - failed, (step.end or step.start) - failed) for step in steps),
        calls=_counted(recorder, steps[0].start, first.at),
    )
    mend(testbed, old)
    _ready_again(testbed, old)
    return taken


def _started(testbed: Testbed, known: set[str]) -> str | None:
    return next((str(each["executionArn"]) for each in testbed.executions() if each["executionArn"] not in known), None)


def _ready_again(testbed: Testbed, old: str) -> None:
    """Make the fallen server the standby, as a person would before acknowledging."""
    host = testbed.hosts.ms(old)
    host.stop()
    wait_for(f"{old} is stopped", lambda: not host.is_running(), 20)
    fit = {"action": "check_standby", "server": old}
    wait_for(f"the agent of {old}", lambda: testbed.invoke("server", fit)["answer"] == "yes", 40)
    _change(testbed, acknowledged=True)
    wait_for("a probe that finds all well", lambda: _writes_again(testbed), 20)
    # A fence waits until no late order of the change before can grant access any more. Pairs at rest are past that.
    wait_for("the end of the last grant's time", lambda: time.time() > _table(testbed).read().grant_settles_at, 20)


def _writes_again(testbed: Testbed) -> bool:
    rows = testbed.hosts.journal.rows()
    return bool(rows) and time.time() - rows[-1].at < 1


def own_starts(testbed: Testbed) -> list[float]:
    """Seconds from the service's start to its first write: of the active server, in a maintenance."""
    _change(testbed, maintenance_until=time.time() + 600)
    role = str(testbed.record()["active"])
    host, found = testbed.hosts.ms(role), []
    for _ in range(STARTS):
        host.stop()
        last = testbed.hosts.journal.rows()[-1].id
        began = time.time()
        host.start()
        rows = wait_for("a row after the start", partial(testbed.hosts.journal.rows, last), 20)
        found.append(rows[0].at - began)
    wait_for(f"all agents on {role}", lambda: testbed.hosts.agents.counts()[role] == testbed.hosts.agents.count, 30)
    _change(testbed, maintenance_until=0.0)
    return found


def _change(testbed: Testbed, **fields: Any) -> None:
    _table(testbed).change(lambda state: replace(state, **fields))


def _table(testbed: Testbed) -> PairTable:
    return PairTable(testbed.cloud.client("dynamodb"), testbed._stack.outputs["TableName"], STACK)


def _counted(recorder: Recorder, start: float, end: float) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for call in recorder.between(start, end):
        if call.name.startswith(("watch", "probe.probe")) or ("get_execution" in call.name.lower()):
            continue
        count, seconds = found.get(f"{call.kind} {call.name}", (0, 0.0))
        found[f"{call.kind} {call.name}"] = (count + 1, seconds + call.seconds)
    return found


def _steps(taken: Sequence[Takeover]) -> dict[str, float]:
    """The median duration of each state, in milliseconds, in the order in which they begin."""
    durations: dict[str, list[float]] = {}
    for each in taken:
        for name, start, end in each.steps:
            durations.setdefault(name, []).append((end - start) * 1000)
    return {name: round(statistics.median(values), 1) for name, values in durations.items()}


def _calls(taken: Sequence[Takeover]) -> dict[str, dict[str, float]]:
    names = sorted({name for each in taken for name in each.calls})
    return {
        name: {
            "count": statistics.median([each.calls.get(name, (0, 0.0))[0] for each in taken]),
            "ms": round(statistics.median([each.calls.get(name, (0, 0.0))[1] for each in taken]) * 1000, 1),
        }
        for name in names
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
