"""How soon an outage is found, and how often a server is taken for down that is not: the real decisions, simulated.

What is simulated is what the watchdog observes (`outages`) and its clock. What it makes of it is
`msfailover.decisions`, as in the functions: `detection` (`worth_asking`, `diagnose`, `Streak`, `is_down`), `slots` for
whose turn it is, and `confirmed` for the probe that the workflow takes before it touches anything.
"""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from msfailover.decisions.detection import Diagnosis, Evidence, Streak, confirmed, diagnose, is_down, worth_asking
from msfailover.decisions.slots import Pace, Turn, admit, spacing_s
from msfailover.pair import Role
from msfailover.watching import Watching

from lab.benchmarks import recordings
from lab.benchmarks.outages import OUTAGES, Outage, Recorded, Sight, restarts, year

PHASE_S = 60.0
"""Outages begin at any moment of a minute."""
LATE_S = 0.5
"""How much later than it is due a slot's message reaches the function, at most: as the local cloud has it
(`queue.late`). That the schedule's minute comes late is of no matter: slots are seeded minutes ahead."""
EPOCH_MS = 1_790_000_000_000
"""The outage's beginning, for those who want a time since 1970."""
ASKING_S = 0.05
"""For a dearer question: another function, and what it asks."""
BEFORE_CONFIRMING_S = 0.4
"""From the decision to the probe that confirms it: the execution's start, and the request's admission."""
FRESH_SHARE = 0.4
"""As the probe has it, and as a test compares: the share of its time that a server has in that probe."""

SAMPLES = 400
YEARS = 200
TESTBED = (1.0, 3, 0.5)


@dataclass(frozen=True)
class Watchdog:
    """The settings of `watch`: seconds from probe to probe, failures that silence needs, seconds for an answer."""

    interval_s: float = 5.0
    threshold: int = 4
    timeout_s: float = 2.0


@dataclass(frozen=True)
class Alarm:
    """A failover that was started.

    Args:
        at: when, in seconds from the beginning of the outage.
        confirmed: whether the probe that confirms it found the server down too, so that the standby takes over.
        well: whether the server was well at that moment.
    """

    at: float
    confirmed: bool
    well: bool


DEFAULTS = Watchdog()
GRID = [Watchdog(interval, threshold) for interval in (1.0, 2.0, 5.0, 10.0) for threshold in (1, 2, 3, 4, 6)]
PATIENCE = [Watchdog(timeout_s=timeout) for timeout in (0.5, 1.0, 4.0)]


def watch(outage: Outage, settings: Watchdog, phase_s: float, draw: random.Random, until_s: float) -> Alarm | None:
    """Probe an outage as `watch` does, slot after slot, until a failover is confirmed or the time is up.

    Args:
        phase_s: how long after a slot the outage begins.
        until_s: seconds to probe for.

    Returns:
        the first confirmed alarm, or the last one that the confirming probe took back, or none.
    """
    pace = Pace(settings.interval_s, settings.timeout_s, settings.threshold)
    kept, streak, last, slot_s = Watching(), Streak(), None, -phase_s
    while slot_s < until_s:
        begin = slot_s + draw.uniform(0, LATE_S)
        if admit(_ms(slot_s), kept, _ms(begin), settings.interval_s).is_yes:
            turn, due, probed = Turn.of_slot(_ms(slot_s), begin, settings.interval_s), begin, begin
            while True:
                probed = max(due, probed)
                reaches = streak.reaches(Role.MS1, settings.threshold)
                diagnosis, now = _probe(outage, settings, probed, draw, reaches)
                streak = streak.after(Role.MS1, diagnosis.finding)
                if is_down(diagnosis, streak, settings.threshold).is_yes:
                    last = _alarm(outage, settings, now, draw)
                    if last.confirmed:
                        return last
                following = turn.following(streak, due, now, pace)
                if not following.goes_on or following.due > until_s:
                    break
                due = following.due
            # Slots that come due while this turn goes on are dropped, as its `busy_until` has it.
            kept = Watching(slot_ms=_ms(slot_s), probed_ms=_ms(probed), busy_until_ms=_ms(now))
        slot_s += spacing_s(settings.interval_s)
    return last


def _ms(seconds: float) -> int:
    return EPOCH_MS + round(seconds * 1000)


def _probe(
    outage: Outage, settings: Watchdog, at: float, draw: random.Random, reaches: bool
) -> tuple[Diagnosis, float]:
    """One probe with the dearer question that it calls for; returns what it means, and when that is known."""
    sight = outage.see(at, settings.timeout_s, draw)
    now, sessions, power = at + sight.seconds, None, None
    wanted = worth_asking(sight.observation, sight.other, reaches)
    if wanted is not None:
        now += ASKING_S
        if wanted is Evidence.SESSIONS:
            sessions = outage.sessions(now)
        else:
            power = outage.power(now)
    return diagnose(Role.MS1, sight.observation, sight.other, sessions, power), now


