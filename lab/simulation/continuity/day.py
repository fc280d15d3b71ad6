"""A day of the watchdog: its schedule, its processes and their deaths; and the judgement of what came of it.

`python -m lab.simulation.continuity` runs days and prints what was found.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any
from unittest import mock

from msfailover.runtime.environment import read
from msfailover.runtime.settings import WatchSettings

from lab.simulation.continuity.cloud import PAIR, Cloud, Day, Manners
from lab.simulation.continuity.kernel import BEGINNING, Kernel, Killed, Process
from lab.testbed.cloud.patching import Patches

INTERVAL_S, TIMEOUT_S, THRESHOLD = 5.0, 2.0, 4
AT_ONCE = 2
"""The mapping's MaximumConcurrency."""
RETENTION_S = 360.0
ANSWER_S = 0.5
"""What the calls before a probe take, and the wait for a process while both probe."""
ENVIRONMENT = {
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "PAIR_NAME": PAIR,
    "MS1_INSTANCE_ID": "i-00000000000000001",
    "MS1_ADDRESSES": "10.77.0.11",
    "MS1_HOST_NAMES": "ms1",
    "MS2_INSTANCE_ID": "i-00000000000000002",
    "MS2_ADDRESSES": "10.77.0.12",
    "MS2_HOST_NAMES": "ms2",
    "TABLE_NAME": PAIR,
    "PROBE_FUNCTION": "probe",
    "DATABASE_SESSIONS_FUNCTION": "database-sessions",
    "SERVER_FUNCTION": "server",
    "PAIR_FUNCTION": "pair",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:continuity",
    "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:failover",
    "SLOT_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/slots",
    "PROBE_INTERVAL_SECONDS": f"{INTERVAL_S:g}",
    "PROBE_TIMEOUT_SECONDS": f"{TIMEOUT_S:g}",
    "FAILURE_THRESHOLD": str(THRESHOLD),
    "AWS_DEFAULT_REGION": "eu-west-1",
}

Defect = Callable[[Patches], None]
Call = Callable[[Mapping[str, Any], None], dict[str, Any]]


def function() -> ModuleType:
    """The function's module, as it is deployed."""
    with mock.patch.dict(os.environ, ENVIRONMENT):
        return import_module("functions.watch.app")


class Containers:
    """The function's processes: warm ones are used again, each with memory of its own."""

    def __init__(self, kernel: Kernel) -> None:
        self._settings, self._kernel, self._idle = read(WatchSettings, ENVIRONMENT), kernel, list[Call]()

    def take(self) -> tuple[Call, bool]:
        """A process, and whether it is a new one."""
        if self._idle:
            return self._idle.pop(), False
        return function().handler.within(settings=self._settings, clock=self._kernel), True

    def give_back(self, process: Call) -> None:
        self._idle.append(process)


class Running:
    """Lambda: calls the function for schedule and queue, with a limit for the queue's calls; kills some."""

    def __init__(self, kernel: Kernel, cloud: Cloud, manners: Manners, chance: random.Random, day: Day) -> None:
        self._kernel, self._cloud, self._manners, self._chance, self._day = kernel, cloud, manners, chance, day
        self._busy, self._waiting = 0, list[tuple[float, dict[str, Any]]]()
        cloud.deliver = self.message

    def begin(self, containers: Containers) -> None:
        self._containers = containers

    def tick(self, killed_after_s: float = float("inf")) -> None:
        """The schedule's call; whether it dies is decided with the schedule."""
        self._call({}, lambda: None, killed_after_s)

    def message(self, event: dict[str, Any]) -> None:
        """A message is visible: it waits for its turn, as long as the queue keeps it."""
        self._waiting.append((self._kernel.now, event))
        self._next()

    def _next(self) -> None:
        while self._waiting and self._busy < AT_ONCE:
            came, event = self._waiting.pop(0)
            if self._kernel.now - came > RETENTION_S:
                continue
            if self._cloud.throttled("lambda"):
                self._waiting.insert(0, (came, event))
                self._kernel.after(0.5, self._next)
                return
            self._busy += 1
            self._call(event, self._over, _killed_after_s(self._manners, self._chance))

    def _over(self) -> None:
        self._busy -= 1
        self._next()

    def _call(self, event: Mapping[str, Any], over: Callable[[], None], killed_after_s: float) -> None:
        self._day.calls += 1
        handler, cold = self._containers.take()

        def work() -> Any:
            if cold:
                self._kernel.sleep(self._chance.uniform(0.2, self._manners.cold_s))
            return handler(event, None)

        def ended(_outcome: Any, error: BaseException | None) -> None:
            if isinstance(error, Killed):
                self._day.kills.append(self._kernel.now)
            elif error is not None:
                raise error
            else:
                self._containers.give_back(handler)
            self._kernel.after(0, over)

        process = Process(self._kernel, work, ended)
        process.killed_at = self._kernel.now + killed_after_s
        self._kernel.at(self._kernel.now, process.resume)


def _killed_after_s(manners: Manners, chance: random.Random) -> float:
    """Seconds after which a call's process dies; infinite for most."""
    if chance.random() >= manners.kills:
        return float("inf")
    return chance.uniform(0, chance.choice((0.05, 0.3, 3.0, 10.0)))


