"""The addresses behind the database's name: each is asked, and all must be one and the same server.

Who is listed as connected is said by the server that answers. A name with several addresses may lead a client to a
server that we did not ask. So each other address is connected to as well, and that connection must be in the list of
the first one: then it is the same server, and its list holds whoever comes by that address. What can't be shown so is
a gap in the list (I8).

A connection is kept for each address, and the name is resolved each time: after the database's own failover it leads
to another server, while the old one may still answer on a connection that was kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from msfailover.adapters import database_host
from msfailover.adapters.sessions.interface import (
    DatabaseProblem,
    DatabaseUnreachable,
    Kept,
    Login,
    LoginSource,
    where,
)
from msfailover.database import DatabaseSettings
from msfailover.observations import Listing

C = TypeVar("C")
R = TypeVar("R")


class Addresses(Generic[C]):
    """The connections to one database, one for each address of its name, kept and proven by use.

    Args:
        settings: say the name, or leave it to the credentials' source.
        login: where credentials come from.
        connect: makes a connection to an address; certificate and host name are those of the name.
        close: closes one.
        apart: whether `connect` can go to one of several addresses. Where it can't, several are a gap.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        login: LoginSource,
        connect: Callable[[Login, str], C],
        close: Callable[[C], None],
        *,
        apart: bool = True,
    ) -> None:
        self._settings, self._login, self._apart = settings, login, apart
        self._connect, self._close = connect, close
        self._kept: dict[str, Kept[C]] = {}

    def run(self, work: Callable[[C], R]) -> R:
        """Do `work` at the first address.

        Raises:
            DatabaseProblem: as `work` or the connecting does, or the name has no address.
        """
        return self._at(self._addresses()[0]).run(work)

    def list(self, read: Callable[[C], Listing], own_id: Callable[[C], str]) -> Listing:
        """The sessions, as the first address lists them, without our own.

        Args:
            read: lists all sessions but that of the connection it is given.
            own_id: the id that a connection's own session has in such a list.

        Returns:
            the list, with a gap for each other address that is not shown to be the same server.
        """
        first, *others = self._addresses()
        ours: dict[str, str] = {}
        gaps: list[str] = []
        if others and not self._apart:
            gaps.append(f"The database's name has {len(others) + 1} addresses, which can't be asked apart with TLS.")
        for address in others if self._apart else ():
            try:
                ours[address] = self._at(address).run(own_id)
            except DatabaseProblem as problem:
                gaps.append(f"The database's name has the address {address} as well: {problem.sentence}")
        listing = self._at(first).run(read)
        listed = {session.id for session in listing.sessions}
        gaps += [
            f"The database's name has the address {address} as well, and another server answers there than at {first}."
            for address, session_id in ours.items()
            if session_id not in listed
        ]
        if listing.not_writer:
            # A server that has been the writer may go on answering; the next read asks whoever the name leads to then.
            self.close()
        sessions = tuple(session for session in listing.sessions if session.id not in ours.values())
        return replace(listing, sessions=sessions, gaps=(*listing.gaps, *gaps), read_from=(first, *others))

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()

    def _at(self, address: str) -> Kept[C]:
        if address not in self._kept:
            self._kept[address] = Kept(self._login, partial(_swapped, self._connect, address), self._close)
        return self._kept[address]

    def _addresses(self) -> tuple[str, ...]:
        host = self._settings.host or where(self._settings, self._login.current(), 0)[0]
        found = resolved(host, self._settings.connect_timeout_s)
        for address in [each for each in self._kept if each not in found]:
            self._kept.pop(address).close()
        return found


def _swapped(connect: Callable[[Login, str], C], address: str, login: Login) -> C:
    return connect(login, address)


def resolved(host: str, limit_s: float) -> tuple[str, ...]:
    """Every address of a name, IPv4 first; an address is its own.

    Args:
        host: the name.
        limit_s: seconds to wait at most; the system's resolver has no such limit.

    Raises:
        DatabaseUnreachable: it has none, or that is not told in time.
    """
    found = database_host.addresses(host, limit_s)
    if not found:
        raise DatabaseUnreachable(
            f"The database was not asked: {host} has no address, or was not resolved within {limit_s:g} s."
        )
    return tuple(sorted(found, key=lambda address: (":" in address, address)))
