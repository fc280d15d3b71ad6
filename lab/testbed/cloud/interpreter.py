"""Step Functions: what moto's interpreter lacks to run a JSONata machine as AWS does, quickly."""

from __future__ import annotations

import datetime
import json
import threading
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import boto3
from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from botocore.config import Config
from moto.stepfunctions.exceptions import InvalidExecutionInput
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    _SUPPORTED_API_PARAM_BINDINGS,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata.jsonata import extract_jsonata_variable_references
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
    SyntaxErrorListener,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from lab.testbed.cloud import jsonata
from lab.testbed.cloud.account import REGION, backend
from lab.testbed.cloud.patching import Patches

EXECUTION_CHANGED = "Step Functions Execution Status Change"
_PACKAGE = "moto.stepfunctions"

StatusListener = Callable[[dict[str, Any]], None]
CredentialsOfRole = Callable[[str], dict[str, str]]


class Interpreter:
    """Puts the changes into moto's interpreter; tells `on_status` each execution's change of status, as an event's
    detail."""

    def __init__(self, endpoint: str, credentials_of: CredentialsOfRole, on_status: StatusListener) -> None:
        self._endpoint = endpoint
        self._credentials_of = credentials_of
        self._on_status = on_status
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()
        self.transition_s: Callable[[], float] = lambda: 0.0
        """Says how long the next transition from state to state takes."""

    def install(self, patches: Patches) -> None:
        patches.put(
            string_expression.StringJSONata,
            "_eval_body",
            _evaluate_jsonata,
            why="moto has no evaluator, and writes values into the expression's text without escaping them",
        )
        patches.put(
            AmazonStateLanguageParser,
            "parse",
            staticmethod(_parsed),
            why="reading a definition of sixty states takes 0.4 s, and moto does it for every execution",
        )
        patches.put_everywhere(
            _PACKAGE,
            "boto_client_for",
            self._client_for,
            why="a new client for every task costs 15-150 ms; and the machine's own role should make the call",
        )
        take_invocation_type(patches)

        def enter(state: Any, env: Any) -> None:
            time.sleep(self.transition_s())
            evaluate(state, env)

        evaluate = patches.put(CommonStateField, "_eval_body", enter, why="a transition takes no time")
        for module in (branches_decl, iteration_worker):
            patches.put(
                module,
                "CustomErrorName",
                _error_name,
                why="a States.Timeout out of a branch becomes a ValueError, which no Catch of the Parallel catches",
            )
        self._install_execution_changes(patches)

    def _install_execution_changes(self, patches: Patches) -> None:
        on_status = self._on_status
        starting = threading.Lock()

        def start_named(sfn: Any, arn: str, name: str | None = None, *rest: Any, **options: Any) -> Any:
            if name:
                sfn._validate_name(name)
            _demand_json(options.get("execution_input", rest[0] if rest else None))
            with starting:  # two with the same name at once are one
                return start_execution(sfn, arn, name or str(uuid.uuid4()), *rest, **options)

        start_execution = patches.put(
            parser_models.StepFunctionsParserBackend,
            "start_execution",
            start_named,
            why="an execution started without a name is called None, and the next one then exists already; and an"
            " input that is no JSON is refused by an error without a code",
        )

        def start(execution: Any) -> None:
            begin(execution)
            on_status(status_detail(execution))

        begin = patches.put(execution_module.Execution, "start", start, why="tells nobody that it runs")

        def reflect(communication: Any) -> None:
            execution = communication.execution
            if execution.exec_status != ExecutionStatus.RUNNING:
                return
            reflect_status(communication)
            TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
            on_status(status_detail(execution))

        reflect_status = patches.put(
            execution_module.BaseExecutionWorkerCommunication,
            "_reflect_execution_status",
            reflect,
            why="tells nobody that it ended, overwrites a stop, and keeps every thread it ever made",
        )

        def stop(execution: Any, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
            if execution.exec_status != ExecutionStatus.RUNNING:
                return
            execution.exec_status = ExecutionStatus.ABORTED
            execution.stop_date = stop_date
            execution.error, execution.cause = error or None, cause or None
            if execution.exec_worker.env is not None:
                execution.exec_worker.stop(stop_date=stop_date, error=error, cause=cause)
            on_status(status_detail(execution))

        patches.put(
            execution_module.Execution,
            "stop",
            stop,
            why="leaves the execution RUNNING until the state that it is in ends; on AWS it is ABORTED at once",
        )
        patches.put(
            WaitFunction,
            "_wait_interval",
            _wait,
            why="counts whole seconds by the wall clock, and waits once more when that is a hair short",
        )

        def describe(response: Any) -> Any:
            result = describe_execution(response)
            execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
            if execution.stop_date is not None:
                result.result["stopDate"] = execution.stop_date
            return result

        describe_execution = patches.put(
            StepFunctionResponse, "describe_execution", describe, why="gives no stopDate for TIMED_OUT"
        )
        patches.put(StateMachine, "stop_execution", _stop_execution, why="drops the error and the cause")
        patches.put(StepFunctionResponse, "stop_execution", _stop_response, why="reads neither the error nor the cause")

    def stop(self) -> None:
        """Stop what still runs, so that no execution goes on against a cloud that is gone."""
        for machine in backend("stepfunctions").state_machines:
            for execution in machine.executions:
                execution.stop(datetime.datetime.now(datetime.UTC), "LocalCloudStopped", "the local cloud was stopped")

    def _client_for(self, region: str, service: str, state_credentials: Any = None) -> Any:
        role = getattr(state_credentials, "role_arn", "") or ""
        with self._making:
            key = (service, region, role)
            if key not in self._clients:
                self._clients[key] = self._make_client(service, role)
            return self._clients[key]

    def _make_client(self, service: str, role: str) -> Any:
        keys = self._credentials_of(role)
        return boto3.session.Session().client(
            service,
            region_name=REGION,
            endpoint_url=self._endpoint,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            # Step Functions itself bounds a task, by its TimeoutSeconds; a Lambda function runs at most 900 s.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=960,
                max_pool_connections=32,
            ),
        )


