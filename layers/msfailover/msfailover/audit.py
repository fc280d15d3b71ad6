"""Are the invariants true right now? Judged by what can be seen, whatever a workflow believes or has done.

| finding          | what it means                                                          | when         | a risk |
|------------------|------------------------------------------------------------------------|--------------|--------|
| door-open        | a server that must be out can get in to the database                   | see below    | yes    |
| stray-sessions   | a server that must be out has sessions on the database                 | see below    | yes    |
| both-in          | each of the two can get in, or has sessions                            | before proof | yes    |
| record-torn      | the record contradicts itself: it was not written by this project      | always       | yes    |
| active-shut-out  | the active server can't get in                                         | at rest      | no     |
| name-elsewhere   | the DNS record does not point to the active server                     | at rest      | no     |

Who must be out? At rest the server that is not active. While a change is under way, nobody before the fence is proven
(each may be in, but not both), and from the receipt on the server that it is for. Where the receipt is by power the
door is not judged until the change is over: a machine that is off needs none.

A risk is what can lead to two servers writing at once. The other findings say that the pair is not as recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msfailover.pair import FencedBy, Pair, PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes


class NotToBeKeptOut(Exception):
    """Nothing says that this server must be out of the database now; it was left alone."""


class Finding(StrEnum):
    """What can be wrong with the pair."""

    DOOR_OPEN = "door-open"
    STRAY_SESSIONS = "stray-sessions"
    BOTH_IN = "both-in"
    RECORD_TORN = "record-torn"
    ACTIVE_SHUT_OUT = "active-shut-out"
    NAME_ELSEWHERE = "name-elsewhere"


RISKS = (Finding.DOOR_OPEN, Finding.STRAY_SESSIONS, Finding.BOTH_IN, Finding.RECORD_TORN)


@dataclass(frozen=True)
class Seen:
    """What was seen of one server.

    Args:
        door: can it get in to the database?
        sessions: has it sessions there?
    """

    door: Verdict
    sessions: Verdict

    @property
    def is_in(self) -> Verdict:
        for each in (self.sessions, self.door):
            if each.is_yes:
                return each
        doubtful = [each for each in (self.sessions, self.door) if not each.is_no]
        return doubtful[0] if doubtful else no(f"{self.door.sentence} {self.sessions.sentence}")


@dataclass(frozen=True)
class Judged:
    """One finding, and whether it is so: *yes* means that something is wrong."""

    finding: Finding
    verdict: Verdict

    @property
    def is_risk(self) -> bool:
        return self.verdict.is_yes and self.finding in RISKS


class Kind(StrEnum):
    """What the audit does by itself."""

    KEEP_OUT = "keep_out"
    END_SESSIONS = "terminate"


@dataclass(frozen=True)
class Act:
    """One thing to be done against a server that must be out."""

    kind: Kind
    server: Role


def must_be_out(state: PairState) -> Role | None:
    """The server that may not use the database now; None where the record names none."""
    lease, receipt = state.lease, state.receipt
    if lease is None:
        return state.active.other if state.active else None
    proven = receipt is not None and receipt.epoch == lease.epoch and receipt.server is lease.target.other
    return lease.target.other if proven else None


def demand_out(state: PairState, server: Role) -> None:
    """Allow an act against a server only while the record says that it must be out.

    Raises:
        NotToBeKeptOut: it is the active server, the target of a change, or one whose fence is not proven yet.
    """
    out = must_be_out(state)
    if out is not server:
        who = f"{out} must" if out else "nobody must, as far as the record tells,"
        raise NotToBeKeptOut(f"{server} is left alone: {who} be out of the database now.")


def judge(state: PairState, pair: Pair, seen: Mapping[Role, Seen], record: Verdict) -> tuple[Judged, ...]:
    """Judge what was seen.

    Args:
        state: the pair's record; it was the same before and after the looking.
        pair: the servers.
        seen: of both.
        record: where the DNS record points, as Route 53 holds it and not as a cache remembers it; its evidence holds
            `values`.

    Returns:
        a verdict for each finding that applies now; none before the pair was taken into care.
    """
    if state.active is None and state.lease is None:
        return ()
    found = {Finding.RECORD_TORN: _record_torn(state)}
    out = must_be_out(state)
    if out is None:
        found[Finding.BOTH_IN] = _both_in(seen)
    else:
        if state.lease is None or (state.receipt is not None and state.receipt.by is FencedBy.DATABASE):
            found[Finding.DOOR_OPEN] = seen[out].door
        found[Finding.STRAY_SESSIONS] = seen[out].sessions
    if state.lease is None and state.active is not None:
        found[Finding.ACTIVE_SHUT_OUT] = _opposite(seen[state.active].door)
        found[Finding.NAME_ELSEWHERE] = _name_elsewhere(state.active, pair, record)
    return tuple(Judged(finding, verdict) for finding, verdict in found.items())


def acts(state: PairState, judged: Sequence[Judged]) -> tuple[Act, ...]:
    """What to do about it: the door first, for an ended session would come back through an open one."""
    out = must_be_out(state)
    if out is None:
        return ()
    wrong = {each.finding for each in judged if each.verdict.is_yes}
    wanted = ((Finding.DOOR_OPEN, Kind.KEEP_OUT), (Finding.STRAY_SESSIONS, Kind.END_SESSIONS))
    return tuple(Act(kind, out) for finding, kind in wanted if finding in wrong)


def split_brain_risk(judged: Sequence[Judged]) -> Verdict:
    """Can two servers write at once? Yes where any risk is found; no only where none is, and none is unknown."""
    risks = [each for each in judged if each.finding in RISKS]
    for word in (Answer.YES, Answer.UNKNOWN):
        told = [f"{each.finding}: {each.verdict.sentence}" for each in risks if each.verdict.answer is word]
        if told:
            return Verdict(word, " ".join(told))
    return no("At most one server can use the database.")


def _record_torn(state: PairState) -> Verdict:
    lease, receipt = state.lease, state.receipt
    if lease is not None and lease.epoch <= state.epoch:
        return yes(f"The lease is for epoch {lease.epoch}, but the pair is in epoch {state.epoch} already.")
    latest = lease.epoch if lease else state.epoch
    if receipt is not None and receipt.epoch > latest:
        return yes(f"The receipt is of epoch {receipt.epoch}, but no change has got further than epoch {latest}.")
    if lease is None and receipt is not None and receipt.server is state.active:
        return yes(f"{state.active} is active, but the last receipt says that it is out.")
    return no("The record agrees with itself.")


def _both_in(seen: Mapping[Role, Seen]) -> Verdict:
    within = {role: seen[role].is_in for role in Role}
    for role, verdict in within.items():
        if verdict.is_no:
            return no(f"{role} is out of the database.")
    if all(verdict.is_yes for verdict in within.values()):
        return yes(" ".join(verdict.sentence for verdict in within.values()))
    return unknown(next(verdict.sentence for verdict in within.values() if not verdict.is_yes))


def _name_elsewhere(active: Role, pair: Pair, record: Verdict) -> Verdict:
    if record.answer is Answer.UNKNOWN:
        return unknown(record.sentence)
    points_there = pair.server(active).owns_all(record.evidence.get("values", ()))
    return no(record.sentence) if points_there else yes(f"{active} is active, but {record.sentence}")


def _opposite(verdict: Verdict) -> Verdict:
    opposite = {Answer.YES: Answer.NO, Answer.NO: Answer.YES}.get(verdict.answer, Answer.UNKNOWN)
    return Verdict(opposite, verdict.sentence, verdict.evidence)
