"""Decides once more on what the watchdog observed, by the code that it decides with.

Only detection is replayed: that a mode, a maintenance or a missing acknowledgement would have held a failover is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from msfailover.decisions.detection import NEVER, Diagnosis, Finding, Observation, Streak, diagnose, is_down
from msfailover.decisions.slots import Pace, spacing_s, streak_of
from msfailover.pair import Role
from msfailover.verdict import Answer, Verdict
from msfailover.watching import Ports, Run, Watching

BY_ITSELF, CHANGED, GOES_ON = "came back by itself", "a change of the pair", "goes on"
"""How an outage ended."""
MISSED_AT_MOST = 4
"""Probes that may be missing between two for what the first one observed to stand for the time between them."""


@dataclass
class Takeover:
    """A failover that would have been started.

    Args:
        at: when, in seconds since 1970: the beginning of the probe that decided it.
        since: when the first failed probe of that outage began.
        active: the server that was found down.
        finding: the name of what was found.
        why: the decision's sentence.
        ended: how the outage ended.
        ended_at: when; 0 while it goes on.
    """

    at: float
    since: float
    active: Role
    finding: str
    why: str
    ended: str = GOES_ON
    ended_at: float = 0.0

    @property
    def detection_s(self) -> float:
        """Seconds from the first failed probe to the decision."""
        return self.at - self.since

    def needless(self, takeover_s: float) -> bool:
        """Whether the server was back by itself before a takeover of that many seconds would have been over."""
        return self.ended == BY_ITSELF and self.ended_at - self.at <= takeover_s


@dataclass
class Replayed:
    """What came of a replay.

    Args:
        pace: the settings it was made with.
        takeovers: the failovers that would have been started.
        undecided: outages that a change of the pair ended before these settings would have decided.
        probes: how many there were.
        otherwise: how many of them are named otherwise by today's code than when they were taken.
    """

    pace: Pace
    takeovers: list[Takeover] = field(default_factory=list)
    undecided: int = 0
    probes: int = 0
    otherwise: int = 0


@dataclass(frozen=True)
class Stretch:
    """Time in which every probe would have observed the same.

    Args:
        start, end: seconds since 1970; the end is where something else was observed, or nobody probed any more.
        run: what was observed.
        diagnosis: what today's code makes of it.
    """

    start: float
    end: float
    run: Run
    diagnosis: Diagnosis

    @property
    def may_be_down(self) -> bool:
        return self.diagnosis.finding not in NEVER


def diagnosis_of(run: Run) -> Diagnosis:
    """What today's code makes of what a run observed."""
    return _diagnosis(run.active, run.ms1, run.ms2, run.asked, run.answer)


@cache  # of a year's runs nearly all observed the same
def _diagnosis(active: Role, ms1: Ports | None, ms2: Ports | None, asked: str, answer: str) -> Diagnosis:
    if ms1 is None or ms2 is None:
        return Diagnosis(Finding.CUT_OFF, "The probe could not be asked.")
    seen = {Role.MS1: _observation(ms1), Role.MS2: _observation(ms2)}
    said = {asked: Verdict(Answer(answer), f"it was answered {answer}")} if asked else {}
    return diagnose(active, seen[active], seen[active.other], said.get("sessions"), said.get("power"))


def _observation(ports: Ports) -> Observation:
    admin, port = ports
    return Observation(admin, port, f"administration interface {admin.value}, port {port.value}")


