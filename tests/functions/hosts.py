"""Hosts behind SSM Run Command: what was ordered, and what came of it, at the moment a test says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.functions.wire import Failure, Wire, text


@dataclass
class Command:
    """One command that was sent."""

    document: str
    instance: str
    parameters: dict[str, str]
    delivery_limit_s: int
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    reads: int = 0


Result = Mapping[str, Any] | Failure
RUNNING = {"Status": "InProgress"}
NOT_YET = Failure("InvocationDoesNotExist")


def succeeded(**result: Any) -> dict[str, Any]:
    """A run that ended well, its result in the last line of what it wrote."""
    return {
        "Status": "Success",
        "StandardOutputContent": f"some words first\n{text(result)}\n",
        "StandardErrorContent": "",
    }


def failed(words: str, status: str = "Failed") -> dict[str, Any]:
    """A run that ended badly, with its reason in the last line of its errors."""
    return {"Status": status, "StatusDetails": status, "StandardOutputContent": "", "StandardErrorContent": words}


class Hosts(Wire):
    """Answers SendCommand and GetCommandInvocation.

    `commands` are those that were sent, in order. What a document comes to is prepared for each by its name: a list of
    what is seen in turn, the last one from then on.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(client, "ssm", {
            "SendCommand": self._send, "GetCommandInvocation": self._read, "CancelCommand": self._cancel,
        })  # fmt: skip
        self.commands: list[Command] = []
        self.cancelled: list[tuple[str, str]] = []
        self.refuse: Failure | None = None
        self.refuse_cancel: Failure | None = None
        self._prepared: dict[str, list[Result]] = {}

    def prepare(self, document: str, *results: Result) -> None:
        """Have every run of `document` end like these in turn."""
        self._prepared[document] = list(results)

    def sent(self, document: str) -> list[Command]:
        """The commands that were sent with a document, by the last word of its name."""
        return [command for command in self.commands if command.document.endswith(document)]

    def _send(self, call: Mapping[str, Any]) -> dict[str, Any]:
        if self.refuse is not None:
            raise self.refuse
        (instance,) = call["InstanceIds"]
        parameters = {name: value for name, (value,) in call["Parameters"].items()}
        command = Command(call["DocumentName"], instance, parameters, call["TimeoutSeconds"])
        self.commands.append(command)
        return {"Command": {"CommandId": command.identity}}

    def _cancel(self, call: Mapping[str, Any]) -> dict[str, Any]:
        if self.refuse_cancel is not None:
            raise self.refuse_cancel
        (instance,) = call["InstanceIds"]
        self.cancelled.append((call["CommandId"], instance))
        return {}

    def _read(self, call: Mapping[str, Any]) -> dict[str, Any]:
        command = next((each for each in self.commands if each.identity == call["CommandId"]), None)
        if command is None or command.instance != call["InstanceId"]:
            raise NOT_YET
        seen = self._prepared[command.document.rsplit("-", 1)[-1]]
        result = seen[min(command.reads, len(seen) - 1)]
        command.reads += 1
        if isinstance(result, Failure):
            raise result
        return {"CommandId": command.identity, "InstanceId": command.instance, **result}


def after(reads: int, result: Result) -> list[Result]:
    """A run that is under way for so many reads."""
    return [RUNNING] * reads + [result]


Prepare = Callable[..., None]
