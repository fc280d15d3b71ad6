"""Answering a client's calls in the place of AWS: after botocore has checked what is sent, before it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


class Failure(Exception):
    """An error as AWS would answer it: its code, its message."""

    def __init__(self, code: str, message: str = "as the test wants it") -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@dataclass
class _Status:
    status_code: int
    headers: Mapping[str, str]


class Wire:
    """Takes over some operations of one client for the time of a `with`.

    Args:
        client: whose calls are answered. Its model has checked the parameters by then, so a call that AWS would turn
            down for its shape fails here too.
        service: as botocore names it in its events.
        operations: what answers each: takes the call's parameters, returns the answer or raises `Failure`.
    """

    def __init__(self, client: Any, service: str, operations: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> None:
        self._events, self._service, self._operations = client.meta.events, service, operations

    def __enter__(self) -> Self:
        for name in self._operations:
            self._events.register(f"provide-client-params.{self._service}.{name}", self._remember)
            self._events.register(f"before-call.{self._service}.{name}", self._answer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name in self._operations:
            self._events.unregister(f"provide-client-params.{self._service}.{name}", self._remember)
            self._events.unregister(f"before-call.{self._service}.{name}", self._answer)

    def _remember(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["the call's own parameters"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[_Status, Any]:
        try:
            answer = self._operations[model.name](context["the call's own parameters"])
        except Failure as failure:
            return _Status(400, {}), {"Error": {"Code": failure.code, "Message": failure.message}}
        return _Status(200, {}), answer


def text(value: Any) -> str:
    """A value as JSON in one line."""
    return json.dumps(value, separators=(",", ":"))
