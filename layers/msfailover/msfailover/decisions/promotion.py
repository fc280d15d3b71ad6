"""Is the new server really active? Asked after it was started, before the change is called done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msfailover.decisions import database_path
from msfailover.pair import Role, Server
from msfailover.questions import Question
from msfailover.verdict import Answer, Verdict, no, unknown, yes


def seen_of(server: Role, put: Callable[[Question], Verdict]) -> tuple[Verdict, Verdict, Verdict]:
    """Does it answer, and have it and the other one sessions?

    Each function is asked one thing at a time: a second question at once would wait for a second, cold process.

    Args:
        put: asks the function that can see.
    """
    with ThreadPoolExecutor(max_workers=1) as threads:
        asked = [Question("sessions", "status", each) for each in (server, server.other)]
        sessions = threads.submit(lambda: [put(each) for each in asked])
        admin = put(Question("probe", "check_serving", server))
        own, others = sessions.result()
        return admin, database_path.logged_in(own), others


def is_active(
    server: Server,
    admin: Verdict,
    own_sessions: Verdict,
    others_sessions: Verdict,
    record: Verdict,
    *,
    listed: bool = True,
) -> Verdict:
    """Judge whether a promotion came through.

    What a resolver still remembers of the name is no part of it: a cache may serve the old address for the record's
    whole TTL, and longer, and says nothing about who is active.

    Args:
        server: the server that was promoted.
        admin: does its administration interface answer?
        own_sessions: has it sessions on the database?
        others_sessions: has the fenced server any?
        record: where the DNS record points as Route 53 holds it; its evidence holds `values`. Route 53 reads back what
            was written last, also while its name servers do not have it yet (ListResourceRecordSets: "the most current
            version of the records", those that are PENDING included).
        listed: whether the database's list can show the server's sessions; see `database_path.can_list`.

    Returns:
        yes when all is well; no or unknown naming the first thing that is not.
    """
    if others_sessions.is_yes:
        return no(f"{server.role} must not be called active: {others_sessions.sentence}")
    for each in (admin, own_sessions) if listed or own_sessions.is_yes else (admin,):
        if not each.is_yes:
            word = no if each.is_no else unknown
            return word(f"{server.role} is not active yet: {each.sentence}")
    if record.answer is Answer.UNKNOWN:
        return unknown(f"{server.role} runs, but where the DNS record points is not known: {record.sentence}")
    if not server.owns_all(record.evidence.get("values", ())):
        return no(f"{server.role} runs, but {record.sentence}")
    sessions = "has its sessions" if own_sessions.is_yes else "the database's list can't show its sessions"
    return yes(f"{server.role} is active: it answers, {sessions}, and the DNS record points to it.")
