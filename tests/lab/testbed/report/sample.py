"""Runs as the testbed records them, made up but true to life: always the same ones, and easy to bend for a test."""

from __future__ import annotations

import random
from dataclasses import replace

from failoverctl.acceptance.report.journal import Judgement, Turn
from failoverctl.acceptance.report.record import AccessObserved, AgentEvent, Change, NameSeen, Replication, Row, Run
from failoverctl.report.course import Event, Step

T0 = 1_790_000_000.0
FAILURE = T0 + 12.40
MS1, MS2 = "10.77.0.11", "10.77.0.12"
_WRITES_PER_S = 20


def crash(agents: int = 40) -> Run:
    """ms1's process is killed; ms2 takes over in about four seconds."""
    detected, fenced, first, committed = FAILURE + 2.31, FAILURE + 3.02, FAILURE + 4.17, FAILURE + 4.86
    return Run(
        scenario="crash",
        headline="ms1's server process is killed",
        expected="promoted",
        outcome="promoted",
        t0=T0,
        ended_at=FAILURE + 17.2,
        failure_at=FAILURE,
        detected_at=detected,
        fenced_at=fenced,
        promoted_at=committed,
        changes=(Change(FAILURE, "ms1", "ms2", permitted=True),),
        events=(
            Event(T0 + 1.1, "imported 12 files on ms1"),
            Event(FAILURE, "killed the server process on ms1"),
        ),
        steps=_steps(detected, fenced, committed),
        rows=written([("ms1", T0, FAILURE), ("ms2", first, FAILURE + 17.2)]),
        agents=_agents(agents, first),
        access=(
            AccessObserved(T0, frozenset({"ms1"})),
            AccessObserved(detected + 0.35, frozenset()),
            AccessObserved(fenced + 0.22, frozenset({"ms2"})),
        ),
        name=(NameSeen(T0, "ms1", MS1), NameSeen(fenced + 0.31, "ms2", MS2)),
        epoch=2,
        receipt=receipt(fenced),
        replication=Replication(files=137, identical=True, bytes=9_812_450),
    )


def hang() -> Run:
    """ms1 answers nobody and writes on, until its sessions are ended: the zombie."""
    run = crash()
    first = next(row.at for row in run.rows if row.server == "ms2")
    return replace(
        run,
        scenario="hang",
        headline="ms1 stops answering, and writes on",
        events=(run.events[0], Event(FAILURE, "stopped the administration interface of ms1")),
        rows=written([("ms1", T0, FAILURE + 2.74), ("ms2", first, run.ended_at)]),
    )


def transient() -> Run:
    """A short blip: the workflow finds ms1 well, and nothing is touched."""
    begun = FAILURE + 2.2
    return Run(
        scenario="transient",
        headline="ms1 is silent for three seconds",
        expected="stood-down",
        outcome="stood-down",
        t0=T0,
        ended_at=FAILURE + 9,
        failure_at=FAILURE,
        detected_at=begun,
        changes=(Change(FAILURE, "ms1", "ms2", permitted=False),),
        events=(Event(FAILURE, "stopped the administration interface of ms1"), Event(FAILURE + 3, "let it go on")),
        steps=(
            Step("Begin", begun, begun + 0.09, "epoch 2 is ours"),
            Step("ConfirmOutage", begun + 0.09, begun + 1.2, "ms1 answers: it is not down"),
            Step("Conclude", begun + 1.2, begun + 1.25, "nothing was touched"),
        ),
        rows=written([("ms1", T0, FAILURE + 9)]),
        agents=tuple(AgentEvent(f"agent-{n:02}", "ms1", T0 + 0.05 * n) for n in range(20)),
        access=(AccessObserved(T0, frozenset({"ms1"})),),
        name=(NameSeen(T0, "ms1", MS1),),
        epoch=1,
    )


def split() -> Run:
    """What must never be: ms1 wrote on for a second beside ms2."""
    run = hang()
    first = next(row.at for row in run.rows if row.server == "ms2")
    return replace(run, scenario="split", rows=written([("ms1", T0, first + 1.0), ("ms2", first, run.ended_at)]))


