"""What every engine offers, what it needs to know, and what may go wrong; no driver is imported here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from msfailover.adapters import tls
from msfailover.database import DatabaseSettings
from msfailover.observations import Listing, Session
from msfailover.verdict import Verdict, unknown

C = TypeVar("C")
R = TypeVar("R")
Row = TypeVar("Row")


class DatabaseProblem(Exception):
    """Something about the database; `sentence` says what, in what state things are, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class DatabaseUnreachable(DatabaseProblem):
    """No answer, none in time, or none that could be trusted. Nothing is known about its sessions.

    `lost` tells that the connection is gone, so that a new one may fare better.
    """

    def __init__(self, sentence: str, *, lost: bool = False) -> None:
        super().__init__(sentence)
        self.lost = lost


class LoginRefused(DatabaseProblem):
    """The database is there and does not accept us with the credentials we have, or we have none."""


class RightsMissing(DatabaseProblem):
    """The role may not do what is asked of it; the sentence says what to grant."""


@dataclass(frozen=True)
class Login:
    """Credentials, and where they belong to if their source says so. The password shows up in no `repr`."""

    username: str
    password: str = field(repr=False)
    host: str | None = None
    port: int | None = None
    database: str | None = None


class LoginSource(Protocol):
    """Where credentials come from."""

    def current(self) -> Login:
        """What to try first, remembered where that is allowed; raises `LoginRefused` when there is none."""

    def renewed(self) -> Login | None:
        """What to try after a refusal; None when asking again can't change anything."""


def ssl_context(settings: DatabaseSettings) -> ssl.SSLContext | None:
    """Verification of certificate and host name, or None where TLS is off.

    Raises:
        DatabaseUnreachable: the file with the certificates can't be read.
    """
    if settings.tls == "off":
        return None
    try:
        return tls.verifying(settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise DatabaseUnreachable(
            f"The database was not asked: the CA file {settings.ca_file} can't be read ({error})."
        ) from error


@dataclass(frozen=True)
class Termination:
    """What became of a request to end sessions.

    That it was asked for does not mean that it is done: a session counts until a later listing no longer holds it.

    Args:
        asked: sessions that the database was told to end, and agreed.
        gone: sessions that were no longer there.
    """

    asked: int
    gone: int


class Engine(Protocol):
    """The sessions of one database. Each method raises `DatabaseUnreachable`, `LoginRefused` or `RightsMissing`."""

    def list_sessions(self) -> Listing:
        """Read all sessions but our own, and whether what answers is the writer, in one connection and moment."""

    def terminate(self, session_ids: Sequence[str]) -> Termination:
        """Tell the database to end exactly these sessions, as listed before; those that are gone are left alone.

        Raises:
            RightsMissing: at least one could not be ended; the others were.
            ValueError: an id is not one of this engine's.
        """

    def can_list_and_terminate(self) -> Verdict:
        """Whether the role has the rights for both, read from the database; ends nothing."""

    def close(self) -> None:
        """Let go of the connection; the next call opens another."""


class Kept(Generic[C]):
    """A connection that is kept from call to call and proven by use: what is found dead is opened again, once."""

    def __init__(self, login: LoginSource, connect: Callable[[Login], C], close: Callable[[C], None]) -> None:
        self._login = login
        self._connect = connect
        self._close = close
        self._connection: C | None = None

    def run(self, work: Callable[[C], R]) -> R:
        """Do `work` with a connection. It may be called twice, so it must be fit to be repeated.

        Raises:
            DatabaseProblem: as `work` or the connecting does.
        """
        if self._connection is not None:
            try:
                return self._attempt(self._connection, work)
            except DatabaseUnreachable as problem:
                if not problem.lost:
                    raise
        self._connection = self._open()
        return self._attempt(self._connection, work)

    def _attempt(self, connection: C, work: Callable[[C], R]) -> R:
        try:
            return work(connection)
        except RightsMissing:
            raise
        except BaseException:
            # Whatever state it is in, nobody needs to find out.
            self.close()
            raise

    def _open(self) -> C:
        try:
            return self._connect(self._login.current())
        except LoginRefused:
            again = self._login.renewed()
            if again is None:
                raise
            return self._connect(again)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._close(connection)


def where(settings: DatabaseSettings, login: Login, default_port: int) -> tuple[str, int, str]:
    """Host, port and database: the settings' where they say, else the secret's.

    Raises:
        DatabaseUnreachable: neither names a host.
    """
    host = settings.host or login.host or ""
    if not host:
        raise DatabaseUnreachable("The database was not asked: neither the settings nor the secret name its host.")
    return host, settings.port or login.port or default_port, settings.database or login.database or ""


def read_rows(read: Callable[[Row], Session], rows: Iterable[Row]) -> tuple[Session, ...]:
    """The sessions of a database's rows. One row that can't be read is one session that nobody knows of.

    Raises:
        DatabaseUnreachable: a row is of another shape than the engine documents.
    """
    try:
        return tuple(read(row) for row in rows)
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise DatabaseUnreachable(
            f"The database's list of sessions can't be read ({error!r:.120}). Nothing is known about its sessions."
        ) from error


def incomplete(limit: int) -> str:
    return f"More than {limit} sessions are there, and no more than that are read."


def not_the_writer(why: str) -> Verdict:
    """What can be said of rights on a server that is not the writer: nothing, they are wanted there."""
    return unknown(f"What answers is not the database's writer: {why} DatabaseHost must lead to the writer alone.")
