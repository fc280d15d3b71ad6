"""From a run and the journal's judgement to the figures of report.json. Pure: the same run gives the same report.

docs/report.md says what each field means; a change here is a change there.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, TypedDict

from failoverctl.acceptance.report.journal import Judgement
from failoverctl.acceptance.report.record import Run
from failoverctl.report.course import Phase

_NOTED_WITHIN_S = 0.5  # moments are noted by several parties, each a little after the fact


class AgentFigures(TypedDict):
    count: int
    recovered: int
    recovered_s: float | None


class PhaseFigures(TypedDict):
    name: str
    start: float
    end: float


class ReplicationFigures(TypedDict):
    files: int
    identical: bool | None
    bytes: int
    age_s: float | None


class TurnFigures(TypedDict):
    old: str
    new: str
    at: float
    permitted: bool
    first_write_at: float | None
    takeover_s: float | None
    dual_active_s: float
    journal_violations: int


class Invariant(TypedDict):
    """One thing that must hold; `answer` is yes, no or unknown, and only yes will do."""

    name: str
    answer: str
    sentence: str


class Report(TypedDict):
    """report.json. Moments and spans are in seconds, moments from the scenario's start; None is *not known*."""

    scenario: str
    headline: str
    outcome: str
    expected: str
    ok: bool
    failure_at: float | None
    detected_at: float | None
    fenced_at: float | None
    promoted_at: float | None
    name_moved_at: float | None
    takeover_s: float | None
    detection_s: float | None
    fence_s: float | None
    dual_active_s: float
    journal_violations: int
    writes: dict[str, int]
    agents: AgentFigures
    epoch: int | None
    receipt: dict[str, Any] | None
    replication: ReplicationFigures | None
    phases: list[PhaseFigures]
    changes: list[TurnFigures]
    invariants: list[Invariant]


def report(run: Run, judgement: Judgement) -> Report:
    """Everything report.json holds, with times counted from the run's `t0`."""
    invariants = _invariants(run, judgement)
    turn = judgement.turns[-1] if judgement.turns else None
    return Report(
        scenario=run.scenario,
        headline=run.headline,
        outcome=run.outcome,
        expected=run.expected,
        ok=all(each["answer"] == "yes" or each["name"] in run.excused for each in invariants),
        failure_at=_since(run, run.failure_at),
        detected_at=_since(run, run.detected_at),
        fenced_at=_since(run, fenced_at(run)),
        promoted_at=_since(run, run.promoted_at),
        name_moved_at=_since(run, name_moved_at(run)),
        takeover_s=None if turn is None else _round(turn.takeover_s),
        detection_s=_span(run.failure_at, run.detected_at),
        fence_s=_span(run.detected_at, fenced_at(run)),
        dual_active_s=_ceil(judgement.dual_active_s),
        journal_violations=judgement.violations,
        writes=dict.fromkeys(run.servers, 0) | judgement.writes,
        agents=_agents(run),
        epoch=run.epoch,
        receipt=run.proof,
        replication=_replication(run),
        phases=[_phase(run, phase) for phase in run.phases or derived_phases(run, judgement)],
        changes=_turns(run, judgement),
        invariants=invariants,
    )


def fenced_at(run: Run) -> float | None:
    """When the fence was proven: as observed, or else as the receipt has it. The record keeps a change's receipt until
    the next one begins, so where no change was due, one from before the cause proves nothing of this run."""
    if run.fenced_at is not None or run.proof is None:
        return run.fenced_at
    verified = run.proof.get("verified_at")
    if not isinstance(verified, int | float):
        return None
    due = run.change is not None and run.change.permitted
    return float(verified) if due or verified >= (_cause(run) or run.t0) else None


def _cause(run: Run) -> float | None:
    return run.change.at if run.change is not None else run.failure_at


def name_moved_at(run: Run) -> float | None:
    """When the authoritative server first answered with the new server, after the change's cause."""
    change = run.change
    if change is None:
        return None
    return min((seen.at for seen in run.name if seen.server == change.new and seen.at >= change.at), default=None)


