"""Run Command, with agents over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.testbed.cloud.commands import (
    Commands,
    InvalidParametersError,
    check_parameters,
    execution_timeout_s,
)
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import Agent, eventually

DOCUMENT: dict[str, Any] = {
    "schemaVersion": "2.2",
    "parameters": {
        "Word": {"type": "String", "allowedPattern": "^[a-z]+$", "default": "hi"},
        "Limit": {"type": "String", "default": "5", "allowedValues": ["5", "10"]},
        "Must": {"type": "String"},
    },
    "mainSteps": [{"action": "aws:runShellScript", "name": "say", "inputs": {"timeoutSeconds": "{{ Limit }}"}}],
}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Must": ["x"], "Word": ["'; rm"]}, "does not match"),
        ({"Must": ["x"], "Limit": ["6"]}, "allowed are"),
        ({"Must": ["x"], "Other": ["6"]}, "not defined"),
        ({}, "Must"),
    ],
)
def test_parameters_are_checked(given: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InvalidParametersError, match=words):
        check_parameters(DOCUMENT, given)


def test_the_executions_timeout_is_the_documents() -> None:
    assert execution_timeout_s(DOCUMENT, {}) == 5
    assert execution_timeout_s(DOCUMENT, {"Limit": ["10"]}) == 10
    assert execution_timeout_s({"mainSteps": [{"inputs": {}}]}, {}) == 3600


def test_undelivered_and_unanswered_commands_time_out() -> None:
    said: list[tuple[str, str]] = []
    commands = Commands(lambda invocation: said.append((invocation.status, invocation.details)))
    [late] = commands.send("d", DOCUMENT, ["i-1"], {"Must": ["x"]}, delivery_s=30)
    commands.expire(time.time() + 29)
    assert late.status == "Pending"
    commands.expire(time.time() + 31)
    assert (late.status, late.details) == ("TimedOut", "DeliveryTimedOut")
    assert commands.fetch("i-1", 0, lambda: True) is None
    [silent] = commands.send("d", DOCUMENT, ["i-1"], {"Must": ["x"]}, delivery_s=30)
    assert commands.fetch("i-1", 0, lambda: True) is silent
    commands.expire(time.time() + 16)
    assert (silent.status, silent.details) == ("TimedOut", "ExecutionTimedOut")
    assert not commands.answer("i-1", silent.command_id, "Success", 0, "", "")
    assert said[-1] == ("TimedOut", "ExecutionTimedOut")


def test_an_agent_that_is_gone_gets_no_command() -> None:
    commands = Commands(lambda _: None)
    [invocation] = commands.send("d", DOCUMENT, ["i-1"], {"Must": ["x"]}, delivery_s=30)
    assert commands.fetch("i-1", 0, lambda: False) is None
    assert invocation.status == "Pending"
    commands.cancel(invocation.command_id, [])
    assert invocation.status == "Cancelled"


@pytest.fixture
def agent(sky: Sky) -> Iterator[Callable[..., Agent]]:
    agents: list[Agent] = []

    def make(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Agent:
        made = Agent(sky.cloud.agents_port, sky.owner.primary_instance_id, answer)
        agents.append(made)
        eventually(lambda: online(sky))
        return made

    yield make
    for each in agents:
        each.stop()


def online(sky: Sky) -> bool:
    answer = sky.cloud.client("ssm").describe_instance_information(
        Filters=[{"Key": "InstanceIds", "Values": [sky.owner.primary_instance_id]}]
    )
    return any(each["PingStatus"] == "Online" for each in answer["InstanceInformationList"])


def send(sky: Sky, **parameters: str) -> str:
    answer = sky.cloud.client("ssm").send_command(
        DocumentName=sky.stack.outputs["Document"],
        InstanceIds=[sky.owner.primary_instance_id],
        Parameters={name: [value] for name, value in parameters.items()},
        TimeoutSeconds=30,
    )
    return str(answer["Command"]["CommandId"])


def result(sky: Sky, command_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def ended() -> bool:
        try:
            answer = sky.cloud.client("ssm").get_command_invocation(
                CommandId=command_id, InstanceId=sky.owner.primary_instance_id
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvocationDoesNotExist"
            return False
        found.update(answer)
        return answer["Status"] not in ("Pending", "InProgress")

    eventually(ended)
    return found


def test_a_command_goes_to_the_agent_and_back(sky: Sky, agent: Callable[..., Agent]) -> None:
    messages: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        messages.append(message)
        return {"status": "Success", "exit_code": 0, "stdout": "x" * 30000, "stderr": "warned"}

    agent(answer)
    command_id = send(sky, Word="hello")
    done = result(sky, command_id)
    assert (done["Status"], done["ResponseCode"], done["StandardErrorContent"]) == ("Success", 0, "warned")
    assert done["StandardOutputContent"] == "x" * 24000
    assert messages[0]["parameters"] == {"Word": ["hello"]}
    assert messages[0]["document"]["mainSteps"][0]["name"] == "say"
    assert messages[0]["timeout_s"] == 5
    events = [e for e in sky.cloud.bus.seen if e["detail"].get("command-id") == command_id]
    changes = [e["detail"]["status"] for e in events if e["detail-type"] == "EC2 Command Status-change Notification"]
    assert changes == ["Pending", "InProgress", "Success"]
    assert json.loads(events[-1]["detail"]["parameters"]) == {"Word": ["hello"]}
    listed = sky.cloud.client("ssm").list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert [each["Status"] for each in listed] == ["Success"]


def test_a_script_goes_by_a_document_that_every_account_has(sky: Sky, agent: Callable[..., Agent]) -> None:
    messages: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        messages.append(message)
        return {"status": "Success", "exit_code": 0, "stdout": "", "stderr": ""}

    agent(answer)
    sent = sky.cloud.client("ssm").send_command(
        DocumentName="AWS-RunShellScript",
        InstanceIds=[sky.owner.primary_instance_id],
        Parameters={"commands": ["echo one", "echo two"], "executionTimeout": ["7"]},
    )
    assert result(sky, str(sent["Command"]["CommandId"]))["Status"] == "Success"
    assert messages[0]["parameters"]["commands"] == ["echo one", "echo two"]
    assert messages[0]["timeout_s"] == 7


def test_a_failed_command_keeps_what_it_said(sky: Sky, agent: Callable[..., Agent]) -> None:
    agent(lambda _: {"status": "Failed", "exit_code": 4, "stdout": "", "stderr": "no such thing"})
    done = result(sky, send(sky))
    assert (done["Status"], done["ResponseCode"], done["StandardErrorContent"]) == ("Failed", 4, "no such thing")


def test_what_is_wrong_is_refused(sky: Sky, agent: Callable[..., Agent]) -> None:
    agent(lambda _: {"status": "Success"})
    ssm = sky.cloud.client("ssm")
    here = [sky.owner.primary_instance_id]
    document = sky.stack.outputs["Document"]
    for code, request in (
        ("InvalidDocument", {"DocumentName": "nothing", "InstanceIds": here}),
        ("InvalidParameters", {"DocumentName": document, "InstanceIds": here, "Parameters": {"Word": ["A'"]}}),
        ("InvalidInstanceId", {"DocumentName": document, "InstanceIds": ["i-0123456789abcdef0"]}),
    ):
        with pytest.raises(ClientError) as caught:
            ssm.send_command(**request)
        assert caught.value.response["Error"]["Code"] == code
