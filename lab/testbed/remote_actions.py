"""What a second terminal does on the testbed that is up: start an execution and follow it, or call a function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msfailover.history import Outcome

from failoverctl import actions, render, terminal
from failoverctl.account import Account, find_stack, read_record
from failoverctl.errors import CommandError

FOLLOW_S = 300


def execute(testbed: Mapping[str, Any], event: Path) -> int:
    """Start an execution with a file's content, print its steps as they end, and what came of it.

    Where it is refused because another change is under way (the watchdog may be faster), that one is followed.

    Returns:
        0 where it ended, whatever the outcome; 1 where it was halted or cut off.

    Raises:
        CommandError: AWS's stand-in refuses it, or it has not ended in time.
    """
    account, console = _account(testbed), terminal.console(soft_wrap=True)
    client = account.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=testbed["machine"], input=event.read_text())["executionArn"]
    console.print(execution)
    ended = actions.follow(account, execution, console, FOLLOW_S)
    record = read_record(account, find_stack(account, str(testbed["stack"])))
    if ended.outcome == Outcome.REFUSED and record.lease is not None and not record.halted:
        console.print(f"That one was faster, and is followed: {record.lease.execution}")
        ended = actions.follow(account, record.lease.execution, console, FOLLOW_S)
    console.print(render.ended_text(ended.outcome, ended.would, ended.sentence, " --testbed"))
    return 0 if (ended.outcome in actions.EXIT_OF and ended.outcome != "halted") or ended.would else 1


def _account(testbed: Mapping[str, Any]) -> Account:
    """The testbed's account, by the clients that operators have; the testbed's own would import all of moto."""
    return Account(None, testbed["region"], testbed["endpoint"])


def invoke(testbed: Mapping[str, Any], function: str, event: Path) -> int:
    """Call a function with a file's content and print its answer.

    Returns:
        0, or 1 where it raised.

    Raises:
        CommandError: the stack has no such function.
    """
    name, client = f"{testbed['stack']}-{function.replace('_', '-')}", _account(testbed).client("lambda")
    try:
        answer = client.invoke(FunctionName=name, Payload=event.read_bytes())
    except client.exceptions.ResourceNotFoundException as error:
        why = "what a parameter switches on is not there without it"
        raise CommandError(f"The stack has no function {name}: {why}. Nothing was called.") from error
    print(json.dumps(json.loads(answer["Payload"].read() or b"null"), indent=2))
    return 1 if answer.get("FunctionError") else 0
