"""What has to be asked to prove a fence, and what the answers come to. The asking itself is handed in.

In order of preference: the network, which needs no list and no waiting for logins; else the database; else the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msfailover.decisions import database_object, database_path, fence
from msfailover.pair import FencedBy, PairState, Receipt, Role
from msfailover.questions import Question
from msfailover.verdict import Verdict, no, unknown

Proof = tuple[Verdict, Receipt | None]
Judge = Callable[[PairState, int, float], Proof]
"""Judges by the record, in an epoch, at a moment (seconds since 1970)."""

Keep = Callable[[Judge], Verdict]
"""Has a judge judge by the record as it is now, and writes the receipt where there is one."""


def by_network(
    server: Role,
    state: PairState,
    vouched: bool,
    ask_all: Callable[[Mapping[str, Question]], Mapping[str, Verdict]],
    keep: Keep,
) -> Verdict:
    """Prove a fence by the network, where the way to the database is a direct one.

    Where nothing but the owner's word says so, what answers at the database's name must not be a standby: then the
    network of another database is read. A database that does not answer holds nothing up.

    Args:
        server: the server that is to be out.
        state: the record.
        vouched: whether the owner says that the way is direct.
        ask_all: asks several questions side by side.
        keep: see `Keep`.
    """
    direct = database_path.is_direct(state, vouched, server)
    if not direct.is_yes:
        return unknown(f"The network does not prove the fence of {server}: {direct.sentence}")
    asked = {
        "cut": Question("access", "cut", server, {"proof": True}),
        "addresses": Question("sessions", "addresses", server),
    }
    if not database_path.is_known(state, server):
        # What was seen of the way was read from the writer; the owner's word for it says nothing of that.
        asked["list"] = Question("sessions", "status", server)
    found = ask_all(asked)
    if "list" in found and found["list"].evidence.get("writer") is False:
        return unknown(f"The network does not prove the fence of {server}: {found['list'].sentence}")
    right = database_object.is_right(found["cut"], found["addresses"])

    def judge(now_state: PairState, epoch: int, now: float) -> Proof:
        return fence.proof_by_network(
            server, epoch, found["cut"], right, database_path.is_direct(now_state, vouched, server), now
        )

    return keep(judge)


def by_database(server: Role, reads: int, ask: Callable[[Question], Verdict], keep: Keep) -> Verdict:
    """Prove a fence by the database: access revoked before and after, and no session in several reads between.

    Args:
        server: the server that is to be out.
        reads: how many reads in a row are demanded.
        ask: asks one question.
        keep: see `Keep`.
    """
    access = Question("access", "status", server)
    before = ask(access)
    if not before.is_no:
        return (no if before.is_yes else unknown)(f"The fence of {server} is not proven: {before.sentence}")
    # Access is revoked for every address that EC2 knows of the server: a session from any of them is its session.
    known = {"addresses": before.evidence.get("addresses", [])}
    sessions = ask(Question("sessions", "status", server, {"reads": reads, "proof": True, **known}))
    after = ask(access)

    def judge(state: PairState, epoch: int, now: float) -> Proof:
        access = [database_object.about_the_database(each, sessions) for each in (before, after)]
        believed = database_path.list_is_believed(state, server)
        return fence.proof_by_database(server, epoch, access[0], sessions, access[1], reads, now, believed)

    return keep(judge)


def prove(
    server: Role,
    state: PairState,
    vouched: bool | None,
    reads: int,
    ask: Callable[[Question], Verdict],
    ask_all: Callable[[Mapping[str, Question]], Mapping[str, Verdict]],
    keep: Keep,
) -> Verdict:
    """Prove a fence by the network, or else by the database. Arguments as above; `vouched` is None where there are no
    network ACLs. The answer's evidence says with `by` which of the two it was."""
    hidden = database_path.hides(server, state)
    if hidden and not vouched:
        return unknown(f"The fence of {server} is not proven: {hidden}")
    unseen = _unseen(server, state, ask) if database_path.is_unseen(server, state) and not vouched else ""
    if unseen:
        return unknown(f"The fence of {server} is not proven: {unseen}")
    found = unknown("DatabaseNetworkAclIds names no network ACL.")
    if vouched is not None:
        found = by_network(server, state, vouched, ask_all, keep)
    if hidden and not found.is_yes:
        return found
    if found.is_yes:
        return found.having(by=FencedBy.NETWORK)
    return of_all(found, by_database(server, reads, ask, keep).having(by=FencedBy.DATABASE))


def _unseen(server: Role, state: PairState, ask: Callable[[Question], Verdict]) -> str:
    """What speaks against cutting the addresses of a server that a change granted access, and that nobody saw come.

    Empty where the list shows its sessions now, from its own address, or where its service does not run: then it is as
    one that has never served (docs/safety.md). That it does not run is not its host's word alone (I9): either its
    machine is off, or nothing listens on its ports.
    """
    if database_path.seen_by(ask(Question("sessions", "status", server))) == database_path.BY_ADDRESS:
        return ""
    runs, refuses = ask(Question("server", "runs", server)), ask(Question("probe", "check_refusing", server))
    if runs.is_no and (runs.evidence.get("off") is True or refuses.is_yes):
        return ""
    return (
        f"it was granted access in epoch {state.path_unseen_epoch}, no list has shown by which way it comes, and it may"
        f" be running: cutting its addresses may not cut that way. {runs.sentence} {refuses.sentence}"
    )


def of_all(first: Verdict, second: Verdict) -> Verdict:
    """What is said of a second proof where the first one failed: where it failed as well, what spoke against each."""
    word = no if second.is_no else unknown
    return second if second.is_yes else word(f"{second.sentence} {first.sentence}", **second.evidence)


def cut_off(state: PairState, fenced: Role, put: Callable[[Question], Verdict]) -> Verdict | None:
    """A *no* where sessions of a fenced server can do nothing, listed or not, because the network cuts it off still.

    Args:
        put: asks the function that can see.
    """
    if state.receipt is None or state.receipt.by is not FencedBy.NETWORK:
        return None
    cut = put(Question("access", "cut", fenced))
    return no(cut.sentence) if cut.is_yes else None
