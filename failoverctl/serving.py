"""Who serves, from what is seen now: the first line of `status`. The record says who is to serve, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GOOD, DOUBTFUL, BAD = "good", "doubtful", "bad"
ROLES = ("ms1", "ms2")
WITHOUT_DATABASE = "active-without-database"
"""The alarm of an active server that answers and can't use its database."""
_SILENCE = ("silent", "unreachable")
AFTERMATH = ("Conclude", "Commit", "Notify", "Refuse")
"""Steps that come after the one that failed: they write down that it did."""


@dataclass(frozen=True)
class Headline:
    """The first line.

    Args:
        how: good where the active server serves and nobody else does, bad where nobody or the wrong one does, doubtful
            where that is not known, or a change is under way.
        sentence: who serves, or why not.
    """

    how: str
    sentence: str

    def to_json(self) -> dict[str, str]:
        return {"how": self.how, "sentence": self.sentence}


def serves(server: Mapping[str, Any]) -> bool | None:
    """Whether a server serves: it answers people and has the database. None where that is not known."""
    admin = server["observation"].get("admin", "unknown")
    access, sessions = (server[about].get("answer", "unknown") for about in ("access", "sessions"))
    if admin in _SILENCE and server["observation"].get("cut_off") and sessions != "no":
        return None  # it may be the probe that is cut off
    if admin in ("refused", *_SILENCE, "broken"):
        return False
    if admin == "answers" and "no" in (access, sessions):
        return False
    return True if (admin, access, sessions) == ("answers", "yes", "yes") else None


def headline(status: Mapping[str, Any]) -> Headline:
    """Say who serves.

    Args:
        status: as `status.read_status` gathers it.
    """
    record = status["record"]
    if record.get("error"):
        return Headline(DOUBTFUL, f"WHO SERVES IS NOT KNOWN: {record['error']}")
    seen = {role: serves(server) for role, server in status["servers"].items()}
    serving = [role for role in ROLES if seen[role]]
    if len(serving) > 1:
        return Headline(BAD, "BOTH SERVERS SERVE: two servers on one database can corrupt it")
    about = change_in_words(status)
    if about:
        return _while_changing(status, about, seen, serving)
    active = record.get("active")
    if not active:
        return Headline(DOUBTFUL, f"not adopted: nothing fails over; {_who(serving, seen)}")
    if seen[active]:
        return _half_dead(status, active) or Headline(GOOD, f"{active} serves")
    why = status["servers"][active]["observation"]
    if serving:
        return Headline(BAD, f"{serving[0]} SERVES, and the record says that {active} is active")
    if seen[active] is None:
        doubt = (
            why.get("error")
            or (why.get("cut_off") and f"the probe sees neither server, and may be cut off itself ({why['sentence']})")
            or (why.get("admin") != "answers" and why.get("sentence"))
            or "what it has of the database can't be asked"
        )
        return Headline(DOUBTFUL, f"WHETHER {active} SERVES IS NOT KNOWN: {doubt}")
    return Headline(BAD, f"NOBODY SERVES: {_why_not(active, status['servers'][active])}{_blocked(status)}")


def _half_dead(status: Mapping[str, Any], active: str) -> Headline | None:
    """Whether the server that seems to serve can't use its database, as the audit found: a listed session may be half
    dead, and only its own host can tell."""
    alarms = status["alarms"]
    if isinstance(alarms, Mapping):
        return None
    rings = any(each["name"] == WITHOUT_DATABASE and each["state"] == "ALARM" for each in alarms)
    return Headline(BAD, f"NOBODY SERVES: {active} answers, but can't use the database") if rings else None


def _while_changing(
    status: Mapping[str, Any], about: str, seen: Mapping[str, bool | None], serving: list[str]
) -> Headline:
    if status["record"].get("halted") or not status["execution"]:
        if serving:
            return Headline(DOUBTFUL, f"{serving[0]} serves; {about}")
        if None in seen.values():
            return Headline(DOUBTFUL, f"WHO SERVES IS NOT KNOWN: {about}")
        return Headline(BAD, f"NOBODY SERVES: {about}")
    return Headline(DOUBTFUL, f"{about}; {_who(serving, seen)}")


def _who(serving: list[str], seen: Mapping[str, bool | None]) -> str:
    if serving:
        return f"{serving[0]} serves"
    return "who serves is not known" if None in seen.values() else "nobody serves at this moment"


def _why_not(active: str, server: Mapping[str, Any]) -> str:
    if server["observation"].get("admin") == "answers":
        lacking = (
            "no access to the database" if server["access"].get("answer") == "no" else "no session on the database"
        )
        return f"{active} answers, but has {lacking}"
    return f"{active} does not answer ({server['observation'].get('sentence') or server['observation'].get('admin')})"


def _blocked(status: Mapping[str, Any]) -> str:
    last = status["last_change"]
    if not is_blocked(status):
        return ""
    return f"; {last['action']} to {last['target']} blocked {ago(status['at'] - float(last['ended_at']))} ago"


def is_cut_off(access: Mapping[str, Any]) -> bool:
    """Whether the network ACLs cut a server off from the database, whatever the rules in front of it allow."""
    return ((access.get("evidence") or {}).get("network") or {}).get("answer") == "yes"


def in_order(status: Mapping[str, Any]) -> tuple[str, bool]:
    """What is said where no problem is seen, and whether that is all that there is to be seen."""
    if status["readiness"].get("outdated"):
        return "Nothing is seen to be amiss; readiness is not checked anew yet.", False
    return "All is well.", True


def is_blocked(status: Mapping[str, Any]) -> bool:
    """Whether the latest change that was asked for could not be done, since which nothing has changed."""
    last = status["last_change"]
    return bool(last) and not last.get("error") and last["outcome"] == "blocked"


def change_in_words(status: Mapping[str, Any]) -> str:
    """The change that runs, was halted, or was left half done; empty where there is none."""
    lease, execution = status["record"].get("lease"), status["execution"]
    if not lease:
        return ""
    what = f"{lease['action']} to {lease['target']}"
    last = status["last_change"] or {}
    if status["record"].get("halted"):
        if last.get("execution") != lease["execution"]:
            return f"{what} halted"
        step = red_step(last)
        when = ago(status["at"] - float(last["ended_at"]))
        return f"{what} halted {when} ago{f' at {step}' if step else ''}"
    if execution and not execution.get("error"):
        return f"{what} under way for {ago(status['at'] - execution['since'])}: {execution['step']}"
    return f"{what} was left half done" if not execution else f"{what} holds the lease"


def red_step(line: Mapping[str, Any]) -> str:
    """The step at which a change ended badly, from its line in the history; empty where that is not written."""
    steps = [each for each in line.get("phases", ()) if each["name"] not in AFTERMATH]
    return str(max(steps, key=lambda each: each["end"])["name"]) if steps else ""


def ago(seconds: float) -> str:
    """Seconds in the largest unit that says enough: "12 s", "3 min", "5 h", "2 d"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
