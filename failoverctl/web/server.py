"""The HTTP server of the page: a few files, the state, and what is asked for; every answer is a sentence or JSON."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.web.acting import READ_ONLY, REASON_AT_MOST, VERBS, act
from failoverctl.web.reader import Reader
from failoverctl.web.safety import HEADERS, KEY, Keys, refusal_of

FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/drawing.js": ("drawing.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Everything that is served without a key: it is the same for everybody, and says nothing of any pair."""
HELD_AT_MOST_S = 8.0
"""Seconds that a browser's question waits for news."""
BODY_AT_MOST = 8192
_STATUS = {Exit.DECLINED: HTTPStatus.FORBIDDEN, Exit.USAGE: HTTPStatus.BAD_REQUEST}


class PageServer(ThreadingHTTPServer):
    """Serves the page on a socket that listens already.

    Args:
        reader: what it shows; ends with the server.
        keys: who may see it.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: CommandContext, listener: socket.socket, reader: Reader, keys: Keys) -> None:
        host, self.port = listener.getsockname()[:2]
        super().__init__((host, self.port), partial(Handler, context=context), bind_and_activate=False)
        self.socket.close()
        self.socket, self.reader, self.keys = listener, reader, keys

    @property
    def address(self) -> str:
        """The page's own, without a token."""
        return f"http://{self.server_address[0]!s}:{self.port}/"

    def close(self) -> None:
        """Stop reading and listening."""
        self.reader.close()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser that left is no news, and what else goes wrong was answered."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = 20.0
    """Seconds that a slow or silent client may hold a thread."""
    server: PageServer

    def __init__(self, *args: Any, context: CommandContext) -> None:
        self._context = context
        super().__init__(*args)

    def do_GET(self) -> None:
        """A file of the page, or the state."""
        self._answered(self._get, posted=False)

    def do_POST(self) -> None:
        """A token for a key, or an action."""
        self._answered(self._post, posted=True)

    def _answered(self, answer: Callable[[], None], posted: bool) -> None:
        refusal = refusal_of(self.headers, self.server.port, posted)
        if refusal:
            self._refuse(HTTPStatus.FORBIDDEN, refusal)
            return
        try:
            answer()
        except CommandError as error:
            self._refuse(_STATUS.get(error.code, HTTPStatus.BAD_GATEWAY), str(error))
        except OSError:
            raise  # the browser left
        except Exception as error:
            sentence = f"failoverctl itself failed ({type(error).__name__}: {error}). What runs in AWS goes on."
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)

    def _get(self) -> None:
        asked = urlsplit(self.path)
        if asked.path in FILES:
            name, kind = FILES[asked.path]
            self._send(HTTPStatus.OK, kind, resources.files(__package__).joinpath(name).read_bytes())
        elif asked.path == "/api/state":
            if self._is_known():
                self._state({name: values[0] for name, values in parse_qs(asked.query).items()})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _post(self) -> None:
        asked = self._body()
        if self.path == "/api/session":
            key = self.server.keys.exchanged(str(asked.get("token", "")))
            if key:
                self._json(HTTPStatus.OK, {"key": key, **self._about()})
            else:
                self._refuse(HTTPStatus.UNAUTHORIZED, _UNKNOWN)
        elif self.path == "/api/act":
            if self._is_known():
                self._act(asked)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _state(self, asked: dict[str, str]) -> None:
        after = int(asked["after"]) if asked.get("after", "").isdecimal() else -1
        found = self.server.reader.state(asked.get("id", ""), after, HELD_AT_MOST_S)
        self._json(HTTPStatus.OK, {**found, **self._about()})

    def _act(self, asked: dict[str, Any]) -> None:
        if not self._context.arguments.allow_actions:
            raise CommandError(READ_ONLY, Exit.DECLINED)
        place = self.server.reader.place(str(asked.get("id", "")))
        execution, request = act(replace(self._context, account=place.account), place.stack, asked)
        self.server.reader.follow(place, execution, request)
        sentence = f"Started: {execution.rsplit(':', 1)[-1]}"
        self._json(HTTPStatus.ACCEPTED, {"execution": execution, "sentence": sentence})

    def _about(self) -> dict[str, Any]:
        given = self._context.arguments
        return {
            "allow_actions": bool(given.allow_actions),
            "every_s": given.every,
            "verbs": VERBS,
            "reason_at_most": REASON_AT_MOST,
        }

    def _is_known(self) -> bool:
        """Whether the request has the session's key; where not, it was refused."""
        if self.server.keys.fits(self.headers.get(KEY, "")):
            return True
        self._refuse(HTTPStatus.UNAUTHORIZED, _UNKNOWN)
        return False

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_AT_MOST:
            raise CommandError(f"A request has a length, of at most {BODY_AT_MOST} bytes.", Exit.USAGE)
        try:
            found = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise CommandError("This request is no JSON.", Exit.USAGE) from error
        if not isinstance(found, dict):
            raise CommandError("A request is a JSON object.", Exit.USAGE)
        return found

    def _json(self, status: HTTPStatus, found: Any) -> None:
        self._send(status, "application/json; charset=utf-8", json.dumps(found).encode())

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self._json(status, {"error": sentence})

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """As the other answers: what the standard library refuses itself, a method say, is a sentence, too."""
        if not isinstance(getattr(self, "headers", None), Message):
            self.request_version = "HTTP/1.0"
        self._refuse(HTTPStatus(code), f"This request can't be answered: {message or HTTPStatus(code).phrase}.")

    def version_string(self) -> str:
        return "failoverctl"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the standard library names it
        """Nothing: the terminal is for the address, and for what goes wrong."""


_UNKNOWN = "This browser has no valid token: open the address that failoverctl printed when it started."
