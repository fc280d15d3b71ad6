"""`pair`: keeps the pair's record, and gathers for it what the functions that can see say.

Actions: begin, survey, prove, prove_power, verify, turn_back, conclude, refuse. The proof of a fence is read here from
the door and the sessions, and written with the epoch; it never passes through the state machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from msfailover import adoption, changes, fence, observing, promotion, telling
from msfailover.adapters import aws, executions, lambdas
from msfailover.adapters.pair_table import PairTable
from msfailover.admission import Admission, admit
from msfailover.audit import must_be_out
from msfailover.environment import read
from msfailover.pair import PairState, Receipt, Role
from msfailover.request import Action, BadRequest, Request, parse_request, role_in
from msfailover.settings import PairSettings
from msfailover.verdict import Verdict
from msfailover.waiting import attempts

SETTINGS = read(PairSettings, os.environ)
logger = observing.logger_for("pair")

SERVER_WAIT_S = 4.0
"""Seconds one call waits for the new server to answer; the workflow asks again after that."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observing.begin(logger, event)
    action = ACTIONS.get(str(event.get("action")))
    if action is None:
        raise BadRequest(f"action is {str(event.get('action'))[:40]!r}, but one of {', '.join(ACTIONS)} is needed.")
    answer = action(event)
    logger.info("answered", extra={"asked": event["action"], "answer": answer})
    return answer


def _table() -> PairTable:
    return PairTable(aws.dynamodb(), SETTINGS.table, SETTINGS.pair.name)


def begin(event: Mapping[str, Any]) -> dict[str, Any]:
    """Admit the request and take the lease with the next epoch, or say why not. Asked twice, answers the same."""
    execution = str(event["execution"])
    try:
        request = parse_request(event.get("request"))
    except BadRequest as error:
        return {"admitted": False, "sentence": f"Refused: {error} Nothing was touched."}
    taken: list[Admission] = []

    def take(state: PairState) -> PairState:
        admission = admit(request, state, execution, time.time(), _holder_runs(request, state))
        taken.append(admission)
        if admission.plan is None or request.dry_run:
            return state
        return changes.take_lease(state, admission.plan, request, execution, time.time())

    _table().change(take)
    admission = taken[-1]
    if admission.plan is None:
        return {"admitted": False, "sentence": admission.sentence}
    plan = {**asdict(admission.plan), "named": request.target, "dry_run": request.dry_run}
    return {"admitted": True, "sentence": admission.sentence, "plan": plan}


def _holder_runs(request: Request, state: PairState) -> Verdict | None:
    if request.action is not Action.RESUME or state.lease is None:
        return None
    return executions.running(aws.stepfunctions(), state.lease.execution)


def survey(event: Mapping[str, Any]) -> dict[str, Any]:
    """Find out who is active, and aim the adoption at that server."""
    named = role_in(event, "named") if event.get("named") else None
    surveys = {
        role: adoption.Survey(
            runs=_ask(SETTINGS.server_function, {"action": "runs", "server": role}),
            sessions=_ask(SETTINGS.sessions_function, {"action": "status", "server": role}),
        )
        for role in Role
    }
    verdict, active = adoption.who_is_active(surveys[Role.MS1], surveys[Role.MS2], named)
    if active is None:
        return verdict.to_json()
    execution = str(event["execution"])
    _table().change(lambda state: changes.aim(state, execution, active))
    return {**verdict.to_json(), "target": active.value, "source": active.other.value}


