"""Has the list of sessions been seen to work, and is the way from the servers to the database a direct one?

A list that shows no session of a server proves nothing before it has shown the active server's sessions as its own;
and cutting a server's address cuts nothing where a proxy, a balancer or a NAT stands in between. Both are answered by
one thing, seen while nothing is wrong: the active server's sessions, coming from its own addresses. It is looked for
once in each epoch. A name that a client gives shows that the list knows the server, not which way it came.
"""

from __future__ import annotations

from dataclasses import replace

from msfailover.pair import PairState
from msfailover.verdict import Verdict, no, unknown, yes

BY_ADDRESS, BY_NAME = "address", "name"


def seen_by(sessions: Verdict) -> str:
    """What a list of a server's sessions shows of its way: `BY_ADDRESS`, `BY_NAME`, or empty where it shows none.

    Args:
        sessions: has it sessions? Its evidence holds `by_address`, how many of them its address tells.
    """
    if not sessions.is_yes:
        return ""
    return BY_ADDRESS if sessions.evidence.get("by_address") else BY_NAME


def record(state: PairState, epoch: int, by: str) -> PairState:
    """The record with the active server's sessions seen; what was seen by address already is not made less."""
    known = state.path_seen_by if state.path_seen_epoch == epoch else ""
    if not by or known == BY_ADDRESS or epoch < state.path_seen_epoch:
        return state
    return replace(state, path_seen_epoch=epoch, path_seen_by=by)


def record_at_rest(state: PairState, before: PairState, by: str) -> PairState:
    """The record with what was seen, where the pair was at rest all the time since `before` was read."""
    at_rest = (state.active, state.epoch, state.lease) == (before.active, before.epoch, None)
    return record(state, state.epoch, by) if at_rest else state


def record_in_change(state: PairState, execution: str, by: str) -> PairState:
    """The record with the new server's sessions seen, where the change is this execution's still."""
    mine = state.lease is not None and state.lease.execution == execution
    return record(state, state.lease.epoch, by) if state.lease is not None and mine else state


def is_known(state: PairState) -> bool:
    """Whether there is nothing more to be seen in this epoch."""
    return _seen(state) == BY_ADDRESS


def list_is_believed(state: PairState) -> Verdict:
    """May a list of sessions prove anything? Only after it has shown sessions as the active server's, in this epoch."""
    by = _seen(state)
    if by:
        return yes(f"The database's list has shown sessions of the active server by its {by} in epoch {state.epoch}.")
    return unknown(_UNSEEN.format(epoch=state.epoch))


def is_direct(state: PairState, vouched: bool) -> Verdict:
    """Does cutting a server's addresses cut its way to the database?

    Args:
        vouched: whether the owner says so (DatabasePathIsDirect).
    """
    if _seen(state) == BY_ADDRESS:
        return yes(f"Sessions of the active server were seen coming from its own addresses in epoch {state.epoch}.")
    if vouched:
        return yes(
            "The owner vouches that nothing stands between the servers and the database (DatabasePathIsDirect); it was"
            " not seen."
        )
    if _seen(state):
        return no(
            "The database shows names and no addresses, so it can't be seen that nothing stands between the servers and"
            " the database; DatabasePathIsDirect can say so."
        )
    return unknown(_UNSEEN.format(epoch=state.epoch))


_UNSEEN = (
    "No session of the active server has been seen as its own in epoch {epoch}: the list may not show its sessions, or"
    " a proxy, a balancer or a NAT may stand in between."
)


def _seen(state: PairState) -> str:
    return state.path_seen_by if state.path_seen_epoch >= state.epoch else ""
