"""Has the list of sessions been seen to work, and is the way from the servers to the database a direct one?

A list that shows no session of a server proves nothing before it has shown the active server's sessions as its own;
and cutting a server's address cuts nothing where a proxy, a balancer or a NAT stands in between. Both are answered by
one thing, seen while nothing is wrong: the active server's sessions, coming from its own addresses. It is read in
each epoch, and not believed any more once the audit finds a server that serves and is in no list, or a database that is
not the one that is written to. A name that a client gives shows that the list knows the server, not which way it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from msfailover.pair import PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

BY_ADDRESS, BY_NAME = "address", "name"
NEW = "new "
"""Before what was seen of a new server in its change, where nothing was seen of the active one: until the change has
ended it is about the new one alone."""
LOST = "lost"
"""What `observe` returns where the server comes by another way than it did."""


def seen_by(sessions: Verdict) -> str:
    """What a list of a server's sessions shows of its way: `BY_ADDRESS`, `BY_NAME`, or empty where it shows none.

    Args:
        sessions: has it sessions? Its evidence holds `by_address`, how many of them its address tells.
    """
    if not logged_in(sessions).is_yes:
        return ""
    return BY_ADDRESS if sessions.evidence.get("by_address") else BY_NAME


def logged_in(sessions: Verdict) -> Verdict:
    """Has a server sessions that it uses? One that has only begun to log in, or follows the database's changes, may be
    anybody's on its host, a monitor's or a port check's: it counts against the server, and never for it (I9)."""
    if not (sessions.is_yes and sessions.evidence.get("only_logins")):
        return sessions
    return unknown(f"No session that has logged in was seen. {sessions.sentence}", **sessions.evidence)


def is_absent(sessions: Verdict) -> bool:
    """Whether a server's sessions are not here, as far as a list can say so: in none, or what lists is no writer."""
    return sessions.is_no or sessions.evidence.get("writer") is False


def observe(see: Callable[[], tuple[Verdict, Verdict, Verdict]], tries: Iterable[object]) -> str:
    """Read the active server's sessions while nothing is wrong.

    A server that serves and that no list shows comes by a way that hides it, or to another database: somebody may have
    put a pooler or a proxy in between, or the writer is elsewhere by now. Of one that does not serve, an empty list
    says nothing about its way.

    Args:
        see: does the server serve, and have it and the other one sessions?
        tries: for as long as the server may need to connect again.

    Returns:
        as `seen_by`, or `LOST`.
    """
    for _ in tries:
        serves, sessions, _ = see()
        if not (serves.is_yes and is_absent(sessions)):
            return seen_by(sessions)
    return LOST


def record(state: PairState, epoch: int, by: str) -> PairState:
    """The record with the active server's sessions seen; what was seen by address already is not made less."""
    known = state.path_seen_by.removeprefix(NEW) if state.path_seen_epoch == epoch else ""
    if not by or known == BY_ADDRESS or epoch < state.path_seen_epoch:
        return state
    return replace(state, path_seen_epoch=epoch, path_seen_by=by)


def record_at_rest(state: PairState, before: PairState, by: str) -> PairState:
    """The record with what was seen, where the pair was at rest all the time since `before` was read."""
    if (state.active, state.epoch, state.lease) != (before.active, before.epoch, None):
        return state
    # What was seen is not believed any more, until it is seen again.
    return replace(state, path_seen_epoch=-1, path_seen_by=LOST) if by == LOST else record(state, state.epoch, by)


def record_in_change(state: PairState, execution: str, serves: Verdict, sessions: Verdict) -> PairState:
    """The record with the new server's sessions seen, where the change is this execution's still; or with that it
    served and was in no list."""
    lease = state.lease
    if lease is None or lease.execution != execution:
        return state
    if serves.is_yes and is_absent(sessions):
        return replace(state, path_hidden_epoch=lease.epoch)
    by, known = seen_by(sessions), _seen(state)
    if known and by != known:
        return state  # what is known of the active server is not given up: it may have to be put out once more
    return record(state, lease.epoch, NEW + by if by and not known and state.active is not None else by)


