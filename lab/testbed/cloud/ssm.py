"""Run Command in moto's SSM: documents and parameters checked as AWS does, commands run by the hosts' agents."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from lab.testbed.cloud.account import arn, backend
from lab.testbed.cloud.commands import FINAL, Commands, InvalidParametersError, Invocation
from lab.testbed.cloud.events import Bus, iso
from lab.testbed.cloud.patching import Patches

COMMAND_CHANGED = "EC2 Command Status-change Notification"
INVOCATION_CHANGED = "EC2 Command Invocation Status-change Notification"
_DEFAULT_DELIVERY_S = 3600
AMAZONS: dict[str, dict[str, Any]] = {
    "AWS-RunShellScript": {
        "schemaVersion": "2.2",
        "parameters": {
            "commands": {"type": "StringList"},
            "workingDirectory": {"type": "String", "default": ""},
            "executionTimeout": {"type": "String", "default": "3600"},
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "runShellScript",
                "inputs": {"timeoutSeconds": "{{ executionTimeout }}", "runCommand": "{{ commands }}"},
            }
        ],
    }
}
"""Documents that every account has of AWS; in a newer schema than AWS's, to the same effect."""


class RunCommand:
    """Joins `Commands` to moto. For `hidden_s` after it was sent, a command's invocation is not found, as on AWS."""

    def __init__(self, bus: Bus, *, hidden_s: float = 0.05) -> None:
        self._bus = bus
        self.hidden_s = hidden_s
        self.commands = Commands(self._announce)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._expire, name="ssm-expiry", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def install(self, patches: Patches) -> None:
        why = "moto's commands succeed at once, without running, for instances that do not exist"
        owner = SimpleSystemManagerBackend
        patches.put(owner, "send_command", lambda _, **request: self._send(**request), why=why)
        patches.put(owner, "list_commands", lambda _, command, instance: self._list(command, instance), why=why)
        patches.put(
            owner,
            "get_command_invocation",
            lambda _, command_id, instance_id, plugin: self._get(command_id, instance_id, plugin),
            why=why,
        )
        answers = SimpleSystemManagerResponse
        patches.add(
            answers, "list_command_invocations", lambda response: self._list_invocations(response), why="not in moto"
        )
        patches.add(answers, "cancel_command", lambda response: self._cancel(response), why="not in moto")
        patches.add(
            answers, "describe_instance_information", lambda response: self._instances(response), why="not in moto"
        )

    def _send(self, **request: Any) -> _Sent:
        name = request["document_name"] or ""
        documents, short = backend("ssm")._documents, name.split("/")[-1]
        if short not in documents and short not in AMAZONS:
            raise SSMException("InvalidDocument", f"Document with name {name} does not exist.")
        content = documents[short].get_default_version().content_json if short in documents else AMAZONS[short]
        instance_ids = list(dict.fromkeys([*request["instance_ids"], *_targeted(request["targets"] or [])]))
        self._refuse_unreachable(instance_ids)
        parameters = {key: [str(each) for each in values] for key, values in (request["parameters"] or {}).items()}
        delivery_s = request["timeout_seconds"] or _DEFAULT_DELIVERY_S
        try:
            made = self.commands.send(
                short,
                content,
                instance_ids,
                parameters,
                delivery_s=float(delivery_s),
                comment=request["comment"] or "",
            )
        except InvalidParametersError as error:
            raise SSMException("InvalidParameters", str(error)) from error
        return _Sent(made, int(delivery_s))

    def _refuse_unreachable(self, instance_ids: Sequence[str]) -> None:
        known = self.commands.agents()
        states = {
            instance.id: instance.state
            for reservation in backend("ec2").all_reservations()
            for instance in reservation.instances
        }
        bad = [each for each in instance_ids if each not in known or states.get(each, "running") != "running"]
        if bad or not instance_ids:
            raise SSMException("InvalidInstanceId", f"Instances [{bad}] not in a valid state for account")

    def _list(self, command_id: str | None, instance_id: str | None) -> list[_Sent]:
        by_command: dict[str, list[Invocation]] = {}
        for each in self.commands.all():
            if command_id in (None, each.command_id) and instance_id in (None, each.instance_id):
                by_command.setdefault(each.command_id, []).append(each)
        if command_id and not by_command:
            raise SSMException("InvalidCommandId", "Invalid command id.")
        return [_Sent(made, int(made[0].deliver_by - made[0].requested_at)) for made in by_command.values()]

    def _get(self, command_id: str, instance_id: str, plugin: str | None) -> dict[str, Any]:
        invocation = self.commands.find(command_id, instance_id)
        if invocation is None or time.time() - invocation.requested_at < self.hidden_s:
            raise SSMException("InvocationDoesNotExist", "")
        steps = [step.get("name", "") for step in invocation.document.get("mainSteps") or []]
        if plugin and plugin not in steps:
            raise SSMException("InvalidPluginName", f"There is no plugin {plugin}.")
        started, ended = invocation.started_at, invocation.ended_at
        return {
            "CommandId": command_id,
            "InstanceId": instance_id,
            "Comment": invocation.comment,
            "DocumentName": invocation.document_name,
            "DocumentVersion": "$DEFAULT",
            "PluginName": plugin or (steps[0] if steps else ""),
            "ResponseCode": invocation.exit_code,
            "ExecutionStartDateTime": iso(started) if started else "",
            "ExecutionElapsedTime": f"PT{ended - started:.3f}S" if started and ended else "",
            "ExecutionEndDateTime": iso(ended) if ended else "",
            "Status": invocation.status,
            "StatusDetails": invocation.details,
            "StandardOutputContent": invocation.stdout,
            "StandardOutputUrl": "",
            "StandardErrorContent": invocation.stderr,
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        }

    def _list_invocations(self, response: Any) -> Any:
        command_id, instance_id = response._get_param("CommandId"), response._get_param("InstanceId")
        found = [
            {
                "CommandId": each.command_id,
                "InstanceId": each.instance_id,
                "Comment": each.comment,
                "DocumentName": each.document_name,
                "RequestedDateTime": _moment(each.requested_at),
                "Status": each.status,
                "StatusDetails": each.details,
            }
            for each in self.commands.all()
            if command_id in (None, each.command_id) and instance_id in (None, each.instance_id)
        ]
        return ActionResult({"CommandInvocations": found})

    def _cancel(self, response: Any) -> Any:
        self.commands.cancel(response._get_param("CommandId"), response._get_param("InstanceIds", []))
        return ActionResult({})

    def _instances(self, response: Any) -> Any:
        wanted: set[str] = set()
        for condition in response._get_param("Filters", []):
            if condition["Key"] == "InstanceIds":
                wanted |= set(condition["Values"])
        for condition in response._get_param("InstanceInformationFilterList", []):
            if condition["key"] == "InstanceIds":
                wanted |= set(condition["valueSet"])
        agents = self.commands.agents()
        found = [
            {
                "InstanceId": instance_id,
                "PingStatus": ping,
                "LastPingDateTime": _moment(at),
                "AgentVersion": "3.3.0.0",
                "IsLatestVersion": True,
                "PlatformType": "Linux",
                "ComputerName": _name_of(instance_id),
                "ResourceType": "EC2Instance",
            }
            for instance_id, (ping, at) in agents.items()
            if not wanted or instance_id in wanted
        ]
        return ActionResult({"InstanceInformationList": found})

    def _announce(self, invocation: Invocation) -> None:
        about = {
            "command-id": invocation.command_id,
            "document-name": invocation.document_name,
            "requested-date-time": iso(invocation.requested_at),
            "expire-after": iso(invocation.deliver_by),
            "status": invocation.status,
        }
        instance = arn("ec2", f"instance/{invocation.instance_id}")
        self._bus.emit("aws.ssm", INVOCATION_CHANGED, {**about, "instance-id": invocation.instance_id}, [instance])
        all_of_it = self.commands.of_command(invocation.command_id)
        if len(all_of_it) <= 1 or all(each.status in FINAL for each in all_of_it):
            parameters = json.dumps({name: list(values) for name, values in invocation.parameters.items()})
            self._bus.emit("aws.ssm", COMMAND_CHANGED, {**about, "parameters": parameters}, [instance])

    def _expire(self) -> None:
        while not self._stopped.wait(0.5):
            self.commands.expire(time.time())


