"""How the pair is, now: everything is asked at once, and what could not be asked is said so."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from msfailover.freshness import BUSY, REFUSED
from msfailover.pair import CALLS_LAST_S, CUT_SHORT
from msfailover.record import state_to_json
from msfailover.text import clean_lines

from failoverctl.account import (
    Account,
    Stack,
    ask,
    ask_later,
    find_stack,
    history,
    item,
    object_of,
    read_freshness,
    read_record,
)
from failoverctl.errors import CommandError, is_denied, plainly
from failoverctl.game_days import read_game_day
from failoverctl.probes import has_second, together
from failoverctl.problems import FOLLOWING, problems_of
from failoverctl.readiness_age import is_to_be_asked, with_age
from failoverctl.recovery import target_of
from failoverctl.serving import headline
from failoverctl.steps import current, read_steps

ROLES = ("ms1", "ms2")
SETTLES_S = 60
HISTORY_LINES = 20
"""Read with each status: the last change is among them, and notes of what was set or held."""
DUE_WITHIN_S = 90.0
"""Seconds after a change in which the first copy of the new direction may still be on its way."""
ALARMS = (
    "acknowledgement-overdue",
    "active-server-down",
    "active-without-database",
    "audit-blind",
    "audit-silent",
    "failover-aborted",
    "failover-halted",
    "failover-timed-out",
    "maintenance-overdue",
    "mode-overdue",
    "not-ready",
    "recovery-slow",
    "replication-drift",
    "replication-stale",
    "split-brain-risk",
    "two-services",
    "undelivered",
    "watchdog-silent",
)
"""Those of the template, without the stack's name."""
IN_ALARM = "In ALARM: "
"""How an alarm's description begins, since CloudWatch sends it with the message that the alarm is over, too."""
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]+")


def read_status(account: Account, stack: Stack, where: str = "", with_history: bool = False) -> dict[str, Any]:
    """Everything that `status` shows, as plain JSON. A part that could not be asked is `{"error": sentence}`.

    Args:
        where: the options that name this pair, for the commands that are proposed.
        with_history: add `history`, the lines that the last change is found in; they cost no call of their own.
    """
    began = time.time()
    questions: dict[str, Callable[[], Any]] = {
        "record": lambda: state_to_json(read_record(account, stack)),
        "freshness": lambda: read_freshness(account, stack).to_json(),
        "readiness": lambda: item(account, stack, "readiness"),
        "probe": lambda: ask(account, stack, "probe", {"action": "probe"}),
        "dns record": _asking(account, stack, "dns", ROLES[0]),  # whose is asked
        "resolved": lambda: ask(account, stack, "probe", {"action": "name"}),
        "alarms": lambda: read_alarms(account, stack),
        "execution": lambda: running_execution(account, stack),
        "history": lambda: history(account, stack, HISTORY_LINES),
        "game day": lambda: read_game_day(account, stack),
    }
    if has_second(stack.parameters):
        questions["second probe"] = lambda: ask(account, stack, "second-probe", {"action": "probe"})
    for role in ROLES:
        for about, function in (("access", "database-access"), ("sessions", "database-sessions")):
            questions[f"{about} {role}"] = _asking(account, stack, function, role)
    with ThreadPoolExecutor(len(questions)) as threads:
        answers = {name: threads.submit(_answer, question) for name, question in questions.items()}
        found = {name: answer.result() for name, answer in answers.items()}
    found["last_change"] = last_change(found["history"])
    status = _assembled(stack, found, time.time())
    status["resumable_in_s"] = _resumable_in_s(account, status)
    if is_to_be_asked(status):
        status["readiness"]["asked_anew"] = ask_later(account, stack, "readiness", {"action": "check"})
    status["headline"] = headline(status).to_json()
    _clear(status)
    status["problems"] = problems_of(status, where)
    status["well"] = not status["problems"]
    if with_history:
        status["history"] = found["history"]
    status["took_s"] = round(time.time() - began, 3)
    return status


def _asking(account: Account, stack: Stack, function: str, role: str) -> Callable[[], Any]:
    """A question to a function that may act, too; a viewer may not call it, and asks `readiness` to ask it."""
    asked = {"action": "status", "server": role}

    def question() -> Any:
        try:
            return ask(account, stack, function, asked)
        except CommandError as error:
            if not is_denied(error):
                raise
        return ask(account, stack, "readiness", {**asked, "function": function})

    return question


def _answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except CommandError as error:
        return {"error": str(error)}


