"""Step Functions through the API: JSONata, branches, errors, timeouts, stopping, names, speed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.testbed.cloud import jsonata
from lab.testbed.cloud.interpreter import EXECUTION_CHANGED
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually


def start(sky: Sky, name: str | None = None, machine: str | None = None, **event: Any) -> str:
    about = {"name": name} if name else {}
    arn = machine or sky.stack.outputs["MachineArn"]
    client = sky.cloud.client("stepfunctions")
    return str(client.start_execution(stateMachineArn=arn, input=json.dumps(event), **about)["executionArn"])


def ended(sky: Sky, arn: str, timeout_s: float = 20) -> dict[str, Any]:
    client = sky.cloud.client("stepfunctions")
    eventually(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING", timeout_s)
    described: dict[str, Any] = client.describe_execution(executionArn=arn)
    return described


def test_a_run_through_everything(sky: Sky) -> None:
    arn = start(sky, action="go", text='a "quoted" text\nof two lines, with $states and {% 1 %}')
    described = ended(sky, arn)
    assert described["status"] == "SUCCEEDED"
    output = json.loads(described["output"])
    assert output["epoch"] == 2
    assert output["answer"]["event"]["execution"] == arn
    assert output["answer"]["event"]["input"]["text"].startswith('a "quoted" text\nof')
    history = sky.cloud.client("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]
    assert {event["type"] for event in history} >= {"ExecutionStarted", "TaskSucceeded", "ExecutionSucceeded"}
    states = [e["detail"]["status"] for e in sky.cloud.bus.seen if e["detail"].get("executionArn") == arn]
    assert states == ["RUNNING", "SUCCEEDED"]


def test_an_error_is_retried_and_caught_by_its_name(sky: Sky) -> None:
    assert json.loads(ended(sky, start(sky, action="fail"))["output"]) == {"outcome": "failed", "error": "CustomError"}


def test_a_task_over_its_time_is_a_timeout(sky: Sky) -> None:
    began = time.monotonic()
    output = json.loads(ended(sky, start(sky, action="slow"))["output"])
    assert output["error"] == "States.Timeout"
    assert time.monotonic() - began < 3  # the function itself takes longer


@pytest.mark.parametrize(
    ("task", "error"),
    [
        ({"TimeoutSeconds": 1, "Payload": {"action": "sleep", "seconds": 3.5}}, "States.Timeout"),
        ({"TimeoutSeconds": 10, "Payload": {"action": "{% $states.input.gone %}"}}, "States.QueryEvaluationError"),
        ({"TimeoutSeconds": 10, "Payload": {"action": "fail"}}, "CustomError"),
    ],
)
@pytest.mark.parametrize("by_name", [True, False])
def test_an_error_out_of_a_branch_is_caught_by_its_name(
    sky: Sky, task: dict[str, Any], error: str, by_name: bool
) -> None:
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "TimeoutSeconds": task["TimeoutSeconds"],
        "Arguments": {"FunctionName": sky.stack.resources["Echo"], "Payload": task["Payload"]},
        "End": True,
    }
    both = {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Call", "States": {"Call": call}},
            {"StartAt": "Rest", "States": {"Rest": {"Type": "Pass", "End": True}}},
        ],
        "Catch": [
            {
                "ErrorEquals": [error if by_name else "States.ALL"],
                "Assign": {"error": "{% $states.errorOutput.Error %}"},
                "Next": "Caught",
            }
        ],
        "End": True,
    }
    caught = {"Type": "Succeed", "Output": "{% {'error': $error} %}"}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Both", "States": {"Both": both, "Caught": caught}}
    arn = machine(sky, f"branch-{error.replace('.', '-')}-{by_name}", definition)
    described = ended(sky, start(sky, machine=arn))
    assert described["status"] == "SUCCEEDED", described
    assert json.loads(described["output"]) == {"error": error}


def test_a_task_that_calls_by_an_event_is_answered_at_once(sky: Sky) -> None:
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "TimeoutSeconds": 10,
        "Arguments": {
            "FunctionName": sky.stack.resources["Echo"],
            "InvocationType": "Event",
            "Payload": {"action": "sleep", "seconds": 30},
        },
        "Output": "{% {'status': $states.result.StatusCode, 'payload': $states.result.Payload} %}",
        "End": True,
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "Call", "States": {"Call": call}}
    described = ended(sky, start(sky, machine=machine(sky, "by-event", definition)), timeout_s=20)
    assert json.loads(described["output"]) == {"status": 202, "payload": ""}


def test_a_name_can_be_used_once(sky: Sky) -> None:
    arn = start(sky, name="once", action="wait")
    assert start(sky, name="once", action="wait") == arn
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(sky, name="once", action="other")
    sky.cloud.client("stepfunctions").stop_execution(executionArn=arn)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(sky, name="once", action="wait")


def test_stopping_aborts_at_once_and_says_so(sky: Sky) -> None:
    arn = start(sky, action="wait")
    sky.cloud.client("stepfunctions").stop_execution(executionArn=arn, error="Enough", cause="the test is over")
    described = ended(sky, arn, 1)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Enough", "the test is over")
    events = [e for e in sky.cloud.bus.seen if e["detail-type"] == EXECUTION_CHANGED]
    assert [e["detail"]["status"] for e in events if e["detail"]["executionArn"] == arn] == ["RUNNING", "ABORTED"]


def test_a_machine_over_its_time_is_timed_out(sky: Sky) -> None:
    definition = {
        "StartAt": "Wait",
        "TimeoutSeconds": 1,
        "States": {"Wait": {"Type": "Wait", "Seconds": 30, "Next": "End"}, "End": {"Type": "Succeed"}},
    }
    described = ended(sky, start(sky, machine=machine(sky, "slow", definition)), 5)
    assert described["status"] == "TIMED_OUT"
    assert 0.9 < (described["stopDate"] - described["startDate"]).total_seconds() < 2


def test_a_wait_takes_what_it_says(sky: Sky) -> None:
    definition = {
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "End"}, "End": {"Type": "Succeed"}},
    }
    described = ended(sky, start(sky, machine=machine(sky, "waits", definition)), 5)
    assert 0.95 < (described["stopDate"] - described["startDate"]).total_seconds() < 1.8


def test_two_executions_without_a_name_are_two(sky: Sky) -> None:
    first, second = start(sky, action="wait"), start(sky, action="wait")
    assert first != second
    for arn in (first, second):
        sky.cloud.client("stepfunctions").stop_execution(executionArn=arn)


def test_an_undefined_result_is_a_query_error(sky: Sky) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Ask",
        "States": {"Ask": {"Type": "Pass", "Output": "{% $states.input.nothing %}", "End": True}},
    }
    described = ended(sky, start(sky, machine=machine(sky, "undefined", definition)))
    assert described["status"] == "FAILED"
    assert described["error"] == "States.QueryEvaluationError"


def test_thirty_tasks_take_well_under_a_second(sky: Sky) -> None:
    echo = sky.stack.resources["Echo"]
    states: dict[str, Any] = {
        f"Task{number}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "TimeoutSeconds": 10,
            "Arguments": {"FunctionName": echo, "Payload": {"number": number}},
            "Output": "{% $states.result.Payload %}",
            "Next": f"Task{number + 1}",
        }
        for number in range(30)
    }
    states["Task30"] = {"Type": "Succeed"}
    arn = machine(sky, "thirty", {"QueryLanguage": "JSONata", "StartAt": "Task0", "States": states})
    ended(sky, start(sky, machine=arn))  # warm
    described = ended(sky, start(sky, machine=arn))
    took = (described["stopDate"] - described["startDate"]).total_seconds()
    print(f"30 tasks: {took * 1000:.0f} ms")
    assert described["status"] == "SUCCEEDED"
    assert took < 3  # generous: this machine may be busy; it is about 0.4 s when it is not


def machine(sky: Sky, name: str, definition: dict[str, Any]) -> str:
    role = "arn:aws:iam::123456789012:role/sample-machine"
    client = sky.cloud.client("stepfunctions")
    made = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    return str(made["stateMachineArn"])


@pytest.mark.parametrize(
    ("expression", "variables", "value"),
    [
        ("$a & '!'", {"a": 'x"y'}, 'x"y!'),
        ("$a", {"a": None}, None),
        ("4 / 2", {}, 2),
        ("$states.input.list[0]", {"states": {"input": {"list": [1, 2]}}}, 1),
        ("[1, 2][$ > 5] ? 'some' : 'none'", {}, "none"),
        ("$parse('{\"a\": [1]}').a", {}, [1]),
        ("$exists($states.input.x)", {"states": {"input": {}}}, False),
        ("$partition([1, 2, 3], 2)", {}, [[1, 2], [3]]),
        ("$range(1, 5, 2)", {}, [1, 3, 5]),
        ("$length($uuid())", {}, 36),
        ("$hash('a', 'SHA-1')", {}, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("{'x': $a, 'y': [$a]}", {"a": {"b": None}}, {"x": {"b": None}, "y": [{"b": None}]}),
    ],
)
def test_jsonata(expression: str, variables: dict[str, Any], value: Any) -> None:
    assert jsonata.evaluate(expression, variables) == value


@pytest.mark.parametrize("expression", ["$a.b", "1 +", "$number('x')", "function($x){$x}"])
def test_jsonata_errors(expression: str) -> None:
    with pytest.raises(jsonata.QueryError):
        jsonata.evaluate(expression, {"a": {}})