def take_invocation_type(patches: Patches) -> None:
    """Let a task call a function by an event: the call is answered at once, and its result is not awaited."""
    patches.put_item(
        _SUPPORTED_API_PARAM_BINDINGS,
        "invoke",
        _SUPPORTED_API_PARAM_BINDINGS["invoke"] | {"InvocationType"},
        why="drops InvocationType, which AWS takes",
    )


def _error_name(error_name: str | None) -> Any:
    """An error's name as the interpreter keeps it: those that begin with "States." are a kind of their own."""
    known = {kind.to_name() for kind in StatesErrorNameType}
    return StatesErrorName.from_name(error_name) if error_name in known else CustomErrorName(error_name)


@lru_cache(maxsize=32)
def _tree(definition: str) -> Any:
    errors = SyntaxErrorListener()
    parser = ASLParser(CommonTokenStream(ASLLexer(InputStream(definition))))
    parser.removeErrorListeners()
    parser.addErrorListener(errors)
    tree = parser.state_machine()
    if errors.errors:
        raise ASLParserException(errors=errors.errors)
    return tree


def _parsed(definition: str) -> tuple[Any, Any]:
    """What moto's parse gives: the syntax tree is kept, the states that are made from it are new each time."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


def _evaluate_jsonata(expression: Any, env: Any) -> None:
    extract_jsonata_variable_references(expression.expression)  # raises on $ and $$, which AWS does not allow
    store = env.variable_store
    variables = {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}
    # The context holds dates, which are strings to an expression.
    plain = json.loads(to_json_str(variables))
    try:
        env.stack.append(jsonata.evaluate(expression.expression, plain))
    except jsonata.QueryError as error:
        raise _query_failure(env, str(error)) from error


def _query_failure(env: Any, cause: str) -> Exception:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(cause=cause, error=name.error_name)
    failure = FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )
    assert isinstance(failure, Exception)
    return failure


def _wait(_wait_function: Any, env: Any, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        env.program_state_event.wait(left)


def _stop_execution(machine: Any, execution_arn: str, error: str | None = None, cause: str | None = None) -> Any:
    from moto.stepfunctions.exceptions import ExecutionDoesNotExist

    for execution in machine.executions:
        if execution.execution_arn == execution_arn:
            execution.stop(datetime.datetime.now(datetime.UTC), error, cause)
            return execution
    raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'")


def _stop_response(response: Any) -> Any:
    from moto.core.responses import ActionResult

    arn = response._get_param("executionArn")
    backend = response.stepfunction_backend
    backend._validate_execution_arn(arn)
    machine = backend._get_state_machine_for_execution(arn)
    execution = _stop_execution(machine, arn, response._get_param("error"), response._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def _demand_json(execution_input: str | None) -> None:
    try:
        json.loads(execution_input or "{}")
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: {error}") from error


def status_detail(execution: Any) -> dict[str, Any]:
    """The detail of an execution's status-change event, as EventBridge delivers it (times in milliseconds)."""

    def millis(when: datetime.datetime | None) -> int | None:
        return None if when is None else int(when.timestamp() * 1000)

    status = execution.status
    ended = status == "SUCCEEDED"
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": millis(execution.start_date),
        "stopDate": millis(execution.stop_date),
        "input": to_json_str(execution.input_data, separators=(",", ":")),
        "output": to_json_str(execution.output, separators=(",", ":")) if ended else None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if ended else None,
        "error": execution.error,
        "cause": execution.cause,
    }
