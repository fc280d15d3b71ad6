"""The judge: what the database's journal says of who wrote when. Questions are asked in SQL, of the rows themselves.

Each server writes a row many times a second over one connection. A row's `id` comes from a sequence without cache, its
`at` from the database's clock at the moment of the insert; neither comes from a server or from the workflow.

Which of the two orders is safe? Neither alone. `at` follows a clock, which may be set back; `id` does not, but it is
drawn an instant before `at` is read, so two inserts that overlap may have them crossed. Therefore a row of the old
server counts as *after* the new one's first when **either** order says so. Under a fence that holds, every row of the
old server is complete before the new one is granted access, so both orders agree and no innocent row is counted; where
they disagree two servers were inserting at the same moment, which is what is to be found. (The journal's sequence must
have no cache, as is the default: one would hand out ids in blocks, in no order between two servers.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from failoverctl.acceptance.report.record import Change, Row, Run


class Database(Protocol):
    """A connection that runs SQL with parameters written `:name`, as `pg8000.native.Connection` does."""

    def run(self, sql: str, **params: Any) -> Sequence[Sequence[Any]] | None: ...


@dataclass(frozen=True)
class Turn:
    """What the journal says of one change of the active server.

    Args:
        change: the change that was asked about.
        first_write_at: the new server's first row in the window, seconds since 1970; None when it wrote none.
        takeover_s: from the change's cause to that row; None when there is none, when the new server was never
            permitted, or when it wrote even before the cause.
        dual_active_s: from the new server's first row to the old one's last, where that came later; else 0.
        violations: rows that should not be there, see `judge`.
    """

    change: Change
    first_write_at: float | None
    takeover_s: float | None
    dual_active_s: float
    violations: int


@dataclass(frozen=True)
class Judgement:
    """All that the figures take from the journal.

    Args:
        turns: one for each change, in order.
        writes: rows since the scenario's start, of each server that wrote any.
        before_failure: rows of the server active at the start, before the failure: none of them means that the
            journal was no witness.
        strays: rows by a server that had no right to any: all of them where no change was asked for, and those of
            names that are neither of the pair.
        beside_s: from the first row of such a server to its last, as far as the active one wrote at that time.
    """

    turns: tuple[Turn, ...]
    writes: dict[str, int]
    before_failure: int
    strays: int
    beside_s: float = 0.0

    @property
    def violations(self) -> int:
        return self.strays + sum(turn.violations for turn in self.turns)

    @property
    def dual_active_s(self) -> float:
        return max([self.beside_s, *(turn.dual_active_s for turn in self.turns)])


POSTGRESQL = "extract(epoch FROM at)"
MARIADB = "unix_timestamp(at)"
_EVER_AFTER = 1e12

# {epoch} is a row's time as a number, the one thing that engines write differently. The window is half open.
_TURN = """
WITH scope AS (
    SELECT id, server, {epoch} AS happened FROM journal WHERE {epoch} >= :since AND {epoch} < :until
),
first_new AS (SELECT min(id) AS id, min(happened) AS happened, count(*) AS number FROM scope WHERE server = :new),
last_old AS (SELECT max(happened) AS happened FROM scope WHERE server = :old),
late AS (
    SELECT count(*) AS number FROM scope, first_new
    WHERE scope.server = :old AND (scope.id > first_new.id OR scope.happened >= first_new.happened)
)
SELECT
    first_new.happened AS first_write_at,
    first_new.happened - :cause AS takeover_s,
    CASE WHEN last_old.happened > first_new.happened THEN last_old.happened - first_new.happened ELSE 0 END
        AS dual_active_s,
    late.number AS of_old_after_new,
    first_new.number AS of_new
FROM first_new, last_old, late
"""

_WRITES = "SELECT server, count(*) FROM journal WHERE {epoch} >= :since GROUP BY server ORDER BY server"

_BEFORE = "SELECT count(*) FROM journal WHERE server = :server AND {epoch} >= :since AND {epoch} < :until"

_ROWS = "SELECT id, server, {epoch} FROM journal WHERE {epoch} >= :since ORDER BY id"


def judge(database: Database, run: Run, epoch: str = POSTGRESQL) -> Judgement:
    """Ask the journal about every change of the run.

    A change's window begins with its cause (the first one's with the scenario) and ends with the next one's, so that a
    server that comes back by a later change is not taken for one that never left. Within a window a violation is

    - a row of the old server after the new one's first, by id or by time, where the change was permitted;
    - any row of the new server, where it was not: it was never to write at all.

    `epoch` is the engine's expression for a row's time, `POSTGRESQL` or `MARIADB`.
    Raises whatever the connection raises: a journal that can't be read is no acquittal.
    """
    found = _query(database, _WRITES, epoch, since=run.t0)
    writes = {str(server): int(count) for server, count in found}
    witnessed_until = run.ended_at if run.failure_at is None else run.failure_at
    before = _query(database, _BEFORE, epoch, server=run.active, since=run.t0, until=witnessed_until)
    of_right = {run.active, run.standby} if run.changes else {run.active}
    strays = sum(count for server, count in writes.items() if server not in of_right)
    return Judgement(
        turns=tuple(_turn(database, run, index, epoch) for index in range(len(run.changes))),
        writes=writes,
        before_failure=int(before[0][0]),
        strays=strays,
        beside_s=_beside(rows(database, run.t0, epoch), of_right) if strays else 0.0,
    )


def _beside(written: Sequence[Row], of_right: set[str]) -> float:
    """Seconds that servers without a right to any row wrote beside those that have it."""
    stray = [row.at for row in written if row.server not in of_right]
    good = [row.at for row in written if row.server in of_right]
    return max(0.0, min(max(stray), max(good)) - max(min(stray), min(good))) if stray and good else 0.0


def rows(database: Database, since: float, epoch: str = POSTGRESQL) -> tuple[Row, ...]:
    """Every row of the journal from `since` (seconds since 1970) on, by id."""
    found = _query(database, _ROWS, epoch, since=since)
    return tuple(Row(int(number), str(server), float(at)) for number, server, at in found)


def _turn(database: Database, run: Run, index: int, epoch: str) -> Turn:
    change = run.changes[index]
    last = index == len(run.changes) - 1
    found = _query(
        database,
        _TURN,
        epoch,
        old=change.old,
        new=change.new,
        cause=change.at,
        since=run.t0 if index == 0 else change.at,
        until=_EVER_AFTER if last else run.changes[index + 1].at,
    )
    first, takeover, dual, after_new, of_new = found[0]
    in_order = change.permitted and takeover is not None and float(takeover) >= 0
    return Turn(
        change=change,
        first_write_at=None if first is None else float(first),
        takeover_s=float(takeover) if in_order else None,
        dual_active_s=float(dual),
        violations=int(after_new) if change.permitted else int(of_new),
    )


def _query(database: Database, sql: str, epoch: str, **params: Any) -> Sequence[Sequence[Any]]:
    found = database.run(sql.format(epoch=epoch), **params)
    return [] if found is None else found
