"""The real state machine in moto's interpreter, parsed once, without threads, waits or HTTP."""

from __future__ import annotations

import copy
import datetime
import json
import logging
import threading
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from jsonata.jsonata import Jsonata
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component import eval_component
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.program import program as program_module
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import (
    branch_worker,
    branches_decl,
    state_parallel,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event import event_manager
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.utils import TMP_THREADS

from lab.simulation.clock import Clock, ThreadAtOnce
from lab.testbed.cloud import jsonata
from lab.testbed.cloud.interpreter import _query_failure, take_invocation_type
from lab.testbed.cloud.patching import Patches

TimedOut = EvalTimeoutError
"""What a task raises whose time is over."""

ARN = "arn:aws:states:eu-west-1:123456789012"


@dataclass(frozen=True)
class Ended:
    """How an execution ended: SUCCEEDED with its output, or FAILED with error and cause."""

    status: str
    output: Mapping[str, Any]
    error: str = ""
    cause: str = ""


class Hooks:
    """What the machine asks of the world around it; set by whoever runs a schedule."""

    client_for: Callable[[str], Any]
    entered: Callable[[str], None]
    branches: Callable[[list[Callable[[], None]]], None]


HOOKS = Hooks()


def install(patches: Patches, clock: Clock) -> None:
    """Put the changes into moto's interpreter; they stay for the life of the process, or until `patches.undo()`."""
    threads = types.SimpleNamespace(Thread=ThreadAtOnce, Event=threading.Event, Lock=threading.Lock)
    for module in (program_module, execute_state):
        patches.put(module, "threading", threads, why="threads would make every run another one")
    patches.put(execute_state, "Thread", ThreadAtOnce, why="threads would make every run another one")
    patches.put(
        branch_worker,
        "threading",
        types.SimpleNamespace(Thread=_Branch),
        why="branches run side by side in an order that the schedule says",
    )
    patches.put(branches_decl.BranchWorkerPool, "wait", _run_branches, why="the branches have not run yet")
    patches.put(state_module, "datetime", _dates(clock), why="the time at which a state is entered is virtual")
    patches.put(retrier_decl, "time", clock, why="pauses are virtual")
    longest = types.SimpleNamespace(uniform=lambda _low, high: high)
    patches.put(jitter_strategy_decl, "random", longest, why="the same schedule gives the same run")
    patches.put(
        wait_function.WaitFunction,
        "_wait_interval",
        lambda _self, env, wait_seconds: clock.sleep(wait_seconds),  # noqa: ARG005
        why="waits are virtual",
    )
    take_invocation_type(patches)
    patches.put(jsonata, "Jsonata", cache(Jsonata), why="the same expressions are compiled for every state")
    patches.put(string_expression.StringJSONata, "_eval_body", _evaluate, why="moto has no evaluator")
    patches.put_everywhere(
        "moto.stepfunctions",
        "boto_client_for",
        lambda region, service, state_credentials=None: HOOKS.client_for(service),  # noqa: ARG005
        why="the world of memory answers",
    )
    enter: Callable[[Any, Any], None] = patches.put(
        state_module.CommonStateField, "_eval_body", lambda state, env: _enter(enter, state, env), why="to be followed"
    )
    patches.put(result_path, "parse", cache(result_path.parse), why="the same path is parsed for every state")
    copies = types.SimpleNamespace(deepcopy=_copied, copy=copy.copy)
    for module in (states, execute_state, state_parallel, state_task_service):
        patches.put(module, "copy", copies, why="what is copied is JSON, and there is a lot of it")
    _leave_out_history(patches)


def _dates(clock: Clock) -> Any:
    """Stands in for the module `datetime`, as far as the interpreter asks it what time it is."""

    def now(tz: datetime.tzinfo) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(clock.time(), tz)

    return types.SimpleNamespace(datetime=types.SimpleNamespace(now=now), timezone=datetime.timezone)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bytes) else copy.deepcopy(value)


def _leave_out_history(patches: Patches) -> None:
    """Nobody reads an execution's history here, and writing it takes half of the time."""
    why = "nobody reads it"
    patches.put(event_manager.EventManager, "add_event", lambda *_a, **_k: 0, why=why)
    for each in ("_log_failure_event_exception", "_log_exception", "_log_evaluation_step"):
        patches.put(eval_component.EvalComponent, each, lambda *_a, **_k: None, why=why)
    logging.getLogger("moto").setLevel(logging.CRITICAL)


def _enter(evaluate: Callable[[Any, Any], None], state: Any, env: Any) -> None:
    HOOKS.entered(str(state.name))
    evaluate(state, env)


class _Branch(ThreadAtOnce):
    """A branch that has been started; it runs when the pool is waited for."""

    waiting: list[Callable[[], None]] = []  # noqa: RUF012 - one list for all, emptied by each pool

    def start(self) -> None:
        _Branch.waiting.append(super().start)


def _run_branches(_pool: Any) -> None:
    branches, _Branch.waiting = _Branch.waiting, []
    HOOKS.branches(branches)


def _evaluate(expression: Any, env: Any) -> None:
    store = env.variable_store
    text = expression.expression
    named = {name: value for name, value in {**store._outer_scope, **store._inner_scope}.items() if f"${name}" in text}
    asked = {key: value for key, value in env.states._states_data.items() if f"$states.{key}" in text}
    found, trouble = _value(text, json.dumps({**named, "states": asked}, default=str))
    if trouble:
        raise _query_failure(env, trouble)
    env.stack.append(json.loads(found))


@lru_cache(maxsize=20_000)
def _value(expression: str, variables: str) -> tuple[str, str]:
    try:
        return json.dumps(jsonata.evaluate(expression, json.loads(variables))), ""
    except jsonata.QueryError as error:
        return "null", str(error)


@cache
def _program(definition: str) -> Any:
    return AmazonStateLanguageParser.parse(definition)[0]


def execute(definition: str, arn: str, request: Any) -> Ended:
    """Run one execution to its end.

    Args:
        definition: the machine, with its substitutions made.
        arn: the execution's.
        request: its input.
    """
    env = Environment(
        aws_execution_details=AWSExecutionDetails(account="123456789012", region="eu-west-1", role_arn="role"),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=ExecutionData(Id=arn, Input=request, Name=arn, RoleArn="role", StartTime="2026-01-01T00:00:00Z"),
            StateMachine=StateMachineData(Id=f"{ARN}:stateMachine:failover", Name="failover"),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    _program(definition).eval(env)
    TMP_THREADS.clear()  # moto keeps every thread it ever made, and with it all of an execution
    state = env.program_state()
    if isinstance(state, ProgramEnded):
        return Ended("SUCCEEDED", env.states.get_input())
    error = state.error or {} if isinstance(state, ProgramError) else {}
    return Ended("FAILED", {}, str(error.get("error", "")), str(error.get("cause", "")))
