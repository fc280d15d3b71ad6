"""What the signals mean: one named finding for each combination, its sentence, and whether it is acted on.

| finding       | signals                                                                     | acted on           |
|---------------|-----------------------------------------------------------------------------|--------------------|
| healthy       | the administration interface answers                                        | never              |
| machine-off   | EC2 says stopped or terminated                                              | at once            |
| gone          | both ports refused, and no session on the database                          | at once            |
| listener-gone | the administration interface refuses                                        | past the threshold |
| half-dead     | the administration interface is silent or broken, but its host is there     | past the threshold |
| silent        | nothing answers, but the other server's host does                           | past the threshold |
| cut-off       | nothing answers, of neither server: it may be the watchdog that is cut off  | never              |
| misconfigured | an answer with a certificate or status that is not accepted: it is not down | never              |

A server without a session on the database is not active, so *gone* can't be a false alarm. Silence says little: it
needs the threshold and a second signal, the other server's host, which is asked over the same network.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msfailover.pair import Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes


class Signal(StrEnum):
    """What came back from one port. A refusal says that the listener is gone; a silence says little."""

    ANSWERS = "answers"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    WRONG_CERTIFICATE = "wrong certificate"
    WRONG_STATUS = "wrong status"
    BROKEN = "broken"


class Finding(StrEnum):
    """The name of a combination of signals."""

    HEALTHY = "healthy"
    MACHINE_OFF = "machine-off"
    GONE = "gone"
    LISTENER_GONE = "listener-gone"
    HALF_DEAD = "half-dead"
    SILENT = "silent"
    CUT_OFF = "cut-off"
    MISCONFIGURED = "misconfigured"


AT_ONCE = (Finding.MACHINE_OFF, Finding.GONE)
NEVER = (Finding.HEALTHY, Finding.CUT_OFF, Finding.MISCONFIGURED)


@dataclass(frozen=True)
class Look:
    """What one probe of one server saw: the signals of its two ports, and the administration interface's sentence."""

    admin: Signal
    port: Signal
    sentence: str = ""

    @property
    def host_is_there(self) -> bool:
        """Something at that address sent a packet back; even a refusal does."""
        mute = (Signal.SILENT, Signal.UNREACHABLE)
        return self.admin not in mute or self.port not in mute


@dataclass(frozen=True)
class Diagnosis:
    """A finding about the active server, with the sentence an operator reads."""

    finding: Finding
    sentence: str


def diagnose(
    active: Role, look: Look, other: Look, sessions: Verdict | None = None, power: Verdict | None = None
) -> Diagnosis:
    """Name what was seen.

    Args:
        active: the server that should answer.
        look: what was seen of it.
        other: what was seen of the other server, over the same network at the same time.
        sessions: has the active server sessions on the database? None where it was not asked.
        power: is its machine on? None where it was not asked.
    """
    if look.admin is Signal.ANSWERS:
        return Diagnosis(Finding.HEALTHY, f"{active} is healthy: {look.sentence}.")
    if power is not None and power.is_no:
        return Diagnosis(Finding.MACHINE_OFF, f"{active} is off: {power.sentence}")
    if look.admin in (Signal.WRONG_CERTIFICATE, Signal.WRONG_STATUS):
        return Diagnosis(
            Finding.MISCONFIGURED, f"{active} answers, but not as configured: {look.sentence}. A person must look."
        )
    refused = look.admin is Signal.REFUSED
    if refused and look.port is Signal.REFUSED and sessions is not None and sessions.is_no:
        return Diagnosis(
            Finding.GONE, f"{active} is gone: both its ports refuse and the database has no session of it."
        )
    if refused:
        return Diagnosis(Finding.LISTENER_GONE, f"The listener of {active} is gone: {look.sentence}.")
    if look.host_is_there:
        return Diagnosis(Finding.HALF_DEAD, f"{active} is half dead: {look.sentence}, but its host is there.")
    if other.host_is_there:
        return Diagnosis(
            Finding.SILENT, f"{active} is silent while the host of {active.other} answers: {look.sentence}."
        )
    return Diagnosis(Finding.CUT_OFF, "Neither server's host answers: it may be the watchdog that is cut off.")


@dataclass(frozen=True)
class Streak:
    """How many probes in a row found the active server down.

    Args:
        active: the server the streak is about; another active server begins a new one.
        failures: findings in a row that can be acted on.
    """

    active: Role | None = None
    failures: int = 0

    def after(self, active: Role, finding: Finding) -> Streak:
        """The streak after one more finding. What may be our own fault neither adds to it nor clears it."""
        failures = self.failures if active is self.active else 0
        if finding is Finding.CUT_OFF:
            return Streak(active, failures)
        return Streak(active, 0 if finding in NEVER else failures + 1)


def is_down(diagnosis: Diagnosis, streak: Streak, threshold: int) -> Verdict:
    """Is the active server down, as far as a failover should care?

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
    count = f"{streak.failures} of {threshold} probes in a row"
    if streak.failures >= threshold:
        return yes(f"{diagnosis.sentence} ({count})")
    return Verdict(Answer.NO, f"Not yet: {diagnosis.sentence} ({count})")
