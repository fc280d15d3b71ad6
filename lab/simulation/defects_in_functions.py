"""Deliberate defects of the functions: each puts in the place of one piece of code one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from msfailover.adapters import pair_table, security_groups, step_functions
from msfailover.adapters.pair_table import PairTable
from msfailover.chain import linked
from msfailover.decisions import access, attribution, controls, epochs, fence, machine, promotion, transitions
from msfailover.history import History
from msfailover.observations import Machine
from msfailover.pair import FencedBy, PairState, Receipt, Role, Server
from msfailover.questions import Question
from msfailover.request import Order
from msfailover.runtime import authority, host_documents
from msfailover.verdict import Verdict, no, yes

from lab.simulation.clock import BEGINNING
from lab.simulation.hosts import ACCESS_GROUP, SERVERS_GROUP
from lab.testbed.cloud.patching import Patches

Functions = Mapping[str, ModuleType]
WHY = "a deliberate defect"


def do_instead(patches: Patches, function: ModuleType, action: str, do: Any) -> None:
    """Put what an action does in another's place, in the function's table."""
    patches.put_item(function.ACTIONS, action, replace(function.ACTIONS[action], do=do), why=WHY)


# ---- the proof of the fence


def proof_assumed(patches: Patches, found: Functions) -> None:
    def prove(context: Any, step: Any) -> Any:
        def assumed(_state: PairState, epoch: int, _now: float) -> tuple[Verdict, Receipt]:
            fenced = FencedBy.DATABASE
            return yes("Surely it is out."), Receipt(epoch, step.server, fenced, "denied", (0, 0, 0), BEGINNING)

        return found["pair"]._keep(context, step.execution, assumed)

    do_instead(patches, found["pair"], "verify_fence", prove)


def access_not_read(patches: Patches, found: Functions) -> None:
    put = found["pair"].put

    def asked(context: Any, question: Question) -> Verdict:
        of_the_access_group = (question.function, question.action) == ("access", "status")
        revoked = no("It is said to be revoked.", guarded=["10.77.0.30"])
        return revoked if of_the_access_group else put(context, question)

    patches.put(found["pair"], "put", asked, why=WHY)


def sessions_not_read(patches: Patches, found: Functions) -> None:
    put = found["pair"].put

    def asked(context: Any, question: Question) -> Verdict:
        in_a_proof = question.function == "sessions" and "reads" in question.more
        nothing = no("None can be left.", counts=[0, 0, 0], database_addresses=["10.77.0.30"])
        return nothing if in_a_proof else put(context, question)

    patches.put(found["pair"], "put", asked, why=WHY)


def one_read(patches: Patches, found: Functions) -> None:
    handler = found["pair"].handler
    once = handler.within(settings=replace(handler.context.settings, fence_reads=1))
    patches.put(found["pair"], "handler", once, why=WHY)


def unknown_is_zero(patches: Patches, _found: Functions) -> None:
    whose = attribution._whose

    def guessed(*asked: Any) -> Any:
        found = whose(*asked)
        return attribution._Whose.OTHER if found is attribution._Whose.UNKNOWN else found

    patches.put(attribution, "_whose", guessed, why=WHY)


def connections_uncounted(patches: Patches, found: Functions) -> None:
    find = found["database_sessions"]._find
    patches.put(found["database_sessions"], "_find", lambda context, server, **_proof: find(context, server), why=WHY)


def names_believed(patches: Patches, _found: Functions) -> None:
    whose = attribution._whose
    patches.put(
        attribution, "_whose", lambda server, session, names, _proof: whose(server, session, names, False), why=WHY
    )


def standby_believed(patches: Patches, found: Functions) -> None:
    def asked(server: Server, listing: Any, *more: Any, **how: Any) -> Any:
        return attribution.sessions_of(server, replace(listing, not_writer=""), *more, **how)

    patches.put(found["database_sessions"], "sessions_of", asked, why=WHY)


def unreachable_is_zero(patches: Patches, found: Functions) -> None:
    status = found["database_sessions"].status

    def guessed(context: Any, asked: Any) -> Verdict:
        verdict: Verdict = status(context, asked)
        nothing = no("Nobody answers.", counts=[0] * asked.reads, database_addresses=["10.77.0.30"])
        return verdict if verdict.is_yes or verdict.is_no else nothing

    do_instead(patches, found["database_sessions"], "status", guessed)


def one_address(patches: Patches, _found: Functions) -> None:
    whose = attribution._whose_address
    patches.put(
        attribution,
        "_whose_address",
        lambda server, text: whose(replace(server, addresses=server.addresses[:1]), text),
        why=WHY,
    )


def owners_rules_unread(patches: Patches, _found: Functions) -> None:
    groups = security_groups.groups_of
    patches.put(security_groups, "groups_of", lambda found: groups(found) & {ACCESS_GROUP, SERVERS_GROUP}, why=WHY)


def prefix_lists_unread(patches: Patches, _found: Functions) -> None:
    allows = access._allows
    patches.put(access, "_allows", lambda rule, *more: False if rule.prefix_list else allows(rule, *more), why=WHY)


def stopping_is_proof(patches: Patches, _found: Functions) -> None:
    patches.put(machine, "OFF", ("stopping", "stopped", "terminated"), why=WHY)


def any_instance_is_the_machine(patches: Patches, _found: Functions) -> None:
    def is_on(server: Server, seen: Machine, **_: bool) -> Verdict:
        state = seen.instance.state if seen.instance else "not known"
        return (no if state in machine.OFF else yes)(f"The instance of {server.role} is {state}.")

    patches.put(machine, "is_on", is_on, why=WHY)


def any_receipt(patches: Patches, found: Functions) -> None:
    take_lease, turn_back, prove = transitions.take_lease, transitions.turn_back, found["pair"].verify_fence

    def shortcut(context: Any, step: Any) -> Verdict:
        before = PairTable.of(context).read().receipt
        return yes("It has been proven before.") if before is not None else prove(context, step)

    patches.put(
        transitions,
        "take_lease",
        lambda state, *more: replace(take_lease(state, *more), receipt=state.receipt),
        why=WHY,
    )
    patches.put(
        transitions, "turn_back", lambda state, *more: replace(turn_back(state, *more), receipt=state.receipt), why=WHY
    )
    do_instead(patches, found["pair"], "verify_fence", shortcut)
    no_receipt_demanded(patches, found)


def no_receipt_demanded(patches: Patches, found: Functions) -> None:
    def demanded(_state: PairState, target: Role, epoch: int, *_act: str) -> Receipt:
        return Receipt(epoch, target.other, FencedBy.POWER, "not asked", (), BEGINNING)

    patches.put(fence, "demand_receipt", demanded, why=WHY)
    patches.put(fence, "demand_off", lambda *_: None, why=WHY)
    patches.put(found["database_access"], "_power", lambda *_: no("It will be off."), why=WHY)


# ---- who may act, and when


def grant_with_revoke(patches: Patches, found: Functions) -> None:
    revoke = found["database_access"].revoke_access

    def both(context: Any, order: Order) -> Verdict:
        verdict: Verdict = revoke(context, order)
        _grant(context, order.role.other, "early")
        return verdict

    do_instead(patches, found["database_access"], "revoke_access", both)


def both_access(patches: Patches, found: Functions) -> None:
    access = found["database_access"]

    def grant(context: Any, order: Order) -> Verdict:
        fence.demand_receipt(access._state(context), order.role, order.epoch)
        _grant(context, order.role, "beside")
        verdict: Verdict = access.status(context, order.role)
        return verdict

    do_instead(patches, access, "grant_access", grant)


def _grant(context: Any, role: Role, why: str) -> None:
    settings, address = context.settings, context.settings.pair.server(role).address
    security_groups.grant(context.clients.ec2(), settings.access_group, address, settings.database_port, why)


def epoch_not_compared(patches: Patches, _found: Functions) -> None:
    receipt, change = fence.demand_receipt, fence.demand_change

    def demand_receipt(state: PairState, target: Role, epoch: int, *act: str) -> Receipt:
        return receipt(state, target, state.lease.epoch if state.lease else epoch, *act)

    def demand_change(state: PairState, fenced: Role, epoch: int) -> None:
        if state.lease is not None:
            change(replace(state, lease=replace(state.lease, target=fenced.other)), fenced, state.lease.epoch)
        del epoch

    patches.put(fence, "demand_receipt", demand_receipt, why=WHY)
    patches.put(fence, "demand_change", demand_change, why=WHY)


def foreign_execution(patches: Patches, found: Functions) -> None:
    patches.put(found["pair"], "_own", lambda _context, execution: str(execution), why=WHY)


def conclude_unproven(patches: Patches, _found: Functions) -> None:
    demand = fence.demand_receipt

    def demanded(state: PairState, target: Role, epoch: int, *act: str) -> Receipt:
        if act == ("called active",):
            return Receipt(epoch, target.other, FencedBy.POWER, "not asked", (), BEGINNING)
        return demand(state, target, epoch, *act)

    patches.put(fence, "demand_receipt", demanded, why=WHY)


def late_begin(patches: Patches, _found: Functions) -> None:
    patches.put(transitions, "BEGIN_LASTS_S", 1e9, why=WHY)


def late_end(patches: Patches, found: Functions) -> None:
    patches.put(found["pair"], "demand_endable", lambda *_: None, why=WHY)


def late_acknowledgement(patches: Patches, _found: Functions) -> None:
    patches.put(controls, "_demand_epoch", lambda *_: None, why=WHY)


def late_setting(patches: Patches, _found: Functions) -> None:
    patches.put(controls, "_demand_still", lambda *_: None, why=WHY)


def late_readiness(patches: Patches, _found: Functions) -> None:
    patches.put(PairTable, "put_readiness", lambda table, found: table._put("readiness", found, None), why=WHY)


def late_move(patches: Patches, _found: Functions) -> None:
    patches.put(fence, "demand_name", lambda *_: None, why=WHY)


def orders_never_end(patches: Patches, _found: Functions) -> None:
    common = host_documents._common
    patches.put(host_documents, "_common", lambda all_of, epoch, until: common(all_of, epoch, until + 1e8), why=WHY)


def epochs_unchecked(patches: Patches, _found: Functions) -> None:
    patches.put(epochs, "ahead", lambda *_: None, why=WHY)


def permission_kept(patches: Patches, _found: Functions) -> None:
    patches.put(authority, "LASTS_S", 1e9, why=WHY)


def lease_expires(patches: Patches, found: Functions) -> None:
    admit = found["pair"].admit

    def impatient(request: Any, state: PairState, execution: str, now: float, *more: Any) -> Any:
        old = state.lease is not None and state.lease.execution != execution and now - state.lease.taken_at > 10
        return admit(request, replace(state, lease=None) if old else state, execution, now, *more)

    patches.put(found["pair"], "admit", impatient, why=WHY)


def resume_unasked(patches: Patches, _found: Functions) -> None:
    patches.put(step_functions, "running", lambda *_: no("It will have ended."), why=WHY)


def resume_at_once(patches: Patches, _found: Functions) -> None:
    patches.put(step_functions, "CALLS_LAST_S", 0, why=WHY)


def halt_gives_lease_back(patches: Patches, _found: Functions) -> None:
    conclude = transitions.conclude

    def concluded(state: PairState, execution: str, outcome: Any, *more: Any) -> Any:
        after, line = conclude(state, execution, outcome, *more)
        return replace(after, lease=None), line

    patches.put(transitions, "conclude", concluded, why=WHY)


def turn_back_same_epoch(patches: Patches, _found: Functions) -> None:
    turn_back = transitions.turn_back

    def turned(state: PairState, *more: Any) -> PairState:
        after = turn_back(state, *more)
        if after.lease is None or state.lease is None:
            return after
        return replace(after, lease=replace(after.lease, epoch=state.lease.epoch))

    patches.put(transitions, "turn_back", turned, why=WHY)


def writes_unconditional(patches: Patches, _found: Functions) -> None:
    put = PairTable._put
    patches.put(PairTable, "_put", lambda table, name, body, _version: put(table, name, body, None), why=WHY)


def conclude_once_only(patches: Patches, found: Functions) -> None:
    patches.put(found["pair"], "changes_in", lambda _: [], why=WHY)


def ends_twice(patches: Patches, found: Functions) -> None:
    key = vars(History)["key"].fget
    patches.put(History, "key", property(lambda line: f"{key(line)}#{line.outcome}"), why=WHY)
    conclude_once_only(patches, found)


def head_not_carried(patches: Patches, _found: Functions) -> None:
    patches.put(pair_table, "linked", lambda line, head: (linked(line, head)[0], head), why=WHY)


# ---- what moves the pair


def outage_not_confirmed(patches: Patches, found: Functions) -> None:
    do_instead(patches, found["probe"], "confirm_outage", lambda *_: yes("Somebody said so."))


def standby_not_checked(patches: Patches, found: Functions) -> None:
    do_instead(patches, found["server"], "check_standby", lambda _context, role: yes(f"{role} will be fit."))
    do_instead(patches, found["probe"], "check_reachable", lambda *_: yes("It will be alive."))


def cut_off_is_down(patches: Patches, found: Functions) -> None:
    patches.put(found["probe"], "confirmed", lambda findings: yes(findings[0].sentence), why=WHY)


def second_probe_believed(patches: Patches, _found: Functions) -> None:
    patches.put(PairState, "believes_second_probe", property(lambda _state: True), why=WHY)


def silence_is_life(patches: Patches, found: Functions) -> None:
    do_instead(patches, found["probe"], "check_reachable", lambda _context, role: yes(f"{role} will be alive."))


def mode_ignored(patches: Patches, found: Functions) -> None:
    from msfailover.decisions import admission

    for module in (admission, found["watch"]):
        patches.put(module, "suppression", lambda *_: None, why=WHY)


def not_to_acknowledge(patches: Patches, _found: Functions) -> None:
    conclude = transitions.conclude

    def concluded(state: PairState, execution: str, outcome: Any, *more: Any) -> Any:
        after, line = conclude(state, execution, outcome, *more)
        return replace(after, acknowledged=True), line

    patches.put(transitions, "conclude", concluded, why=WHY)


def audit_forgets_lease(patches: Patches, found: Functions) -> None:
    from msfailover.decisions import audit

    out = audit.must_be_out
    patches.put(audit, "must_be_out", lambda state: state.active.other if state.active else out(state), why=WHY)
    del found


def dry_run_takes_lease(patches: Patches, found: Functions) -> None:
    begin = found["pair"].begin

    def earnest(context: Any, step: Any) -> dict[str, Any]:
        dry_run = (request := dict(step.asked or {})).pop("dry_run", False) is True
        return {**begin(context, replace(step, asked=request)), "dry_run": dry_run}

    do_instead(patches, found["pair"], "begin", earnest)


def record_not_verified(patches: Patches, _found: Functions) -> None:
    is_active = promotion.is_active

    def believed(server: Server, admin: Verdict, own: Verdict, others: Verdict, _record: Verdict) -> Verdict:
        return is_active(server, admin, own, others, yes("It will.", values=list(server.addresses)))

    patches.put(promotion, "is_active", believed, why=WHY)
