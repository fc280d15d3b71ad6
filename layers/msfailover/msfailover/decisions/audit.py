"""Are the invariants true right now? Judged by what can be seen, whatever a workflow believes or has done.

| finding                 | what it means                                                | when            | a risk |
|-------------------------|--------------------------------------------------------------|-----------------|--------|
| access-open             | a server that must be out can get in to the database         | see below       | yes    |
| stray-sessions          | a server that must be out has sessions on the database       | see below       | yes    |
| both-in                 | each of the two can get in, or has sessions                  | before proof    | yes    |
| record-torn             | the record contradicts itself: not written by this project   | always          | yes    |
| active-without-access   | the active server can't get in                               | at rest         | no     |
| name-elsewhere          | the DNS record does not point to the active server           | at rest         | no     |
| stray-rules             | the access group or the ACLs hold what is not expected there | see below       | no     |
| network-open            | the network ACLs do not deny a server that must be out       | see below       | no     |
| listed-sessions         | a server that the network cuts off has sessions listed still | see below       | no     |
| two-services            | the service of a server that must be out runs (services.py)  | at rest, halted | no     |
| active-without-database | the active server answers without its database (services.py) | at rest         | no     |
| not-recorded            | the execution that holds the lease has ended without saying how | in a change  | no     |

Who must be out? At rest the server that is not active. While a change is under way, nobody before the fence is proven
(each may be in, but not both), and from the receipt on the server that it is for. Where the receipt is by power access
group and network are not judged until the change is over: a machine that is off needs neither. What the network cuts
off, by a path that is known to be direct, is out whatever rules and lists show: then nobody has access, and no
session strays.

A risk is what can lead to two servers writing at once. The other findings say that the pair is not as recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msfailover.decisions import database_object, database_path
from msfailover.pair import FencedBy, Pair, PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes


class NotToBeKeptOut(Exception):
    """Nothing says that this server must be out of the database now; it was left alone."""


class Finding(StrEnum):
    """What can be wrong with the pair."""

    ACCESS_OPEN = "access-open"
    STRAY_SESSIONS = "stray-sessions"
    BOTH_IN = "both-in"
    RECORD_TORN = "record-torn"
    ACTIVE_WITHOUT_ACCESS = "active-without-access"
    NAME_ELSEWHERE = "name-elsewhere"
    STRAY_RULES = "stray-rules"
    NETWORK_OPEN = "network-open"
    LISTED_SESSIONS = "listed-sessions"
    TWO_SERVICES = "two-services"
    ACTIVE_WITHOUT_DATABASE = "active-without-database"
    NOT_RECORDED = "not-recorded"


RISKS = (Finding.ACCESS_OPEN, Finding.STRAY_SESSIONS, Finding.BOTH_IN, Finding.RECORD_TORN)


@dataclass(frozen=True)
class Seen:
    """What was seen of one server.

    Args:
        access: can it get in to the database?
        sessions: has it sessions there?
        network: is it cut off? None where there are no network ACLs.
        direct: is its way to the database a direct one, so that cutting its addresses cuts it?
        stray: rules of the access group that are not expected where this server must be out.
        useless: entries under its numbers that deny an address which is not its: of no use, or another stack's.
        denials: entries of ours that deny the server.
    """

    access: Verdict
    sessions: Verdict
    network: Verdict | None = None
    direct: Verdict | None = None
    stray: tuple[str, ...] = ()
    useless: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether no packet of the server reaches the database, whatever rules and lists show."""
        return all(each is not None and each.is_yes for each in (self.network, self.direct))

    @property
    def is_in(self) -> Verdict:
        if self.is_cut and self.network is not None:
            return no(self.network.sentence)
        for each in (self.sessions, self.access):
            if each.is_yes:
                return each
        doubtful = [each for each in (self.sessions, self.access) if not each.is_no]
        return doubtful[0] if doubtful else no(f"{self.access.sentence} {self.sessions.sentence}")


def seen_of(state: PairState, access: Verdict, sessions: Verdict, vouched: bool) -> Seen:
    """What the answers of `database_access` and `database_sessions` come to, both asked for the `status` of a server.

    Args:
        state: the record.
        vouched: whether the owner says that the path is direct.
    """
    told = access.evidence.get("network")
    network = Verdict.from_json(told) if isinstance(told, Mapping) else None
    if network is not None and network.is_yes:
        # Whom it cuts off is cut off from what stands behind the access group, which must be the database.
        right = database_object.is_right(access, sessions)
        network = network if right.is_yes else unknown(right.sentence)
    lists = {name: tuple(map(str, access.evidence.get(name, ()))) for name in ("stray", "useless", "denials")}
    access = database_object.about_the_database(access, sessions)
    return Seen(access, sessions, network, database_path.is_direct(state, vouched), **lists)


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
    END_SESSIONS = "end_sessions"
    STOP_AGAIN = "stop_again"


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


