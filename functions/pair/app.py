"""`pair`: keeps the pair's record, and gathers for it what the functions that can see say.

Actions of the workflow: begin, dry_run, survey, may_restart, end_sessions, verify_fence, verify_power,
verify_promotion, fall_back, turn_back, conclude, refuse. The proof of a fence is read and written here; it never passes
through the state machine. Of people: set_mode, maintenance, acknowledge. Of functions: the rest of ACTIONS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from msfailover import pair_requests as asked
from msfailover.adapters import best_effort, clients, lambda_invoke, step_functions
from msfailover.adapters.other_functions import probes_of, put
from msfailover.adapters.pair_table import Ending, PairTable
from msfailover.decisions import (
    adoption,
    controls,
    database_path,
    fallback,
    fence,
    fence_proofs,
    promotion,
    replication,
    restart,
    second_probe,
    transitions,
)
from msfailover.decisions.admission import Admission, admit, is_quiet_whatever, provable
from msfailover.decisions.audit import demand_endable, must_be_out
from msfailover.decisions.dry_run import predict, questions
from msfailover.demands import demand_yes
from msfailover.history import History, Note, Outcome, changes_in
from msfailover.pair import FencedBy, PairState, Role
from msfailover.questions import Question
from msfailover.request import Action as Verb
from msfailover.request import BadRequest, Request, epoch_in, execution_in, parse_request, role_in
from msfailover.runtime import notifications, observability
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Event, Handler, log_whole, whole_event, without_request
from msfailover.runtime.settings import PairSettings
from msfailover.verdict import Verdict, unknown

logger = observability.logger_for("pair")
Pairs = Context[PairSettings]

ORDER_LASTS_S = 10.0  # for which what was read of the record may stand; less than the workflow waits for such an order
SERVER_WAIT_S = 4.0  # one call waits for the new server to answer; the workflow asks again after that


def _own(context: Pairs, execution: object) -> str:
    """The execution that asks. Raises `BadRequest` where it is none of the stack's state machine."""
    return execution_in({"execution": execution}, context.settings.machine)


def begin(context: Pairs, step: asked.Begin) -> dict[str, Any]:
    """Admit the request and take the lease with the next epoch, or say why not. Twice is once; `TooLate` is raised."""
    execution = _own(context, step.execution)
    dry = isinstance(step.asked, Mapping) and step.asked.get("dry_run") is True
    try:
        request = parse_request(step.asked)
    except BadRequest as error:
        return {"admitted": False, "dry_run": dry, "sentence": f"Refused: {error} Nothing was touched."}
    taken: list[Admission] = []

    def take(state: PairState) -> PairState:
        admission = _admit(context, request, state, execution)
        taken.append(admission)
        if admission.plan is None or request.dry_run:
            return state
        return transitions.take_lease(state, admission.plan, request, execution, context.clock.time(), step.entered)

    PairTable.of(context).change(take)
    return taken[-1].answer(request, context.settings.restart_first)


def dry_run(context: Pairs, step: asked.DryRun) -> dict[str, Any]:
    """Ask everything that reads what the request would come to. Takes no lease, writes nothing."""
    try:
        request = parse_request(step.asked)
    except BadRequest as error:
        return {"would": Outcome.REFUSED.value, "sentence": f"Refused: {error}", "checks": []}
    settings, state = context.settings, PairTable.of(context).read()
    admission = _admit(context, request, state, _own(context, step.execution))
    if admission.plan is None:
        return {"would": Outcome.REFUSED.value, "sentence": admission.sentence, "checks": []}
    answers = _put_all(context, questions(admission.plan))
    seen = database_path.is_direct(state, settings.path_is_direct), database_path.list_is_believed(state)
    outcome, sentence = predict(admission.plan, answers, *seen, request.target, settings.restart_first)
    checks = [{"name": name, **answer.to_json()} for name, answer in answers.items()]
    return {"would": outcome.value, "sentence": f"{admission.sentence} {sentence}", "checks": checks}


