"""`pair`: keeps the pair's record, and gathers for it what the functions that can see say.

Actions of the workflow: begin, dry_run, survey, may_restart, end_sessions, verify_fence, verify_power,
verify_promotion, fall_back, turn_back, conclude, refuse. The proof of a fence is read and written here; it never passes
through the state machine. Of people: set_mode, maintenance, acknowledge. Of functions: the rest of ACTIONS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from msfailover.adapters import best_effort, clients, lambda_invoke, step_functions
from msfailover.adapters.pair_table import Ending, PairTable
from msfailover.adapters.probes import Probes
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
from msfailover.request import (
    Action,
    BadRequest,
    Request,
    entered_in,
    epoch_in,
    execution_in,
    line_in,
    one_of,
    parse_request,
    role_in,
)
from msfailover.runtime import notifications, observability
from msfailover.runtime.environment import read
from msfailover.runtime.polling import attempts
from msfailover.runtime.settings import PairSettings
from msfailover.text import plain_words
from msfailover.verdict import Verdict, unknown

SETTINGS = read(PairSettings, os.environ)
logger = observability.logger_for("pair")

ORDER_LASTS_S = 10.0  # for which what was read of the record may stand; less than the workflow waits for such an order
PROBES = Probes(SETTINGS.probe_function, SETTINGS.second_probe, lambda: _table().read())
SERVER_WAIT_S = 4.0  # one call waits for the new server to answer; the workflow asks again after that


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    action = ACTIONS.get(str(event.get("action")))
    if action is None:
        raise BadRequest(f"action is {str(event.get('action'))[:40]!r}, but one of {', '.join(ACTIONS)} is needed.")
    answer = action(event)
    logger.info("answered", extra={"asked": event["action"], "answer": answer})
    return demand_yes(event, answer)


_execution_in = partial(execution_in, machine=SETTINGS.machine)


def _table() -> PairTable:
    return PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)


def begin(event: Mapping[str, Any]) -> dict[str, Any]:
    """Admit the request and take the lease with the next epoch, or say why not. Twice is once; `TooLate` is raised."""
    execution, entered, asked = _execution_in(event), entered_in(event), event.get("request")
    dry = isinstance(asked, Mapping) and asked.get("dry_run") is True
    try:
        request = parse_request(asked)
    except BadRequest as error:
        return {"admitted": False, "dry_run": dry, "sentence": f"Refused: {error} Nothing was touched."}
    taken: list[Admission] = []

    def take(state: PairState) -> PairState:
        admission = _admit(request, state, execution)
        taken.append(admission)
        if admission.plan is None or request.dry_run:
            return state
        return transitions.take_lease(state, admission.plan, request, execution, time.time(), entered)

    _table().change(take)
    return taken[-1].answer(request, SETTINGS.restart_first)


def dry_run(event: Mapping[str, Any]) -> dict[str, Any]:
    """Ask everything that reads what the request would come to. Takes no lease, writes nothing."""
    try:
        request = parse_request(event.get("request"))
    except BadRequest as error:
        return {"would": Outcome.REFUSED.value, "sentence": f"Refused: {error}", "checks": []}
    state = _table().read()
    admission = _admit(request, state, _execution_in(event))
    if admission.plan is None:
        return {"would": Outcome.REFUSED.value, "sentence": admission.sentence, "checks": []}
    answers = _ask_all(questions(admission.plan))
    seen = database_path.is_direct(state, SETTINGS.path_is_direct), database_path.list_is_believed(state)
    outcome, sentence = predict(admission.plan, answers, *seen, request.target, SETTINGS.restart_first)
    checks = [{"name": name, **answer.to_json()} for name, answer in answers.items()]
    return {"would": outcome.value, "sentence": f"{admission.sentence} {sentence}", "checks": checks}


def _put(question: Question) -> Verdict:
    if question.function == "probe":
        return PROBES.ask_verdict(question.payload())
    return lambda_invoke.ask_verdict(clients.functions(), SETTINGS.function(question.function), question.payload())


def _ask_all(asked: Mapping[str, Question]) -> dict[str, Verdict]:
    return lambda_invoke.side_by_side(_put, asked, at_once=4)


def _admit(request: Request, state: PairState, execution: str) -> Admission:
    now, limit_s = time.time(), SETTINGS.oldest_copy_s if request.automatic else 0.0
    copy = replication.fresh_enough(_table().freshness, state, now, limit_s)
    resumes = request.action is Action.RESUME and state.lease
    runs = step_functions.holder_runs(clients.stepfunctions(), state, now) if resumes else None
    admission = admit(request, state, execution, now, runs, copy)
    return provable(admission, state, SETTINGS.path_is_direct if SETTINGS.network_acls else None)


def holder_runs(_event: Mapping[str, Any]) -> dict[str, Any]:
    """Does the execution that holds the lease still run? *no* where it has ended and the lease is held all the same."""
    return step_functions.holder_runs(clients.stepfunctions(), _table().read(), time.time()).to_json()


def survey(event: Mapping[str, Any]) -> dict[str, Any]:
    """Find out who is active, and aim the adoption at that server."""
    execution = _execution_in(event)
    named = role_in(event, "named") if event.get("named") else None
    surveys = {role: adoption.Survey(_put(Question("server", "runs", role)), _sessions_of(role)) for role in Role}
    verdict, active = adoption.who_is_active(surveys[Role.MS1], surveys[Role.MS2], named)
    if active is None:
        return verdict.to_json()
    seen = database_path.seen_by(surveys[active].sessions)
    most, now, aim = max(each.epoch for each in surveys.values()), time.time(), transitions.aim
    aimed = _table().change(lambda was: database_path.record(aim(was, execution, active, most, now), was.epoch, seen))
    epoch = aimed.lease.epoch if aimed.lease else None
    return {**verdict.to_json(), "target": active.value, "source": active.other.value, "epoch": epoch}


def may_restart(event: Mapping[str, Any]) -> dict[str, Any]:
    """May the active server's service be restarted in place, before anything is touched?"""
    server = role_in(event)
    host = _put(Question("server", "runs", server))
    access = _put(Question("access", "status", server.other))
    restarted_s_ago = restart.restarted_s_ago(_table().history(10), server, time.time())
    return restart.may_restart(server, host, access, _sessions_of(server.other), restarted_s_ago).to_json()


