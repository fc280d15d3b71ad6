"""Does a server answer where people and agents come to it? One question each, with its own time limit."""

from __future__ import annotations

import errno
import socket
import time
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from msfailover.detection import Signal

BODY_AT_MOST = 4096


@dataclass(frozen=True)
class Sighting:
    """One look at one port: what came back, in words, and after how many seconds."""

    signal: Signal
    sentence: str
    seconds: float


class _ByAddress(HTTPAdapter):
    """Connects to an address and verifies the certificate for a name: the name may point at the other server."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **kwargs)


def ask_admin(address: str, port: int, path: str, name: str, ca_file: str, timeout_s: float) -> Sighting:
    """Ask an administration interface for a page.

    Args:
        address, port: where it is.
        path: the page.
        name: the host name its certificate must be good for.
        ca_file: the authority that must have signed it.
        timeout_s: seconds for connecting and for each read; the body is read for at most as long again.
    """
    began = time.monotonic()
    where = f"https://{f'[{address}]' if ':' in address else address}:{port}{path}"

    def seen(signal: Signal, sentence: str) -> Sighting:
        return Sighting(signal, sentence, time.monotonic() - began)

    with requests.Session() as session:
        session.trust_env = False  # a proxy in the environment would answer for the server
        session.mount("https://", _ByAddress(name))
        try:
            answer = session.get(
                where, headers={"Host": name}, timeout=timeout_s, verify=ca_file, allow_redirects=False, stream=True
            )
            read_within(answer, began + 2 * timeout_s)
        except requests.exceptions.SSLError as error:
            return seen(Signal.WRONG_CERTIFICATE, f"its certificate is not accepted ({_short(error)})")
        except requests.exceptions.Timeout:
            return seen(Signal.SILENT, f"no answer within {timeout_s:g} s")
        except requests.exceptions.ConnectionError as error:
            return seen(*_connection(error))
        except requests.exceptions.RequestException as error:
            return seen(Signal.BROKEN, f"its answer can't be read ({_short(error)})")
    if answer.status_code >= 500:
        return seen(Signal.BROKEN, f"it answers with status {answer.status_code}")
    if answer.status_code >= 400:
        return seen(Signal.WRONG_STATUS, f"it answers with status {answer.status_code}")
    return seen(Signal.ANSWERS, f"it answers with status {answer.status_code}")


def read_within(answer: requests.Response, end: float) -> None:
    """Read a bounded part of a body, and not for ever: a server that drips is as silent as one that says nothing."""
    size = 0
    for chunk in answer.iter_content(1024):
        size += len(chunk)
        if size >= BODY_AT_MOST:
            return
        if time.monotonic() > end:
            raise requests.exceptions.ReadTimeout("the body drips")


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


def _connection(error: BaseException) -> tuple[Signal, str]:
    """Find the operating system's reason under the layers of a failed request."""
    reason: BaseException | None = error
    for _ in range(8):
        if reason is None:
            break
        if isinstance(reason, OSError) and reason.errno is not None:
            return _by_number(reason.errno, str(reason))
        inner = getattr(reason, "reason", None)
        deeper = inner if isinstance(inner, BaseException) else reason.__cause__ or reason.__context__
        reason = deeper or next((each for each in reason.args if isinstance(each, BaseException)), None)
    return Signal.BROKEN, f"the connection broke ({_short(error)})"


def _by_number(number: int | None, words: str) -> tuple[Signal, str]:
    if number == errno.ECONNREFUSED:
        return Signal.REFUSED, "the connection is refused"
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Signal.UNREACHABLE, "there is no way to it"
    if number == errno.ETIMEDOUT:
        return Signal.SILENT, "the connection timed out"
    return Signal.BROKEN, f"the connection broke ({words[:80]})"


def _short(error: BaseException) -> str:
    return str(error)[:120]
