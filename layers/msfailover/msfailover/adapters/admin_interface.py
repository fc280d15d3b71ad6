"""Does a server answer where people and agents come to it? One question each, with its own time limit."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from msfailover.adapters import tls
from msfailover.observations import Signal
from msfailover.text import clean
from msfailover.verdict import Verdict, no, unknown, yes

BODY_AT_MOST = 4096
"""Bytes of a page that are read to see that the server says what it began to say."""
SEARCHED_AT_MOST = 65536
"""Bytes of a page in which an expected text is searched."""


@dataclass(frozen=True)
class Sighting:
    """One probe of one port: what came back, in words, and after how many seconds."""

    signal: Signal
    sentence: str
    seconds: float


class _Deadline:
    """Cuts a connection when its time is over, whatever the other side is doing.

    A time limit between bytes does not end a probe of a server that drips them: only cutting the connection does.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connection: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()

    def guard(self, connection: socket.socket) -> None:
        self._connection = connection
        if self.passed:
            self._cut()

    def _pass(self) -> None:
        self.passed = True
        self._cut()

    def _cut(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it is closed already
                # Not SSLSocket's own shutdown, which takes away what the other thread is reading with.
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


class _Connection(HTTPSConnection):
    """A connection that a deadline can cut."""

    def __init__(self, *args: Any, deadline: _Deadline, **kwargs: Any) -> None:
        self._deadline = deadline
        super().__init__(*args, **kwargs)

    def connect(self) -> None:
        super().connect()
        self._deadline.guard(self.sock)


class _ByAddress(HTTPAdapter):
    """Connects to an address and verifies the certificate for a name: the name may point at the other server."""

    def __init__(self, name: str, deadline: _Deadline) -> None:
        self._name, self._deadline = name, deadline
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = tls.as_everywhere(create_urllib3_context())
        super().init_poolmanager(
            *args, ssl_context=context, server_hostname=self._name, assert_hostname=self._name, **kwargs
        )

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = partial(_Connection, deadline=self._deadline)
        return pool


def ask_admin(
    address: str, port: int, path: str, name: str, ca_file: str, timeout_s: float, expected: str = ""
) -> Sighting:
    """Ask an administration interface for a page.

    Args:
        address, port: where it is.
        path: the page.
        name: the host name its certificate must be good for.
        ca_file: the authority that must have signed it.
        timeout_s: seconds for connecting and for each silence; all of it has at most twice as long.
        expected: a text that the page must hold, where one is known: some servers answer 200 over an error page.
    """
    began = time.monotonic()
    where = f"https://{f'[{address}]' if ':' in address else address}:{port}{path}"

    def seen(signal: Signal, sentence: str) -> Sighting:
        return Sighting(signal, sentence, time.monotonic() - began)

    with _Deadline(2 * timeout_s) as deadline, requests.Session() as session:
        session.trust_env = False  # a proxy in the environment would answer for the server
        session.mount("https://", _ByAddress(name, deadline))
        try:
            with session.get(
                where, headers={"Host": name}, timeout=timeout_s, verify=ca_file, allow_redirects=False, stream=True
            ) as answer:
                page = _read_a_little(answer, SEARCHED_AT_MOST if expected else BODY_AT_MOST)
        except (requests.exceptions.RequestException, OSError) as error:
            if not deadline.passed:
                return seen(*_trouble(error, timeout_s))
        if deadline.passed:
            return seen(Signal.SILENT, f"no whole answer within {2 * timeout_s:g} s")
    if answer.status_code >= 500:
        return seen(Signal.BROKEN, f"it answers with status {answer.status_code}")
    if answer.status_code >= 400:
        return seen(Signal.WRONG_STATUS, f"it answers with status {answer.status_code}")
    if expected.encode() not in page:
        return seen(Signal.BROKEN, f"it answers with status {answer.status_code}, but without the expected text")
    return seen(Signal.ANSWERS, f"it answers with status {answer.status_code}")


def _read_a_little(answer: requests.Response, most: int) -> bytes:
    """Read a bounded part of a body."""
    page = b""
    for chunk in answer.iter_content(1024):
        page += chunk
        if len(page) >= most:
            break
    return page


def _trouble(error: BaseException, timeout_s: float) -> tuple[Signal, str]:
    """What a failed request says about the server."""
    if isinstance(error, requests.exceptions.Timeout):
        return Signal.SILENT, f"no answer within {timeout_s:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        # A server that hangs up in the middle of a handshake is in trouble; only one that shakes hands and shows the
        # wrong thing is misconfigured, which is never acted on.
        if any(isinstance(each, ssl.SSLEOFError | ssl.SSLZeroReturnError) for each in _beneath(error)):
            return Signal.BROKEN, "the connection broke in the TLS handshake"
        innermost = [*_beneath(error)][-1]
        why = getattr(innermost, "verify_message", None) or _short(innermost)
        return Signal.WRONG_CERTIFICATE, f"its certificate is not accepted ({why})"
    if isinstance(error, requests.exceptions.ConnectionError):
        return _connection(error)
    if isinstance(error, requests.exceptions.RequestException):
        return Signal.BROKEN, f"its answer can't be read ({_short(error)})"
    # Not of the network: requests opens the authority's file before it connects.
    return Signal.WRONG_CERTIFICATE, f"its certificate can't be verified here ({_short(error)})"


def ask_port(address: str, port: int, timeout_s: float) -> Sighting:
    """Whether something accepts connections on a port; nothing is said to it."""
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=timeout_s):
            signal, sentence = Signal.ANSWERS, f"port {port} accepts connections"
    except TimeoutError:
        signal, sentence = Signal.SILENT, f"port {port} is silent for {timeout_s:g} s"
    except OSError as error:
        signal, sentence = _by_number(error.errno, str(error))
    return Sighting(signal, sentence, time.monotonic() - began)


