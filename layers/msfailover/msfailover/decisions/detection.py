"""What the signals mean: `TABLE` names each combination of them, in the order in which they are tried.

A server without a session on the database is not active, so *gone* can't be a false alarm. Silence says little: it
needs the threshold and a second signal, the other server's host, which is asked over the same network.
docs/detection.md shows the table, and why the defaults are what they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes
from msfailover.watching import Ports


class Finding(StrEnum):
    """The name of a combination of signals."""

    HEALTHY = "healthy"
    MACHINE_OFF = "machine-off"
    MISCONFIGURED = "misconfigured"
    GONE = "gone"
    LISTENER_GONE = "listener-gone"
    HALF_DEAD = "half-dead"
    SILENT = "silent"
    CUT_OFF = "cut-off"


class ActedOn(StrEnum):
    """Whether a finding leads to a failover, and after how long."""

    NEVER = "never"
    AT_ONCE = "at once"
    PAST_THRESHOLD = "past the threshold"


@dataclass(frozen=True)
class Observation:
    """What one probe of one server returned: the signals of both ports, and the administration interface's sentence."""

    admin: Signal
    port: Signal
    sentence: str = ""

    @staticmethod
    def read(data: Mapping[str, Any]) -> Observation:
        """Read what the probe answered of a server. Raises KeyError or ValueError where it said nothing of the kind."""
        return Observation(Signal(data["admin"]), Signal(data["port"]), str(data.get("sentence", ""))[:300])

    @property
    def host_is_there(self) -> bool:
        """Something at that address sent a packet back; even a refusal does."""
        mute = (Signal.SILENT, Signal.UNREACHABLE)
        return self.admin not in mute or self.port not in mute

    @property
    def refused(self) -> bool:
        """Nothing listens any more, on either port."""
        return self.admin is Signal.REFUSED and self.port is Signal.REFUSED


class Evidence(StrEnum):
    """What costs more to ask than a probe, and is asked only where it could change the finding."""

    SESSIONS = "sessions"
    POWER = "power"


def worth_asking(observation: Observation, other: Observation, reaches: bool) -> Evidence | None:
    """Which dearer question a probe calls for: a refusal by both ports may be the server's end, a silence may be its
    machine's.

    Args:
        observation: what was seen of the active server.
        other: what was seen of the other one.
        reaches: whether this probe is the one that reaches the threshold. Silence is acted on then, whatever else is
            known; a question would only take its time.
    """
    if observation.refused:
        return Evidence.SESSIONS
    if observation.host_is_there or (reaches and other.host_is_there):
        return None
    return Evidence.POWER


@dataclass(frozen=True)
class Observations:
    """All that a diagnosis rests on; see `diagnose`."""

    active: Role
    observation: Observation
    other: Observation
    sessions: Verdict | None = None
    power: Verdict | None = None


@dataclass(frozen=True)
class Row:
    """One combination of signals.

    Args:
        finding: its name.
        signals: the combination, in words; "and none of the above" goes without saying.
        acted_on: whether it leads to a failover, and when.
        why: the reason for that.
        is_so: whether it is what was seen.
        sentence: what an operator reads; `{active}`, `{other}`, `{saw}` and `{power}` are filled in.
    """

    finding: Finding
    signals: str
    acted_on: ActedOn
    why: str
    is_so: Callable[[Observations], bool]
    sentence: str


TABLE = (
    Row(
        Finding.HEALTHY,
        "the administration interface answers",
        ActedOn.NEVER,
        "it does what it is there for",
        lambda seen: seen.observation.admin is Signal.ANSWERS,
        "{active} is healthy: {saw}.",
    ),
    Row(
        Finding.MACHINE_OFF,
        "EC2 says that its instance is stopped or terminated",
        ActedOn.AT_ONCE,
        "a machine without power does nothing",
        lambda seen: seen.power is not None and seen.power.is_no,
        "{active} is off: {power}",
    ),
    Row(
        Finding.MISCONFIGURED,
        "an answer with a certificate or a status that is not accepted",
        ActedOn.NEVER,
        "it is not down; the other server has the same configuration and would fare no better",
        lambda seen: seen.observation.admin in (Signal.WRONG_CERTIFICATE, Signal.WRONG_STATUS),
        "{active} answers, but not as configured: {saw}. A person must look.",
    ),
    Row(
        Finding.GONE,
        "both ports refuse, and the database has no session of it",
        ActedOn.AT_ONCE,
        "a server without a session is not active, so this can be no false alarm",
        lambda seen: seen.observation.refused and seen.sessions is not None and seen.sessions.is_no,
        "{active} is gone: both its ports refuse and the database has no session of it.",
    ),
    Row(
        Finding.LISTENER_GONE,
        "the administration interface refuses",
        ActedOn.PAST_THRESHOLD,
        "nobody can use it, but it may still write, or come back",
        lambda seen: seen.observation.admin is Signal.REFUSED,
        "The listener of {active} is gone: {saw}.",
    ),
    Row(
        Finding.HALF_DEAD,
        "the administration interface is silent or broken, but its host sends something back",
        ActedOn.PAST_THRESHOLD,
        "the second signal is its own host: the network is sound, the server is not",
        lambda seen: seen.observation.host_is_there,
        "{active} is half dead: {saw}, but its host is there.",
    ),
    Row(
        Finding.SILENT,
        "nothing comes back from it, while the other server's host answers",
        ActedOn.PAST_THRESHOLD,
        "the second signal is the other host: the watchdog's own network is sound",
        lambda seen: seen.other.host_is_there,
        "{active} is silent while the host of {other} answers: {saw}.",
    ),
    Row(
        Finding.CUT_OFF,
        "nothing comes back from either server",
        ActedOn.NEVER,
        "it may be the watchdog that is cut off",
        lambda _: True,
        "Neither server's host answers: it may be the watchdog that is cut off.",
    ),
)
"""The first row that is so names what was seen."""

