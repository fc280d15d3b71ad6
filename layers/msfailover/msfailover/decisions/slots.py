"""When the watchdog's turn is: slots are due at equal distances, seeded ahead of time, and each is taken once.

A slot is a message of a queue that becomes visible when it is due. The schedule's call seeds those of the next
minutes; a process that is handed one probes, and keeps what it observed by one conditional write. So no slot hangs on
the one before it: a process that dies costs its own slot, a schedule that fires late costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from msfailover.decisions.detection import Finding, Streak, goes_on, next_probe
from msfailover.pair import Role
from msfailover.verdict import Verdict, no, yes
from msfailover.watching import RUN_LASTS_S, Ports, Run, Watching

AHEAD_S = 250.0
"""Seconds for which slots are seeded: two of the schedule's calls may be lost, and the third come a minute late."""
SHORTEST_S = 1.0
"""Seconds from one slot to the next, at least: a queue delays by whole seconds. A slot has several probes then."""
EARLIER_FROM_MS = 2000
"""Milliseconds from slot to slot, from which on those that are seeded now come earlier by the part of a second that is
left until the first of them: a queue delays by whole seconds, and nobody has to wait for the rest."""
LATE_AT_MOST_S = 5.0
"""Seconds that a slot may come late, beyond the intervals that may be lost, and failures still count as in a row."""

CLOCKS_DIFFER_MS = 2000
"""Milliseconds by which the clocks of two processes may differ. A time that lies further ahead was written by a clock
that was wrong, or by hand: it is believed by nobody, or all would wait for it to come."""

MARGIN_S = 0.3
"""Seconds between the end of the last probe of a turn, at the latest, and somebody else's next one."""


@dataclass(frozen=True)
class Pace:
    """The settings of the probing: seconds from probe to probe, seconds for an answer, failures that silence needs."""

    interval_s: float
    timeout_s: float
    threshold: int


@dataclass(frozen=True)
class Following:
    """What follows a probe: the failures in a row with it, whether the same call probes again, and when that is due."""

    streak: Streak
    goes_on: bool
    due: float


@dataclass(frozen=True)
class Turn:
    """From when to when a call probes, by one clock, and in which slot.

    Args:
        slot_ms: when the slot was due, in milliseconds since 1970; 0 for none.
        last_s: until when a probe may be due that is of this turn; a suspicion is followed up beyond it.
        next_s: when somebody else probes.
        again_s: until when a probe that AWS refused is tried again.
    """

    slot_ms: int
    last_s: float
    next_s: float
    again_s: float

    @classmethod
    def of_slot(cls, slot_ms: int, now: float, interval_s: float) -> Turn:
        """A slot's: one probe, or as many as there are intervals from slot to slot."""
        spacing = spacing_s(interval_s)
        return cls(slot_ms, now + spacing - interval_s / 2, now + spacing, now + 0.75 * spacing)

    @classmethod
    def of_minute(cls, now: float, seconds: float, timeout_s: float) -> Turn:
        """That of a schedule's call without slots: probes until the next call."""
        end = now + seconds
        return cls(0, end - timeout_s - MARGIN_S, end, end)

    @classmethod
    def alone(cls, now: float) -> Turn:
        """A single probe's."""
        return cls(0, -math.inf, now, now)

    def next_beat(self, due: float, interval_s: float) -> Following:
        """What follows a probe that counted for nothing: the next one, if it is of this turn."""
        return Following(Streak(), due + interval_s <= self.last_s, due + interval_s)

    def following(self, streak: Streak, due: float, now: float, pace: Pace) -> Following:
        """Whether the same call takes one more probe.

        Args:
            streak: after the last probe.
            due: when that was due.
            now: the time, by the clock of the turn.
            pace: the settings.
        """
        again = next_probe(streak, pace.threshold, due, now, pace.interval_s)
        return Following(streak, goes_on(streak, pace.threshold, again, self.last_s), again)


def spacing_s(interval_s: float) -> float:
    """Seconds from one slot to the next: the interval, or as many of them as make a second."""
    return interval_s * max(1, math.ceil(SHORTEST_S / interval_s - 1e-9))


