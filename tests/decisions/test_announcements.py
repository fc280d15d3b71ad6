"""What machines are told: each new line of the history once, and each finding when it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msfailover.chain import ChainHead, digest_of, linked
from msfailover.decisions.announcements import (
    Event,
    Found,
    found_by_audit,
    found_by_readiness,
    of_findings,
    of_lines,
)
from msfailover.decisions.audit import Finding, Judged
from msfailover.history import SEVERITIES, History, Note, Outcome
from msfailover.pair import Role
from msfailover.verdict import Verdict, no, unknown, yes

from lab.testbed.cloud.event_schemas import faults, schemas
from tests.samples import NOW, OURS, receipt

CHANGE = History(
    2, OURS, "failover", Role.MS1, Role.MS2, Outcome.PROMOTED, "ms2 is active.", "ms1 is silent", "watch", NOW, NOW + 9,
    receipt(), counts_from=NOW - 12,
)  # fmt: skip
HELD = Note(2, "held", Role.MS2, "A person decides.", "watch", NOW + 20)
MODE = Note(2, "set_mode", Role.MS2, "The mode is manual now.", "Ann (arn:aws:iam::1:user/ann)", NOW + 30)


def stored(*lines: History | Note) -> list[dict[str, Any]]:
    found, head = list[dict[str, Any]](), ChainHead()
    for each in lines:
        line, head = linked({"pair": "tectia", "item": each.key, **each.to_json()}, head)
        found.append(line)
    return found


def told(lines: list[dict[str, Any]], after: int = 0) -> list[Event]:
    events = of_lines("tectia", "demo", lines, after, 3)
    assert [fault for each in events for fault in faults(each.kind, each.detail)] == []
    return events


def test_every_line_is_an_event_of_its_kind_in_the_order_in_which_it_was_written() -> None:
    lines = stored(CHANGE, HELD, MODE)
    events = told(list(reversed(lines)))
    assert [each.kind for each in events] == ["Change Ended", "Failover Held", "Setting Changed"]
    assert [each.detail["severity"] for each in events] == ["warning", "critical", "info"]
    assert [each.detail["digest"] for each in events] == [digest_of(each) for each in lines]
    assert (events[0].detail["recovery_s"], events[0].detail["outcome"]) == (21, "promoted")
    assert (events[1].detail["active"], events[2].detail["setting"]) == ("ms2", "set_mode")


def test_a_line_that_can_not_be_read_or_is_after_the_last_keeps_no_other_back() -> None:
    lines = stored(CHANGE, HELD, MODE)
    lines[0]["outcome"] = "doctored"
    del lines[1]["sentence"]
    assert [each.detail["number"] for each in told(lines)] == [3]
    lines[1] = {**lines[2], "chain": {"number": 10**9}}
    assert [each.detail["number"] for each in told(lines)] == [3], "else it would be new each minute"


def test_what_was_announced_and_what_is_older_than_the_chain_is_no_news() -> None:
    lines = stored(CHANGE, HELD)
    assert [each.detail["number"] for each in told([*lines, CHANGE.to_json()], 1)] == [2]
    assert told(lines, 2) == []


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("action", ["failover", "switchover", "force", "resume", "adopt"])
def test_every_end_is_as_its_schema_says(outcome: Outcome, action: str) -> None:
    (event,) = told(stored(replace(CHANGE, outcome=outcome, action=action)))
    assert event.detail["severity"] == SEVERITIES[outcome]


@pytest.mark.parametrize("setting", ["set_mode", "maintenance", "acknowledge"])
def test_every_setting_is_as_its_schema_says(setting: str) -> None:
    assert told(stored(replace(MODE, action=setting, active=None)))[0].kind == "Setting Changed"


@pytest.mark.parametrize("finding", list(Finding))
@pytest.mark.parametrize("verdict", [yes("So it is."), no("It is not."), unknown("Who knows.")])
def test_a_finding_is_an_event_when_it_changes_and_not_again(finding: Finding, verdict: Verdict) -> None:
    (found,) = found_by_audit([Judged(finding, verdict)])
    known = {found.key: {"yes": "well", "no": "wrong", "unknown": "well"}[verdict.answer]}
    (event,) = of_findings("tectia", "demo", [found], known, NOW)
    assert faults(event.kind, event.detail) == []
    assert (event.detail["was"], event.detail["state"]) == (known[found.key], found.state)
    assert of_findings("tectia", "demo", [found], {found.key: found.state}, NOW) == []


def test_what_makes_an_alarm_ring_names_it() -> None:
    def alarm(finding: Finding, verdict: Verdict) -> tuple[str, str]:
        (found,) = found_by_audit([Judged(finding, verdict)])
        return found.alarm, found.severity

    assert alarm(Finding.BOTH_IN, yes("Both.")) == ("split-brain-risk", "critical")
    assert alarm(Finding.BOTH_IN, unknown("?")) == ("audit-blind", "warning")
    assert alarm(Finding.TWO_SERVICES, yes("Two.")) == ("two-services", "error")
    assert alarm(Finding.NAME_ELSEWHERE, yes("Elsewhere.")) == ("", "error")


def test_of_a_check_a_no_is_what_is_wrong() -> None:
    checks = [
        {"name": "standby is fit", "answer": "no", "sentence": "It is stopped."},
        {"name": "clocks agree", "answer": "unknown", "sentence": "Not known."},
        {"name": "name resolves", "answer": "yes", "sentence": "It does."},
    ]
    found = found_by_readiness({"checks": checks})
    assert [(each.state, each.alarm) for each in found] == [
        ("wrong", "not-ready"), ("unknown", "not-ready"), ("well", "not-ready"),
    ]  # fmt: skip
    events = of_findings("tectia", "demo", found, {}, NOW)
    assert [each.detail["finding"] for each in events] == ["standby is fit", "clocks agree"]
    assert [fault for each in events for fault in faults(each.kind, each.detail)] == []
    assert found_by_readiness({}) == []


def test_an_event_that_is_not_as_its_schema_says_is_noticed() -> None:
    found = Found("audit", "both-in", "wrong", "critical", "Both.", "split-brain-risk")
    (event,) = of_findings("tectia", "demo", [found], {}, NOW)
    assert faults("Nothing Changed", event.detail) == ["'Nothing Changed' has no schema"]
    assert faults(event.kind, {**event.detail, "state": "yes"}) != []
    assert faults(event.kind, {**event.detail, "more": 1}) == ["Finding Changed: more not in the schema"]
    assert len(schemas()) == 5
