"""Which of a database's sessions are of a server, and what can't be said.

The rule behind all of it: a session counts as somebody else's only when that is *known*. What the monitoring role may
not see, what shows no usable origin, and a list that is not whole make the answer unknown, never no (I3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msfailover.evidence import OUR_NAME, Listing, Session, SessionKind, parse_address
from msfailover.pair import Server
from msfailover.verdict import Verdict, no, unknown, yes

_EXAMPLES = 5
_BEFORE_LOGIN = (SessionKind.LOGIN, SessionKind.CONNECTION)


@dataclass(frozen=True)
class Finding:
    """What a listing says about one server.

    Args:
        verdict: has it sessions? *No* only when the list is whole and every origin in it is known.
        sessions: those that are the server's.
        unknown: those that may be.
        gaps: why the list may not be whole.
    """

    verdict: Verdict
    sessions: tuple[Session, ...]
    unknown: tuple[Session, ...]
    gaps: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.sessions)

    @property
    def logins_only(self) -> bool:
        """Whether only connections and logins under way speak against a *no*: they end by themselves, in a while."""
        against = (*self.sessions, *self.unknown)
        return bool(against) and not self.gaps and all(each.kind in _BEFORE_LOGIN for each in against)

    @property
    def ids(self) -> tuple[str, ...]:
        """What to hand to the engine's `terminate`."""
        return tuple(session.id for session in self.sessions)


class _Whose(StrEnum):
    SERVER = "server"
    OTHER = "other"
    UNKNOWN = "unknown"


def sessions_of(
    server: Server, listing: Listing, others: Collection[str] = (), *, connections: bool = False
) -> Finding:
    """Tell which sessions are of a server.

    Args:
        server: known by its addresses and host names.
        listing: what the engine read.
        others: host names known to be somebody else's (the other server's, an administrator's desk), for databases
            that show names. A name that is neither the server's nor among these is unknown. Addresses need no such
            list: an address that is not one of the server's is somebody else's.
        connections: whether connections that have not logged in count as well. A proof that nothing can come any more
            must count them; whether a server is active does not hang on them, and what a machine without power has
            left behind stays for a while.
    """
    mine: list[Session] = []
    unclear: list[Session] = []
    for session in listing.sessions:
        whose = _whose(server, session, (*others, OUR_NAME))
        if whose is _Whose.SERVER:
            if connections or session.kind is not SessionKind.CONNECTION:
                mine.append(session)
        elif whose is _Whose.UNKNOWN:
            unclear.append(session)
    evidence = {
        "count": len(mine),
        "unknown": len(unclear),
        "total": len(listing.sessions),
        "sessions": [f"{each.kind} {each.user or '-'} from {each.origin}" for each in mine[:_EXAMPLES]],
        "unclear": [f"{each.kind} {each.user or '-'} from {each.origin}" for each in unclear[:_EXAMPLES]],
        "gaps": list(listing.gaps),
        "late_login_s": listing.late_login_s,
    }
    if mine:
        verdict = yes(f"{server.role} has {_plural(len(mine))} on the database ({_summary(mine)}).", **evidence)
    elif unclear or listing.gaps:
        reasons = list(listing.gaps)
        if unclear:
            reasons.append(
                f"the origin of {len(unclear)} of {_plural(len(listing.sessions))} is not known ({_summary(unclear)})."
            )
        sentence = f"Whether {server.role} has a session on the database can't be said: {' '.join(reasons)}"
        verdict = unknown(sentence, **evidence)
    else:
        seen = _plural(len(listing.sessions))
        verdict = no(f"{server.role} has no session on the database; {seen} seen, each of known origin.", **evidence)
    return Finding(verdict, tuple(mine), tuple(unclear), listing.gaps)


def over_reads(findings: Sequence[Finding]) -> Verdict:
    """Make one verdict of several reads in a row: the worst of them, with `counts`, one number for each read.

    Raises:
        ValueError: there was no read at all.
    """
    if not findings:
        raise ValueError("there is no verdict without a read")
    # The last one that is not a "no" tells the story best: it is nearest to now.
    worst = next((each for each in reversed(findings) if each.verdict.is_yes), None)
    worst = worst or next((each for each in reversed(findings) if not each.verdict.is_no), findings[-1])
    evidence = {
        **worst.verdict.evidence,
        "counts": [each.count for each in findings],
        "unknowns": [len(each.unknown) for each in findings],
    }
    return Verdict(worst.verdict.answer, worst.verdict.sentence, evidence)


def _whose(server: Server, session: Session, others: Collection[str]) -> _Whose:
    if session.kind is SessionKind.BACKGROUND:
        return _Whose.OTHER
    if session.hidden:
        return _Whose.UNKNOWN
    if session.address:
        return _whose_address(server, session.address)
    if session.local:
        return _Whose.OTHER
    if session.host_name:
        return _whose_name(server, session.host_name, others)
    return _Whose.UNKNOWN


def _whose_address(server: Server, text: str) -> _Whose:
    address = parse_address(text)
    known = [parse_address(each) for each in server.addresses]
    if address is not None and address in known:
        return _Whose.SERVER
    return _Whose.UNKNOWN if address is None or not known or None in known else _Whose.OTHER


def _whose_name(server: Server, name: str, others: Collection[str]) -> _Whose:
    if parse_address(name) is not None:
        return _whose_address(server, name)
    if any(_same_name(name, each) for each in server.host_names):
        return _Whose.SERVER
    if server.host_names and any(_same_name(name, each) for each in others):
        return _Whose.OTHER
    return _Whose.UNKNOWN


def _same_name(shown: str, known: str) -> bool:
    """Short or fully qualified, in any case; two fully qualified names must agree in full."""
    first, second = _plain(shown), _plain(known)
    if not first or not second:
        return False
    if "." in first and "." in second:
        return first == second
    return first.partition(".")[0] == second.partition(".")[0]


def _plain(name: str) -> str:
    # Windows clients put a domain in front, and some Oracle clients a NUL at the end.
    return name.replace("\x00", "").strip().rpartition("\\")[2].rstrip(".").casefold()


def _plural(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"


def _summary(sessions: Sequence[Session]) -> str:
    counted = Counter(f"{each.kind} from {each.origin}" for each in sessions)
    shown = [f"{count} {what}" for what, count in counted.most_common(_EXAMPLES)]
    return ", ".join(shown + (["…"] if len(counted) > _EXAMPLES else []))
