"""What a second terminal does on the stage that is up: start an execution and follow it, or call a function."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from failoverctl.account import Account
from local.steps import steps_of

FOLLOW_S = 300


def execute(stage: Mapping[str, Any], event: Path) -> int:
    """Start an execution with a file's content, print its steps as they end, and its outcome.

    Where it is refused because another change is under way (the watchdog may be faster), that one is followed.

    Returns:
        0 where it ended, whatever the outcome; 1 where it was halted or did not end in time.
    """
    stepfunctions = _account(stage).client("stepfunctions")
    execution = stepfunctions.start_execution(stateMachineArn=stage["machine"], input=event.read_text())["executionArn"]
    answer = _follow(stepfunctions, execution)
    holder = re.search(r"holds the lease: (arn:[^\s;]+)", str(answer.get("output", "")))
    if holder:
        print("That one was faster, and is followed:")
        answer = _follow(stepfunctions, holder[1])
    return 0 if answer["status"] == "SUCCEEDED" else 1


def _follow(stepfunctions: Any, execution: str) -> dict[str, Any]:
    print(execution)
    shown, end = 0, time.monotonic() + FOLLOW_S
    while True:
        answer: dict[str, Any] = stepfunctions.describe_execution(executionArn=execution)
        events = stepfunctions.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        steps = [step for step in steps_of(events) if step.end is not None and step.result]
        for step in steps[shown:]:
            print(f"{step.start - answer['startDate'].timestamp():7.2f} s  {step.name:20} {step.result}")
        shown = len(steps)
        if answer["status"] != "RUNNING":
            print(answer.get("output") or f"{answer.get('error')}: {answer.get('cause')}")
            return answer
        if time.monotonic() > end:
            print(f"The execution has not ended after {FOLLOW_S} s; it goes on.", file=sys.stderr)
            return answer
        time.sleep(0.2)


def _account(stage: Mapping[str, Any]) -> Account:
    """The stage's account, by the same clients that operators have; the stage's own would bring all of moto along."""
    return Account(None, stage["region"], stage["endpoint"])


def invoke(stage: Mapping[str, Any], function: str, event: Path) -> int:
    """Call a function with a file's content and print its answer. Returns 1 where it raised."""
    name = f"{stage['stack']}-{function.replace('_', '-')}"
    answer = _account(stage).client("lambda").invoke(FunctionName=name, Payload=event.read_bytes())
    print(json.dumps(json.loads(answer["Payload"].read() or b"null"), indent=2))
    return 1 if answer.get("FunctionError") else 0
