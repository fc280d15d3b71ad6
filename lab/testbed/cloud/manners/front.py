"""What stands before the APIs: latency, bursts of throttling, and reads that are older than the last write.

Only calls of functions and of the state machine come through it: whoever watches the testbed, and the testbed itself,
asks moto directly.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.cloud.manners.table import latency_of

_OURS = "test"
"""The access key of the testbed's own clients."""

_SCOPE = re.compile(r"Credential=([^/]+)/[0-9]+/[^/]+/([^/]+)/aws4_request")
_REST = (
    ("lambda", "POST", re.compile(r"/2015-03-31/functions/[^/]+/invocations"), "Invoke"),
    ("route53", "GET", re.compile(r"/2013-04-01/hostedzone/[^/]+/rrset"), "ListResourceRecordSets"),
    ("route53", "POST", re.compile(r"/2013-04-01/hostedzone/[^/]+/rrset/?"), "ChangeResourceRecordSets"),
    ("route53", "GET", re.compile(r"/2013-04-01/change/.+"), "GetChange"),
)
_VARYING = frozenset({"AWSAccessKeyId", "Signature", "Timestamp"})

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """One call of an API: the service and operation in AWS's names, and what tells two reads apart."""

    service: str
    operation: str
    key: str

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"

    @property
    def reads(self) -> bool:
        return self.operation.startswith("Describe")


@dataclass
class _Reads:
    """What EC2's reads answered last, and until when they may answer so again."""

    answers: dict[str, tuple[float, str, list[Any], bytes]] = field(default_factory=dict)
    written_at: float = 0.0
    stale_until: float = 0.0


class Front:
    """A WSGI application before another one."""

    def __init__(self, behind: Application, manners: Manners) -> None:
        self._behind, self._manners = behind, manners
        self._lock = threading.Lock()
        self._reads = _Reads()
        self._bursts: dict[str, float] = {}
        self.throttled: dict[str, int] = {}
        """How many calls of each operation were throttled."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        call = _call(environ) if self._manners.begun else None
        if call is None:
            return self._behind(environ, start)
        dial = latency_of(call.service, call.operation)
        if dial is not None:
            time.sleep(self._manners.draw(dial))
        if self._in_burst(call):
            return _throttle(call, start)
        if call.service != "ec2":
            return self._behind(environ, start)
        return self._of_ec2(call, environ, start)

    def _in_burst(self, call: Call) -> bool:
        """Whether a burst of throttling, which an operation may begin with, is not over."""
        now = time.monotonic()
        with self._lock:
            if call.name not in self._bursts:
                begins = self._manners.happens("throttle.share")
                self._bursts[call.name] = now + self._manners.draw("throttle.burst") if begins else 0.0
            inside = now < self._bursts[call.name]
            if inside:
                self.throttled[call.name] = self.throttled.get(call.name, 0) + 1
        return inside

    def _of_ec2(self, call: Call, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        now = time.monotonic()
        if call.reads:
            with self._lock:
                old = self._reads.answers.get(call.key)
                stale = old is not None and now < self._reads.stale_until and old[0] <= self._reads.written_at
            if stale and old is not None:
                start(old[1], old[2])
                return [old[3]]
        status, headers, body = _taken(self._behind, environ)
        with self._lock:
            if not call.reads:
                self._reads.written_at = time.monotonic()
                self._reads.stale_until = self._reads.written_at + self._manners.draw("ec2.stale")
            elif status.startswith("200"):
                self._reads.answers[call.key] = (now, status, headers, body)
        start(status, headers)
        return [body]


def _call(environ: dict[str, Any]) -> Call | None:
    """What is called, where it is a function or the state machine that calls; None otherwise."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None or scope[1] == _OURS:
        return None
    service, target = scope[2], environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(service, target.rsplit(".", 1)[-1], "")
    for wanted, method, path, operation in _REST:
        if (wanted, method) == (service, environ["REQUEST_METHOD"]) and path.fullmatch(environ["PATH_INFO"]):
            return Call(service, operation, "")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    asked = dict(parse_qsl(body.decode(errors="replace")))
    key = json.dumps({name: value for name, value in asked.items() if name not in _VARYING}, sort_keys=True)
    return Call(service, asked.get("Action", ""), key)


def _taken(behind: Application, environ: dict[str, Any]) -> tuple[str, list[Any], bytes]:
    """What the application behind answers, as a whole."""
    taken: list[tuple[str, list[Any]]] = []

    def start(status: str, headers: list[Any], _error: Any = None) -> Callable[[bytes], None]:
        taken.append((status, headers))
        return lambda _: None

    body = b"".join(behind(environ, start))
    return (*taken[-1], body)


def _throttle(call: Call, start: Callable[..., Any]) -> list[bytes]:
    """The refusal as each service gives it (botocore takes every one of them for throttling)."""
    message = "Rate exceeded"
    if call.service == "lambda":
        start(
            "429 Too Many Requests",
            [("Content-Type", "application/json"), ("x-amzn-ErrorType", "TooManyRequestsException")],
        )
        return [json.dumps({"Type": "User", "Message": message}).encode()]
    if call.service == "ec2":
        start("503 Service Unavailable", [("Content-Type", "text/xml")])
        code = "RequestLimitExceeded"
        return [
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            "<RequestID>0</RequestID></Response>".encode()
        ]
    if call.service in ("route53", "sns"):
        start("400 Bad Request", [("Content-Type", "text/xml")])
        return [
            f"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>{message}</Message></Error>"
            "<RequestId>0</RequestId></ErrorResponse>".encode()
        ]
    start("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps({"__type": "ThrottlingException", "message": message}).encode()]
