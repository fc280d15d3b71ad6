"""Whose service runs, and can the active one use the database? Judged for the audit, by what the probe and a host show.

Neither is a risk of two writers: that is what access groups and sessions are judged for. Silence is unknown here and
stays so: the host of a server that was failed over from may be silent for days, and nobody is to be woken by that each
minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msfailover.decisions import database_path
from msfailover.decisions.audit import Act, Finding, Judged, Kind, must_be_out
from msfailover.observations import Signal
from msfailover.pair import PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

_SOMEBODY = (Signal.ANSWERS, Signal.WRONG_CERTIFICATE, Signal.WRONG_STATUS, Signal.BROKEN)


def may_be_stopped(state: PairState) -> Role | None:
    """The server whose service must not run, now that no step of a change is under way; None where there is none."""
    return must_be_out(state) if state.lease is None or state.halted else None


def epoch_of(state: PairState) -> int:
    """The epoch in which a server that must be out is told to stop."""
    return state.lease.epoch if state.lease else state.epoch


def seen(role: Role, observation: Mapping[str, Any]) -> Verdict:
    """Does the server's service run, as the probe sees its two ports? Only two refusals say that it does not.

    Args:
        observation: `{"admin": …, "port": …, "sentence": …}`, as `probe` answers it; anything else is unknown.
    """
    signals = [str(observation.get(name, "")) for name in ("admin", "port")]
    if any(each in _SOMEBODY for each in signals):
        return yes(f"The service of {role} answers.", admin=signals[0])
    if signals == [Signal.REFUSED, Signal.REFUSED]:
        return no(f"The service of {role} does not run: its ports refuse.")
    return unknown(f"Whether the service of {role} runs can't be seen from here: its ports are silent.")


def judge(state: PairState, runs: Mapping[Role, Verdict], sessions: Verdict, path: Verdict) -> tuple[Judged, ...]:
    """Judge whether two services run, and whether the active one is without its database.

    Args:
        state: the pair's record.
        runs: of both servers, from `seen`.
        sessions: has the active server sessions on the database? One that is only listed may be half dead.
        path: can the active server's host connect to the database at this moment?
    """
    found = []
    out = may_be_stopped(state)
    if out is not None:
        found.append(Judged(Finding.TWO_SERVICES, _second(out, runs[out])))
    if state.lease is None and state.active is not None:
        found.append(
            Judged(Finding.ACTIVE_WITHOUT_DATABASE, _without(state.active, runs[state.active], sessions, path))
        )
    return tuple(found)


def acts(state: PairState, judged: tuple[Judged, ...], confirmed: bool) -> tuple[Act, ...]:
    """Stop a service that must not run: as long as it is seen to run, or its host has not confirmed that it does not.

    Args:
        confirmed: whether its host has said in this epoch that the service is stopped.
    """
    out = may_be_stopped(state)
    runs = any(each.finding is Finding.TWO_SERVICES and each.verdict.is_yes for each in judged)
    return (Act(Kind.STOP_AGAIN, out),) if out is not None and (runs or not confirmed) else ()


def _second(out: Role, runs: Verdict) -> Verdict:
    if not runs.is_yes:
        return runs
    return yes(f"The service of {out} runs, though {out} must be out: agents that reach it may talk to it.")


def _without(active: Role, runs: Verdict, sessions: Verdict, path: Verdict) -> Verdict:
    if runs.evidence.get("admin") != Signal.ANSWERS:
        return no(f"{active} does not answer: whether it is down is the watchdog's to find out.")
    sessions = database_path.logged_in(sessions)
    for each in (sessions, path):
        if each.is_no:
            return yes(f"{active} answers, but can't use the database: {each.sentence}")
    return sessions if not sessions.is_yes else _opposite_of_path(active, path)


def _opposite_of_path(active: Role, path: Verdict) -> Verdict:
    return no(f"{active} has its database.") if path.is_yes else unknown(path.sentence)