def verify_fence(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read whether the network, or else the database, proves the fence; keep the receipt with the change's epoch.

    Sessions of a server that the network cuts off are ended beside the path, so that no lock stays; so are those that
    speak against a proof."""
    server, execution = role_in(event), _execution_in(event)
    state, vouched = _table().read(), SETTINGS.path_is_direct if SETTINGS.network_acls else None
    time.sleep(transitions.unsettled_s(state, server, time.time()))
    found = fence_proofs.prove(server, state, vouched, SETTINGS.fence_reads, _put, _ask_all, partial(_keep, execution))
    if state.lease is not None and not (found.is_yes and found.evidence["by"] == FencedBy.DATABASE):
        _end_sessions_beside(server, state.lease.epoch)
    if not found.is_yes and state.lease is not None and state.lease.action == Action.ADOPT:
        found = fence_proofs.of_all(found, _by_power(server, execution))
    return found.to_json()


def end_sessions(event: Mapping[str, Any]) -> dict[str, Any]:
    """Have the sessions of a server ended that is being put out, or must be out, as the record says in this moment.

    With `every`, also those from addresses that only EC2 knows of it; asking that takes a moment, so not on the path.
    Raises `NotToBeKeptOut` where it does not say so in that epoch, `FunctionFailed` where they could not all be ended.
    """
    server = role_in(event)
    known = _put(Question("access", "status", server)).evidence if event.get("every") is True else {}
    demand_endable(_table().read(), server, epoch_in(event))
    return lambda_invoke.ask(clients.functions(), SETTINGS.sessions_function, _end_order(server, known).payload())


def _end_order(server: Role, known: Mapping[str, Any]) -> Question:
    own = [each for each in known.get("addresses", []) if each not in SETTINGS.pair.other(server).addresses]
    return Question("sessions", "terminate", server, {"addresses": own, "not_after": time.time() + ORDER_LASTS_S})


def _end_sessions_beside(server: Role, epoch: int) -> None:
    """As `end_sessions`, which reads the record whenever the order is delivered; it is not awaited."""
    order = {"action": "end_sessions", "server": server, "epoch": epoch, "every": True}
    try:
        lambda_invoke.send(clients.functions(), SETTINGS.own_function, order)
    except lambda_invoke.FunctionFailed as error:
        logger.warning("sessions of a server that is put out were not ended", extra={"why": str(error)[:300]})


def verify_power(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read whether the old server's machine is off; if it is, keep the receipt with the change's epoch."""
    return _by_power(role_in(event), _execution_in(event)).to_json()


def _by_power(server: Role, execution: str) -> Verdict:
    power = _put(Question("server", "power", server))
    return _keep(execution, lambda _, epoch, now: fence.proof_by_power(server, epoch, power, now))


def _keep(execution: str, judge: fence_proofs.Judge) -> Verdict:
    """Judge in the epoch of the lease that this execution holds, and write the receipt if there is one."""
    state = (table := _table()).read()
    verdict, receipt = judge(state, transitions.own_lease(state, execution).epoch, time.time())
    if receipt is not None:
        table.change(lambda state: transitions.keep_receipt(state, execution, receipt))
    return verdict


def see_path(_event: Mapping[str, Any]) -> dict[str, Any]:
    """Check that the database shows the active server's sessions as its own, and keep that for the epoch."""
    before = _table().read()
    if before.active is None or before.lease is not None:
        return unknown("The pair is not at rest.").to_json()
    seen = database_path.observe(partial(promotion.seen_of, before.active, _put), attempts(SERVER_WAIT_S, most_s=1.0))
    after = _table().change(lambda state: database_path.record_at_rest(state, before, seen))
    return database_path.is_direct(after, SETTINGS.path_is_direct).to_json()


def see_second_probe(_event: Mapping[str, Any]) -> dict[str, Any]:
    """Have both probes probe both servers, and keep for the epoch whether the second one reaches them."""
    before = _table().read()
    if before.active is None or before.lease is not None:
        return unknown("The pair is not at rest.").to_json()
    found = second_probe.compare(*PROBES.ask_each({"action": "probe"}))
    _table().change(lambda state: second_probe.record_at_rest(state, before, found))
    return found.to_json()


def verify_promotion(event: Mapping[str, Any]) -> dict[str, Any]:
    """Ask whether the new server is active: it answers, has sessions, the old one none, and the record points to it.

    Sessions of the old server are ended: a login from before may be late, and those of a machine without power stay.
    """
    server, execution = role_in(event), _execution_in(event)
    for _ in attempts(SERVER_WAIT_S, most_s=0.4):
        admin, own, others = promotion.seen_of(server, _put)
        listed = own.is_yes or database_path.can_list(_table().read(), SETTINGS.path_is_direct)
        if others.is_yes or (admin.is_yes and (own.is_yes or not listed)):
            break
    if others.is_yes:
        others = _end_sessions_of(server.other, execution) or others
    _table().change(lambda state: database_path.record_in_change(state, execution, admin, own))
    record = _put(Question("dns", "status", server))
    return promotion.is_active(SETTINGS.pair.server(server), admin, own, others, record, listed=listed).to_json()


def _sessions_of(server: Role) -> Verdict:
    return _put(Question("sessions", "status", server))


def _end_sessions_of(fenced: Role, execution: str) -> Verdict | None:
    """End the sessions of a server that this execution has proven to be out. Best effort; they are read again.

    Returns:
        a *no* where they can do nothing, listed or not, because the network cuts the server off still; else None.
    """
    state = _table().read()
    if state.lease is None or state.lease.execution != execution or must_be_out(state) is not fenced:
        return None
    ended = _put(_end_order(fenced, {}))
    logger.warning("sessions of a fenced server were ended", extra={"server": fenced, "then": ended.sentence})
    return fence_proofs.cut_off(state, fenced, _put)


def fall_back(event: Mapping[str, Any]) -> dict[str, Any]:
    """A step of a switchover failed: turn back, continue without the source, or stop? Asked before either is begun."""
    execution, state = _execution_in(event), (table := _table()).read()
    source = transitions.own_lease(state, execution).target.other
    copy = replication.complete_copy(table.freshness(), state, time.time())
    way, sentence = fallback.choose(source, copy, event.get("may_go_on") is True, _put, attempts(10.0))
    if way is fallback.Way.GO_ON:
        table.change(lambda before: transitions.go_on(before, execution))
    return {"way": way.value, "sentence": sentence}


def turn_back(event: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the change round: from here on the server it came from is to be active again, in an epoch of its own."""
    execution = _execution_in(event)
    turned = _table().change(lambda before: transitions.turn_back(before, execution, time.time()))
    lease = transitions.own_lease(turned, execution)
    return {"source": lease.target.other.value, "target": lease.target.value, "epoch": lease.epoch}


def conclude(event: Mapping[str, Any]) -> dict[str, Any]:
    """End the change, and return the notification, empty if it is repeated. Twice is once, and the first end wins."""
    execution, outcome = _execution_in(event), Outcome(one_of(event, "outcome", Outcome))
    sentence, now = plain_words(str(event.get("sentence", "")))[:1000], time.time()
    table, lines = _table(), list[History]()  # newest first
    phases = partial(step_functions.phases, clients.stepfunctions(), execution, now)

    def end(state: PairState) -> Ending | None:
        lines[:] = changes_in(table.history(10))
        if any(each.execution == execution for each in lines):
            return None
        after, line = transitions.conclude(state, execution, outcome, sentence, now)
        aged = partial(replication.with_copy, line, table.freshness, state.epoch)
        lines.insert(0, line := best_effort.result_of(aged, line, "the files' age", logger))
        return Ending(after, line, best_effort.result_of(phases, [], "the phases", logger))

    table.end_change(end, SETTINGS.history_days)
    line = next(each for each in lines if each.execution == execution)
    _publish(line)
    text = {"outcome": line.outcome.value, "sentence": line.sentence, "subject": "", "message": ""}
    if transitions.is_repeat(line, lines):
        return text
    instead = fallback.instead(line.target, _put) if line.outcome is Outcome.HALTED else None
    message = notifications.of_end(SETTINGS.pair.name, table.read(), line, SETTINGS.stack, instead)
    return {**text, "subject": message.subject, "message": message.body}


def _publish(line: History) -> None:
    """How long it took until a server served; twice is once, since the worst of some minutes is what counts."""
    if line.recovery_s is not None:
        metrics = EphemeralMetrics(namespace=observability.NAMESPACE, service="pair")
        metrics.add_dimension("Pair", SETTINGS.pair.name)
        metrics.add_metric("RecoverySeconds", MetricUnit.Seconds, line.recovery_s)
        metrics.flush_metrics()


def refuse(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notification of a refused request; an empty one is not sent. Writes nothing."""
    sentence, execution = plain_words(str(event.get("sentence", "")))[:1000], _execution_in(event)
    if is_quiet_whatever(event.get("request")):
        return {"outcome": Outcome.REFUSED.value, "subject": "", "message": ""}
    message = notifications.of_refusal(SETTINGS.pair.name, _table().read(), sentence, execution, SETTINGS.stack)
    return {"outcome": Outcome.REFUSED.value, "subject": message.subject, "message": message.body}


def keep_wish(event: Mapping[str, Any]) -> dict[str, Any]:
    """What people set without moving the pair, and how a game day ended: noted (decisions/controls.py)."""
    (sentence, note), table = controls.noting(event, time.time()), _table()

    def noted(state: PairState) -> Ending | None:
        found = note(state, partial(table.history, 20))
        return Ending(*found) if found else None

    table.end_change(noted, SETTINGS.history_days)
    return {"answer": "yes", "sentence": sentence}


def hold(event: Mapping[str, Any]) -> dict[str, Any]:
    """Note that an automatic failover is held. `notification` is there for the first asking in an outage only."""
    why, by, epoch, now = line_in(event, "sentence"), line_in(event, "requested_by"), epoch_in(event), time.time()

    def noted(state: PairState) -> Ending | None:
        held = controls.hold(state, why, epoch)
        return None if state.held else Ending(held, Note(state.epoch, "held", state.active, why, by, now))

    before, state = _table().end_change(noted, SETTINGS.history_days)
    if before.held:
        return {"answer": "yes", "sentence": state.held}
    message = notifications.of_held(SETTINGS.pair.name, state, why, SETTINGS.stack)
    return {"answer": "yes", "sentence": why, "notification": {"subject": message.subject, "message": message.body}}


def release(event: Mapping[str, Any]) -> dict[str, Any]:
    """The active server is well again: the next outage is notified of anew."""
    _table().change(partial(controls.release, epoch=epoch_in(event)))
    return {"answer": "yes", "sentence": "Nothing is held."}


def keep_readiness(event: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the latest readiness check beside the record, for `failoverctl status`; a late one does not undo it."""
    _table().put_readiness(controls.readiness_in(event, time.time()))
    return {"answer": "yes", "sentence": "Kept."}


# fmt: off
ACTIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    each.__name__: each for each in (
        begin, dry_run, survey, may_restart, end_sessions, verify_fence, verify_power, verify_promotion, fall_back,
        turn_back, conclude, refuse, hold, release, keep_readiness, see_path, see_second_probe, holder_runs,
    )
}
# fmt: on
ACTIONS |= dict.fromkeys(controls.NOTED, keep_wish)
ACTIONS |= dict.fromkeys(("confirm_outage", "check_reachable", "check_serving"), PROBES.ask_or_be_throttled)
