"""How the pair's record changes: taking the lease, keeping the proof, turning back, and the six ways to end.

Pure: each function takes the record as read and returns it as it is to be; the table writes it only if nobody else did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from msfailover.decisions import epochs, fence
from msfailover.decisions.admission import Plan
from msfailover.history import History, Outcome
from msfailover.pair import FencedBy, Lease, PairState, Receipt, Role
from msfailover.request import AUTOMATIC, Action, Request


class LeaseLost(Exception):
    """The execution that wants to write does not hold the lease (any more); it must touch nothing further."""


class TooLate(Exception):
    """A lease is asked for by a call that nobody awaits any more: its execution has continued without it, and ended."""


class NotSettled(Exception):
    """A proof rests on rules or entries that may change still by an order of before; it was not kept."""


REPEATED_WITHIN_S = 600.0
"""Seconds within which the same end of the same kind of request is no news."""


def is_repeat(line: History, earlier: Iterable[History]) -> bool:
    """Whether this was notified a moment ago: while an outage lasts that can't be ended, the watchdog asks on.

    Args:
        line: how a change ended.
        earlier: the lines of the history, newest first; its own may be among them.
    """
    last = next((each for each in earlier if each.execution != line.execution), None)
    if last is None or line.outcome is not Outcome.BLOCKED or line.requested_by not in AUTOMATIC:
        return False
    same = (last.outcome, last.epoch, last.requested_by in AUTOMATIC) == (line.outcome, line.epoch, True)
    return same and line.ended_at - last.ended_at < REPEATED_WITHIN_S


GRANT_SETTLES_S = 5.0
"""Seconds after which nothing is on its way any more that EC2 was asked for to grant a server access. A call whose
answer was lost may be carried out after it was given up (the client waits 4 s for one), and EC2's changes take "a small
delay"."""


def unsettled_s(state: PairState, server: Role, now: float) -> float:
    """Seconds until a reading without access can be believed: before that a late order of the change that
    it was the target of may still grant it."""
    left = state.grant_settles_at - now if state.granted is server else 0.0
    return max(0.0, min(left, GRANT_SETTLES_S))


def _granted(state: PairState, now: float) -> PairState:
    """The record as a change's authority to grant its target access ends: it may have begun since the proof."""
    lease, receipt = state.lease, state.receipt
    if lease is None or receipt is None or receipt.epoch != lease.epoch:
        return state
    unseen = lease.epoch if state.path_seen_epoch != lease.epoch else state.path_unseen_epoch
    state = replace(state, path_unseen_epoch=unseen)
    return replace(state, granted=lease.target, grant_settles_at=now + GRANT_SETTLES_S)


BEGIN_LASTS_S = 30.0
"""Seconds for which the workflow's state Begin waits. What comes later would take the lease for an ended execution."""


def take_lease(state: PairState, plan: Plan, request: Request, execution: str, now: float, entered: float) -> PairState:
    """The record with the lease taken. A proof from before counts only for the same change, resumed.

    Args:
        entered: when the workflow began to wait for this, in seconds since 1970.

    Raises:
        TooLate: it does not wait any more.
    """
    held = state.lease
    if held is not None and held.execution == execution:
        return state
    if now - entered > BEGIN_LASTS_S:
        raise TooLate(
            f"{execution} asked for the lease {now - entered:.0f} s ago and waits {BEGIN_LASTS_S:g} s for it; the lease"
            " was not taken, and nothing was touched. Ask again."
        )
    same_change = held is not None and held.target is plan.target and held.epoch == plan.epoch
    lease = Lease(
        execution=execution,
        action=plan.action.value,
        target=plan.target,
        epoch=plan.epoch,
        reason=request.reason,
        requested_by=request.requested_by,
        taken_at=now,
        counts_from=_counts_from(held if same_change else None, request.first_failed_at, now),
    )
    return replace(state, lease=lease) if same_change else replace(_granted(state, now), lease=lease, receipt=None)


FIRST_FAILED_AT_MOST_S = 86400.0
"""Seconds that a first failed probe may be past: what is said to be longer ago was not of this outage."""


def _counts_from(resumed: Lease | None, first_failed_at: float, now: float) -> float:
    """From when on the seconds until a server serves count; a resumed change goes on counting."""
    if resumed is not None:
        return resumed.counts_from or resumed.taken_at
    return first_failed_at if 0 < now - first_failed_at <= FIRST_FAILED_AT_MOST_S else now


def keep_receipt(state: PairState, execution: str, receipt: Receipt) -> PairState:
    """The record with the fence's proof in it.

    Raises:
        LeaseLost: the lease is not this execution's, or is for another epoch.
        NotSettled: it was read while an order that grants the server access might still be on its way.
    """
    lease = own_lease(state, execution)
    if lease.epoch != receipt.epoch or lease.target is receipt.server:
        raise LeaseLost(
            f"The receipt for {receipt.server} in epoch {receipt.epoch} is not of the change under way"
            f" ({lease.action} to {lease.target}, epoch {lease.epoch}); it was not kept."
        )
    if receipt.by is not FencedBy.POWER and unsettled_s(state, receipt.server, receipt.verified_at) > 0:
        raise NotSettled(
            f"{receipt.server} was granted access a moment ago, and what was asked for that may take effect still; the"
            f" receipt by {receipt.by} was not kept. It can be proven in {GRANT_SETTLES_S:g} s."
        )
    return replace(state, receipt=receipt)