def _put_all(context: Pairs, questions: Mapping[str, Question]) -> dict[str, Verdict]:
    return lambda_invoke.side_by_side(partial(put, context), questions, at_once=4)


def _admit(context: Pairs, request: Request, state: PairState, execution: str) -> Admission:
    now, limit_s = context.clock.time(), context.settings.oldest_copy_s if request.automatic else 0.0
    copy = replication.fresh_enough(PairTable.of(context).freshness, state, now, limit_s)
    resumes = request.action is Verb.RESUME and state.lease
    runs = step_functions.holder_runs(context.clients.stepfunctions(), state, now) if resumes else None
    return provable(admit(request, state, execution, now, runs, copy), state, context.settings.vouched)


def holder_runs(context: Pairs) -> Verdict:
    """Does the execution that holds the lease still run? *no* where it has ended and the lease is held all the same."""
    state = PairTable.of(context).read()
    return step_functions.holder_runs(context.clients.stepfunctions(), state, context.clock.time())


def survey(context: Pairs, step: asked.Survey) -> Verdict | dict[str, Any]:
    """Find out who is active, and aim the adoption at that server."""
    execution = _own(context, step.execution)
    surveys = {
        role: adoption.Survey(put(context, Question("server", "runs", role)), _sessions_of(context, role))
        for role in Role
    }
    verdict, active = adoption.who_is_active(surveys[Role.MS1], surveys[Role.MS2], step.named)
    if active is None:
        return verdict
    seen = database_path.seen_by(surveys[active].sessions)
    most, now, aim = max(each.epoch for each in surveys.values()), context.clock.time(), transitions.aim
    aimed = PairTable.of(context).change(
        lambda was: database_path.record(aim(was, execution, active, most, now), was.epoch, seen)
    )
    epoch = aimed.lease.epoch if aimed.lease else None
    return {**verdict.to_json(), "target": active.value, "source": active.other.value, "epoch": epoch}


def may_restart(context: Pairs, server: Role) -> Verdict:
    """May the active server's service be restarted in place, before anything is touched?"""
    host = put(context, Question("server", "runs", server))
    access = put(context, Question("access", "status", server.other))
    restarted_s_ago = restart.restarted_s_ago(PairTable.of(context).history(10), server, context.clock.time())
    return restart.may_restart(server, host, access, _sessions_of(context, server.other), restarted_s_ago)


def verify_fence(context: Pairs, step: asked.OfServer) -> Verdict:
    """Read whether the network, or else the database, proves the fence; keep the receipt with the change's epoch.

    Sessions of a server that the network cuts off are ended beside the path, so that no lock stays; so are those that
    speak against a proof."""
    server, execution, clock = step.server, _own(context, step.execution), context.clock
    state = PairTable.of(context).read()
    clock.sleep(transitions.unsettled_s(state, server, clock.time()))
    ways = partial(put, context), partial(_put_all, context), partial(_keep, context, execution)
    found = fence_proofs.prove(server, state, context.settings.vouched, context.settings.fence_reads, *ways)
    if state.lease is not None and not (found.is_yes and found.evidence["by"] == FencedBy.DATABASE):
        _end_sessions_beside(context, server, state.lease.epoch)
    if not found.is_yes and state.lease is not None and state.lease.action == Verb.ADOPT:
        found = fence_proofs.of_all(found, _by_power(context, server, execution))
    return found


def end_sessions(context: Pairs, order: asked.EndSessions) -> dict[str, Any]:
    """Have the sessions of a server ended that is being put out, or must be out, as the record says in this moment.

    With `every`, also those from addresses that only EC2 knows of it; asking that takes a moment, so not on the path.
    Raises `NotToBeKeptOut` where it does not say so in that epoch, `FunctionFailed` where they could not all be ended.
    """
    server = order.server
    known = put(context, Question("access", "status", server)).evidence if order.every else {}
    demand_endable(PairTable.of(context).read(), server, order.epoch)
    payload = _end_order(context, server, known).payload()
    return lambda_invoke.ask(context.clients.functions(), context.settings.sessions_function, payload)


