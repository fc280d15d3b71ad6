"""A connection held to a server: what its end tells, and what tells nothing. Real sockets."""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msfailover.adapters.held_connection import HeldConnection
from msfailover.request import BadRequest

from tests.functions.conftest import Start

HERE = "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HERE, 0)) as made:
        made.settimeout(5)
        yield made


@pytest.fixture
def held(listener: socket.socket) -> Iterator[HeldConnection]:
    with closing(HeldConnection(HERE, listener.getsockname()[1], 1.0)) as made:
        yield made


def soon(do: Callable[[], object]) -> None:
    """Do it while somebody waits."""
    threading.Timer(0.1, do).start()


def test_a_connection_that_stays_tells_nothing(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.05) is False
    accepted, _ = listener.accept()
    with accepted:
        assert held.ends_within(0.05) is False
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()  # the second wait was on the same connection


def test_its_end_is_told_at_once(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.01) is False
    accepted, _ = listener.accept()
    began = time.monotonic()
    soon(accepted.close)
    assert held.ends_within(5) is True
    assert time.monotonic() - began < 2


def test_an_end_between_two_waits_is_told_at_the_next(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.01) is False
    listener.accept()[0].close()
    assert held.ends_within(5) is True


def test_a_reset_is_an_end(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.01) is False
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    soon(accepted.close)
    assert held.ends_within(5) is True


def test_a_refusal_is_an_end(held: HeldConnection, listener: socket.socket) -> None:
    listener.close()
    assert held.ends_within(5) is True


def test_after_an_end_another_connection_is_made(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.01) is False
    listener.accept()[0].close()
    assert held.ends_within(5) is True
    assert held.ends_within(0.01) is False
    listener.accept()[0].close()


def test_what_the_server_says_is_not_its_end(held: HeldConnection, listener: socket.socket) -> None:
    assert held.ends_within(0.01) is False
    accepted, _ = listener.accept()
    with accepted:
        accepted.sendall(b"220 welcome\r\n")
        assert held.ends_within(0.1) is False


@pytest.mark.parametrize("refusal", [TimeoutError(), OSError(errno.EHOSTUNREACH, "No route to host")])
def test_where_none_can_be_made_nothing_is_told(monkeypatch: pytest.MonkeyPatch, refusal: OSError) -> None:
    def fail(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(socket, "create_connection", fail)
    began = time.monotonic()
    assert HeldConnection(HERE, 17235, 1.0).ends_within(5) is False
    assert time.monotonic() - began < 2


def test_probe_holds_one_to_the_management_port(run: Start, listener: socket.socket) -> None:
    probe = run("probe", MS1_ADDRESSES=HERE, MANAGEMENT_PORT=str(listener.getsockname()[1]))
    asked = {"action": "hold", "server": "ms1", "seconds": 0.05}
    assert probe.handler(asked, None) == {"ended": False}
    listener.accept()[0].close()
    assert probe.handler(asked, None) == {"ended": True}


@pytest.mark.parametrize("seconds", [None, "1", True, 0, -1, 20.1])
def test_probe_holds_none_for_an_unreasonable_time(run: Start, seconds: object) -> None:
    with pytest.raises(BadRequest, match="a number up to 20 is needed"):
        run("probe").handler({"action": "hold", "server": "ms1", "seconds": seconds}, None)
