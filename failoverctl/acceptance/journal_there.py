"""The journal of a pair on AWS: read by a server's own login, because nobody else is let near the database.

The database stands in private subnets. The active server may use it, so the rows come by Run Command from its host;
they are the database's own, and the judge asks them here as on the testbed.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from failoverctl.acceptance.report.record import Row
from failoverctl.acceptance.run_script import ScriptFailed
from failoverctl.errors import CommandError

EPOCH = "at"
"""A row's time as a number, for the judge."""
PAGE = 2000
"""Rows that surely fit into the 24,000 characters that Run Command returns."""
PAGES_AT_MOST = 50
CLOCKS_MAY_DIFFER_S = 2.0
LOGIN = "set -a; . /etc/opt/ssh-mgmt/server/server.env; set +a"
"""Where examples/demo/setup.sh puts the stand-in's login."""

_READ = """
{login}
psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'SQL' | gzip -9 | base64 -w 0
SELECT 'clock', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, coalesce(max(id), 0) FROM journal;
SELECT id, server, (extract(epoch FROM at) * 1000000)::bigint FROM journal WHERE id > {after} ORDER BY id LIMIT {page};
SQL
"""

RunOn = Callable[[str, str], str]
"""Runs a script on a server ("ms1") and returns what it wrote."""


class JournalUnreadable(Exception):
    """What the servers wrote is not known, so nothing of it is acquitted; the sentence says why."""


class JournalThere:
    """The journal, as a server of the pair reads it."""

    def __init__(self, run_on: RunOn) -> None:
        self._run_on = run_on

    def last(self, server: str) -> int:
        """The id of the last row. Raises JournalUnreadable, also where the database's clock is not this machine's."""
        asked_at = time.time()
        clock, last, _ = self._page(server, after=2**62)
        if not asked_at - CLOCKS_MAY_DIFFER_S <= clock <= time.time() + CLOCKS_MAY_DIFFER_S:
            raise JournalUnreadable(
                f"The database's clock and this machine's differ by more than {CLOCKS_MAY_DIFFER_S:g} s: let this"
                " machine follow a time server. Nothing could be put in order."
            )
        return last

    def rows(self, server: str, after: int) -> tuple[Row, ...]:
        """Every row after one, by id, up to the last one of now. Raises JournalUnreadable."""
        found: list[Row] = []
        _, last, page = self._page(server, after)
        for _ in range(PAGES_AT_MOST):
            found += page
            if not page or found[-1].id >= last:
                return tuple(found)
            _, _, page = self._page(server, found[-1].id)
        raise JournalUnreadable(f"There are more than {PAGES_AT_MOST * PAGE:,} rows.")

    def _page(self, server: str, after: int) -> tuple[float, int, list[Row]]:
        try:
            text = self._run_on(server, _READ.format(login=LOGIN, after=after, page=PAGE))
        except (ScriptFailed, CommandError) as error:
            raise JournalUnreadable(f"The journal can't be read on {server}: {error}") from error
        try:
            lines = gzip.decompress(base64.b64decode(text.strip(), validate=True)).decode().splitlines()
            (word, clock, last), *rest = [line.split("|") for line in lines]
            if word != "clock":
                raise ValueError(word)
            rows = [Row(int(number), name, int(at) / 1e6) for number, name, at in rest]
        except (ValueError, binascii.Error, EOFError, OSError) as error:
            raise JournalUnreadable(f"What {server} told of the journal is no journal: {text[:80]!r}") from error
        return int(clock) / 1e6, int(last), rows


class RowsAsDatabase:
    """Rows in a database of this process, for the judge. Implements `journal.Database`."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._memory = sqlite3.connect(":memory:")
        self._memory.execute("CREATE TABLE journal (id INTEGER PRIMARY KEY, server TEXT NOT NULL, at REAL NOT NULL)")
        self._memory.executemany("INSERT INTO journal VALUES (?, ?, ?)", [(r.id, r.server, r.at) for r in rows])

    def run(self, sql: str, **params: Any) -> Sequence[Sequence[Any]]:
        return self._memory.execute(sql, params).fetchall()

    def close(self) -> None:
        self._memory.close()
