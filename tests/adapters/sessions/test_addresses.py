"""A name with several addresses: each must be shown to be the one server whose list is believed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import closing

import pytest
from msfailover.adapters.sessions import DatabaseSettings, DatabaseUnreachable, Login
from msfailover.adapters.sessions import addresses as module
from msfailover.adapters.sessions.addresses import Addresses, resolved
from msfailover.observations import Listing, Session

from tests.adapters.sessions.databases import Fixed, MariaDBServer, PostgreSQLServer


class Server:
    """A database server that lists who is connected to it."""

    def __init__(self) -> None:
        self.sessions: list[str] = []


class Client:
    """A connection to one."""

    def __init__(self, server: Server, session_id: str) -> None:
        self.server, self.id, self.open = server, session_id, True
        server.sessions.append(session_id)

    def close(self) -> None:
        self.open = False
        self.server.sessions.remove(self.id)


class Net:
    """Servers by address, and what the database's name resolves to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **servers: Server) -> None:
        self.servers: Mapping[str, Server] = servers
        self.name = tuple(servers)
        self.clients: list[Client] = []
        monkeypatch.setattr(module, "resolved", lambda _host, _limit_s: self.name)

    def connect(self, _login: Login, address: str) -> Client:
        if address not in self.servers:
            raise DatabaseUnreachable(f"{address} does not answer.")
        self.clients.append(Client(self.servers[address], f"session {len(self.clients)}"))
        return self.clients[-1]

    def addresses(self, *, apart: bool = True) -> Addresses[Client]:
        settings = DatabaseSettings("postgresql", "database.example")
        return Addresses(settings, Fixed(Login("u", "p")), self.connect, Client.close, apart=apart)


def read(client: Client) -> Listing:
    return Listing(tuple(Session(each) for each in client.server.sessions if each != client.id))


def find(addresses: Addresses[Client]) -> Listing:
    return addresses.list(read, lambda client: client.id)


def test_two_addresses_of_one_server_are_one_list_without_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    net = Net(monkeypatch, a=server, b=server)
    assert find(net.addresses()) == Listing((), read_from=("a", "b"))


def test_two_servers_behind_one_name_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, a=Server(), b=Server())
    gaps = find(net.addresses()).gaps
    assert gaps == ("The database's name has the address b as well, and another server answers there than at a.",)


def test_an_address_that_does_not_answer_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, a=Server())
    net.name = ("a", "b")
    assert "the address b as well: b does not answer." in find(net.addresses()).gaps[0]


def test_addresses_that_cannot_be_told_apart_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    net = Net(monkeypatch, a=server, b=server)
    assert "2 addresses, which can't be asked apart" in find(net.addresses(apart=False)).gaps[0]


def test_a_name_that_leads_elsewhere_is_followed_though_the_old_server_still_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = Server(), Server()
    net = Net(monkeypatch, old=old, new=new)
    addresses = net.addresses()
    net.name = ("old",)
    find(addresses)
    net.name = ("new",)
    new.sessions.append("somebody's")
    assert [each.id for each in find(addresses).sessions] == ["somebody's"]
    assert [client.open for client in net.clients] == [False, True]


def test_a_server_that_is_not_the_writer_is_connected_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, a=Server())
    addresses = net.addresses()
    addresses.list(lambda _: Listing((), not_writer="it is a standby."), lambda client: client.id)
    assert [client.open for client in net.clients] == [False]
    find(addresses)
    assert len(net.clients) == 2


def test_an_address_is_its_own_and_a_name_has_all_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(0, 0, 0, "", (address, 0)) for address in ("fd00::1", "10.0.0.2", "10.0.0.1", "10.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert resolved("192.0.2.1", 1) == ("192.0.2.1",)
    assert resolved("database.example", 1) == ("10.0.0.1", "10.0.0.2", "fd00::1")


def test_a_name_that_is_not_resolved_in_time_leaves_the_database_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> list[object]:
        done.wait(10)
        return []

    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(DatabaseUnreachable, match="not resolved within 0"):
        resolved("database.example", 0.05)
    done.set()


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 300 + ".example"])
def test_a_name_without_an_address_leaves_the_database_unasked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(host: str, *_: object, **__: object) -> list[object]:
        host.encode("idna")
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    with pytest.raises(DatabaseUnreachable, match="has no address"):
        resolved(name, 1)


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_real_server_is_recognised_by_both_of_its_addresses(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: PostgreSQLServer | MariaDBServer = request.getfixturevalue(engine)
    monkeypatch.setattr(module, "resolved", lambda _host, _limit_s: ("127.0.0.1", "127.0.0.2"))
    with closing(database.engine()) as made:
        listing = made.list_sessions()
    assert listing.gaps == ()
    assert "ms_failover" not in {each.user for each in listing.sessions}