def _end_order(context: Pairs, server: Role, known: Mapping[str, Any]) -> Question:
    others = context.settings.pair.other(server).addresses
    own = [each for each in known.get("addresses", []) if each not in others]
    not_after = context.clock.time() + ORDER_LASTS_S
    return Question("sessions", "terminate", server, {"addresses": own, "not_after": not_after})


def _end_sessions_beside(context: Pairs, server: Role, epoch: int) -> None:
    """As `end_sessions`, which reads the record whenever the order is delivered; it is not awaited."""
    order = {"action": "end_sessions", "server": server, "epoch": epoch, "every": True}
    try:
        lambda_invoke.send(context.clients.functions(), context.settings.own_function, order)
    except lambda_invoke.FunctionFailed as error:
        logger.warning("sessions of a server that is put out were not ended", extra={"why": str(error)[:300]})


def verify_power(context: Pairs, step: asked.OfServer) -> Verdict:
    """Read whether the old server's machine is off; if it is, keep the receipt with the change's epoch."""
    return _by_power(context, step.server, _own(context, step.execution))


def _by_power(context: Pairs, server: Role, execution: str) -> Verdict:
    power = put(context, Question("server", "power", server))
    return _keep(context, execution, lambda _, epoch, now: fence.proof_by_power(server, epoch, power, now))


def _keep(context: Pairs, execution: str, judge: fence_proofs.Judge) -> Verdict:
    """Judge in the epoch of the lease that this execution holds, and write the receipt if there is one."""
    state = (table := PairTable.of(context)).read()
    verdict, receipt = judge(state, transitions.own_lease(state, execution).epoch, context.clock.time())
    if receipt is not None:
        table.change(lambda state: transitions.keep_receipt(state, execution, receipt))
    return verdict


def see_path(context: Pairs) -> Verdict:
    """Check that the database shows the active server's sessions as its own, and keep that for the epoch."""
    before = (table := PairTable.of(context)).read()
    if before.active is None or before.lease is not None:
        return unknown("The pair is not at rest.")
    see = partial(promotion.seen_of, before.active, partial(put, context))
    seen = database_path.observe(see, context.attempts(SERVER_WAIT_S, most_s=1.0))
    after = table.change(lambda state: database_path.record_at_rest(state, before, seen))
    return database_path.is_direct(after, context.settings.path_is_direct)


def see_second_probe(context: Pairs) -> Verdict:
    """Have both probes probe both servers, and keep for the epoch whether the second one reaches them."""
    before = (table := PairTable.of(context)).read()
    if before.active is None or before.lease is not None:
        return unknown("The pair is not at rest.")
    found = second_probe.compare(*probes_of(context).ask_each({"action": "probe"}))
    table.change(lambda state: second_probe.record_at_rest(state, before, found))
    return found


def verify_promotion(context: Pairs, step: asked.OfServer) -> Verdict:
    """Ask whether the new server is active: it answers, has sessions, the old one none, and the record points to it.

    Sessions of the old server are ended: a login from before may be late, and those of a machine without power stay.
    """
    server, execution, table = step.server, _own(context, step.execution), PairTable.of(context)
    for _ in context.attempts(SERVER_WAIT_S, most_s=0.4):
        admin, own, others = promotion.seen_of(server, partial(put, context))
        listed = own.is_yes or database_path.can_list(table.read(), context.settings.path_is_direct)
        if others.is_yes or (admin.is_yes and (own.is_yes or not listed)):
            break
    if others.is_yes:
        others = _end_sessions_of(context, server.other, execution) or others
    table.change(lambda state: database_path.record_in_change(state, execution, admin, own))
    record = put(context, Question("dns", "status", server))
    return promotion.is_active(context.settings.pair.server(server), admin, own, others, record, listed=listed)