def certificate(address: str, port: int, name: str, ca_file: str, timeout_s: float) -> Verdict:
    """Whether a server's certificate is accepted, and until when it is; `days_left` in the evidence of a yes."""
    context = tls.verifying(ca_file)
    try:
        with (
            socket.create_connection((address, port), timeout=timeout_s) as raw,
            context.wrap_socket(raw, server_hostname=name) as secured,
        ):
            shown = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return no(f"The certificate of {address}:{port} is not accepted: {error.verify_message}.")
    except OSError as error:
        return unknown(f"The certificate of {address}:{port} can't be seen: {error}")
    ends = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    days = (ends - time.time()) / 86400
    return yes(f"The certificate for {name} is good until {shown['notAfter']}.", days_left=round(days, 1))


def _connection(error: BaseException) -> tuple[Signal, str]:
    """Find the operating system's reason under the layers of a failed request."""
    for each in _beneath(error):
        if isinstance(each, OSError) and each.errno is not None:
            return _by_number(each.errno, str(each))
    return Signal.BROKEN, f"the connection broke ({_short(error)})"


def _beneath(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was made of, outermost first."""
    layer: BaseException | None = error
    for _ in range(8):
        if layer is None:
            return
        yield layer
        inner = getattr(layer, "reason", None)
        deeper = inner if isinstance(inner, BaseException) else layer.__cause__ or layer.__context__
        layer = deeper or next((each for each in layer.args if isinstance(each, BaseException)), None)


def _by_number(number: int | None, words: str) -> tuple[Signal, str]:
    if number == errno.ECONNREFUSED:
        return Signal.REFUSED, "the connection is refused"
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Signal.UNREACHABLE, "there is no way to it"
    if number == errno.ETIMEDOUT:
        return Signal.SILENT, "the connection timed out"
    if number in (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE):
        return Signal.BROKEN, f"the connection broke ({_line(words)})"
    # No packet of the server's made this: no descriptors left here, a rule of our own. It says nothing of the server.
    return Signal.UNREACHABLE, f"it could not be asked ({_line(words)})"


def _short(error: BaseException) -> str:
    return _line(str(error))


def _line(words: str) -> str:
    """What a server sends may end up in a message to people."""
    return clean(words, 120)