AT_ONCE = tuple(row.finding for row in TABLE if row.acted_on is ActedOn.AT_ONCE)
NEVER = tuple(row.finding for row in TABLE if row.acted_on is ActedOn.NEVER)


@dataclass(frozen=True)
class Diagnosis:
    """A finding about the active server, with the sentence an operator reads."""

    finding: Finding
    sentence: str


@dataclass(frozen=True)
class Found:
    """What a probe found: the diagnosis, what it saw of each server, the dearer question that was asked, its answer."""

    diagnosis: Diagnosis
    observed: Mapping[Role, Observation] | None = None
    asked: Evidence | None = None
    answer: Verdict | None = None

    def ports(self, role: Role) -> Ports | None:
        return (self.observed[role].admin, self.observed[role].port) if self.observed else None


def diagnose(
    active: Role,
    observation: Observation,
    other: Observation,
    sessions: Verdict | None = None,
    power: Verdict | None = None,
) -> Diagnosis:
    """Name what was seen.

    Args:
        active: the server that should answer.
        observation: what was seen of it.
        other: what was seen of the other server, over the same network at the same time.
        sessions: has the active server sessions on the database? None where it was not asked.
        power: is its machine on? None where it was not asked.
    """
    seen = Observations(active, observation, other, sessions, power)
    row = next(row for row in TABLE if row.is_so(seen))
    words = {
        "active": active,
        "other": active.other,
        "saw": observation.sentence,
        "power": power.sentence if power else "",
    }
    return Diagnosis(row.finding, row.sentence.format(**words))


def confirmed(found: Sequence[Diagnosis]) -> Verdict:
    """Is the active server down, by one or more probes that were taken to confirm it? Every one must say so.

    Args:
        found: the findings, the latest first.
    """
    for each in found:
        if each.finding in NEVER and each.finding is not Finding.CUT_OFF:
            return no(each.sentence)
    for each in found:
        if each.finding is Finding.CUT_OFF:
            return unknown(each.sentence)
    return yes(found[0].sentence)


FOLLOW_UP_S = 20.0
"""For how long at most a tick that suspects an outage goes on beyond its end."""


@dataclass(frozen=True)
class Streak:
    """How many probes in a row found the active server down.

    Args:
        active: the server the streak is about; another active server begins a new one.
        failures: findings in a row that can be acted on.
        since: when the first of them was made, in seconds since 1970; 0 where there is none.
    """

    active: Role | None = None
    failures: int = 0
    since: float = 0.0

    def after(self, active: Role, finding: Finding, at: float = 0.0) -> Streak:
        """The streak after one more finding. What may be our own fault neither adds to it nor clears it.

        Args:
            at: when that finding was made, in seconds since 1970.
        """
        before = self if active is self.active else Streak(active)
        if finding is Finding.CUT_OFF:
            return before
        return Streak(active) if finding in NEVER else Streak(active, before.failures + 1, before.since or at)

    def reaches(self, active: Role, threshold: int) -> bool:
        """Whether one more failure is the one that makes it as long as the threshold."""
        return (self.failures if active is self.active else 0) + 1 == threshold


def next_probe(streak: Streak, threshold: int, last: float, now: float, interval_s: float) -> float:
    """When to probe next; the beat neither drifts nor catches up. A suspicion is followed up at twice the pace.

    Args:
        streak: after the last probe.
        threshold: failures in a row that silence needs.
        last: when the last probe was due, by the clock that `now` is of.
        now: the probe is over, and took what it took.
        interval_s: seconds from one probe to the next while all is well.
    """
    if 0 < streak.failures < threshold:
        return max(last + interval_s / 2, now)
    # Beats that have passed meanwhile are not made up for.
    return last + interval_s * max(1, math.ceil((now - last) / interval_s))


def goes_on(streak: Streak, threshold: int, over: float, end: float) -> bool:
    """Whether a tick takes one more probe, or leaves it to the next tick.

    Args:
        streak: after the last probe.
        threshold: failures in a row that silence needs.
        over: when that probe is over at the latest, by the clock that `end` is of.
        end: when the next tick begins.
    """
    # The next tick may come late, or in a process that counts from nothing: a suspicion is followed up to its end.
    return over <= end + (FOLLOW_UP_S if 0 < streak.failures < threshold else 0.0)


def is_down(diagnosis: Diagnosis, streak: Streak, threshold: int) -> Verdict:
    """Is the active server down, as far as a failover is concerned?

    Args:
        diagnosis: the latest finding.
        streak: including it.
        threshold: failures in a row that silence needs.
    """
    if diagnosis.finding is Finding.CUT_OFF:
        return unknown(diagnosis.sentence)
    if diagnosis.finding in NEVER:
        return no(diagnosis.sentence)
    if diagnosis.finding in AT_ONCE:
        return yes(diagnosis.sentence)
    enough = streak.failures > threshold
    count = f"{streak.failures} probes in a row, {threshold} are enough"
    count = count if enough else f"{streak.failures} of {threshold} probes in a row"
    if streak.failures >= threshold:
        return yes(f"{diagnosis.sentence} ({count})")
    return Verdict(Answer.NO, f"Not yet: {diagnosis.sentence} ({count})")