class _Sent:
    """A command as moto's responses ask for it."""

    def __init__(self, made: Sequence[Invocation], delivery_s: int) -> None:
        self._made = made
        self._delivery_s = delivery_s
        self.command_id = made[0].command_id

    def response_object(self) -> dict[str, Any]:
        first = self._made[0]
        ended = [each for each in self._made if each.status in FINAL]
        return {
            "CommandId": first.command_id,
            "DocumentName": first.document_name,
            "DocumentVersion": "$DEFAULT",
            "Comment": first.comment,
            "ExpiresAfter": _moment(first.deliver_by),
            "Parameters": {name: list(values) for name, values in first.parameters.items()},
            "InstanceIds": [each.instance_id for each in self._made],
            "RequestedDateTime": _moment(first.requested_at),
            "Status": first.status
            if len(self._made) == 1
            else ("InProgress" if len(ended) < len(self._made) else "Success"),
            "StatusDetails": first.details,
            "TargetCount": len(self._made),
            "CompletedCount": len(ended),
            "ErrorCount": sum(each.status in ("Failed", "TimedOut") for each in self._made),
            "DeliveryTimedOutCount": sum(each.details == "DeliveryTimedOut" for each in self._made),
            "TimeoutSeconds": self._delivery_s,
        }


def _name_of(instance_id: str) -> str:
    """What the host calls itself, as its tag has it; empty for a machine without one."""
    machine = next((each for each in backend("ec2").all_instances() if each.id == instance_id), None)
    tags = machine.get_tags() if machine is not None else []
    return next((str(each["value"]) for each in tags if each["key"] == "Name"), "")


def _targeted(targets: Sequence[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for target in targets:
        if target["Key"] == "InstanceIds":
            found += target["Values"]
        else:
            matching = backend("ec2").all_reservations(filters={target["Key"]: target["Values"]})
            found += [instance.id for reservation in matching for instance in reservation.instances]
    return found


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