def active_at_end(run: Run) -> str:
    """The server that agents should be with at the end: the new one after a promotion, else the one before it."""
    change = run.change
    if change is None:
        return run.active
    return change.new if run.promoted_at is not None or run.outcome == "promoted" else change.old


def derived_phases(run: Run, judgement: Judgement) -> tuple[Phase, ...]:
    """The phases as the moments give them, for a run whose record names none."""
    first_write = judgement.turns[-1].first_write_at if judgement.turns else None
    moments = [
        ("Detect", run.failure_at, run.detected_at),
        ("Fence", run.detected_at, fenced_at(run)),
        ("Promote", fenced_at(run), first_write),
        ("Confirm", first_write, run.promoted_at),
    ]
    return tuple(
        Phase(name, start, end) for name, start, end in moments if start is not None and end is not None and end > start
    )


def agents_at(run: Run, moment: float) -> dict[str, str | None]:
    """Where each agent was at a moment; None for one that had no server."""
    where: dict[str, str | None] = {}
    for event in sorted(run.agents, key=lambda event: event.at):
        if event.at > moment:
            break
        where[event.agent] = event.server
    return where


def _agents(run: Run) -> AgentFigures:
    everyone = {event.agent for event in run.agents}
    home = active_at_end(run)
    where = agents_at(run, math.inf)
    back = {agent for agent in everyone if where[agent] == home}
    recovered_s: float | None = None
    if run.failure_at is not None and everyone and back == everyone:
        last = max((e.at for e in run.agents if e.server == home and e.at >= run.failure_at), default=run.failure_at)
        recovered_s = _round(last - run.failure_at)
    return AgentFigures(count=len(everyone), recovered=len(back), recovered_s=recovered_s)


def _turns(run: Run, judgement: Judgement) -> list[TurnFigures]:
    return [
        TurnFigures(
            old=turn.change.old,
            new=turn.change.new,
            at=_round(turn.change.at - run.t0) or 0.0,
            permitted=turn.change.permitted,
            first_write_at=_since(run, turn.first_write_at),
            takeover_s=_round(turn.takeover_s),
            dual_active_s=_ceil(turn.dual_active_s),
            journal_violations=turn.violations,
        )
        for turn in judgement.turns
    ]


def _invariants(run: Run, judgement: Judgement) -> list[Invariant]:
    found = [_one_writer(run, judgement), _witness(run, judgement), _access_group(run), _fence_first(run, judgement),
             _order(run), _outcome(run)]  # fmt: skip
    found += [Invariant(name=each.name, answer=each.answer, sentence=each.sentence) for each in run.checks]
    for each in found:
        if each["name"] in run.excused and each["answer"] != "yes":
            each["sentence"] += " (The scenario itself breaks it, and is judged without it.)"
    return found


def _one_writer(run: Run, judgement: Judgement) -> Invariant:
    name = "One writer at a time"
    if judgement.violations or judgement.dual_active_s > 0:
        sentence = (
            f"The journal holds {_count(judgement.violations, 'row')} that should not be there; "
            f"both servers wrote for {_ceil(judgement.dual_active_s):.3f} s."
        )
        return Invariant(name=name, answer="no", sentence=sentence)
    total = sum(judgement.writes.values())
    permitted = any(change.permitted for change in run.changes)
    after = "after the new server's first" if permitted else "by the standby"
    return Invariant(name=name, answer="yes", sentence=f"Of the journal's {_count(total, 'row')}, none is {after}.")


def _witness(run: Run, judgement: Judgement) -> Invariant:
    name = "The journal was watching"
    rows = _count(judgement.before_failure, "row")
    if judgement.before_failure:
        return Invariant(name=name, answer="yes", sentence=f"{run.active} wrote {rows} before the failure.")
    sentence = f"{run.active} wrote nothing before the failure, so the journal's silence afterwards proves nothing."
    return Invariant(name=name, answer="unknown", sentence=sentence)