def to_seed(seeded_until_ms: int, now_ms: int, interval_s: float) -> list[int]:
    """The slots to send now, by when they are due; empty where all are seeded.

    Args:
        seeded_until_ms: the last one that was sent, in milliseconds since 1970.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    step, last = round(spacing_s(interval_s) * 1000), now_ms + round(AHEAD_S * 1000)
    seeded_ms = seeded_until_ms if seeded_until_ms <= farthest_ms(now_ms) else 0
    first = seeded_ms + step if seeded_ms + step > now_ms else now_ms + step
    if step >= EARLIER_FROM_MS:
        first -= (first - now_ms) % 1000
    return list(range(first, last + 1, step))


def farthest_ms(now_ms: int) -> int:
    """Until when slots may have been seeded at most; what lies further ahead was written by a clock that was wrong."""
    return now_ms + 2 * round(AHEAD_S * 1000)


def believed(kept: Watching, now_ms: int, interval_s: float) -> Watching:
    """What the watchdog keeps, without what cannot be so: times that have not come yet, less than no failures.

    Args:
        kept: as it was read.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    latest, busiest = now_ms + CLOCKS_DIFFER_MS, now_ms + CLOCKS_DIFFER_MS + round(spacing_s(interval_s) * 1000)
    return replace(
        kept,
        slot_ms=kept.slot_ms if kept.slot_ms <= latest else 0,
        probed_ms=kept.probed_ms if kept.probed_ms <= latest else 0,
        busy_until_ms=kept.busy_until_ms if kept.busy_until_ms <= busiest else 0,
        failures=max(0, kept.failures),
        failed_since_ms=kept.failed_since_ms if kept.failures > 0 and 0 < kept.failed_since_ms <= latest else 0,
    )


def are_not_delivered(kept: Watching, now_ms: int, interval_s: float) -> bool:
    """Whether there are slots and nobody is handed them: the mapping is switched off, or the queue was purged.

    Args:
        kept: what the watchdog keeps.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    spacing_ms = round(spacing_s(interval_s) * 1000)
    if not kept.probed_ms or kept.seeded_until_ms + spacing_ms <= now_ms:
        return False
    return now_ms - kept.slot_ms > 2 * spacing_ms + LATE_AT_MOST_S * 1000


def ran_out(kept: Watching, now_ms: int, interval_s: float) -> Verdict:
    """Is it the schedule's call that has to probe? Yes where no slot was left, or nobody took those there were.

    Args:
        kept: what the watchdog keeps, as it was before slots were seeded now.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    spacing_ms = round(spacing_s(interval_s) * 1000)
    if kept.seeded_until_ms + spacing_ms <= now_ms:
        return yes("No slot was left.")
    quiet_s = (now_ms - kept.probed_ms) / 1000
    if are_not_delivered(kept, now_ms, interval_s):
        # Whoever has probed since then was a call of the schedule as this one is.
        lately = f" for {(now_ms - kept.slot_ms) / 1000:.0f} s" if kept.slot_ms else ""
        return yes(f"Nobody has taken a slot{lately}.")
    if now_ms < kept.busy_until_ms or quiet_s <= 2 * spacing_ms / 1000:
        return no("The slots are taken.")
    return yes(f"Nobody has probed for {quiet_s:.0f} s." if kept.probed_ms else "Nobody has probed yet.")


