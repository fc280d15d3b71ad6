"""Lambda: environment, errors, timeouts, concurrency, logs and metrics, with real processes."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.function_logs import embedded_metrics
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually


def call(sky: Sky, name: str, **event: Any) -> tuple[Any, str | None]:
    answer = sky.cloud.client("lambda").invoke(FunctionName=sky.stack.outputs[name], Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_function_stays_warm_and_sees_its_layer(sky: Sky) -> None:
    first, _ = call(sky, "Echo", a=1)
    second, error = call(sky, "Echo", a=2)
    assert error is None
    assert second["event"] == {"a": 2}
    assert second["calls"] == first["calls"] + 1
    assert second["layer"] == "layer"


def test_the_environment_is_the_templates_and_lambdas_and_nothing_of_ours(
    sky: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DESK", "x")
    seen, _ = call(sky, "Echo", action="environment")
    assert "SECRET_OF_THE_DESK" not in seen
    assert seen["GREETING"] == "hello"
    assert seen["TABLE"] == sky.stack.outputs["Table"]
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == sky.stack.outputs["Echo"]
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["_HANDLER"] == "app.handler"
    assert seen["AWS_ENDPOINT_URL"] == sky.cloud.functions_endpoint
    assert seen["LAMBDA_TASK_ROOT"].endswith("sample/echo")
    assert set(seen) & set(os.environ) <= {"PATH", "LANG", "TZ", "PYTHONPATH", "LC_CTYPE", "HOME"}


def test_a_function_acts_in_its_own_role(sky: Sky) -> None:
    who, _ = call(sky, "Echo", action="identity")
    role = backend("lambda").get_function(sky.stack.outputs["Echo"]).role.rsplit("/", 1)[-1]
    assert f":assumed-role/{role}/" in who


@pytest.mark.parametrize(
    ("event", "kind", "part"),
    [
        ({"action": "fail"}, "CustomError", "as asked"),
        ({"action": "exit"}, "Runtime.ExitError", "exit status 3"),
        ({"action": "sleep", "seconds": 9}, "Sandbox.Timedout", "Task timed out after 4.00 seconds"),
    ],
)
def test_errors_are_as_on_aws(sky: Sky, event: dict[str, Any], kind: str, part: str) -> None:
    answer, error = call(sky, "Echo", **event)
    assert error == "Unhandled"
    assert answer["errorType"] == kind
    assert part in answer["errorMessage"]
    again, error = call(sky, "Echo")
    assert error is None
    assert again["layer"] == "layer"


def test_a_function_with_a_vpc_config_runs_in_the_vpc(sky: Sky) -> None:
    before = len(sky.places.in_vpc)
    sky.cloud.functions.invoke(sky.stack.outputs["Echo"], b"{}")
    sky.cloud.client("lambda").update_function_configuration(
        FunctionName=sky.stack.outputs["Other"], Environment={"Variables": {"NEW": "1"}}
    )
    call(sky, "Other")  # the changed variables make a new process
    assert sky.places.in_vpc[before:][-1] is True
    assert sky.cloud.functions.spec(sky.stack.outputs["Other"]).network == "10.77.0.64/28"
    outside = sky.cloud.functions.spec(sky.stack.outputs["Echo"])
    assert (outside.in_vpc, outside.network) == (False, "")


def test_concurrent_calls_get_processes_of_their_own_up_to_the_limit(sky: Sky) -> None:
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(call(sky, "Other", seconds=1.5)[0])
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, answers)) == sorted(["TooManyRequestsException", "{'called': True}", "{'called': True}"])


def test_an_asynchronous_call_is_accepted_at_once_and_run(sky: Sky) -> None:
    answer = sky.cloud.client("lambda").invoke(
        FunctionName=sky.stack.outputs["Other"], InvocationType="Event", Payload=b'{"mark": "async"}'
    )
    assert answer["StatusCode"] == 202
    group = f"/aws/lambda/{sky.stack.outputs['Other']}"

    def logged() -> bool:
        events = sky.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        return any('called with {"mark": "async"}' in event["message"] for event in events)

    eventually(logged, 15)


def test_an_unknown_function_is_not_found(sky: Sky) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sky.cloud.client("lambda").invoke(FunctionName="nobody")


def test_embedded_metrics_become_metrics(sky: Sky) -> None:
    call(sky, "Echo", action="metric", value=0)
    eventually(
        lambda: any(
            metric["Dimensions"] == [{"Name": "Server", "Value": "ms1"}]
            for metric in sky.cloud.client("cloudwatch").list_metrics(Namespace="Sample")["Metrics"]
        )
    )


def test_embedded_metrics_with_lists_and_missing_values() -> None:
    about = {"Namespace": "N", "Dimensions": [["A"], ["A", "Gone"]], "Metrics": [{"Name": "M"}, {"Name": "Gone"}]}
    line = json.dumps({"_aws": {"Timestamp": 1000, "CloudWatchMetrics": [about]}, "A": "a", "M": [1, 2]})
    [(namespace, data)] = list(embedded_metrics(line))
    assert namespace == "N"
    assert [(each["MetricName"], each["Values"], each["Dimensions"]) for each in data] == [
        ("M", [1.0, 2.0], [{"Name": "A", "Value": "a"}])
    ]
    assert list(embedded_metrics("not json with CloudWatchMetrics")) == []
