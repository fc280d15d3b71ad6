"""A page that is served in process, asked by plain HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from failoverctl import terminal
from failoverctl.commands import CommandContext
from failoverctl.parser import make_parser
from failoverctl.web.command import listen, make_server
from failoverctl.web.safety import KEY
from tests.failoverctl.region import STACK, AccountThere, Region

COMES_WITHIN_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What the server answered.

    Args:
        status: of HTTP.
        headers: with their names as they were sent.
        body: as bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json()["error"])


@dataclass
class Served:
    """`failoverctl web` with these options, against the region, for the time of a `with`."""

    region: Region
    options: list[str] = field(default_factory=list)
    stack: str = STACK
    key: str = ""

    def __enter__(self) -> Self:
        which = ["--stack", self.stack] if self.stack else []
        arguments = make_parser().parse_args(["web", "--no-browser", *which, *self.options])
        listen(arguments)
        account = AccountThere(self.region, None, None)
        self.context = CommandContext(account, terminal.console(), terminal.console(stderr=True), arguments)
        self.server = make_server(self.context)
        self.port = self.server.port
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.key = self.post("/api/session", {"token": self.server.keys.token}).json()["key"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.close()

    @property
    def address(self) -> str:
        """As it is printed, with the token."""
        return f"{self.server.address}#token={self.server.keys.token}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request; headers are named as `Content_Type`, and one that is empty is left out."""
        sent = {"Host": f"127.0.0.1:{self.port}", KEY: self.key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def post(self, path: str, what: Any, **headers: str) -> Answer:
        """As the page's own script posts it, but for the headers that are given."""
        own = {"Origin": f"http://127.0.0.1:{self.port}", "Content_Type": "application/json"}
        return self.ask("POST", path, json.dumps(what).encode(), **{**own, **headers})

    def state(self, after: int = -1, chosen: str = "") -> dict[str, Any]:
        """The state, as soon as it is newer; of the pair with that id."""
        found: dict[str, Any] = self.ask("GET", f"/api/state?id={quote(chosen, safe='')}&after={after}").json()
        return found

    def until(self, enough: Callable[[dict[str, Any]], Any], chosen: str = "") -> dict[str, Any]:
        """The first state that is enough. Raises AssertionError where none comes."""
        found, deadline = self.state(-1, chosen), time.monotonic() + COMES_WITHIN_S
        while not enough(found):
            assert time.monotonic() < deadline, found
            found = self.state(found["version"], chosen)
        return found

    def view(self) -> dict[str, Any]:
        """What the page shows of the only pair, once it was read."""
        found = self.state()
        while not found["pair"]:
            found = self.state(found["version"])
        view: dict[str, Any] = found["pair"]
        return view