def _assembled(stack: Stack, found: Mapping[str, Any], now: float) -> dict[str, Any]:
    record = found["record"]
    signals, probes = together(stack.parameters, found["probe"], found.get("second probe"), record)
    servers = {
        role: {
            "is": _place(record, role),
            "instance": stack.parameters.get(f"{role.capitalize()}InstanceId", ""),
            "observation": _observation(signals, role),
            "access": found[f"access {role}"],
            "sessions": found[f"sessions {role}"],
        }
        for role in ROLES
    }
    # Where the record points decides; what a resolver still remembers of it is shown beside that.
    name = dict(found["dns record"])
    where = set((name.get("evidence") or {}).get("values", []))
    addresses = {role: _ADDRESS.findall(stack.parameters.get(f"{role.capitalize()}Addresses", "")) for role in ROLES}
    name["values"] = sorted(where)
    name["home"] = {role: each[0] for role, each in addresses.items() if each}
    name["points_to"] = next((role for role in ROLES if where & set(addresses[role])), None)
    resolved = set((found["resolved"].get("evidence") or {}).get("addresses", []))
    name["resolver_says"] = "" if not resolved or resolved == where else ", ".join(sorted(resolved))
    name["record"] = stack.parameters.get("RecordName", "")
    copy = _copy(stack, found["freshness"], record, found["last_change"], now)
    return {
        "stack": stack.name,
        "pair": stack.pair,
        "at": round(now, 3),
        "record": record,
        "servers": servers,
        "probes": probes,
        "name": name,
        "service": stack.parameters.get("ServiceName") or "ssh-mgmt-server",
        "replication": copy,
        "readiness": with_age(found["readiness"], record, found["last_change"], copy),
        "alarms": _settled(found["alarms"], found["last_change"], now),
        "recovery_target_s": target_of(stack),
        "execution": found["execution"],
        "last_change": found["last_change"],
        "game_day": found["game day"],
    }


def _observation(signals: Mapping[str, Any], role: str) -> dict[str, Any]:
    """What the probe saw of a server; `cut_off` where it saw neither, and may be the one that is cut off."""
    seen = signals.get(role)
    if not isinstance(seen, Mapping):
        return dict(signals)
    return {**seen, "cut_off": (signals.get("evidence") or {}).get("cut_off") is True}


def _place(record: Mapping[str, Any], role: str) -> str:
    if record.get("error"):
        return "not known"
    return "active" if record.get("active") == role else "standby" if record.get("active") else "not adopted"


def _copy(
    stack: Stack,
    freshness: Mapping[str, Any],
    record: Mapping[str, Any],
    last: Mapping[str, Any] | None,
    now: float,
) -> dict[str, Any]:
    """What is known of the standby's copy, with what is to be made of it.

    Added are `age_s`; `failed`, why the last run came to nothing, and `refused`, whether each one after it will;
    `of_before`, whose files it holds where they are of before the last change; `on_its_way` where a run is under way,
    or due since a moment ago; and `oldest_s`, the stack's own limit.
    """
    copy = dict(freshness)
    copy["oldest_s"] = float(stack.parameters.get("ReplicationOldestSeconds", 0) or 0)
    if copy.get("error"):
        return copy
    if copy.get("as_of"):
        copy["age_s"] = round(now - float(copy["as_of"]), 1)
    copy["on_its_way"] = not copy.get("ended", True)
    run = copy.get("last") or {"complete": True}
    if copy.get("ended", True) and run.get("complete") is not True and run.get("outcome") != BUSY:
        copy["failed"] = str(run.get("reason") or "the host gave no reason")
        copy["refused"] = run.get("outcome") == REFUSED
    if copy.get("as_of") and record.get("active") and copy["epoch"] != record.get("epoch"):
        since = now - float(last["ended_at"]) if last and not last.get("error") else DUE_WITHIN_S
        copy["on_its_way"] = copy["on_its_way"] or since < DUE_WITHIN_S
        copy["of_before"] = f"a set of epoch {copy['epoch']}, and epoch {record.get('epoch')} is on"
    return copy


def _settled(alarms: Any, last: Mapping[str, Any] | None, now: float) -> Any:
    """The alarms; one that rings for want of data is `waiting` as long as it can't have had its data yet."""
    if isinstance(alarms, Mapping):
        return alarms
    adopted = bool(last) and last is not None and last.get("action") == "adopt"
    began = float(last["ended_at"]) if adopted and last is not None else 0.0
    return [{**each, "waiting": _waits(each, max(began, each.pop("configured", 0.0)), now)} for each in alarms]


def _clear(status: Mapping[str, Any]) -> None:
    """Mark the alarms that ring of what is over, as is seen now: CloudWatch needs a minute or two to see it, too."""
    if isinstance(status["alarms"], Mapping):
        return
    changing = status["record"].get("lease")  # then the server that must be out may be the active one
    at_rest = status["headline"]["how"] == "good" and not changing
    one_service = not changing and _one_service(status)
    over = [*(FOLLOWING[:-1] if at_rest else ()), *(["two-services"] if one_service else [])]
    for each in status["alarms"]:
        each["over"] = each["state"] == "ALARM" and each["name"] in over