def admit(slot_ms: int, kept: Watching, now_ms: int, interval_s: float) -> Verdict:
    """May this slot be probed in? No for one that was delivered twice, or so late that somebody has probed since.

    Nor where the last probe has only just begun, for a slot before this one that came late: two failures in a moment
    are not two in a row.

    Args:
        slot_ms: when it was due, in milliseconds since 1970.
        kept: what the watchdog keeps.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    if slot_ms <= kept.slot_ms:
        return no("This slot, or a later one, was taken already.")
    if slot_ms <= kept.probed_ms:
        return no("Somebody has probed since this slot was due.")
    if now_ms < kept.busy_until_ms:
        return no(f"Another process goes on probing for {(kept.busy_until_ms - now_ms) / 1000:.1f} s.")
    if 0 <= now_ms - kept.probed_ms < interval_s * 500:
        return no(f"Somebody has probed {(now_ms - kept.probed_ms) / 1000:.1f} s ago.")
    return yes("The slot is due.")


def is_elsewhere(kept: Watching, process: str, now_ms: int, interval_s: float) -> bool:
    """Whether another process goes on probing, or has only just probed, so that a probe in no slot is not for this one.

    Args:
        kept: what the watchdog keeps.
        process: this one, as it would keep it.
        now_ms: the time.
        interval_s: seconds from one probe to the next.
    """
    recently = 0 <= now_ms - kept.probed_ms < interval_s * 500
    return kept.by != process and (now_ms < kept.busy_until_ms or recently)


def streak_of(kept: Watching, now_ms: int, pace: Pace) -> Streak:
    """The failures in a row so far. They are in a row only while no more than a few probes were missed in between.

    Args:
        kept: what the watchdog keeps.
        now_ms: the time.
        pace: the settings.
    """
    longest_s = 3 * spacing_s(pace.interval_s) + 2 * pace.timeout_s + LATE_AT_MOST_S
    if now_ms - kept.probed_ms > longest_s * 1000:
        return Streak()
    return Streak(kept.streak_of, kept.failures, kept.failed_since_ms / 1000)


def busy_for_s(following: Following, now: float, pace: Pace) -> float:
    """For how long other processes leave the probing to this one, in seconds.

    As long as its next probe may take, and no longer than from slot to slot: if it dies, it costs one slot more.

    Args:
        following: what follows the probe that is over.
        now: the time, by the clock of its turn.
        pace: the settings.
    """
    if not following.goes_on:
        return 0.0
    return min(max(0.0, following.due - now) + 2 * pace.timeout_s, spacing_s(pace.interval_s))


@dataclass(frozen=True)
class Probed:
    """One probe: what it observed, and what that makes of the failures in a row.

    Args:
        began_ms: when it began, in milliseconds since 1970.
        active: the server that should answer.
        epoch: the pair's epoch.
        ms1: what was observed of it; None where the probe could not be asked.
        ms2: as `ms1`.
        asked: the dearer question that was asked; empty for none.
        answer: its answer; empty where none was asked.
        finding: what it comes to.
        streak: including it.
        threshold: failures in a row that silence needs.
    """

    began_ms: int
    active: Role
    epoch: int
    ms1: Ports | None
    ms2: Ports | None
    asked: str
    answer: str
    finding: Finding
    streak: Streak
    threshold: int


def after_probe(
    kept: Watching, probed: Probed, slot_ms: int, busy_until_ms: int, by: str
) -> tuple[Watching, Run | None]:
    """What is to be kept after a probe, and the run that has ended by it, if one has.

    Args:
        kept: as it was read before the probe.
        probed: the probe.
        slot_ms: the slot it was taken in; 0 for none.
        busy_until_ms: until when this process goes on by itself.
        by: which process this is.
    """
    began_s, before = probed.began_ms / 1000, kept.run
    gap_s = began_s - kept.probed_ms / 1000 if kept.probed_ms else 0.0
    one = Run(
        began_s,
        began_s,
        1,
        gap_s,
        probed.active,
        probed.epoch,
        probed.ms1,
        probed.ms2,
        probed.asked,
        probed.answer,
        probed.finding.value,
        probed.streak.failures,
        probed.threshold,
    )
    # One from the future was begun by a clock that was wrong.
    lasts = before is not None and -CLOCKS_DIFFER_MS / 1000 <= began_s - before.from_s < RUN_LASTS_S
    ended = before if before and not (before.observed == one.observed and lasts) else None
    if before is not None and ended is None:
        longest = max(before.longest_gap_s, gap_s)
        one = replace(one, from_s=before.from_s, count=before.count + 1, longest_gap_s=longest)
    after = Watching(
        seeded_until_ms=kept.seeded_until_ms,
        slot_ms=max(kept.slot_ms, slot_ms),
        probed_ms=max(probed.began_ms, kept.probed_ms + 1),
        busy_until_ms=busy_until_ms,
        by=by,
        streak_of=probed.streak.active,
        failures=probed.streak.failures,
        failed_since_ms=round(probed.streak.since * 1000),
        run=one,
    )
    return after, ended
