"""Is the old server out? The three proofs of a fence, and who may rely on them."""

from __future__ import annotations

from msfailover.pair import FencedBy, PairState, Receipt, Role
from msfailover.verdict import Verdict, no, unknown, yes


class OtherServerCanGetIn(Exception):
    """A server was not granted access because the other one can get in, or may be able to, as read this moment."""


class NoReceipt(Exception):
    """A step that grants access or starts a server was asked for without a valid fence receipt; it did nothing."""


def proof_by_network(
    server: Role, epoch: int, cut: Verdict, database: Verdict, path: Verdict, now: float
) -> tuple[Verdict, Receipt | None]:
    """Judge whether the network proves that a server is out: no packet passes between it and the database any more.

    It needs no list of sessions: what is connected still can say nothing.

    Args:
        cut: is it cut off, as read a moment ago in every subnet (`network_fence.is_cut`)?
        database: does `DatabaseHost` lead to what stands behind the access group (`database_object.is_guarded`)?
        path: does cutting its addresses cut its way (`database_path.is_direct`)?
        now: seconds since 1970.

    Returns:
        yes with the receipt; no or unknown without one.
    """
    for each in (path, database, cut):
        if not each.is_yes:
            word = no if each.is_no else unknown
            return word(f"The network does not prove the fence of {server}: {each.sentence}"), None
    evidence = (cut.sentence, database.sentence, path.sentence)
    receipt = Receipt(epoch, server, FencedBy.NETWORK, "denied", (), now, evidence)
    return yes(f"{server} is out: {cut.sentence} {path.sentence}"), receipt


def proof_by_database(
    server: Role,
    epoch: int,
    access_before: Verdict,
    sessions: Verdict,
    access_after: Verdict,
    reads: int,
    now: float,
    believed: Verdict,
) -> tuple[Verdict, Receipt | None]:
    """Judge whether the database proves that a server is out.

    Both halves are needed: a changed rule does not cut established connections, and ending sessions does not keep
    them out. The access group is read before *and* after the sessions are counted, so that nothing slips in
    between.

    Args:
        server: the server that is to be out.
        epoch: the epoch of the change.
        access_before, access_after: can it get in? About this very database (`database_object.about_the_database`).
        sessions: has it sessions? Its evidence holds `counts`, one number for each read in a row.
        reads: how many reads in a row are demanded.
        now: seconds since 1970.
        believed: has the list been seen to show the active server's sessions (`database_path.list_is_believed`)?

    Returns:
        yes with the receipt; no or unknown without one.
    """
    if not believed.is_yes:
        return unknown(f"The fence of {server} is not proven: {believed.sentence}"), None
    for access in (access_before, access_after):
        if not access.is_no:
            word = no if access.is_yes else unknown
            return word(f"The fence of {server} is not proven: {access.sentence}"), None
    counts = [int(count) for count in sessions.evidence.get("counts", [])]
    if not sessions.is_no:
        word = no if sessions.is_yes else unknown
        return word(f"The fence of {server} is not proven: {sessions.sentence}", counts=counts), None
    if len(counts) < reads or any(counts):
        return unknown(
            f"The fence of {server} is not proven: {reads} reads without a session are needed, got {counts}.",
            counts=counts,
        ), None
    evidence = (access_before.sentence, sessions.sentence, believed.sentence)
    receipt = Receipt(epoch, server, FencedBy.DATABASE, "denied", tuple(counts), now, evidence)
    return yes(
        f"{server} is out: its access is revoked and {len(counts)} reads in a row found no session of it."
    ), receipt


def proof_by_power(server: Role, epoch: int, power: Verdict, now: float) -> tuple[Verdict, Receipt | None]:
    """Judge whether a server is out because its machine is off. `stopping` is not proof.

    Args:
        power: is the machine on? Only a *no* (stopped or terminated) proves anything.
    """
    if not power.is_no:
        word = no if power.is_yes else unknown
        return word(f"The fence of {server} is not proven: {power.sentence}"), None
    receipt = Receipt(epoch, server, FencedBy.POWER, "not asked", (), now, (power.sentence,))
    return yes(f"{server} is out: {power.sentence}"), receipt