def _whose(epoch: int, state: PairState) -> Role | None:
    """The server that a change of that epoch was to make active, the last one that ended or one since; None before the
    pair is adopted. Each time a change is turned round, or resumed the other way, it has the next epoch."""
    if state.active is None:
        return None
    return state.active.other if (epoch - state.epoch) % 2 else state.active


def _seen_since(server: Role, state: PairState) -> int:
    """The epoch up to which something is known of a server's way."""
    own = _whose(state.path_seen_epoch, state) in (None, server)
    return max(state.epoch, state.path_seen_epoch if own else -1)


def hides(server: Role, state: PairState) -> str:
    """Why neither network nor list is believed about a server that a change granted access and that is to be out again.

    What was seen of the active server's way says nothing of the new one's, once that one has served and no list has
    shown its sessions. Empty where nothing speaks against it.
    """
    hidden = state.path_hidden_epoch
    if _whose(hidden, state) is server.other or hidden <= _seen_since(server, state):
        return ""
    return (
        f"{server} served in epoch {hidden} and no list showed its sessions: it may come by a way that cutting its"
        " addresses does not cut."
    )


def is_unseen(server: Role, state: PairState) -> bool:
    """Whether a change granted a server access, and nobody has seen since by which way it came, if it came.

    It may have been started, and its answer, the list of sessions or the step that reads both may have failed. Then it
    is not known (I3) that cutting its addresses cuts its way, as long as it may be running.
    """
    unseen = state.path_unseen_epoch
    return _whose(unseen, state) is not server.other and unseen > _seen_since(server, state)


def can_list(state: PairState, vouched: bool) -> bool:
    """Whether a server that was just promoted has to be in the list of sessions.

    It need not where an active server served and was in no list (`LOST`), nor where none has ever been seen in it and
    the owner vouches for the path: both are as behind a pooler.
    """
    return state.path_seen_by != LOST and (bool(state.path_seen_by) or not vouched)


def is_known(state: PairState, server: Role | None = None) -> bool:
    """Whether there is nothing more to be seen in this epoch."""
    return _seen(state, server) == BY_ADDRESS


def list_is_believed(state: PairState, server: Role | None = None) -> Verdict:
    """May a list of sessions prove anything? Only after it has shown sessions as the active server's, in this epoch.

    Args:
        server: the server that is to be out, where one is.
    """
    by = _seen(state, server)
    if by:
        return yes(f"The database's list has shown sessions of the active server by its {by} in epoch {state.epoch}.")
    return unknown(_UNSEEN.format(epoch=state.epoch))


def is_direct(state: PairState, vouched: bool, server: Role | None = None) -> Verdict:
    """Does cutting a server's addresses cut its way to the database?

    Args:
        vouched: whether the owner says so (DatabasePathIsDirect).
        server: the server that is to be out, where one is.
    """
    if _seen(state, server) == BY_ADDRESS:
        return yes(f"Sessions of the active server were seen coming from its own addresses in epoch {state.epoch}.")
    if vouched:
        return yes(
            "The owner vouches that nothing stands between the servers and the database (DatabasePathIsDirect); it was"
            " not seen."
        )
    if _seen(state, server):
        return no(
            "The database shows names, or what a proxy says, and no addresses that it sees itself, so it can't be seen"
            " that nothing stands between the servers and the database; DatabasePathIsDirect can say so."
        )
    return unknown(_UNSEEN.format(epoch=state.epoch))


_UNSEEN = (
    "No session of the active server has been seen as its own in epoch {epoch}: the list may not show its sessions, or"
    " a proxy, a balancer or a NAT may stand in between."
)


def _seen(state: PairState, server: Role | None = None) -> str:
    """What was seen of the active server; or of the new one alone, where that is the server that is asked about."""
    if state.path_seen_epoch < state.epoch:
        return ""
    of_new = state.path_seen_by.startswith(NEW) and state.path_seen_epoch > state.epoch
    if of_new and (server is None or _whose(state.path_seen_epoch, state) is not server):
        return ""
    return state.path_seen_by.removeprefix(NEW)
