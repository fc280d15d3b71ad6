"""Is the new server really active? Asked after it was started, before the change is called done."""

from __future__ import annotations

from msfailover.pair import Server
from msfailover.verdict import Verdict, no, unknown, yes


def is_active(
    server: Server, admin: Verdict, own_sessions: Verdict, others_sessions: Verdict, name: Verdict
) -> Verdict:
    """Judge whether a promotion came through.

    Args:
        server: the server that was promoted.
        admin: does its administration interface answer?
        own_sessions: has it sessions on the database?
        others_sessions: has the fenced server any?
        name: what the name resolves to; its evidence holds `addresses`.

    Returns:
        yes when all is well; no or unknown naming the first thing that is not.
    """
    if others_sessions.is_yes:
        return no(f"{server.role} must not be called active: {others_sessions.sentence}")
    for each in (admin, own_sessions):
        if not each.is_yes:
            word = no if each.is_no else unknown
            return word(f"{server.role} is not active yet: {each.sentence}")
    if not name.is_yes:
        return unknown(f"{server.role} runs, but {name.sentence}")
    found = set(name.evidence.get("addresses", ()))
    if not found or not found <= set(server.addresses):
        return no(f"{server.role} runs, but {name.sentence}")
    return yes(f"{server.role} is active: it answers, has its sessions, and the name points to it.")
