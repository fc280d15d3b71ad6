"""The state machine's executions: starting one, and asking whether one still runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.pair import CALLS_LAST_S, CUT_SHORT, PairState
from msfailover.text import clean, plain_words
from msfailover.verdict import Verdict, no, unknown, yes

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

KNOWN_WITHIN_S = 60
"""Seconds after which Step Functions knows of every execution that was started: DescribeExecution is eventually
consistent, so an execution that it does not know of yet may run all the same (AWS Step Functions API reference)."""


def start(client: SFNClient, machine: str, name: str, request: Mapping[str, Any]) -> str | None:
    """Start an execution under a name of its own; None where one of that name was started before.

    Args:
        client: Step Functions.
        machine: the state machine's ARN.
        name: makes doubled triggers one execution.
        request: the execution's input.
    """
    try:
        answer = client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(request))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            return None
        raise
    return answer["executionArn"]


def try_to_start(client: SFNClient, machine: str) -> None:
    """Ask for an execution with an input that is no JSON: Step Functions checks that the call is allowed, then
    refuses it for the input, and starts nothing."""
    client.start_execution(stateMachineArn=machine, input="dry run: no JSON")


def running(client: SFNClient, execution: str, taken_at: float, now: float) -> Verdict:
    """Whether an execution still runs, or a call of it may; *unknown* where Step Functions does not say so.

    One that Step Functions does not know has ended: it was never started, or ended so long ago that it is forgotten
    (after 90 days). Somebody who took the lease under a made-up name must not hold it for ever.

    An execution that comes to its own end has waited for its calls. One that is stopped, or whose time is over, leaves
    behind what it called last: a function that has read its permission, and has yet to act on it. Nobody may take over
    before that function's own time is over too.

    Args:
        taken_at: when it took the lease; seconds since 1970, like `now`.
    """
    try:
        found = client.describe_execution(executionArn=execution)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code == "ExecutionDoesNotExist" and now - taken_at > KNOWN_WITHIN_S:
            return no(f"{execution} has ended: Step Functions knows no execution of that name.")
        return unknown(f"Step Functions does not say of {execution}: {error}")
    status = found["status"]
    if status in ("RUNNING", "PENDING_REDRIVE"):
        return yes(f"{execution} still runs.")
    if status in CUT_SHORT:
        since = now - found["stopDate"].timestamp() if "stopDate" in found else 0.0
        if since < CALLS_LAST_S:
            wait = math.ceil(CALLS_LAST_S - since)
            return unknown(
                f"{execution} has ended ({status}) only just: a call of it may be under way; resume in {wait} s."
            )
    return no(f"{execution} has ended ({status}).")


def holder_runs(client: SFNClient, state: PairState, now: float) -> Verdict:
    """As `running`, of the execution that holds the pair's lease; *unknown* where none does."""
    if state.lease is None:
        return unknown("No change holds the lease.")
    return running(client, state.lease.execution, state.lease.taken_at, now)


def outcome_of(client: SFNClient, execution: str) -> tuple[str, str]:
    """The outcome of an execution of the workflow, and its sentence.

    The outcome is "running" while it runs, "missing" where Step Functions knows none of that name, and Step Functions'
    own word where the execution was cut short ("aborted").
    """
    try:
        found = client.describe_execution(executionArn=execution)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return "missing", ""
        raise
    if found["status"] == "SUCCEEDED":
        output = json.loads(found.get("output") or "{}")
        return str(output.get("outcome")), clean(output.get("sentence", ""))
    if found.get("error") == "Halted":
        return "halted", plain_words(str(found.get("cause", "")))
    return found["status"].lower().replace("_", "-"), plain_words(str(found.get("cause") or found.get("error") or ""))


def phases(client: SFNClient, execution: str, now: float) -> list[dict[str, Any]]:
    """When each state that does or waits for something ran: `{"name", "start", "end"}`, seconds since 1970.

    Args:
        now: the end of the states that still run, such as the one that asks.
    """
    events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    entered: dict[str, float] = {}
    found: list[dict[str, Any]] = []
    for event in events:
        at = event["timestamp"].timestamp()
        if event["type"] in ("TaskStateEntered", "WaitStateEntered"):
            entered[event["stateEnteredEventDetails"]["name"]] = at
        elif event["type"] in ("TaskStateExited", "WaitStateExited"):
            name = event["stateExitedEventDetails"]["name"]
            found.append({"name": name, "start": round(entered.pop(name, at), 3), "end": round(at, 3)})
    found += [{"name": name, "start": round(start, 3), "end": round(now, 3)} for name, start in entered.items()]
    return found[:200]