def demand_out(state: PairState, server: Role, epoch: int | None = None) -> None:
    """Allow an act against a server only while the record says that it must be out.

    Args:
        epoch: the epoch that the act is of, where it has one.

    Raises:
        NotToBeKeptOut: it is the active server, the target of a change, or one whose fence is not proven yet; or the
            act is of another epoch.
    """
    out = must_be_out(state)
    current = state.lease.epoch if state.lease else state.epoch
    if epoch is not None and epoch != current:
        raise NotToBeKeptOut(f"{server} is left alone: this order is of epoch {epoch}, and the pair is in {current}.")
    if out is not server:
        who = f"{out} must" if out else "nobody must, as far as the record tells,"
        raise NotToBeKeptOut(f"{server} is left alone: {who} be out of the database now.")


def demand_endable(state: PairState, server: Role, epoch: int) -> None:
    """Allow a server's sessions to be ended only while a change away from it is under way, or the record says that it
    must be out; both in that epoch.

    Raises:
        NotToBeKeptOut: neither is so: a late order, or one of another change, never ends the active server's sessions.
    """
    lease = state.lease
    if lease is None or lease.epoch != epoch or lease.target is server:
        demand_out(state, server, epoch)


def judge(state: PairState, pair: Pair, seen: Mapping[Role, Seen], record: Verdict) -> tuple[Judged, ...]:
    """Judge what was seen.

    Args:
        state: the pair's record; it was the same before and after everything was read.
        pair: the servers.
        seen: of both.
        record: where the DNS record points, as Route 53 holds it and not as a cache remembers it; its evidence holds
            `values`.

    Returns:
        a verdict for each finding that applies now; none before the pair was adopted.
    """
    if state.active is None and state.lease is None:
        return ()
    found = {Finding.RECORD_TORN: _record_torn(state)}
    out = must_be_out(state)
    if out is None:
        found[Finding.BOTH_IN] = _both_in(seen)
    else:
        if state.lease is None or (state.receipt is not None and state.receipt.by is not FencedBy.POWER):
            found |= _of_access(out, seen)
        found |= _of_sessions(seen[out])
    if state.lease is None and state.active is not None:
        found[Finding.ACTIVE_WITHOUT_ACCESS] = _without_access(state.active, seen[state.active])
        found[Finding.NAME_ELSEWHERE] = _name_elsewhere(state.active, pair, record)
    return tuple(Judged(finding, verdict) for finding, verdict in found.items())


def is_left(state: PairState) -> bool:
    """Whether the lease is one that its execution has to give back itself: a halted change keeps it for a person."""
    return state.lease is not None and not state.halted


def not_recorded(state: PairState, runs: Verdict) -> tuple[Judged, ...]:
    """Judge whether a change was left half done: it has ended, and the record does not say how.

    Args:
        state: the pair's record; it was the same before and after the execution was asked for.
        runs: does the execution that holds the lease still run?
    """
    if not is_left(state) or state.lease is None:
        return ()
    what = f"{state.lease.action} to {state.lease.target}"
    told = f"The {what} was left half done: {runs.sentence} Nothing else starts before a person resumes it."
    return (Judged(Finding.NOT_RECORDED, yes(told) if runs.is_no else _opposite(runs)),)


def acts(state: PairState, judged: Sequence[Judged]) -> tuple[Act, ...]:
    """What to do about it: the access group first, for an ended session would come back through an open one."""
    out = must_be_out(state)
    if out is None:
        return ()
    wrong = {each.finding for each in judged if each.verdict.is_yes}
    wanted = {
        Kind.KEEP_OUT: {Finding.ACCESS_OPEN, Finding.STRAY_RULES, Finding.NETWORK_OPEN},
        Kind.END_SESSIONS: {Finding.STRAY_SESSIONS, Finding.LISTED_SESSIONS},
    }
    return tuple(Act(kind, out) for kind, findings in wanted.items() if findings & wrong)


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


def _of_access(out: Role, seen: Mapping[Role, Seen]) -> dict[Finding, Verdict]:
    """What group and network say of the server that must be out."""
    its, network = seen[out], seen[out].network
    access = its.access
    if its.is_cut and network is not None:
        access = no(
            network.sentence if access.is_no else f"{network.sentence} So it does not matter that {access.sentence}"
        )
    # Also where the network cuts it off: entries can be lost, and then its own rule in the access group allows it.
    strays = (*its.stray, *its.useless, *seen[out.other].useless)
    stray = yes(f"Not expected: {'; '.join(strays[:5])}.") if strays else no("Every rule and entry is as expected.")
    found = {Finding.ACCESS_OPEN: access, Finding.STRAY_RULES: stray}
    return found if network is None else {**found, Finding.NETWORK_OPEN: _opposite(network)}


def _of_sessions(its: Seen) -> dict[Finding, Verdict]:
    """What the list says of the server that must be out: one that is cut off may hold locks, and no more."""
    if its.is_cut and its.network is not None:
        return {Finding.STRAY_SESSIONS: no(its.network.sentence), Finding.LISTED_SESSIONS: its.sessions}
    return {Finding.STRAY_SESSIONS: its.sessions}


def _without_access(active: Role, its: Seen) -> Verdict:
    if its.denials:
        return yes(f"{active} is active, but {its.denials[0]} denies it.")
    return _opposite(its.access)


def _opposite(verdict: Verdict) -> Verdict:
    opposite = {Answer.YES: Answer.NO, Answer.NO: Answer.YES}.get(verdict.answer, Answer.UNKNOWN)
    return Verdict(opposite, verdict.sentence, verdict.evidence)
