"""The database's sessions in memory, as an engine of the project shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.simulation.faults import Kind
from lab.simulation.hosts import POOLER, Open
from lab.simulation.world import World


class Engine:
    """The database's sessions, as an engine of the project shows them."""

    def __init__(self, world: World, judge: Any) -> None:
        self._world, self._judge = world, judge

    def list_sessions(self) -> Any:
        from msfailover.observations import Listing, Session, SessionKind

        def shown(each: Open) -> Session:
            hidden, names = self._world.database.hidden, self._world.database.names
            kind = SessionKind.CONNECTION if each.silent else SessionKind.CLIENT
            if names:
                return Session(each.id, kind, host_name="ms2")
            if self._world.database.pooler == "local" and each.role == self._world.database.pooled:
                return Session(each.id, kind, local=True)
            if self._world.database.announced and each.address == POOLER:
                return Session(each.id, kind, address=self._world.hosts[each.role].addresses[0])
            return Session(each.id, kind, address=None if hidden else each.address, hidden=hidden)

        def sessions() -> Any:
            self._demand()
            others: tuple[Session, ...] = (Session("0", address="10.99.0.5"),)
            base, first = self._world.database, self._world.hosts["ms1"]
            if base.standby:
                return Listing(others, not_writer="it is a standby.")
            if base.moved:
                return Listing(others, read_from=("10.77.0.40",))
            if base.watched and first.on:
                others += (Session("w", SessionKind.LOGIN, address=first.addresses[0]),)
            announced = "the server believes its proxies." if base.announced else ""
            return Listing((*others, *(shown(each) for each in base.sessions)), announced=announced)

        return self._world.gate.call("database.list", sessions, _unreachable)

    def can_list_and_terminate(self) -> Any:
        from msfailover.verdict import unknown, yes

        def rights() -> Any:
            self._demand()
            if self._world.database.standby:
                return unknown("What answers is not the database's writer: it is a standby.")
            return yes("Sessions can be listed and ended.")

        return self._world.gate.call("database.rights", rights, _unreachable)

    def close(self) -> None:
        """There is no connection to let go of."""

    def terminate(self, session_ids: Sequence[str]) -> Any:
        from msfailover.adapters.sessions import Termination

        def end() -> Any:
            self._demand()
            database = self._world.database
            # What has only connected can't be ended.
            mine = [each for each in database.sessions if each.id in session_ids and not each.silent]
            if database.standby:
                mine = []
            if not database.names:  # who calls himself like the other one is ended with him
                for role in sorted({each.role for each in mine}):
                    self._judge.ends_sessions(role)
            if not database.undying:
                database.sessions = [each for each in database.sessions if each not in mine]
                for each in mine:
                    self._world.touch(f"a session of {each.role} from {each.address} is ended")
            return Termination(asked=len(mine), gone=0)

        return self._world.gate.call("database.terminate", end, _unreachable)

    def _demand(self) -> None:
        if not (self._world.database.up and self._world.database.seen):
            raise _unreachable(Kind.TIMEOUT)


def _unreachable(kind: Kind) -> Exception:
    from msfailover.adapters.sessions import DatabaseUnreachable

    return DatabaseUnreachable(f"The database does not answer ({kind}).")