def aim(state: PairState, execution: str, target: Role, remembered: int = 0, now: float = 0.0) -> PairState:
    """The record with the lease's target as the survey found it (adopt), in an epoch that both hosts will take.

    Args:
        remembered: the highest epoch that a host remembers: of a pair whose record is new, but whose hosts are not.
        now: seconds since 1970.
    """
    lease = own_lease(state, execution)
    proven = state.receipt is not None and state.receipt.epoch == lease.epoch
    if proven and lease.target is target and remembered <= lease.epoch:
        return state  # a survey delivered again: the epoch that the hosts remember is this change's own
    # Once a fence is proven, orders of this epoch may be on their way to the other server.
    least = lease.epoch + 1 if proven and lease.target is not target else lease.epoch
    aimed = replace(lease, target=target, epoch=max(least, remembered + 1))
    same = (aimed.target, aimed.epoch) == (lease.target, lease.epoch)
    return replace(state if same else _granted(state, now), lease=aimed, receipt=state.receipt if same else None)


def turn_back(state: PairState, execution: str, now: float = 0.0) -> PairState:
    """The record with the change turned round: a change of its own, with the next epoch and no proof yet."""
    lease = own_lease(state, execution)
    if lease.action != Action.SWITCHOVER:
        raise LeaseLost(f"A {lease.action} is not turned back: nobody has seen that {lease.target.other} could serve.")
    if lease.target is state.active:
        return state  # turned already; a step may run twice
    if lease.epoch >= epochs.HIGHEST:
        raise LeaseLost(f"Epoch {lease.epoch} is the last in which an order is carried out; it is not turned back.")
    back = replace(lease, target=lease.target.other, epoch=lease.epoch + 1)
    return replace(_granted(state, now), lease=back, receipt=None)


def go_on(state: PairState, execution: str) -> PairState:
    """The record with a switchover continued as a failover: its source is lost, and nothing more is carried from it.

    Raises:
        LeaseLost: the lease is not this execution's, or its change is no switchover away from the active server.
    """
    lease = own_lease(state, execution)
    if lease.target is state.active or lease.action not in (Action.SWITCHOVER, Action.FAILOVER):
        raise LeaseLost(f"The {lease.action} to {lease.target} is no switchover that could continue as a failover.")
    return replace(state, lease=replace(lease, action=Action.FAILOVER.value))


def conclude(
    state: PairState, execution: str, outcome: Outcome, sentence: str, now: float
) -> tuple[PairState, History]:
    """The record after a change has ended, and its line in the history.

    A halted change keeps its lease: nothing else may begin before a person resumes it. Every other end gives it back.
    Nobody becomes active without the proof that the other one is out, whoever says so (I2); and an end that says that
    nothing was touched is not taken once that proof is there.

    Raises:
        LeaseLost: the lease is not this execution's, or the change has gone further than this end says.
        NoReceipt: a server is to be called active, but the other one's fence is not proven in this epoch.
    """
    lease = own_lease(state, execution)
    moved = outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK)
    if moved:
        fence.demand_receipt(state, lease.target, lease.epoch, "called active")
    elif outcome is not Outcome.HALTED and lease.action != Action.ADOPT and state.receipt is not None:
        raise LeaseLost(
            f"The change to {lease.target} can't end as {outcome}: {state.receipt.server} is fenced already (epoch"
            f" {state.receipt.epoch}). The lease stays; `failoverctl resume` goes on."
        )
    source = lease.target.other
    history = History(
        epoch=lease.epoch,
        execution=execution,
        action=lease.action,
        source=source,
        target=lease.target,
        outcome=outcome,
        sentence=sentence,
        reason=lease.reason,
        requested_by=lease.requested_by,
        taken_at=lease.taken_at,
        ended_at=now,
        receipt=state.receipt,
        counts_from=lease.counts_from or lease.taken_at,
    )
    if outcome is Outcome.HALTED:
        return replace(state, halted=sentence), history
    after = replace(_granted(state, now), lease=None, halted="")
    if moved:
        unattended = lease.requested_by in AUTOMATIC and outcome is Outcome.PROMOTED
        after = replace(
            after,
            active=lease.target,
            epoch=lease.epoch,
            acknowledged=state.acknowledged and not unattended,
            held="",
        )
    elif lease.action == Action.ADOPT and (state.receipt is not None or lease.epoch > state.epoch + 1):
        # One that had begun to fence, or was resumed: orders of its epoch may be on their way still, and the next
        # adoption takes a later one.
        after = replace(after, receipt=None, epoch=lease.epoch)
    return after, history


def own_lease(state: PairState, execution: str) -> Lease:
    """The lease, where this execution holds it; raises `LeaseLost` where it does not."""
    if state.lease is None or state.lease.execution != execution:
        holder = state.lease.execution if state.lease else "nobody"
        raise LeaseLost(f"The lease is not held by {execution} but by {holder}; nothing was written.")
    return state.lease
