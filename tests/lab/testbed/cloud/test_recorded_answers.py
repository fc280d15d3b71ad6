"""Constructs of this project's workflow, answered as AWS answered them.

LocalStack's public repository holds answers recorded from real AWS. What they show of each construct that the workflow
uses is written down here as a case of our own, and the local cloud is held to it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.test_interpreter import ended, machine, start

NOBODY = "arn:aws:lambda:eu-central-1:123456789012:function:sample-nobody"


def executed(sky: Sky, name: str, states: dict[str, Any], **event: Any) -> dict[str, Any]:
    """Run a machine of these states, the first of which is where it starts; returns the execution as described."""
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    return ended(sky, start(sky, machine=machine(sky, f"recorded-{name}", definition), **event))


def call(sky: Sky, payload: Any, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "TimeoutSeconds": 10,
        "Arguments": {"FunctionName": sky.stack.resources["Echo"], "Payload": payload},
        **({} if "Next" in more else {"End": True}),
        **more,
    }


CAUGHT = {
    "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}],
}
"""What a Catch hands on: an object with Error and Cause, whatever the error."""


def caught(sky: Sky, name: str, task: dict[str, Any]) -> dict[str, Any]:
    described = executed(sky, name, {"Call": task, "Caught": {"Type": "Succeed"}})
    assert described["status"] == "SUCCEEDED", described
    found: dict[str, Any] = json.loads(described["output"])
    return found


def test_a_functions_exception_is_an_error_of_its_class_with_four_fields_as_cause(sky: Sky) -> None:
    error = caught(sky, "exception", call(sky, {"action": "fail"}, **CAUGHT))
    cause = json.loads(error["Cause"])
    assert error["Error"] == "CustomError"
    assert set(cause) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert (cause["errorMessage"], cause["errorType"]) == ("as asked", "CustomError")


def test_a_task_over_its_time_has_an_empty_cause(sky: Sky) -> None:
    slow = call(sky, {"action": "sleep", "seconds": 3.5}, **CAUGHT) | {"TimeoutSeconds": 1}
    assert caught(sky, "timeout", slow) == {"Error": "States.Timeout", "Cause": ""}


def test_a_function_that_is_not_there_is_an_error_of_lambdas(sky: Sky) -> None:
    task = call(sky, {}, **CAUGHT)
    task["Arguments"]["FunctionName"] = NOBODY
    error = caught(sky, "nobody", task)
    assert error["Error"] == "Lambda.ResourceNotFoundException"
    assert error["Cause"].startswith(f"Function not found: {NOBODY}")
    assert "Status Code: 404" in error["Cause"]


def test_a_topic_that_is_not_there_is_an_error_of_snss(sky: Sky) -> None:
    topic = sky.stack.outputs["Topic"] + "-not"
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "TimeoutSeconds": 10,
        "Arguments": {"TopicArn": topic, "Message": "hello"},
        "End": True,
        **CAUGHT,
    }
    error = caught(sky, "no-topic", task)
    assert error["Error"] == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound;" in error["Cause"]


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Output": "{% $missing %}"},
        {"Type": "Pass", "Output": {"result": "{% $missing %}"}},
        {"Type": "Pass", "Assign": {"result": "{% $missing %}"}},
    ],
    ids=["Output", "part of Output", "Assign"],
)
def test_an_undefined_value_ends_the_execution_and_names_the_expression(sky: Sky, state: dict[str, Any]) -> None:
    described = executed(sky, f"undefined-{len(json.dumps(state))}", {"State0": {**state, "End": True}})
    assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert described["cause"].startswith(
        "An error occurred while executing the state 'State0' (entered at the event id"
    )
    assert "The JSONata expression '$missing'" in described["cause"]
    assert described["cause"].endswith("returned nothing (undefined).")


def test_an_undefined_argument_can_be_caught(sky: Sky) -> None:
    error = caught(sky, "undefined-argument", call(sky, "{% $missing %}", **CAUGHT))
    assert error["Error"] == "States.QueryEvaluationError"
    assert error["Cause"].endswith("returned nothing (undefined).")


def test_a_functions_result_comes_in_lambdas_envelope(sky: Sky) -> None:
    output = "{% {'version': $states.result.ExecutedVersion, 'status': $states.result.StatusCode} %}"
    described = executed(sky, "envelope", {"Call": call(sky, {}, Output=output)})
    assert json.loads(described["output"]) == {"version": "$LATEST", "status": 200}


def test_what_a_state_assigns_is_read_by_its_other_assignments_as_it_was_before(sky: Sky) -> None:
    states: dict[str, Any] = {
        "First": {"Type": "Pass", "Assign": {"x": 42}, "Next": "Second"},
        "Second": {"Type": "Pass", "Assign": {"x": "{% $x + 1 %}", "y": "{% $x %}"}, "Next": "Third"},
        "Third": {"Type": "Pass", "Output": "{% {'x': $x, 'y': $y} %}", "End": True},
    }
    assert json.loads(executed(sky, "order", states)["output"]) == {"x": 43, "y": 42}


def test_a_branch_sees_what_is_outside_and_keeps_what_it_assigns(sky: Sky) -> None:
    inner = {"Type": "Pass", "Assign": {"inner": "{% $x %}"}, "Output": "{% $x %}", "End": True}
    states: dict[str, Any] = {
        "First": {"Type": "Pass", "Assign": {"x": 42}, "Next": "Both"},
        "Both": {"Type": "Parallel", "Branches": [{"StartAt": "In", "States": {"In": inner}}], "Next": "After"},
        "After": {"Type": "Pass", "Output": "{% {'output': $states.input, 'inner': $exists($inner)} %}", "End": True},
    }
    described = executed(sky, "scope", states)
    assert json.loads(described["output"]) == {"output": [42], "inner": False}


def test_a_choice_assigns_what_belongs_to_the_way_it_takes(sky: Sky) -> None:
    rule = {"Condition": "{% $states.input.condition %}", "Assign": {"why": "taken"}, "Next": "End"}
    states: dict[str, Any] = {
        "Choose": {"Type": "Choice", "Choices": [rule], "Default": "Other", "Assign": {"why": "default"}},
        "Other": {"Type": "Pass", "Next": "End"},
        "End": {"Type": "Succeed", "Output": {"why": "{% $why %}"}},
    }
    assert json.loads(executed(sky, "choice-yes", states, condition=True)["output"]) == {"why": "taken"}
    assert json.loads(executed(sky, "choice-no", states, condition=False)["output"]) == {"why": "default"}


def test_a_failing_state_says_error_and_cause_by_expression(sky: Sky) -> None:
    states = {"End": {"Type": "Fail", "Error": "{% $states.input.error %}", "Cause": "{% 'because ' & 1 %}"}}
    described = executed(sky, "fail", states, error="Halted")
    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Halted", "because 1")


def test_a_branch_that_fails_ends_the_others_and_hands_its_error_out(sky: Sky) -> None:
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    fails = {"StartAt": "Call", "States": {"Call": call(sky, {"action": "fail"})}}
    both = {"Type": "Parallel", "Branches": [waits, fails], "End": True, **CAUGHT}
    assert caught(sky, "abort", both)["Error"] == "CustomError"


def test_an_alarm_may_be_set_to_listed_states_only(sky: Sky) -> None:
    client = sky.cloud.client("cloudwatch")
    name = client.describe_alarms()["MetricAlarms"][0]["AlarmName"]
    with pytest.raises(ClientError) as refused:
        client.set_alarm_state(AlarmName=name, StateValue="LOUD", StateReason="a test")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as missing:
        client.set_alarm_state(AlarmName="nobody's", StateValue="OK", StateReason="a test")
    assert missing.value.response["Error"]["Code"] == "ResourceNotFound"
