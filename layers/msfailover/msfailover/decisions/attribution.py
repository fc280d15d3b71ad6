"""Which of a database's sessions are of a server, and what can't be said.

The rule behind all of it: a session counts as somebody else's only when that is *known*. What the monitoring role may
not see, what shows no usable origin, and a list that is not whole make the answer unknown, never no (I3).

A name (Oracle's MACHINE, a name from reverse resolution) is chosen by the client, or by whoever keeps its zone. It may
prove that a session is the server's, never that it is somebody else's; only an address does (I9).

| a session shows                  | at rest                             | in a proof                          |
|----------------------------------|-------------------------------------|-------------------------------------|
| an address                       | the server's, or somebody else's    | the server's, or somebody else's    |
| a name of the server             | the server's                        | the server's                        |
| a name that the owner vouches for| somebody else's                     | somebody else's, and it is said so  |
| another name that we know        | somebody else's by name             | unknown                             |
| any other name, or nothing       | unknown                             | unknown                             |

What answers must be the writer, too (I8): a standby's list is about another server.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from msfailover.observations import Listing, Session, SessionKind, parse_address, parse_network
from msfailover.pair import Server
from msfailover.verdict import Verdict, no, unknown, yes

_EXAMPLES = 5
_EC2_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(\..*)?")
_BEFORE_LOGIN = (SessionKind.LOGIN, SessionKind.CONNECTION)


@dataclass(frozen=True)
class Finding:
    """What a listing says about one server.

    Args:
        verdict: has it sessions? *No* only when the list is whole and every origin in it is known.
        sessions: those that are the server's.
        unknown: those that may be.
        gaps: why the list may not be whole.
        read_from: the addresses of the database that it was read from.
    """

    verdict: Verdict
    sessions: tuple[Session, ...]
    unknown: tuple[Session, ...]
    gaps: tuple[str, ...] = ()
    read_from: tuple[str, ...] = ()

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
    VOUCHED = "vouched for"
    BY_NAME = "by name"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Names:
    """Names of clients that are not the server's.

    Args:
        vouched: the owner vouches that neither server ever calls itself so (an administrator's desk, the database's
            own host); with that a session is somebody else's, also in a proof.
        known: believed at rest only: the other server's, our own.
    """

    vouched: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def sessions_of(server: Server, listing: Listing, names: Names | None = None, *, proof: bool = False) -> Finding:
    """Tell which sessions are of a server.

    Args:
        server: known by its addresses and host names.
        listing: what the engine read.
        names: of other clients, for databases that show names. Addresses need no such list: an address that is not one
            of the server's is somebody else's.
        proof: whether nothing may come any more. Then connections that have not logged in count as well, and no name
            that a client chose makes a session somebody else's. Whether a server is active does not hang on
            connections, and what a machine without power has left behind stays for a while.
    """
    names = names or Names()
    found: dict[_Whose, list[Session]] = {whose: [] for whose in _Whose}
    for session in listing.sessions:
        whose = _whose(server, session, names, proof)
        if proof or whose is not _Whose.SERVER or session.kind is not SessionKind.CONNECTION:
            found[whose].append(session)
    mine, unclear = found[_Whose.SERVER], found[_Whose.UNKNOWN]
    # Anybody on its host can begin a login, a monitor or a port check: that shows neither its service nor its way.
    used = [each for each in mine if each.kind is SessionKind.CLIENT]
    evidence = {
        "count": len(mine),
        "by_address": 0 if listing.announced else sum(bool(each.address) for each in used),
        "only_logins": bool(mine) and not used,
        "unknown": len(unclear),
        "total": len(listing.sessions),
        "by_name": len(found[_Whose.BY_NAME]),
        "vouched": len(found[_Whose.VOUCHED]),
        "sessions": [f"{each.kind} {each.user or '-'} from {each.origin}" for each in mine[:_EXAMPLES]],
        "unclear": [f"{each.kind} {each.user or '-'} from {each.origin}" for each in unclear[:_EXAMPLES]],
        "gaps": list(listing.gaps),
        "late_login_s": listing.late_login_s,
        "writer": not listing.not_writer,
    }
    gaps = listing.gaps
    if listing.not_writer:
        gaps = (f"what answers is not the database's writer: {listing.not_writer}", *listing.gaps)
    if listing.announced and proof:
        # Whoever is cut off may come by the proxy still, which has an address of its own.
        gaps = (listing.announced, *gaps)
    if mine and not listing.not_writer:
        verdict = yes(f"{server.role} has {_plural(len(mine))} on the database ({_summary(mine)}).", **evidence)
    elif unclear or gaps:
        reasons = list(gaps)
        if unclear:
            reasons.append(
                f"the origin of {len(unclear)} of {_plural(len(listing.sessions))} is not known ({_summary(unclear)})."
            )
        sentence = f"Whether {server.role} has a session on the database can't be said: {' '.join(reasons)}"
        verdict = unknown(sentence, **evidence)
    else:
        verdict = no(_none_of(server, len(listing.sessions), found), **evidence)
    return Finding(verdict, tuple(mine), tuple(unclear), gaps, listing.read_from)


def _none_of(server: Server, seen: int, found: dict[_Whose, list[Session]]) -> str:
    """The sentence of a *no*: what it rests on is said with it."""
    sentence = f"{server.role} has no session on the database; {_plural(seen)} seen, each of known origin"
    if vouched := found[_Whose.VOUCHED]:
        sentence += f", {len(vouched)} by a name that the owner vouches for ({_summary(vouched)})"
    if by_name := found[_Whose.BY_NAME]:
        sentence += f", {len(by_name)} by nothing but a name, which proves nothing ({_summary(by_name)})"
    return f"{sentence}."


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
        "read_from": list(dict.fromkeys(address for each in findings for address in each.read_from)),
        "counts": [each.count for each in findings],
        "unknowns": [len(each.unknown) for each in findings],
    }
    return Verdict(worst.verdict.answer, worst.verdict.sentence, evidence)


def _whose(server: Server, session: Session, names: Names, proof: bool) -> _Whose:
    if session.kind is SessionKind.BACKGROUND:
        return _Whose.OTHER
    if session.hidden:
        return _Whose.UNKNOWN
    if session.address:
        return _whose_address(server, session.address)
    if session.local:
        return _Whose.OTHER
    if session.host_name:
        return _whose_name(server, session.host_name, names, proof)
    return _Whose.UNKNOWN


def _whose_address(server: Server, text: str) -> _Whose:
    address = parse_address(text)
    known = [parse_network(each) for each in server.addresses]
    if address is not None and any(each is not None and address in each for each in known):
        return _Whose.SERVER
    return _Whose.UNKNOWN if address is None or not known or None in known else _Whose.OTHER


def _whose_name(server: Server, name: str, names: Names, proof: bool) -> _Whose:
    told = _whose_address(server, _address_in(name))
    if told is _Whose.SERVER or any(_same_name(name, each) for each in server.host_names):
        return _Whose.SERVER
    if any(_same_name(name, each) for each in names.vouched):
        return _Whose.VOUCHED
    if proof:
        return _Whose.UNKNOWN
    known = server.host_names and any(_same_name(name, each) for each in names.known)
    return _Whose.BY_NAME if known or told is _Whose.OTHER else _Whose.UNKNOWN


def _address_in(name: str) -> str:
    """The address that a name tells: itself, or as a VPC makes names of addresses; empty where it tells none."""
    found = _EC2_NAME.fullmatch(name)
    return ".".join(found.groups()[:4]) if found else name


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
