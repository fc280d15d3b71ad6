"""Where the hosts' SSM agents fetch their commands and bring their answers: HTTP, a long poll each."""

from __future__ import annotations

import json
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.testbed.cloud.commands import Commands
from lab.testbed.cloud.listening import QuietServer

_LONGEST_POLL_S = 25.0
_STATUSES = ("Success", "Failed", "TimedOut")


class AgentServer:
    """Listens on `host`:`port` (0 for any) from the moment it is made until `stop`."""

    def __init__(self, commands: Commands, host: str, port: int) -> None:
        self._server = QuietServer((host, port), _handler_for(commands))
        self.port = int(self._server.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="ssm-agents", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler_for(commands: Commands) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
            pass

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            parts = address.path.strip("/").split("/")
            if len(parts) != 3 or parts[0] != "agents" or parts[2] != "command":
                self._reply(404)
                return
            wait_s = min(float(parse_qs(address.query).get("wait", ["20"])[0]), _LONGEST_POLL_S)
            invocation = commands.fetch(parts[1], wait_s, lambda: _connected(self.connection))
            if invocation is None:
                self._reply(204)
                return
            try:
                self._reply(
                    200,
                    {
                        "command_id": invocation.command_id,
                        "document": invocation.document,
                        "parameters": {name: list(values) for name, values in invocation.parameters.items()},
                        "timeout_s": invocation.run_limit_s,
                    },
                )
            except OSError:
                commands.give_back(invocation)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path).path.strip("/").split("/")
            if len(parts) != 4 or parts[0] != "agents" or parts[2] != "command":
                self._reply(404)
                return
            try:
                answer = json.loads(body)
                status = answer["status"] if answer["status"] in _STATUSES else "Failed"
                known = commands.answer(
                    parts[1],
                    parts[3],
                    status,
                    int(answer.get("exit_code", -1)),
                    str(answer.get("stdout", "")),
                    str(answer.get("stderr", "")),
                )
            except (ValueError, KeyError, TypeError) as error:
                self._reply(400, {"error": f"not an answer: {error}"})
                return
            self._reply(200 if known else 404, {})

        def _reply(self, status: int, content: dict[str, Any] | None = None) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _connected(connection: socket.socket) -> bool:
    """Whether the other side still holds the connection: a closed one is readable and has nothing to read."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return not readable or bool(connection.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