def demand_receipt(state: PairState, target: Role, epoch: int, act: str = "granted access or started") -> Receipt:
    """The receipt that granting access to `target` or starting it, or calling it active, rests on.

    Called by the functions that act, so that no edit of the state machine can get round it.

    Args:
        act: what is not done without it; for the refusal.

    Raises:
        NoReceipt: there is no change under way to that server in that epoch, or the other server's fence is unproven.
    """
    lease, receipt = state.lease, state.receipt
    if lease is None or lease.epoch != epoch or lease.target is not target:
        under_way = f"{lease.action} to {lease.target} in epoch {lease.epoch}" if lease else "none"
        raise NoReceipt(f"{target} is not {act}: epoch {epoch} is not the change under way ({under_way}).")
    if receipt is None:
        raise NoReceipt(f"{target} is not {act}: no fence of {target.other} has been proven.")
    if receipt.epoch != epoch or receipt.server is not target.other:
        raise NoReceipt(
            f"{target} is not {act}: the receipt is for {receipt.server} in epoch {receipt.epoch},"
            f" needed is one for {target.other} in epoch {epoch}."
        )
    shows_gone = receipt.access == "denied" and receipt.sessions and not any(receipt.sessions)
    cut = receipt.by is not FencedBy.NETWORK or receipt.access == "denied"
    if (receipt.by is FencedBy.DATABASE and not shows_gone) or not cut:
        raise NoReceipt(f"{target} is not {act}: the receipt does not show {receipt.server} gone.")
    return receipt


def demand_holds(receipt: Receipt, found: Verdict) -> None:
    """Allow a server to be granted access only while what the other one's proof rests on still reads as it did.

    Args:
        receipt: the proof.
        found: what it rests on, as read now: is it cut off (by network), can it get in (by database), is its machine
            on (by power)?

    Raises:
        OtherServerCanGetIn: it does not read so.
    """
    if not (found.is_yes if receipt.by is FencedBy.NETWORK else found.is_no):
        raise OtherServerCanGetIn(f"{receipt.server.other} was not granted access: {found.sentence}")


def demand_off(receipt: Receipt, power: Verdict) -> None:
    """Allow a server to be started by a proof of power only while the other one's machine is off still.

    Raises:
        NoReceipt: it is on again, or nobody can say.
    """
    if receipt.by is FencedBy.POWER and not power.is_no:
        raise NoReceipt(
            f"{receipt.server.other} is not granted access or started: {receipt.server} was out because its machine was"
            f" off, and now {power.sentence}"
        )


def demand_name(state: PairState, server: Role, epoch: int) -> None:
    """Allow the name to be moved to `server` only while it is to be the active one, or is: a move that was superseded
    arrives late and does nothing.

    Raises:
        NoReceipt: it is neither the target of a change whose fence is proven, nor active at rest, in that epoch.
    """
    if state.lease is not None:
        demand_receipt(state, server, epoch, "what the DNS record is updated to")
    elif state.active is not server or state.epoch != epoch:
        raise NoReceipt(
            f"{server} is not what the DNS record is updated to: {state.active or 'nobody'} is active, in epoch"
            f" {state.epoch}, and this update is of epoch {epoch}."
        )


def demand_change(state: PairState, fenced: Role, epoch: int) -> None:
    """Allow an act against `fenced` only while a change away from it is under way: the access of the active server is
    never revoked, or switched off, by a late or doubled order.

    Raises:
        NoReceipt: no such change is under way.
    """
    lease = state.lease
    if lease is None or lease.epoch != epoch or lease.target is fenced:
        raise NoReceipt(f"{fenced} is left alone: no change away from it is under way in epoch {epoch}.")


def demand_untouched(state: PairState, active: Role, epoch: int) -> int:
    """Allow a restart of the active server in place: only while a change away from it has proven nothing yet, so that
    nobody else can have been granted access.

    Returns:
        the epoch in which it is active, which is the one to restart it in.

    Raises:
        NoReceipt: it is not the active server, or the change has gone further.
    """
    demand_change(state, active, epoch)
    if state.active is not active or state.receipt is not None:
        raise NoReceipt(
            f"{active} is not restarted: it is not the active server, or its fence has been proven already."
        )
    return state.epoch