def _sessions_of(context: Pairs, server: Role) -> Verdict:
    return put(context, Question("sessions", "status", server))


def _end_sessions_of(context: Pairs, fenced: Role, execution: str) -> Verdict | None:
    """End the sessions of a server that this execution has proven to be out. Best effort; they are read again.

    Returns:
        a *no* where they can do nothing, listed or not, because the network cuts the server off still; else None.
    """
    state = PairTable.of(context).read()
    if state.lease is None or state.lease.execution != execution or must_be_out(state) is not fenced:
        return None
    ended = put(context, _end_order(context, fenced, {}))
    logger.warning("sessions of a fenced server were ended", extra={"server": fenced, "then": ended.sentence})
    return fence_proofs.cut_off(state, fenced, partial(put, context))


def fall_back(context: Pairs, step: asked.FallBack) -> dict[str, Any]:
    """A step of a switchover failed: turn back, continue without the source, or stop? Asked before either is begun."""
    execution, state = _own(context, step.execution), (table := PairTable.of(context)).read()
    source = transitions.own_lease(state, execution).target.other
    copy = replication.complete_copy(table.freshness(), state, context.clock.time())
    asking, tries = partial(put, context), context.attempts(10.0)
    way, sentence = fallback.choose(source, copy, step.may_go_on, asking, tries)
    if way is fallback.Way.GO_ON:
        table.change(lambda before: transitions.go_on(before, execution))
    return {"way": way.value, "sentence": sentence}


def turn_back(context: Pairs, asking: object) -> dict[str, Any]:
    """Turn the change round: from here on the server it came from is to be active again, in an epoch of its own."""
    execution, now = _own(context, asking), context.clock.time()
    turned = PairTable.of(context).change(lambda before: transitions.turn_back(before, execution, now))
    lease = transitions.own_lease(turned, execution)
    return {"source": lease.target.other.value, "target": lease.target.value, "epoch": lease.epoch}


def conclude(context: Pairs, step: asked.End) -> dict[str, Any]:
    """End the change, and return the notification, empty if it is repeated. Twice is once, and the first end wins."""
    execution, now = _own(context, step.execution), context.clock.time()
    table, lines = PairTable.of(context), list[History]()  # newest first
    phases = partial(step_functions.phases, context.clients.stepfunctions(), execution, now)

    def end(state: PairState) -> Ending | None:
        lines[:] = changes_in(table.history(10))
        if any(each.execution == execution for each in lines):
            return None
        after, line = transitions.conclude(state, execution, step.outcome, step.sentence, now)
        aged = partial(replication.with_copy, line, table.freshness, state.epoch)
        lines.insert(0, line := best_effort.result_of(aged, line, "the files' age", logger))
        return Ending(after, line, best_effort.result_of(phases, [], "the phases", logger))

    table.end_change(end, context.settings.history_days)
    line = next(each for each in lines if each.execution == execution)
    _publish(context, line)
    text = {"outcome": line.outcome.value, "sentence": line.sentence, "subject": "", "message": ""}
    if transitions.is_repeat(line, lines):
        return text
    halted = line.outcome is Outcome.HALTED
    instead = fallback.instead(line.target, partial(put, context)) if halted else None
    settings = context.settings
    message = notifications.of_end(settings.pair.name, table.read(), line, settings.stack, instead)
    return {**text, "subject": message.subject, "message": message.body}


def _publish(context: Pairs, line: History) -> None:
    """How long it took until a server served; twice is once, since the worst of some minutes is what counts."""
    if line.recovery_s is not None:
        metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="pair")
        metrics.add_dimension("Pair", context.settings.pair.name)
        metrics.add_metric("RecoverySeconds", MetricUnit.Seconds, line.recovery_s)
        metrics.flush_metrics()