def _one_service(status: Mapping[str, Any]) -> bool:
    """Whether the standby is seen to be stopped: both its ports refuse."""
    standby = [each["observation"] for each in status["servers"].values() if each["is"] == "standby"]
    return [(each.get("admin"), each.get("port")) for each in standby] == [("refused", "refused")]


def _waits(alarm: Mapping[str, Any], began: float, now: float) -> bool:
    rings_for_want_of_data = alarm["state"] == "ALARM" and alarm.get("silence_rings")
    return alarm["state"] == "INSUFFICIENT_DATA" or bool(rings_for_want_of_data and now - began < alarm["window_s"])


def read_alarms(account: Account, stack: Stack) -> list[dict[str, Any]]:
    """The stack's alarms, those that ring first. One that somebody deleted is `MISSING`: it can't ring."""
    with plainly("read the alarms"):
        names = [f"{stack.name}-{each}" for each in ALARMS]
        answer = account.client("cloudwatch").describe_alarms(AlarmNames=names)
    there = {each["AlarmName"].removeprefix(f"{stack.name}-"): each for each in answer["MetricAlarms"]}
    found = [_alarm(name, there.get(name)) for name in ALARMS]
    return sorted(found, key=lambda each: (each["state"] != "ALARM", each["name"]))


def _alarm(name: str, alarm: Mapping[str, Any] | None) -> dict[str, Any]:
    if alarm is None:
        return {"name": name, "state": "MISSING", "since": None, "means": "", "silence_rings": False, "window_s": 0.0}
    since = alarm["StateUpdatedTimestamp"].timestamp()
    means = clean_lines(alarm.get("AlarmDescription", "")).removeprefix(IN_ALARM)
    configured = alarm.get("AlarmConfigurationUpdatedTimestamp")
    return {
        "name": name,
        "state": alarm["StateValue"],
        "since": since,
        "means": means,
        "silence_rings": alarm.get("TreatMissingData") == "breaching",
        # CloudWatch reads back further than an alarm's periods, and what is published takes its time to arrive.
        "window_s": float(alarm.get("Period", 60) * (alarm.get("EvaluationPeriods", 1) + 1) + SETTLES_S),
        "configured": configured.timestamp() if configured else 0.0,
    }


def last_change(lines: Any) -> dict[str, Any] | None:
    """The latest change of the pair that has ended, whatever came of it; None before the first.

    Args:
        lines: of the history, newest first, or the error in their place, which is then returned.
    """
    if isinstance(lines, Mapping):
        return dict(lines)
    for line in lines:
        if line["outcome"] != "noted":
            return {name: each for name, each in line.items() if name not in ("pair", "item")}
    return None


def running_execution(account: Account, stack: Stack) -> dict[str, Any] | None:
    """The execution that runs now and its step; None where none does."""
    client = account.client("stepfunctions")
    with plainly("list the executions"):
        answer = client.list_executions(stateMachineArn=stack.machine, statusFilter="RUNNING", maxResults=10)
    if not answer["executions"]:
        return None
    first = min(answer["executions"], key=lambda each: each["startDate"])
    arn = str(first["executionArn"])
    with plainly("read the execution"):
        asked = object_of(client.describe_execution(executionArn=arn).get("input"))
    return {
        "arn": arn,
        "name": first["name"],
        "action": str(asked.get("action", "")),
        "since": first["startDate"].timestamp(),
        "step": current(read_steps(account, arn)),
    }


def _resumable_in_s(account: Account, status: Mapping[str, Any]) -> int:
    """Seconds until the change that holds the lease may be resumed, where its execution was stopped a moment ago."""
    lease = status["record"].get("lease")
    if not lease or status["execution"] or status["record"].get("halted"):
        return 0
    try:
        found = account.client("stepfunctions").describe_execution(executionArn=lease["execution"])
    except (ClientError, BotoCoreError):  # `resume` says what stands in its way
        return 0
    if found["status"] not in CUT_SHORT or "stopDate" not in found:
        return 0
    ended_s_ago = float(status["at"]) - float(found["stopDate"].timestamp())
    return max(0, math.ceil(CALLS_LAST_S - ended_s_ago))


def warm(account: Account) -> None:
    """Make the clients that status needs before the clock is read: making one takes tens of milliseconds."""
    for service in ("dynamodb", "lambda", "stepfunctions", "cloudwatch"):
        account.client(service)


def status_of(account: Account, stack_name: str, where: str = "") -> dict[str, Any]:
    """Find the stack and read its status, the clients being made while the stack is described."""
    with ThreadPoolExecutor(1) as threads:
        warming = threads.submit(warm, account)
        stack = find_stack(account, stack_name)
        warming.result()
    return read_status(account, stack, where)
