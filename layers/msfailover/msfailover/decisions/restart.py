"""May the active server's service be restarted before anything else is done? Only where it can't do harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msfailover.chain import ended_at
from msfailover.history import Outcome
from msfailover.pair import Role
from msfailover.verdict import Verdict, no, unknown, yes

AGAIN_AFTER_S = 900.0
"""A service that dies again sooner than this after a restart is not restarted once more: the pair fails over."""


def may_restart(
    active: Role, host: Verdict, others_access: Verdict, others_sessions: Verdict, restarted_s_ago: float | None = None
) -> Verdict:
    """Judge whether a restart in place is allowed.

    The active server keeps its access, so the other one must be out at this moment, as it is at rest; and a
    host that does not answer can't be asked to restart anything.

    Args:
        active: the server that is down.
        host: does its service run? *Unknown* where its host does not answer.
        others_access: can the other server get in to the database?
        others_sessions: has the other server sessions there?
        restarted_s_ago: seconds since it was last restarted like this; None where it was not, as far as is known.
    """
    if restarted_s_ago is not None and restarted_s_ago < AGAIN_AFTER_S:
        return no(f"{active} is not restarted again: that was tried {restarted_s_ago:.0f} s ago, and did not last.")
    if not (host.is_yes or host.is_no):
        return unknown(f"{active} is not restarted: its host does not answer. {host.sentence}")
    for each in (others_access, others_sessions):
        if not each.is_no:
            word = no if each.is_yes else unknown
            return word(f"{active} is not restarted: {each.sentence}")
    return yes(f"{active} may be restarted once: its host answers, and {active.other} is out.")


def restarted_s_ago(history: Iterable[Mapping[str, Any]], server: Role, now: float) -> float | None:
    """Seconds since a failover last restarted the server in place and stood down; None where none did.

    Args:
        history: the latest lines, newest first, as the table keeps them.
        now: seconds since 1970.
    """
    for line in history:
        phases = line.get("phases")
        names = [each.get("name") for each in phases if isinstance(each, Mapping)] if isinstance(phases, list) else []
        if (line.get("source"), line.get("outcome")) == (server, Outcome.STOOD_DOWN) and "RestartSource" in names:
            return max(0.0, now - ended_at(line))
    return None
