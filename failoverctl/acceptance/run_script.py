"""Shell scripts on a server of the pair, by Run Command: the one way to a host without a way in."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError
from msfailover.text import clean

from failoverctl.account import Account
from failoverctl.errors import plainly

DOCUMENT = "AWS-RunShellScript"
DELIVERED_WITHIN_S = 60
"""Seconds; Run Command takes no less than 30."""
POLL_EVERY_S = 0.5
_UNDECIDED = ("Pending", "InProgress", "Delayed", "Cancelling")


class ScriptFailed(Exception):
    """A script did not run to its end on a host; the sentence is the host's, or says what is not known."""


def run_script(account: Account, instance: str, script: str, within_s: int = 30) -> str:
    """Run a script of bash's on a host to its end.

    Args:
        within_s: seconds that it may run, after it was delivered.

    Returns:
        what it wrote, at most 24,000 characters.

    Raises:
        ScriptFailed: it failed, or has not ended in time.
        CommandError: AWS refused it, or could not be asked.
    """
    ssm = account.client("ssm")
    with plainly(f"run a script on {instance}"):
        sent = ssm.send_command(
            InstanceIds=[instance],
            DocumentName=DOCUMENT,
            Comment="failoverctl acceptance",
            TimeoutSeconds=DELIVERED_WITHIN_S,
            Parameters={
                "commands": ["#!/usr/bin/env bash", "set -euo pipefail", *script.strip().splitlines()],
                "executionTimeout": [str(within_s)],
            },
        )["Command"]["CommandId"]
    end = time.monotonic() + DELIVERED_WITHIN_S + within_s
    while time.monotonic() < end:
        time.sleep(POLL_EVERY_S)
        answer = _answer(ssm, sent, instance)
        if answer is None or answer["Status"] in _UNDECIDED:
            continue
        if answer["Status"] == "Success":
            return str(answer["StandardOutputContent"])
        said = clean(answer["StandardErrorContent"] or answer["StandardOutputContent"], 300)
        raise ScriptFailed(f"A script on {instance} ended as {answer['StatusDetails']}: {said or 'it said nothing'}")
    raise ScriptFailed(
        f"A script on {instance} has not ended after {DELIVERED_WITHIN_S + within_s} s (command {sent})."
    )


def _answer(ssm: Any, command: str, instance: str) -> Any:
    """What is known of the command; None where nothing is yet: Run Command is eventually consistent."""
    with plainly("read what a script came to"):
        try:
            return ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvocationDoesNotExist":
                return None
            raise
