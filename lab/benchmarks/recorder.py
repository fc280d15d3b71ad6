"""Notes each call of a function and each call of an API of the local cloud: who was asked what, when, for how long."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from lab.testbed.cloud.cloud import Cloud

_SCOPE = re.compile(r"/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """A call, timed in seconds since 1970.

    Args:
        kind: "function" or "api".
        name: "pair.verify_fence", "ec2.DescribeNetworkInterfaces".
        start, end: as the cloud saw it; a function's start of its process is part of its call.
    """

    kind: str
    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Recorder:
    """Calls of a cloud from now on. Thread-safe."""

    def __init__(self, cloud: Cloud, stack: str) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        self._prefix = f"{stack}-"
        functions, server = cloud.functions, cloud._server._server
        self._invoke, self._app = functions.invoke, server.app
        functions.invoke = self._note_function  # type: ignore[method-assign]
        server.app = self._note_api

    def between(self, start: float, end: float) -> list[Call]:
        """Calls that began in a window."""
        with self._lock:
            return [call for call in self._calls if start <= call.start <= end]

    def _add(self, kind: str, name: str, start: float) -> None:
        call = Call(kind, name, start, time.time())
        with self._lock:
            self._calls.append(call)

    def _note_function(self, name: str, payload: bytes) -> Any:
        start = time.time()
        try:
            return self._invoke(name, payload)
        finally:
            short = name.rsplit(":", 1)[-1].removeprefix(self._prefix)
            try:
                action = json.loads(payload or b"{}").get("action", "tick")
            except (ValueError, AttributeError):
                action = "?"
            self._add("function", f"{short}.{action}", start)

    def _note_api(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start = time.time()
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        finally:
            self._add("api", _operation(environ, body), start)


def _operation(environ: dict[str, Any], body: bytes) -> str:
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = found[1] if found else "?"
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}.{target.rsplit('.', 1)[-1]}"
    if b"Action=" in body:
        return f"{service}.{parse_qs(body.decode(errors='replace')).get('Action', ['?'])[0]}"
    return f"{service}.{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '').split('/')[-1][:20]}"
