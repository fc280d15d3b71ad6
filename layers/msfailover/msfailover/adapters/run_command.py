"""SSM Run Command: one document on one host, its delivery and its run both bounded, its result one line of JSON."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.pair import Server
from msfailover.runtime.polling import attempts
from msfailover.text import clean, clean_all
from msfailover.verdict import Verdict, no, unknown, yes

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

DELIVERY_LIMIT_S = 30
"""SSM's least: how long a command may wait for the agent to fetch it."""

LOST_EVERY_S = 5.0
"""Seconds between two questions whether the server that is waited for is there still."""

_AGENTS_LINE = re.compile(r"failed to run commands: exit status -?\d+")
_UNDER_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")


class CommandFailed(Exception):
    """The host ran the command and says that it failed, with its own words."""


class CommandUnfinished(Exception):
    """No result by the deadline; whether the host did it is not known."""


class SourceLost(Exception):
    """The server that a command was sent to was lost before its result came; whether it did it is not known."""


def send(client: SSMClient, server: Server, document: str, parameters: Mapping[str, str]) -> str:
    """Send a document to a host and return at once with the command's id.

    Args:
        client: SSM.
        server: the host.
        document: the document's name.
        parameters: its parameters. How long the script may run is among them, or in the document.
    """
    answer = client.send_command(
        InstanceIds=[server.instance_id],
        DocumentName=document,
        Parameters={name: [value] for name, value in parameters.items()},
        TimeoutSeconds=DELIVERY_LIMIT_S,
    )
    return answer["Command"]["CommandId"]


def try_to_send(client: SSMClient, server: Server, document: str) -> None:
    """Ask for what `send` does, with a parameter that no document has: SSM first checks that the call is allowed,
    then refuses it for the parameter, and sends nothing."""
    client.send_command(
        InstanceIds=[server.instance_id], DocumentName=document, Parameters={"NoSuchParameter": ["dry run"]}
    )


def result(client: SSMClient, server: Server, command_id: str, wait_s: float) -> dict[str, Any]:
    """Wait for a command's result.

    Args:
        wait_s: seconds to wait at most.

    Raises:
        CommandFailed: it ended, but not well.
        CommandUnfinished: it has not ended in time, or its result can't be read.
    """
    status = "Pending"
    for _ in attempts(wait_s, factor=1.3):
        answer = invocation(client, server, command_id)
        status = answer.get("Status", "Pending")
        if status not in _UNDER_WAY:
            return _read(answer, command_id)
    raise CommandUnfinished(f"Command {command_id} on {server.role} is {status} after {wait_s:g} s.")


def result_while_there(
    client: SSMClient, server: Server, command_id: str, wait_s: float, whether_lost: Callable[[], Verdict]
) -> dict[str, Any]:
    """Wait for a command's result as long as there is somebody who could give it (I5).

    Args:
        wait_s: seconds to wait at most.
        whether_lost: is the server lost? Asked every `LOST_EVERY_S`, while there is no result.

    Raises:
        SourceLost: it is.
        CommandFailed, CommandUnfinished: as `result`.
    """
    end = time.monotonic() + wait_s
    while True:
        try:
            return result(client, server, command_id, min(LOST_EVERY_S, max(0.0, end - time.monotonic())))
        except CommandUnfinished:
            lost = whether_lost()
            if lost.is_yes:
                raise SourceLost(f"{lost.sentence} It is not waited for.") from None
            if time.monotonic() >= end:
                raise


def has_answered(client: SSMClient, server: Server, command_id: str) -> bool:
    """Whether a host has done what it was sent by now. Waits for nothing; what can't be read is no answer (I3)."""
    try:
        return invocation(client, server, command_id).get("Status") == "Success"
    except (ClientError, BotoCoreError):
        return False


def cancel(client: SSMClient, server: Server, command_id: str) -> None:
    """Take an order back: one that was not delivered yet is not delivered any more; one that runs may run on (AWS
    Systems Manager API reference, CancelCommand: "There is no guarantee")."""
    client.cancel_command(CommandId=command_id, InstanceIds=[server.instance_id])


def invocation(client: SSMClient, server: Server, command_id: str) -> Mapping[str, Any]:
    """A command's invocation as it is now; empty where SSM does not know of it *yet* (it is eventually consistent)."""
    try:
        return client.get_command_invocation(CommandId=command_id, InstanceId=server.instance_id)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvocationDoesNotExist":
            return {}
        raise


def _read(answer: Mapping[str, Any], command_id: str) -> dict[str, Any]:
    output = str(answer.get("StandardOutputContent", "")).strip()
    if answer["Status"] != "Success":
        why = _last_words(str(answer.get("StandardErrorContent", ""))) or answer.get("StatusDetails", "no reason given")
        raise CommandFailed(f"Command {command_id} ended as {answer['Status']}: {clean(why, 400)}")
    try:
        found = json.loads(
            output.splitlines()[-1], parse_constant=_no_number, parse_int=_bounded(int), parse_float=_bounded(float)
        )
    except (IndexError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CommandFailed(f"Command {command_id} succeeded, but its last line is no result: {clean(output[-200:])!r}")
    return dict(clean_all(found))


def _last_words(errors: str) -> str:
    """The host's own last line. The agent ends the errors of a failed script with a line of its own, which says nothing
    but the exit status (SSM's agent: "failed to run commands: exit status 1"); it is told only where it is alone."""
    lines = errors.strip().splitlines()
    own = lines[:-1] if lines and _AGENTS_LINE.fullmatch(lines[-1].strip()) else lines
    return next((line for line in reversed(own) if line.strip()), lines[-1] if lines else "")


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


NUMBERS_BELOW = 1e18
"""What a host counts and measures stays below. A number above it may be one that nobody can subtract, or store."""


def _bounded(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(word: str) -> float:
        value = kind(word)
        if not abs(value) < NUMBERS_BELOW:
            raise ValueError(f"{word[:40]} is no number that a host has to tell")
        return value

    return number


def agent_answers(client: SSMClient, server: Server) -> Verdict:
    """Whether the host's SSM agent has been heard of lately; that is some minutes' knowledge, not this moment's."""
    answer = client.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [server.instance_id]}])
    states = [each["PingStatus"] for each in answer["InstanceInformationList"]]
    if states == ["Online"]:
        return yes(f"The SSM agent of {server.role} is online.")
    if not states:
        return unknown(f"SSM does not know {server.role} ({server.instance_id}).")
    return no(f"The SSM agent of {server.role} is {states[0]}.")
