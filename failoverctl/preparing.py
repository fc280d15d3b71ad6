"""What an operator does once for a new pair: prepare both hosts, so that files can go from one to the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from msfailover.text import clean, clean_all

LIMIT_S = 60
"""Seconds a document may take on a host, from sending it on."""
POLL_EVERY_S = 0.2


class NotPrepared(Exception):
    """A host did not take a document; the sentence is the host's."""

    def __init__(self, sentence: str) -> None:
        super().__init__(clean(sentence))


def prepare_hosts(
    ssm: Any,
    stack: str,
    instances: Mapping[str, str],
    addresses: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run install-receiver and prepare-host on both hosts, then prepare-host again with what the other one told.

    Args:
        ssm: a client.
        stack: the stack's name, which the documents' names begin with.
        instances, addresses: of ms1 and ms2.
        settings: parameters of prepare-host that are the same on both hosts, where not its defaults ("Service").

    Raises:
        NotPrepared: a document failed on a host.
    """

    def both(step: Callable[[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
        pairs = (("ms1", "ms2"), ("ms2", "ms1"))
        with ThreadPoolExecutor(2) as threads:
            return dict(zip(("ms1", "ms2"), threads.map(lambda each: step(*each), pairs), strict=True))

    def first(role: str, peer: str) -> dict[str, Any]:
        run(ssm, instances[role], f"{stack}-install-receiver", {})
        parameters = {**(settings or {}), "Role": role, "PeerAddress": addresses[peer]}
        return run(ssm, instances[role], f"{stack}-prepare-host", parameters)

    told = both(first)

    def second(role: str, peer: str) -> dict[str, Any]:
        parameters = {
            **(settings or {}),
            "Role": role,
            "PeerAddress": addresses[peer],
            "AuthorizedKey": told[peer]["public_key"],
            "PeerHostKeys": told[peer]["host_keys"],
        }
        return run(ssm, instances[role], f"{stack}-prepare-host", parameters)

    return both(second)


def undo_hosts(ssm: Any, stack: str, instances: Mapping[str, str], addresses: Mapping[str, str]) -> None:
    """Take away what prepare-host made on both hosts; autostart stays off. Raises NotPrepared."""
    for role, peer in (("ms1", "ms2"), ("ms2", "ms1")):
        asked = {"Role": role, "PeerAddress": addresses[peer], "Undo": "yes"}
        run(ssm, instances[role], f"{stack}-prepare-host", asked)


def run(ssm: Any, instance: str, document: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Run a document on a host and return its result.

    Raises:
        NotPrepared: it failed, with the host's own words, or has not ended after `LIMIT_S` seconds.
    """
    command = ssm.send_command(
        InstanceIds=[instance],
        DocumentName=document,
        Parameters={name: [value] for name, value in parameters.items()},
        TimeoutSeconds=30,
    )["Command"]["CommandId"]

    def ended() -> Any:
        try:
            answer = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        except ClientError as error:
            # By its code: a client makes its own classes of errors when first asked, in two threads two of each.
            if error.response["Error"]["Code"] == "InvocationDoesNotExist":
                return None
            raise
        return answer if answer["Status"] not in ("Pending", "InProgress", "Delayed") else None

    end = time.monotonic() + LIMIT_S
    while (answer := ended()) is None:
        if time.monotonic() > end:
            raise NotPrepared(
                f"{document} on {instance} has not ended after {LIMIT_S} s (command {command}): is its agent online?"
            )
        time.sleep(POLL_EVERY_S)
    if answer["Status"] != "Success":
        raise NotPrepared(f"{document} on {instance} ended as {answer['Status']}: {answer['StandardErrorContent']}")
    try:
        return dict(clean_all(json.loads(answer["StandardOutputContent"].strip().splitlines()[-1])))
    except (IndexError, ValueError, TypeError):
        said = answer["StandardOutputContent"][-200:]
        raise NotPrepared(f"{document} on {instance} ended well, but its last line is no result: {said!r}") from None
