"""May this request change the pair now? The one place that checks mode, maintenance, acknowledgement and lease."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from msfailover.decisions import database_path, epochs
from msfailover.pair import Lease, PairState, Role
from msfailover.request import GAME_DAY, WATCH, Action, BadRequest, Request, parse_request
from msfailover.verdict import Verdict


@dataclass(frozen=True)
class Plan:
    """What an admitted execution is to do.

    Args:
        action: the verb that is carried out (a resumed change keeps its own).
        source: the server to be fenced.
        target: the server to be active afterwards.
        epoch: the epoch this change will have.
        survey: find out first who is active (adopt).
        confirm: ask the active server once more before anything is touched.
        fresh: the watchdog asks, which has this moment counted its failures: one more probe is enough to confirm.
        graceful: stop the active server cleanly and replicate a last time; turn back if the target does not come up.
        may_power_off: whether a fence the database can't prove may be proven by power.
    """

    action: Action
    source: Role
    target: Role
    epoch: int
    survey: bool = False
    confirm: bool = False
    fresh: bool = False
    graceful: bool = False
    may_power_off: bool = False


@dataclass(frozen=True)
class Admission:
    """Whether a request goes ahead, and why. `plan` is there exactly when it does."""

    sentence: str
    plan: Plan | None = None

    @property
    def admitted(self) -> bool:
        return self.plan is not None

    def answer(self, request: Request, restart_first: bool) -> dict[str, Any]:
        """What the workflow is told: the plan with the server that was named, and whether to restart in place first."""
        said = {"admitted": self.admitted, "dry_run": request.dry_run, "sentence": self.sentence}
        if self.plan is None:
            return said
        restart = restart_first and self.plan.action is Action.FAILOVER
        return {**said, "plan": {**asdict(self.plan), "named": request.target, "restart_first": restart}}


def admit(
    request: Request,
    state: PairState,
    execution: str,
    now: float,
    holder_runs: Verdict | None = None,
    copy: Verdict | None = None,
) -> Admission:
    """Decide whether a request goes ahead. Pure: takes no lease, writes nothing.

    Args:
        request: what is asked.
        state: the pair's record as read now.
        execution: the ARN of the execution that asks.
        now: seconds since 1970, UTC.
        holder_runs: whether the execution that holds the lease still runs; only read by `resume`.
        copy: as `suppression` has it.

    Returns:
        The refusal's sentence, or the plan.
    """
    if request.automatic and request.action is not Action.FAILOVER:
        # A halted change waits for a person, and so does every other way of moving the pair (I7).
        return Admission(
            f"Refused: {request.action} is for a person to ask for; {request.requested_by} may only ask for failover."
        )
    if request.requested_by == GAME_DAY and request.action is not Action.SWITCHOVER:
        return Admission(f"Refused: a game day may only ask for switchover, and {request.action} was asked for.")
    if state.lease is not None:
        return _while_leased(request, state, state.lease, execution, holder_runs)
    if request.action is Action.RESUME:
        return Admission("Refused: there is nothing to resume, no change of the pair was left half done.")
    if request.action is Action.ADOPT:
        return _adopt(request, state)
    if state.active is None:
        return Admission("Refused: the pair has not been adopted; start an execution with action adopt first.")
    return suppression(request, state, now, copy) or _change(request, state, state.active)


def provable(admission: Admission, state: PairState, vouched: bool | None) -> Admission:
    """The admission, or a refusal: a switchover stops the active server before anything is proven, and never proves by
    power, so it is not begun where neither network nor database could prove anything.

    Args:
        vouched: whether the owner says that the path is direct; None where there are no network ACLs.
    """
    plan = admission.plan
    if plan is None or plan.action is not Action.SWITCHOVER:
        return admission
    believed = database_path.list_is_believed(state)
    if believed.is_yes or (vouched is not None and database_path.is_direct(state, vouched).is_yes):
        return admission
    return Admission(
        f"Refused: no fence could be proven without power. {believed.sentence} The audit runs each minute."
    )


def suppression(request: Request, state: PairState, now: float, copy: Verdict | None = None) -> Admission | None:
    """The refusal of an unattended request by mode, maintenance, a missing acknowledgement or a copy that is too old.

    A person's own request is never held by these: they are there so that nothing happens behind people's backs.

    Args:
        request: what is asked.
        state: the pair's record as read now.
        now: seconds since 1970.
        copy: whether the standby's copy is fresh enough for the owner; None where the owner sets no limit. What is not
            known is not fresh enough.

    Returns:
        None where nothing holds it.
    """
    if not request.unattended:
        return None
    if state.maintenance_until > now:
        until = datetime.fromtimestamp(state.maintenance_until, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return Admission(f"Refused: maintenance until {until}; a person can still start a failover.")
    if state.mode == "shadow" and request.automatic:
        return Admission(f"Refused: in shadow mode nothing is done; would have failed over because: {request.reason}")
    if state.mode != "automatic":
        return Admission(f"Refused: in {state.mode} mode a person decides; asked for because: {request.reason}")
    if not state.acknowledged:
        return Admission(
            "Refused: the last automatic failover has not been acknowledged; the next one waits for a person."
        )
    if copy is not None and not copy.is_yes:
        return Admission(f"Refused: {copy.sentence} A person decides whether to fail over with it (OldestCopySeconds).")
    return None


def is_quiet(request: Request) -> bool:
    """Whether nobody has to be notified that a request was refused: the machinery asked for what it may ask for.

    The watchdog asks again as long as the outage lasts, and notifies operators once where it is held; whoever holds the
    lease notifies of its own end; a game day reports itself that it was refused. What the machinery may not ask for is
    notified of: somebody has set it up wrongly.
    """
    may_ask_for = Action.SWITCHOVER if request.requested_by == GAME_DAY else Action.FAILOVER
    return request.unattended and request.action is may_ask_for


def is_quiet_whatever(asked: object) -> bool:
    """As `is_quiet`, of an input that may be no request at all: that is notified of."""
    try:
        return is_quiet(parse_request(asked))
    except BadRequest:
        return False


def _while_leased(
    request: Request, state: PairState, lease: Lease, execution: str, holder_runs: Verdict | None
) -> Admission:
    if lease.execution == execution:
        return Admission("Admitted already: this execution holds the lease.", _plan_of(lease, state))
    held = f"{lease.action} to {lease.target} (epoch {lease.epoch}) holds the lease: {lease.execution}"
    if request.action is not Action.RESUME:
        return Admission(f"Refused: {held}; if that execution has ended, start one with action resume.")
    if holder_runs is None or not holder_runs.is_no:
        why = holder_runs.sentence if holder_runs else "whether it still runs was not asked"
        return Admission(f"Refused: {held}, and it is not known to have ended: {why}")
    target = request.target or lease.target
    if state.active is None and lease.action == Action.ADOPT:
        # In an epoch of its own: it may find the other server active, to whom an order of before would still apply.
        again = _adoption_plan(target, min(lease.epoch + 1, epochs.HIGHEST))
        return Admission("Admitted: takes the adoption up again.", again)
    epoch = lease.epoch if target is lease.target else lease.epoch + 1
    if epoch > epochs.HIGHEST:
        return Admission(
            f"Refused: in epoch {epoch}, which a change to {target} would have, no order is carried out. See"
            " docs/operate.md, epochs-used-up."
        )
    plan = Plan(Action.RESUME, target.other, target, epoch, may_power_off=True)
    return Admission(f"Admitted: resumes the {lease.action} to {target}, epoch {epoch}.", plan)


def _plan_of(lease: Lease, state: PairState) -> Plan:
    action = Action(lease.action)
    if action is Action.ADOPT:
        return _adoption_plan(lease.target, lease.epoch)
    if action is Action.RESUME or state.active is None:
        return Plan(action, lease.target.other, lease.target, lease.epoch, may_power_off=True)
    return _plan(action, state.active, lease.target, lease.epoch)


def _adopt(request: Request, state: PairState) -> Admission:
    if state.active is not None:
        return Admission(f"Refused: the pair is adopted already, {state.active} is active in epoch {state.epoch}.")
    if (used_up := epochs.used_up(state.epoch + 1)) is not None:
        return Admission(f"Refused: {used_up.sentence}")
    target = request.target or Role.MS1
    return Admission("Admitted: finds out who is active.", _adoption_plan(target, state.epoch + 1))


def _adoption_plan(target: Role, epoch: int) -> Plan:
    # Never by power: an owner who adopts a running pair does not expect a machine to be switched off.
    return Plan(Action.ADOPT, target.other, target, epoch, survey=True)


def _change(request: Request, state: PairState, active: Role) -> Admission:
    target = request.target or active.other
    if target is active:
        return Admission(f"Refused: {active} is the active server already, since epoch {state.epoch}.")
    if (used_up := epochs.used_up(state.epoch)) is not None:
        return Admission(f"Refused: {used_up.sentence}")
    plan = _plan(request.action, active, target, state.epoch + 1)
    # Only here: an execution that has to ask again for its admission is not that fresh any more.
    plan = replace(plan, fresh=plan.confirm and request.requested_by == WATCH)
    return Admission(f"Admitted: {request.action} from {active} to {target}, epoch {plan.epoch}.", plan)


def _plan(action: Action, source: Role, target: Role, epoch: int) -> Plan:
    plan = Plan(action, source, target, epoch)
    if action is Action.FAILOVER:
        return replace(plan, confirm=True, may_power_off=True)
    if action is Action.FORCE:
        return replace(plan, may_power_off=True)
    return replace(plan, graceful=True)
