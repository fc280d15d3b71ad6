"""What is put on the event bus for machines: every new line of the history, and every finding that has changed.

events/schemas/ has the schema of each kind's detail. Within a version fields are only added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msfailover.chain import digest_of, number_of
from msfailover.decisions.audit import Finding, Judged
from msfailover.decisions.controls import is_note
from msfailover.history import SEVERITIES, Outcome
from msfailover.request import GAME_DAY
from msfailover.text import clean
from msfailover.verdict import Answer

VERSION = "1"
CHANGE_ENDED, FAILOVER_HELD, SETTING_CHANGED, FINDING_CHANGED, GAME_DAY_ENDED = (
    "Change Ended", "Failover Held", "Setting Changed", "Finding Changed", "Game Day Ended",
)  # fmt: skip

_SERVICES = {
    Finding.TWO_SERVICES.value: "two-services",
    Finding.ACTIVE_WITHOUT_DATABASE.value: "active-without-database",
}
_OF_A_GAME_DAY = ("result", "severity", "home", "began_at", "there_s", "home_s", "target_s", "execution")
_WELL, _WRONG, _UNKNOWN = "well", "wrong", "unknown"


@dataclass(frozen=True)
class Event:
    """One event for the bus: its `detail-type`, and its `detail`."""

    kind: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What is found of one thing that is looked at again and again.

    Args:
        by: who has found it, "audit" or "readiness".
        name: of the finding or the check.
        state: "well", "wrong" or "unknown".
        severity: of its being so.
        sentence: why.
        alarm: the alarm that rings of it, without the stack's name; empty where none does.
    """

    by: str
    name: str
    state: str
    severity: str
    sentence: str
    alarm: str

    @property
    def key(self) -> str:
        return f"{self.by} {self.name}"


def of_lines(pair: str, stack: str, lines: Iterable[Mapping[str, Any]], after: int, last: int) -> list[Event]:
    """The events of the history's lines that were written after that number, in the order in which they were written.

    A line that can't be read is left out: it must not keep the others back, nor the findings.

    Args:
        lines: as they are stored, in any order.
        after: the number of the last line that was announced.
        last: the number of the last line that there is, as the record has it.
    """
    new = sorted((each for each in lines if "chain" in each and after < number_of(each) <= last), key=number_of)
    events = []
    for each in new:
        try:
            events.append(_of_line({"version": VERSION, "pair": pair, "stack": stack}, each))
        except (LookupError, ValueError, TypeError, AttributeError):
            continue
    return events


def _of_line(common: Mapping[str, Any], line: Mapping[str, Any]) -> Event:
    detail = {
        **common,
        "number": number_of(line),
        "digest": digest_of(line),
        "at": line["ended_at"],
        "epoch": line["epoch"],
        "sentence": clean(line["sentence"]),
        "requested_by": clean(line["requested_by"]),
    }
    if is_note(line) and line["action"] == "held":
        return Event(FAILOVER_HELD, {**detail, "severity": "critical", "active": line["source"]})
    if is_note(line) and line["action"] == GAME_DAY:
        kept = {name: line["game_day"][name] for name in _OF_A_GAME_DAY}
        return Event(GAME_DAY_ENDED, {**detail, **kept, "active": line["source"]})
    if is_note(line):
        return Event(SETTING_CHANGED, {**detail, "severity": "info", "setting": line["action"]})
    about = {name: line[name] for name in ("outcome", "action", "source", "target", "execution", "taken_at")}
    seconds = {"recovery_s": line.get("recovery_s")}
    severity = SEVERITIES[Outcome(line["outcome"])]
    return Event(CHANGE_ENDED, {**detail, "severity": severity, **about, **seconds, "reason": clean(line["reason"])})


def of_findings(pair: str, stack: str, found: Iterable[Found], known: Mapping[str, str], at: float) -> list[Event]:
    """The events of what is found otherwise than before; what was never looked at counts as well.

    Args:
        known: the state of each, by its key, as it was announced last.
        at: seconds since 1970.
    """
    events = []
    for each in found:
        before = known.get(each.key, _WELL)
        if each.state != before:
            detail = {
                "version": VERSION,
                "pair": pair,
                "stack": stack,
                "at": round(at, 3),
                "by": each.by,
                "finding": each.name,
                "was": before,
                "state": each.state,
                "severity": each.severity,
                "sentence": clean(each.sentence),
                "alarm": each.alarm,
            }
            events.append(Event(FINDING_CHANGED, detail))
    return events


def found_by_audit(judged: Sequence[Judged]) -> list[Found]:
    """What the audit has judged; a *yes* of it is what is wrong."""
    states = {Answer.YES: _WRONG, Answer.NO: _WELL, Answer.UNKNOWN: _UNKNOWN}
    found = []
    for each in judged:
        state = states[each.verdict.answer]
        severity = {_WELL: "info", _UNKNOWN: "warning", _WRONG: "critical" if each.is_risk else "error"}[state]
        found.append(Found("audit", each.finding.value, state, severity, each.verdict.sentence, _alarm(each, state)))
    return found


def _alarm(judged: Judged, state: str) -> str:
    if judged.finding.value in _SERVICES:
        return "" if state == _UNKNOWN else _SERVICES[judged.finding.value]
    return "audit-blind" if state == _UNKNOWN else "split-brain-risk" if judged.is_risk else ""


def found_by_readiness(kept: Mapping[str, Any]) -> list[Found]:
    """What the last readiness check has found, as it is kept; a *no* of it is what is wrong."""
    states = {"yes": _WELL, "no": _WRONG}
    found = []
    for each in kept.get("checks") or ():
        state = states.get(str(each.get("answer")), _UNKNOWN)
        severity = {_WELL: "info", _UNKNOWN: "warning", _WRONG: "error"}[state]
        found.append(Found("readiness", str(each.get("name")), state, severity, str(each.get("sentence")), "not-ready"))
    return found
