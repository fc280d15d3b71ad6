"""May the active server's service be restarted before anything else is done? Only where it can't do harm."""

from __future__ import annotations

from msfailover.pair import Role
from msfailover.verdict import Verdict, no, unknown, yes


def may_restart(active: Role, host: Verdict, others_door: Verdict, others_sessions: Verdict) -> Verdict:
    """Judge whether a restart in place is allowed.

    The active server keeps its open door, so the other one must be out at this moment, as it is at rest; and a host
    that does not answer can't be asked to restart anything.

    Args:
        active: the server that is down.
        host: does its service run? *Unknown* where its host does not answer.
        others_door: can the other server get in to the database?
        others_sessions: has the other server sessions there?
    """
    if not (host.is_yes or host.is_no):
        return unknown(f"{active} is not restarted: its host does not answer. {host.sentence}")
    for each in (others_door, others_sessions):
        if not each.is_no:
            word = no if each.is_yes else unknown
            return word(f"{active} is not restarted: {each.sentence}")
    return yes(f"{active} may be restarted once: its host answers, and {active.other} is out.")
