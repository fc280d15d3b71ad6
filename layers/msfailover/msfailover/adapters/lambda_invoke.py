"""Asking another function of the stack, and passing on what it raises under the same name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.verdict import Verdict, unknown

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Q = TypeVar("Q")


class FunctionFailed(Exception):
    """Another function raised, ran out of time, or could not be run; what it was asked for may or may not be done."""

    def __init__(self, function: str, kind: str, message: str) -> None:
        super().__init__(f"{function} failed: {kind}: {message}")
        self.kind = kind


def ask(client: LambdaClient, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function and wait for its answer.

    Args:
        client: Lambda.
        function: its name or ARN.
        payload: what it is asked.

    Raises:
        FunctionFailed: it did not answer with a result.
    """
    try:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read() or b"null")
    except (BotoCoreError, ClientError, ValueError) as error:
        raise FunctionFailed(function, type(error).__name__, str(error)[:500]) from error
    if answer.get("FunctionError"):
        detail = body if isinstance(body, dict) else {}
        raise FunctionFailed(
            function, str(detail.get("errorType", "Unknown")), str(detail.get("errorMessage", body))[:500]
        )
    if not isinstance(body, dict):
        raise FunctionFailed(function, "NotAnAnswer", f"{str(body)[:100]!r} is not an object")
    return body


def send(client: LambdaClient, function: str, payload: Mapping[str, Any]) -> None:
    """Call a function and wait for no answer (an asynchronous invocation); Lambda may deliver it late.

    Raises:
        FunctionFailed: Lambda did not take the order.
    """
    try:
        client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(payload).encode())
    except (BotoCoreError, ClientError) as error:
        raise FunctionFailed(function, type(error).__name__, str(error)[:500]) from error


def ask_verdict(client: LambdaClient, function: str, payload: Mapping[str, Any]) -> Verdict:
    """Ask another function a question; *unknown* where it fails, since a check that failed has seen nothing (I3)."""
    try:
        return Verdict.from_json(ask(client, function, payload))
    except (FunctionFailed, KeyError, ValueError) as error:
        return unknown(f"{payload.get('action')} of {payload.get('server', 'the pair')} could not be asked: {error}")


def side_by_side(put: Callable[[Q], Verdict], questions: Mapping[str, Q], at_once: int) -> dict[str, Verdict]:
    """The answers to several questions that are put side by side, by the questions' names."""
    with ThreadPoolExecutor(max_workers=at_once) as threads:
        return dict(zip(questions, threads.map(put, questions.values()), strict=True))