def prove(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read whether the database proves the fence; if it does, keep the receipt with the change's epoch."""
    server, execution = role_in(event), str(event["execution"])
    door_before = _ask(SETTINGS.access_function, {"action": "status", "server": server})
    if not door_before.is_no:
        return door_before.to_json() | {"answer": "no" if door_before.is_yes else "unknown"}
    sessions = _ask(
        SETTINGS.sessions_function,
        {"action": "status", "server": server, "reads": SETTINGS.fence_reads, "past_late_logins": True},
    )
    door_after = _ask(SETTINGS.access_function, {"action": "status", "server": server})
    return _keep(
        execution,
        lambda epoch: fence.proof_by_database(
            server, epoch, door_before, sessions, door_after, SETTINGS.fence_reads, time.time()
        ),
    )


def prove_power(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read whether the old server's machine is off; if it is, keep the receipt with the change's epoch."""
    server, execution = role_in(event), str(event["execution"])
    power = _ask(SETTINGS.server_function, {"action": "power", "server": server})
    return _keep(execution, lambda epoch: fence.proof_by_power(server, epoch, power, time.time()))


def _keep(execution: str, judge: Callable[[int], tuple[Verdict, Receipt | None]]) -> dict[str, Any]:
    """Judge in the epoch of the lease that this execution holds, and write the receipt if there is one."""
    table = _table()
    lease = table.read().lease
    if lease is None or lease.execution != execution:
        raise changes.LeaseLost(f"{execution} does not hold the lease; nothing was written.")
    verdict, receipt = judge(lease.epoch)
    if receipt is not None:
        table.change(lambda state: changes.keep_receipt(state, execution, receipt))
    return verdict.to_json()


def verify(event: Mapping[str, Any]) -> dict[str, Any]:
    """Ask whether the new server is active: it answers, has sessions, the old one has none, and the name moved.

    Sessions of the old server that are there all the same are ended: a connection made before its door was shut can
    turn into one late (adapters/sessions/postgresql.py), and one of a machine without power stays till it is ended.
    """
    server = role_in(event)
    for _ in attempts(SERVER_WAIT_S, most_s=0.4):
        admin, name, own, others = _seen_of(server)
        if others.is_yes or (admin.is_yes and own.is_yes):
            break
    if others.is_yes:
        _end_sessions_of(server.other, str(event.get("execution")))
    return promotion.is_active(SETTINGS.pair.server(server), admin, own, others, name).to_json()


def _seen_of(server: Role) -> tuple[Verdict, Verdict, Verdict, Verdict]:
    """Does it answer, where does the name point, and have it and the other one sessions?

    Each function is asked one thing at a time: a second question at once would wait for a second, cold process.
    """
    with ThreadPoolExecutor(max_workers=1) as threads:
        sessions = threads.submit(_sessions_of_both, server)
        admin = _ask(SETTINGS.probe_function, {"action": "serves", "server": server})
        name = _ask(SETTINGS.probe_function, {"action": "name"})
        return admin, name, *sessions.result()


def _sessions_of_both(server: Role) -> tuple[Verdict, Verdict]:
    """Has the server sessions, and has the other one any?"""
    own, others = (
        _ask(SETTINGS.sessions_function, {"action": "status", "server": role}) for role in (server, server.other)
    )
    return own, others


def _end_sessions_of(fenced: Role, execution: str) -> None:
    """End the sessions of a server that this execution has proven to be out. Best effort; it is looked at again."""
    state = _table().read()
    if state.lease is None or state.lease.execution != execution or must_be_out(state) is not fenced:
        return
    ended = _ask(SETTINGS.sessions_function, {"action": "terminate", "server": fenced})
    logger.warning("sessions of a fenced server were ended", extra={"server": fenced, "then": ended.sentence})


def turn_back(event: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the change round: from here on the server it came from is to be active again, in an epoch of its own."""
    execution = str(event["execution"])
    state = _table().change(lambda before: changes.turn_back(before, execution))
    lease = state.lease
    if lease is None:
        raise changes.LeaseLost(f"{execution} does not hold the lease; nothing was written.")
    return {"source": lease.target.other.value, "target": lease.target.value, "epoch": lease.epoch}


def conclude(event: Mapping[str, Any]) -> dict[str, Any]:
    """End the change: write its history, then the record, and say what people are to be told. Twice is once."""
    execution, outcome = str(event["execution"]), changes.Outcome(str(event["outcome"]))
    sentence, now = str(event.get("sentence", ""))[:1000], time.time()
    table = _table()
    before = table.read()
    line = _concluded_before(table, execution)
    if line is None or (before.lease is not None and before.lease.execution == execution):
        _, line = changes.conclude(before, execution, outcome, sentence, now)
        table.add_history(line)
        table.change(lambda state: changes.conclude(state, execution, outcome, sentence, now)[0])
    message = telling.tell(SETTINGS.pair.name, table.read(), line)
    return {"outcome": line.outcome.value, "subject": message.subject, "message": message.body}


def _concluded_before(table: PairTable, execution: str) -> changes.History | None:
    lines = (changes.History.from_json(each) for each in table.history(10))
    return next((line for line in lines if line.execution == execution), None)


def refuse(event: Mapping[str, Any]) -> dict[str, Any]:
    """Say what people are to be told of a request that was refused. Writes nothing."""
    sentence, execution = str(event.get("sentence", ""))[:1000], str(event["execution"])
    message = telling.tell_refusal(SETTINGS.pair.name, _table().read(), sentence, execution)
    return {"outcome": changes.Outcome.REFUSED.value, "subject": message.subject, "message": message.body}


def _ask(function: str, payload: Mapping[str, Any]) -> Verdict:
    return lambdas.ask_verdict(aws.functions(), function, payload)


ACTIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "begin": begin,
    "survey": survey,
    "prove": prove,
    "prove_power": prove_power,
    "verify": verify,
    "turn_back": turn_back,
    "conclude": conclude,
    "refuse": refuse,
}