def _access_group(run: Run) -> Invariant:
    name = "The access group allowed one at most"
    if not run.access:
        return Invariant(name=name, answer="unknown", sentence="Nobody read the database's access group.")
    pair = {run.active, run.standby}
    both = next((seen for seen in run.access if pair <= seen.servers), None)
    if both is not None:
        sentence = f"From {both.at - run.zero:+.3f} s on both servers could use the database."
        return Invariant(name=name, answer="no", sentence=sentence)
    return Invariant(name=name, answer="yes", sentence=f"None of its states allowed both ({len(run.access)} seen).")


def _fence_first(run: Run, judgement: Judgement) -> Invariant:
    """I2, for the last change: whose fence was proven when, against the first row of the new server."""
    name = "Fence before promotion"
    turn = judgement.turns[-1] if judgement.turns else None
    if turn is None or turn.first_write_at is None:
        return Invariant(
            name=name, answer="yes", sentence="No second server was promoted and wrote, so there was nothing to prove."
        )
    proven = fenced_at(run)
    if proven is None:
        sentence = f"{turn.change.new} wrote, and no receipt says that {turn.change.old} was out."
        return Invariant(name=name, answer="no", sentence=sentence)
    lead = turn.first_write_at - proven
    if lead < 0:
        sentence = f"{turn.change.new} wrote {-lead:.3f} s before {turn.change.old} was proven to be out."
        return Invariant(name=name, answer="no", sentence=sentence)
    sentence = f"{turn.change.old} was proven to be out {lead:.3f} s before {turn.change.new} first wrote."
    return Invariant(name=name, answer="yes", sentence=sentence)


def _order(run: Run) -> Invariant:
    """What is out of order was measured wrongly, say by another execution's times, and proves nothing."""
    name = "Cause before effect"
    moments = [
        ("the cause", _cause(run)),
        ("the decision", run.detected_at),
        ("the fence’s proof", fenced_at(run)),
        ("the confirmed promotion", run.promoted_at),
    ]
    known = [(what, at) for what, at in moments if at is not None]
    for (first, earlier), (second, later) in pairwise(known):
        if later < earlier - _NOTED_WITHIN_S:
            sentence = f"{second} is noted {earlier - later:.3f} s before {first}: the times are not this run’s."
            return Invariant(name=name, answer="no", sentence=sentence[0].upper() + sentence[1:])
    told = ", ".join(what for what, _ in known)
    return Invariant(name=name, answer="yes", sentence=f"In this order: {told}." if told else "There was no cause.")


def _outcome(run: Run) -> Invariant:
    name = "The outcome is the expected one"
    if run.outcome == run.expected:
        return Invariant(name=name, answer="yes", sentence=f"It ended as {run.outcome}.")
    ended = f"It ended as {run.outcome}" if run.outcome else "It never ended"
    return Invariant(name=name, answer="no", sentence=f"{ended}; expected was {run.expected}.")


def _replication(run: Run) -> ReplicationFigures | None:
    found = run.replication
    if found is None:
        return None
    return ReplicationFigures(
        files=found.files, identical=found.identical, bytes=found.bytes, age_s=_round(found.age_s)
    )


def _phase(run: Run, phase: Phase) -> PhaseFigures:
    return PhaseFigures(name=phase.name, start=round(phase.start - run.t0, 3), end=round(phase.end - run.t0, 3))


def _since(run: Run, moment: float | None) -> float | None:
    return None if moment is None else _round(moment - run.t0)


def _span(start: float | None, end: float | None) -> float | None:
    """From one moment to another; None where the second came first, for then it did not come of the first."""
    return None if start is None or end is None or end < start else _round(end - start)


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _ceil(seconds: float) -> float:
    """To the next millisecond: what was more than nothing must not become nothing."""
    return math.ceil(round(seconds * 1000, 3)) / 1000


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