def run(manners: Manners, seed: int, hours: float = 24.0, outages: int = 24, defect: Defect | None = None) -> Day:
    """A day.

    Args:
        manners: how unkind it is.
        seed: of every draw.
        hours: how long it lasts.
        outages: how often the active server falls silent.
        defect: a deliberate one, put in.
    """
    from msfailover.adapters import clients

    kernel, chance, day = Kernel(), random.Random(seed), Day()
    patches, cloud = Patches(), Cloud(kernel, manners, chance, day)
    running = Running(kernel, cloud, manners, chance, day)
    end = BEGINNING + hours * 3600
    try:
        for name in ("dynamodb", "functions", "probes", "sqs", "stepfunctions", "sns"):
            patches.put(clients, name, lambda: cloud, why="AWS is in memory")
        if defect is not None:
            defect(patches)
        patches.put(function(), "_publish", lambda *_: None, why="nobody reads the metrics here")
        running.begin(Containers(kernel))
        _throttle(day, manners, chance, hours)
        _schedule(kernel, running, manners, chance, day, hours)
        for _ in range(round(outages * hours / 24)):
            kernel.at(chance.uniform(BEGINNING + 300, end - 300), cloud.go_down)
        kernel.run(end)
        if cloud.down_since is not None and cloud.state.lease is None:
            day.outages.append((cloud.down_since, end))
    finally:
        patches.undo()
    return day


def _throttle(day: Day, manners: Manners, chance: random.Random, hours: float) -> None:
    for _ in range(round(manners.throttles * hours / 24)):
        begin = BEGINNING + chance.uniform(300, hours * 3600)
        which = chance.choice(("dynamodb", "lambda", "sqs"))
        day.throttled.append((begin, begin + chance.uniform(*manners.throttle_s), which))


def _schedule(
    kernel: Kernel, running: Running, manners: Manners, chance: random.Random, day: Day, hours: float
) -> None:
    """Each minute's call: late, doubled, killed or lost at times; of the latter two in a row at most."""
    failed = 0
    for minute in range(round(hours * 60)):
        killed_after_s = _killed_after_s(manners, chance)
        lost = chance.random() < manners.lost_ticks
        failed = failed + 1 if minute and failed < 2 and (lost or killed_after_s < float("inf")) else 0
        late = chance.uniform(0, manners.late_tick_s) if minute else 0.0
        if failed and lost:
            day.lost_ticks += 1
            continue
        at = BEGINNING + 60 * minute + late
        kernel.at(at, partial(running.tick, killed_after_s if failed else float("inf")))
        if chance.random() < manners.doubled_ticks:
            kernel.at(at + chance.uniform(0, 5), running.tick)


@dataclass(frozen=True)
class Judgement:
    """What the day was like.

    Args:
        probes: how many counted.
        longest_gap_s: the longest time from the beginning of one to the next one's, where nothing refused every call;
            less an interval for each process beyond the first that was killed in it.
        longest_gap_throttled_s: the same where DynamoDB, Lambda or SQS did, without the time of that.
        shortest_gap_s: the shortest, between two that counted as failures in a row.
        outages: how many were taken over.
        slowest_s: the slowest decision.
        twice: outages that more than one failover was started for.
        for_nothing: failovers that were started while the server was well.
        not_found: outages that no failover was started for.
    """

    probes: int
    longest_gap_s: float
    longest_gap_throttled_s: float
    shortest_gap_s: float
    outages: int
    slowest_s: float
    twice: int
    for_nothing: int
    not_found: int


def judge(day: Day, end_s: float) -> Judgement:
    """Judge a day that lasted so many seconds."""
    free, blocked, shortest = 0.0, 0.0, float("inf")
    for before, after in itertools.pairwise(sorted(day.kept, key=lambda each: each.at)):
        killed = sum(before.at < at < after.at for at in day.kills)
        gap = after.at - before.at - max(0, killed - 1) * INTERVAL_S
        refused = sum(max(0.0, min(end + 1.1, after.at) - max(begin, before.at)) for begin, end, _ in day.throttled)
        free, blocked = (max(free, gap), blocked) if not refused else (free, max(blocked, gap - refused))
        if after.failures > before.failures > 0:
            shortest = min(shortest, gap)
    slowest, twice, not_found, during = 0.0, 0, 0, 0
    for begin, over in day.outages:
        starts = [at for at, _ in day.started if begin <= at <= over]
        during += len(starts)
        twice += len(starts) > 1
        not_found += not starts
        slowest = max(slowest, starts[0] - begin if starts else 0.0)
    late = [each for each in day.started if each[0] > BEGINNING + end_s - 60]
    return Judgement(
        len(day.kept), round(free, 2), round(blocked, 2), round(shortest, 2), len(day.outages), round(slowest, 2),
        twice, max(0, len(day.started) - during - len(late)), not_found,
    )  # fmt: skip


def broken(found: Judgement, manners: Manners) -> list[str]:
    """What of the promise did not hold, in sentences; empty where all did."""
    jitter_s = manners.late_message_s + manners.cold_s + ANSWER_S
    most_s = 2 * INTERVAL_S + jitter_s
    slowest_s = most_s + THRESHOLD * (2 * INTERVAL_S) + max(manners.throttle_s)
    checks = {
        f"two probes were {found.longest_gap_s} s apart; {most_s:g} is the most": found.longest_gap_s <= most_s,
        f"two probes were {found.longest_gap_throttled_s} s apart beside the time in which every call was refused": (
            found.longest_gap_throttled_s <= most_s
        ),
        f"two failures {found.shortest_gap_s} s apart were counted as two in a row": (
            found.shortest_gap_s >= INTERVAL_S / 2 - 0.1
        ),
        f"{found.twice} outages were acted on twice": found.twice == 0,
        f"{found.not_found} outages were not found": found.not_found == 0,
        f"an outage was decided only after {found.slowest_s} s": found.slowest_s <= slowest_s,
        f"{found.for_nothing} failovers were started for a server that was well": found.for_nothing == 0,
    }
    return [sentence for sentence, holds in checks.items() if not holds]