def refuse(context: Pairs, step: asked.Refusal) -> dict[str, Any]:
    """Return the notification of a refused request; an empty one is not sent. Writes nothing."""
    settings, execution = context.settings, _own(context, step.execution)
    if is_quiet_whatever(step.asked):
        return {"outcome": Outcome.REFUSED.value, "subject": "", "message": ""}
    state = PairTable.of(context).read()
    message = notifications.of_refusal(settings.pair.name, state, step.sentence, execution, settings.stack)
    return {"outcome": Outcome.REFUSED.value, "subject": message.subject, "message": message.body}


def keep_wish(context: Pairs, event: Event) -> dict[str, Any]:
    """What people set without moving the pair, and how a game day ended: noted (decisions/controls.py)."""
    (sentence, note), table = controls.noting(event, context.clock.time()), PairTable.of(context)

    def noted(state: PairState) -> Ending | None:
        found = note(state, partial(table.history, 20))
        return Ending(*found) if found else None

    table.end_change(noted, context.settings.history_days)
    return {"answer": "yes", "sentence": sentence}


def hold(context: Pairs, wanted: asked.Hold) -> dict[str, Any]:
    """Note that an automatic failover is held. `notification` is there for the first asking in an outage only."""
    why, now, settings = wanted.sentence, context.clock.time(), context.settings

    def noted(state: PairState) -> Ending | None:
        held = controls.hold(state, why, wanted.epoch)
        line = Note(state.epoch, "held", state.active, why, wanted.requested_by, now)
        return None if state.held else Ending(held, line)

    before, state = PairTable.of(context).end_change(noted, settings.history_days)
    if before.held:
        return {"answer": "yes", "sentence": state.held}
    message = notifications.of_held(settings.pair.name, state, why, settings.stack)
    return {"answer": "yes", "sentence": why, "notification": {"subject": message.subject, "message": message.body}}


def release(context: Pairs, epoch: int) -> dict[str, Any]:
    """The active server is well again: the next outage is notified of anew."""
    PairTable.of(context).change(partial(controls.release, epoch=epoch))
    return {"answer": "yes", "sentence": "Nothing is held."}


def keep_readiness(context: Pairs, event: Event) -> dict[str, Any]:
    """Keep the latest readiness check beside the record, for `failoverctl status`; a late one does not undo it."""
    PairTable.of(context).put_readiness(controls.readiness_in(event, context.clock.time()))
    return {"answer": "yes", "sentence": "Kept."}


def _ask_probes(context: Pairs, event: Event) -> dict[str, Any]:
    return probes_of(context).ask_or_be_throttled(event)


ACTIONS: dict[str, Action[PairSettings, Any]] = {
    "begin": Action(asked.begin_in, begin),
    "dry_run": Action(asked.dry_run_in, dry_run),
    "survey": Action(asked.survey_in, survey),
    "may_restart": Action(role_in, may_restart),
    "end_sessions": Action(asked.end_sessions_in, end_sessions),
    "verify_fence": Action(asked.of_server_in, verify_fence),
    "verify_power": Action(asked.of_server_in, verify_power),
    "verify_promotion": Action(asked.of_server_in, verify_promotion),
    "fall_back": Action(asked.fall_back_in, fall_back),
    "turn_back": Action(asked.execution_given, turn_back),
    "conclude": Action(asked.end_in, conclude),
    "refuse": Action(asked.refusal_in, refuse),
    "hold": Action(asked.hold_in, hold),
    "release": Action(epoch_in, release),
    "keep_readiness": Action(whole_event, keep_readiness),
    "see_path": without_request(see_path),
    "see_second_probe": without_request(see_second_probe),
    "holder_runs": without_request(holder_runs),
    **dict.fromkeys(controls.NOTED, Action(whole_event, keep_wish)),
    "confirm_outage": Action(whole_event, _ask_probes),
    "check_reachable": Action(whole_event, _ask_probes),
    "check_serving": Action(whole_event, _ask_probes),
}
handler = Handler(logger, ACTIONS, Context(read(PairSettings, os.environ), clients), log_whole, finish=demand_yes)