def _alarm(outage: Outage, settings: Watchdog, now: float, draw: random.Random) -> Alarm:
    sight: Sight = outage.see(now + BEFORE_CONFIRMING_S, settings.timeout_s * FRESH_SHARE, draw)
    verdict = confirmed([diagnose(Role.MS1, sight.observation, sight.other)])
    return Alarm(now, verdict.is_yes, outage.well(now))


def time_to_detect(outage: Outage, settings: Watchdog, samples: int, seed: int) -> list[float]:
    """Seconds from an outage to the decision, for outages at random moments; infinite where none was made."""
    draw = random.Random(seed)
    alarms = [watch(outage, settings, draw.uniform(0, PHASE_S), draw, 600.0) for _ in range(samples)]
    return [alarm.at if alarm and alarm.confirmed else math.inf for alarm in alarms]


def judge(settings: Watchdog, years: int = YEARS, samples: int = SAMPLES) -> dict[str, Any]:
    """What settings are worth: seconds to detect each outage, and failovers a year that nobody needed."""
    found: dict[str, Any] = {**asdict(settings), "detect_s": {}}
    for number, (name, outage) in enumerate(OUTAGES.items()):
        found["detect_s"][name] = _summary(time_to_detect(outage, settings, samples, number))
    draw = random.Random(years)
    quiet = [each for _ in range(years) for each in year(draw)]
    false = _alarms(quiet, settings, 1)
    by = {kind: sum(type(each).__name__ == kind for each, _ in false) for kind in {type(e).__name__ for e in quiet}}
    taken = [each for each in false if each[1].confirmed]
    found["false_alarms_per_year"] = round(len(taken) / years, 3)
    found["stood_down_per_year"] = round((len(false) - len(taken)) / years, 3)
    found["started_by"] = {kind: round(count / years, 3) for kind, count in sorted(by.items())}
    down = [each for _ in range(years) for each in restarts(draw)]
    found["restarts_taken_over"] = round(sum(a.confirmed for _, a in _alarms(down, settings, 2)) / len(down), 3)
    return found


def _alarms(outages: Iterable[Outage], settings: Watchdog, seed: int) -> list[tuple[Outage, Alarm]]:
    draw = random.Random(seed)
    found = []
    for each in outages:
        alarm = watch(each, settings, draw.uniform(0, PHASE_S), draw, each.lasts_s)
        if alarm is not None:
            found.append((each, alarm))
    return found


def replay(outages: Sequence[dict[str, Any]], samples: int = SAMPLES) -> list[dict[str, Any]]:
    """The testbed's recorded outages before the real decisions, with the testbed's own settings."""
    settings, found = Watchdog(*TESTBED), []
    for number, each in enumerate(outages):
        outage = Recorded(each["lasts_s"], each["usable"], tuple(each["samples"]))
        draw = random.Random(number)
        span = float(each["samples"][-1]["at"])
        alarms = [watch(outage, settings, draw.uniform(0, PHASE_S), draw, span) for _ in range(samples)]
        over = [alarm.at for alarm in alarms if alarm and alarm.confirmed]
        found.append(
            {
                "name": each["name"],
                "lasts_s": each["lasts_s"],
                "must_be_found": each["must_be_found"],
                "taken_over": round(len(over) / samples, 3),
                "detect_s": _summary(over) if over else None,
            }
        )
    return found


def run() -> dict[str, Any]:
    """The section of benchmarks.json."""
    with ProcessPoolExecutor(2) as workers:
        judged = list(workers.map(judge, [*GRID, *PATIENCE]))
    for each in judged:
        print(
            f"every {each['interval_s']:4.1f} s, {each['threshold']} failures, {each['timeout_s']:.1f} s to answer:"
            f" hang {each['detect_s']['hang']['median']:5.1f} s (worst {each['detect_s']['hang']['worst']:.1f}),"
            f" {each['false_alarms_per_year']:6.2f} false a year",
            flush=True,
        )
    outages = json.loads(recordings.file().read_text())
    return {
        "detection": {
            "defaults": asdict(DEFAULTS),
            "years": YEARS,
            "settings": judged[: len(GRID)],
            "patience": judged[len(GRID) :],
            "recorded": replay(outages),
        }
    }


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 2),
        "p95": round(sorted(seconds)[max(0, math.ceil(0.95 * len(seconds)) - 1)], 2),
        "worst": round(max(seconds), 2),
    }
