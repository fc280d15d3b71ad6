"""The Lambda Runtime API of one process: it asks for the next invocation and posts the answer."""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from lab.testbed.cloud.listening import QuietServer

_BASE = "/2018-06-01/runtime"


@dataclass
class Invocation:
    """One call on its way through a process. `deadline` is in seconds since the epoch."""

    payload: bytes
    function_arn: str
    deadline: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: bytes = b""
    failed: bool = False
    answered: threading.Event = field(default_factory=threading.Event)

    def finish(self, answer: bytes, *, failed: bool) -> None:
        """Keep the first answer; what comes later (a kill after the answer) changes nothing."""
        if not self.answered.is_set():
            self.answer, self.failed = answer, failed
            self.answered.set()


class RuntimeApi:
    """Listens for exactly one process, whose environment says where (`address`)."""

    def __init__(self, host: str, listen_on: str) -> None:
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        self.ready = threading.Event()
        self.init_error: bytes = b""
        self._server = QuietServer((listen_on, 0), _handler_for(self))
        self.address = f"{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="runtime-api", daemon=True).start()

    def offer(self, invocation: Invocation) -> None:
        """Hand the invocation to the process when it next asks."""
        self._running[invocation.request_id] = invocation
        self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        """The next invocation; waits for one; None when closed."""
        self.ready.set()
        return self._waiting.get()

    def answer(self, request_id: str, body: bytes, *, failed: bool) -> bool:
        """Take an answer; False if the request is not (any more) known."""
        invocation = self._running.pop(request_id, None)
        if invocation is None:
            return False
        invocation.finish(body, failed=failed)
        return True

    def close(self) -> None:
        self._waiting.put(None)
        # shutdown waits for the serving loop; nobody should wait for that.
        threading.Thread(target=self._shut, daemon=True).start()

    def _shut(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
            pass

        def do_GET(self) -> None:
            if self.path != f"{_BASE}/invocation/next":
                self._reply(404, {})
                return
            invocation = api.next()
            if invocation is None:
                self.close_connection = True  # closed: the process that asked is gone
                return
            self._reply(
                200,
                {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                    "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                    # Without this header the runtime client dies of a segmentation fault.
                    "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
                },
                invocation.payload,
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                body = _read_chunks(self.rfile)
            if self.path == f"{_BASE}/init/error":
                api.init_error = _error_fields(body)
                api.ready.set()
                self._reply(202, {})
                return
            parts = self.path.removeprefix(f"{_BASE}/invocation/").split("/")
            if len(parts) != 2 or parts[1] not in ("response", "error"):
                self._reply(404, {})
                return
            failed = parts[1] == "error"
            known = api.answer(parts[0], _error_fields(body) if failed else body, failed=failed)
            self._reply(202 if known else 400, {})

        def _reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _read_chunks(stream: Any) -> bytes:
    body = b""
    while size := int(stream.readline().strip() or b"0", 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def _error_fields(body: bytes) -> bytes:
    # What a caller sees of an error, in Lambda's order.
    try:
        error = json.loads(body)
    except ValueError:
        return json.dumps({"errorMessage": body.decode(errors="replace"), "errorType": "Runtime.Unknown"}).encode()
    known = ("errorMessage", "errorType", "requestId", "stackTrace")
    return json.dumps({name: error[name] for name in known if name in error}).encode()