class _Outages:
    """The outage that is under way, and the takeover that it led to."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed = replayed
        self._streak, self._since, self._last_at = Streak(), 0.0, 0.0
        self._open: Takeover | None = None
        self._of: tuple[Role, int] | None = None

    @property
    def streak(self) -> Streak:
        return self._streak

    @property
    def is_decided(self) -> bool:
        """Whether what goes on has led to a takeover already."""
        return self._open is not None

    def probe(self, at: float, run: Run, diagnosis: Diagnosis) -> None:
        """Count one probe as the watchdog counts it."""
        self._change(at, run)
        kept = Watching(
            probed_ms=round(self._last_at * 1000), streak_of=self._streak.active, failures=self._streak.failures
        )
        before = streak_of(kept, round(at * 1000), self._replayed.pace)
        self._streak = before.after(run.active, diagnosis.finding)
        self._last_at = at
        if self._streak.failures and (not before.failures or before.active is not run.active):
            self._since = at
        if diagnosis.finding is Finding.HEALTHY:
            self._close(BY_ITSELF, at)
        elif self._open is None:
            self._decide(at, run, diagnosis)

    def skip_to(self, at: float) -> None:
        """Probes until then changed nothing of the count."""
        self._last_at = max(self._last_at, at)

    def _decide(self, at: float, run: Run, diagnosis: Diagnosis) -> None:
        down = is_down(diagnosis, self._streak, self._replayed.pace.threshold)
        if down.is_yes:
            self._open = Takeover(at, self._since, run.active, diagnosis.finding.value, down.sentence)
            self._replayed.takeovers.append(self._open)

    def _change(self, at: float, run: Run) -> None:
        if self._of != (run.active, run.epoch):
            if self._of is not None and self._open is None and self._streak.failures:
                self._replayed.undecided += 1
            self._close(CHANGED, at)
            self._of = (run.active, run.epoch)

    def _close(self, how: str, at: float) -> None:
        if self._open is not None:
            self._open.ended, self._open.ended_at = how, at
        self._open = None


def replay(runs: Sequence[Run], pace: Pace) -> Replayed:
    """Decide on every probe that was taken, one by one.

    Args:
        runs: what the watchdog logged, in order of time.
        pace: the settings: those that the probes were taken with, or another threshold.
    """
    replayed = Replayed(pace)
    outages = _Outages(replayed)
    for run in runs:
        diagnosis = diagnosis_of(run)
        replayed.probes += run.count
        replayed.otherwise += run.count if diagnosis.finding.value != run.finding else 0
        for at in _times(run) if diagnosis.finding not in NEVER else (run.from_s,):
            outages.probe(at, run, diagnosis)
        outages.skip_to(run.to_s)
    return replayed


def _times(run: Run) -> Iterator[float]:
    """When its probes began: of the first and the last that is known, the others lie at equal distances."""
    apart = (run.to_s - run.from_s) / max(1, run.count - 1)
    return (run.from_s + apart * number for number in range(run.count))


def replay_otherwise(stretches: Sequence[Stretch], pace: Pace) -> Replayed:
    """Decide as with another interval: each probe observes what was last observed at its time.

    Args:
        stretches: as `stretches_of` makes them, in order of time.
        pace: the settings.
    """
    replayed = Replayed(pace)
    outages = _Outages(replayed)
    due = stretches[0].start if stretches else 0.0
    for each in stretches:
        due = max(due, each.start)
        while due < each.end:
            replayed.probes += 1
            outages.probe(due, each.run, each.diagnosis)
            suspects = 0 < outages.streak.failures < pace.threshold
            if each.may_be_down and not outages.is_decided:
                due += pace.interval_s / 2 if suspects else pace.interval_s
                continue
            more = max(0, math.ceil((each.end - due) / pace.interval_s) - 1)
            replayed.probes += more
            outages.skip_to(due + more * pace.interval_s)
            due += (more + 1) * pace.interval_s
    return replayed


def pace_of(settings: Mapping[str, str]) -> Pace:
    """The settings of the probing among a stack's parameters; the template's defaults where it does not have them."""
    return Pace(
        float(settings.get("ProbeIntervalSeconds") or 5),
        float(settings.get("ProbeTimeoutSeconds") or 2),
        int(float(settings.get("FailureThreshold") or 4)),
    )


def stretches_of(runs: Sequence[Run], pace: Pace) -> list[Stretch]:
    """The time that was observed, cut where something else was observed, or nobody probed for long.

    Args:
        runs: in order of time.
        pace: the settings that the probes were taken with.
    """
    apart, found = spacing_s(pace.interval_s), list[Stretch]()
    for run, following in zip(runs, [*runs[1:], None], strict=True):
        end = run.to_s + apart
        if following is not None and following.from_s - run.to_s <= MISSED_AT_MOST * apart:
            end = following.from_s
        if found and found[-1].end == run.from_s and found[-1].run.observed == run.observed:
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(Stretch(run.from_s, end, run, diagnosis_of(run)))
    return found
