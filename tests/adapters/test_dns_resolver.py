"""What the name resolves to: of the servers' own family, and with a dead name server among the ones to ask."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from msfailover.adapters import dns_resolver

NAME = "ms.corp.example"
ANSWERS = {"A": "10.0.0.11", "AAAA": "2001:db8::11"}
DEAD, ALIVE = "127.0.0.2", "127.0.0.3"


class NameServer:
    """Answers A and AAAA of the name on an address of loopback; `asked` has the types in the order of asking."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                wire, sender = self._socket.recvfrom(2000)
            except OSError:
                return
            if not wire:
                return
            query = dns.message.from_wire(wire)
            kind = dns.rdatatype.to_text(query.question[0].rdtype)
            self.asked.append(kind)
            answer = dns.message.make_response(query)
            answer.answer.append(dns.rrset.from_text(f"{NAME}.", 30, "IN", kind, ANSWERS[kind]))
            self._socket.sendto(answer.to_wire(), sender)

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def alive() -> Iterator[NameServer]:
    server = NameServer(ALIVE)
    yield server
    server.close()


@pytest.fixture
def silent() -> Iterator[None]:
    """A name server that takes every question and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((DEAD, 53))
        yield


@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_the_record_of_the_servers_family_is_asked_for(alive: NameServer, kind: str) -> None:
    assert dns_resolver.resolve(NAME, kind, (ALIVE,), 2.0).evidence["addresses"] == [ANSWERS[kind]]
    assert alive.asked == [kind]


@pytest.mark.usefixtures("silent", "alive")
def test_a_dead_name_server_costs_its_share_of_the_time_and_not_all_of_it() -> None:
    began = time.monotonic()
    verdict = dns_resolver.resolve(NAME, "A", (DEAD, ALIVE), 1.0)
    assert verdict.is_yes, verdict.sentence
    assert verdict.evidence["addresses"] == ["10.0.0.11"]
    assert time.monotonic() - began < 1.0


@pytest.mark.usefixtures("silent")
def test_where_none_answers_it_is_unknown_when_the_time_is_over() -> None:
    began = time.monotonic()
    assert dns_resolver.resolve(NAME, "A", (DEAD, DEAD), 0.4).answer == "unknown"
    assert time.monotonic() - began < 2.0
