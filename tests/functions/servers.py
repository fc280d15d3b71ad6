"""Servers on loopback that answer, refuse, hang, drip and break, as a server in trouble does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.testbed.hosts.certificates import Authority, Pair

Talk = Callable[[socket.socket, threading.Event], None]
"""What a server does with one connection, until the event says that the test is over."""

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Listens on loopback until the end of its `with`; each connection has a thread of its own.

    Args:
        talk: what it does with a connection.
        tls: the certificate it shows; None for none.
        address, port: where it listens; port 0 for any that is free.
    """

    def __init__(
        self, talk: Talk, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._talk, self._tls = talk, tls
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((address, port))
        self.address, self.port = self._listener.getsockname()[:2]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.connections = 0
        self.heard: list[bytes] = []

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # Whatever the other side does to the connection is its own affair.
        with contextlib.suppress(OSError), connection:
            if self._tls is None:
                self._talk(connection, self._over)
                return
            connection.settimeout(5)
            with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                self._open.append(wrapped)
                self._talk(_Heard(wrapped, self.heard), self._over)  # type: ignore[arg-type]


class _Heard:
    """A connection whose received bytes are kept."""

    def __init__(self, inner: socket.socket, heard: list[bytes]) -> None:
        self._inner, self._heard = inner, heard

    def recv(self, size: int) -> bytes:
        data = self._inner.recv(size)
        self._heard.append(data)
        return data

    def sendall(self, data: bytes) -> None:
        self._inner.sendall(data)


def answers(answer: bytes = PAGE) -> Talk:
    """Reads the request, sends this, and hangs up."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk


def status(number: int, *headers: str) -> Talk:
    """Answers with a status."""
    lines = (f"HTTP/1.1 {number} So", "Content-Length: 0", *headers, "", "")
    return answers("\r\n".join(lines).encode())


def hangs(connection: socket.socket, over: threading.Event) -> None:
    """Takes the connection and never says a word."""
    over.wait(30)


def hangs_up(connection: socket.socket, over: threading.Event) -> None:
    """Takes the connection and closes it again."""


def drips(beginning: bytes, drop: bytes = b"x", pause_s: float = 0.05) -> Talk:
    """Sends the beginning, and then a little for ever, never silent long enough for a time limit between bytes."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(beginning)
        while not over.wait(pause_s):
            connection.sendall(drop)

    return talk


def floods(connection: socket.socket, over: threading.Event) -> None:
    """Sends a body without an end, as fast as it is taken."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 65536)


def stops_after(beginning: bytes) -> Talk:
    """Sends the beginning of an answer and then nothing more."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(beginning)
        over.wait(30)

    return talk


class Certificates:
    """An authority of the test's own, and certificates of it and of a stranger.

    Args:
        directory: where the files go.
        name: the host name that the good certificate is for.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        ours, stranger = Authority("ours"), Authority("a stranger")
        self.ca = self._file("ca.pem", ours.pem)
        self.good = self._context("good", ours.issue([name], []))
        self.other_name = self._context("other", ours.issue(["other.example"], ["127.0.0.1"]))
        self.strangers = self._context("stranger", stranger.issue([name], []))

    def _context(self, name: str, pair: Pair) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file(f"{name}.pem", pair.certificate), self._file(f"{name}.key", pair.key))
        return context

    def _file(self, name: str, content: bytes) -> str:
        path = self._directory / name
        path.write_bytes(content)
        return str(path)
