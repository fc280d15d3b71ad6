"""What a run of the testbed observed, as plain data: the only thing that figures, page, picture and tests are made of.

Every moment is in seconds since 1970 (UTC) as the machine's clock had it; one machine runs the whole testbed, so the
database's clock, the hosts' and the conductor's are the same. What is not known is None, never zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from failoverctl.report.course import Event, Phase, Step

FORMAT = 1


@dataclass(frozen=True)
class Row:
    """A row of the journal: which server wrote it, and when, both by the database."""

    id: int
    server: str
    at: float


@dataclass(frozen=True)
class AgentEvent:
    """An agent came to a server, or lost the one it had (`server` is None)."""

    agent: str
    server: str | None
    at: float


@dataclass(frozen=True)
class AccessObserved:
    """From `at` on, the database's access group allows these servers, as the firewall says, not the workflow."""

    at: float
    servers: frozenset[str]


@dataclass(frozen=True)
class NameSeen:
    """From `at` on, the authoritative name server answers with `address`, which is `server`'s (None: nobody's)."""

    at: float
    server: str | None
    address: str


@dataclass(frozen=True)
class Change:
    """One change of the active server that the scenario causes or asks for.

    Args:
        at: when its cause happened: the failure, or the request.
        old: the server that was active.
        new: the server that is to be active.
        permitted: whether the workflow got as far as a proven fence for it. Without one `new` may write nothing, and
            each row it writes is a violation.
    """

    at: float
    old: str
    new: str
    permitted: bool


@dataclass(frozen=True)
class Replication:
    """The standby's copy, compared with the source: how many files, whether all were the same, bytes in all.

    `identical` is None where the comparison could not be made. `age_s` is how old the copy was when its server was
    promoted, in seconds; None where none was, or it is not known.
    """

    files: int
    identical: bool | None
    bytes: int
    age_s: float | None = None


@dataclass(frozen=True)
class Check:
    """Something that one scenario checked for itself: what had to hold, whether it did (yes, no or unknown), and how
    that was seen."""

    name: str
    answer: str
    sentence: str


@dataclass(frozen=True)
class Run:
    """One run of one scenario.

    Args:
        scenario, headline, expected: its name, its line for people, and the outcome it should have.
        t0: when the scenario began; zero of report.json's times.
        ended_at: when the observation ended.
        active, standby: the servers as they stood at `t0`.
        outcome: how the workflow ended; empty when it never did.
        failure_at: when the fault struck; None in a scenario without one.
        detected_at: when the failover was decided (the execution's start).
        fenced_at: when the fence was proven; the receipt's own time is taken when this is None.
        promoted_at: when the workflow had seen the new server serve.
        changes: the changes of the active server, in order; empty where the scenario asks for none.
        rows: the journal from `t0` on, for drawing (the figures come from the database itself).
        epoch: the pair's epoch at the end.
        receipt: the fence receipt as it was stored.
        checks: what the scenario checked for itself; they have to hold like the invariants.
        commit: the commit that ran, short, with "+" where the checkout had changes; empty where not known.
        excused: names of invariants that the scenario itself breaks. They are told as they are, but the scenario is
            judged without them.
    """

    scenario: str
    headline: str
    expected: str
    t0: float
    ended_at: float
    active: str = "ms1"
    standby: str = "ms2"
    outcome: str = ""
    failure_at: float | None = None
    detected_at: float | None = None
    fenced_at: float | None = None
    promoted_at: float | None = None
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    phases: tuple[Phase, ...] = ()
    steps: tuple[Step, ...] = ()
    rows: tuple[Row, ...] = ()
    agents: tuple[AgentEvent, ...] = ()
    access: tuple[AccessObserved, ...] = ()
    name: tuple[NameSeen, ...] = ()
    epoch: int | None = None
    receipt: Mapping[str, Any] | None = None
    replication: Replication | None = None
    checks: tuple[Check, ...] = ()
    excused: tuple[str, ...] = ()
    commit: str = ""

    @property
    def servers(self) -> tuple[str, str]:
        """Both servers, in the order of their names, so that a page looks the same whichever was active."""
        first, second = sorted((self.active, self.standby))
        return first, second

    @property
    def change(self) -> Change | None:
        """The change the scenario is about: its last one."""
        return self.changes[-1] if self.changes else None

    @property
    def zero(self) -> float:
        """What people's times count from: the failure, or else the request, or else the scenario's start."""
        if self.failure_at is not None:
            return self.failure_at
        return self.change.at if self.change is not None else self.t0

    @property
    def began_at(self) -> float:
        """Where the observation begins, as a page is drawn from it."""
        return self.t0

    @property
    def runs(self) -> bool:
        """A run that is recorded has ended."""
        return False

    @property
    def moments(self) -> tuple[float, ...]:
        """The decision, the fence's proof and the promotion, as far as they are known."""
        return tuple(at for at in (self.detected_at, self.fenced_at, self.promoted_at) if at is not None)

    @property
    def trailing_at(self) -> float:
        """When the last of the agents' comings and goings was."""
        return max((event.at for event in self.agents), default=self.t0)

    @property
    def proof(self) -> dict[str, Any] | None:
        """The receipt as plain JSON values, whatever the table it was read from makes of its numbers."""
        return None if self.receipt is None else {str(key): _plain(value) for key, value in self.receipt.items()}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back to an equal run."""
        data = {key: value for key, value in asdict(self).items() if key != "rows"}
        data["access"] = [{"at": seen.at, "servers": sorted(seen.servers)} for seen in self.access]
        data["rows"] = [[row.id, row.server, row.at] for row in self.rows]
        data["receipt"] = self.proof
        return {"format": FORMAT, **data}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Run:
        """Read a run back. Raises `ValueError` for another format, `KeyError` or `TypeError` for what is no run."""
        values = dict(data)
        if values.pop("format", None) != FORMAT:
            raise ValueError(f"this is not the record of a run in format {FORMAT}; run the scenario again")
        lists = {"changes": Change, "events": Event, "phases": Phase, "steps": Step, "agents": AgentEvent,
                 "name": NameSeen, "checks": Check}  # fmt: skip
        for key, kind in lists.items():
            values[key] = tuple(kind(**item) for item in values[key])
        values["excused"] = tuple(values["excused"])
        values["rows"] = tuple(Row(int(row[0]), str(row[1]), float(row[2])) for row in values["rows"])
        values["access"] = tuple(AccessObserved(float(d["at"]), frozenset(d["servers"])) for d in values["access"])
        if values["replication"] is not None:
            values["replication"] = Replication(**values["replication"])
        return Run(**values)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_json()), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> Run:
        return Run.from_json(json.loads(path.read_text(encoding="utf-8")))


def _plain(value: Any) -> Any:
    """A value as JSON has it: DynamoDB's numbers are decimals, its lists may be tuples."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value