def receipt(verified_at: float) -> dict[str, object]:
    return {
        "epoch": 2,
        "server": "ms1",
        "by": "database",
        "access": "denied",
        "sessions": [0, 0, 0],
        "verified_at": verified_at,
        "evidence": [
            "No rule of any group on the database allows 10.77.0.11 on port 5432.",
            "Three reads in a row found no session of ms1; the origin of all 4 sessions is known.",
        ],
    }


def written(spans: list[tuple[str, float, float]]) -> tuple[Row, ...]:
    """Rows by each server in its span, some twenty a second and never at quite the same distance, ids in order."""
    chance = random.Random(7)
    moments: list[tuple[float, str]] = []
    for server, start, end in spans:
        at = start
        while at < end:
            moments.append((at, server))
            at += (1 / _WRITES_PER_S) * chance.uniform(0.85, 1.2)
    return tuple(Row(number, server, round(at, 6)) for number, (at, server) in enumerate(sorted(moments), start=1))


def judged(run: Run) -> Judgement:
    """What SQL says of these rows, worked out here in another way; for tests that need no database."""
    turns = []
    for change in run.changes:
        old = [row.at for row in run.rows if row.server == change.old]
        new = [row.at for row in run.rows if row.server == change.new]
        first = min(new, default=None)
        late = [] if first is None else [at for at in old if at >= first]
        turns.append(
            Turn(
                change=change,
                first_write_at=first,
                takeover_s=first - change.at if first is not None and change.permitted else None,
                dual_active_s=max(late) - first if first is not None and late else 0.0,
                violations=len(late) if change.permitted else len(new),
            )
        )
    counts = {server: sum(row.server == server for row in run.rows) for server in {row.server for row in run.rows}}
    before = sum(row.server == run.active and row.at < (run.failure_at or run.ended_at) for row in run.rows)
    return Judgement(tuple(turns), counts, before, strays=0)


def _steps(begun: float, fenced: float, committed: float) -> tuple[Step, ...]:
    return (
        Step("Begin", begun, begun + 0.08, "epoch 2 is ours; ms1 is active"),
        Step("ConfirmOutage", begun + 0.08, begun + 0.21, "ms1 refuses connections on 443 and 17235"),
        Step("CheckStandby", begun + 0.08, begun + 0.30, "ms2 is on, its agent answers, its copy is 9 s old"),
        Step("StopServer", begun + 0.30, fenced + 0.6, "ms1's service is stopped"),
        Step("RevokeAccess", begun + 0.30, begun + 0.39, "access is revoked to 10.77.0.11"),
        Step("EndSessions", begun + 0.39, begun + 0.45, "ended 1 session of ms1"),
        Step("VerifyFence", begun + 0.45, fenced, "access revoked, no session in three reads"),
        Step("GrantAccess", fenced + 0.01, fenced + 0.22, "access is granted to 10.77.0.12"),
        Step("StartServer", fenced + 0.22, fenced + 1.05, "ms2's service is running"),
        Step("UpdateRecord", fenced + 0.01, fenced + 0.31, "ms.corp.example is 10.77.0.12"),
        Step("VerifyPromotion", fenced + 1.05, committed - 0.09, "ms2 answers by name, and holds the only session"),
        Step("Commit", committed - 0.09, committed, "ms2 is active in epoch 2"),
        Step("Notify", committed, committed + 0.06, "published to ms-failover-topic"),
    )


def _agents(count: int, first_write: float) -> tuple[AgentEvent, ...]:
    chance = random.Random(11)
    events: list[AgentEvent] = []
    for number in range(count):
        agent = f"agent-{number:02}"
        events.append(AgentEvent(agent, "ms1", T0 + 0.6 * chance.random()))
        events.append(AgentEvent(agent, None, FAILURE + 0.02 * chance.random()))
        wait = min(11.0, chance.expovariate(1 / 2.4))
        events.append(AgentEvent(agent, "ms2", first_write + 0.3 + wait))
    return tuple(sorted(events, key=lambda event: event.at))
