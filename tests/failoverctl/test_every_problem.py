"""Every kind of problem that status can show, with the command that its section of the runbook gives in that state."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from failoverctl import problems
from tests.failoverctl.conftest import Run
from tests.failoverctl.pages import OPERATE, sections

Status = dict[str, Any]
START, STOP = (
    f"on the host of {role}: systemctl {verb} ssh-mgmt-server" for role, verb in (("ms1", "start"), ("ms2", "stop"))
)
LEASE = {"action": "failover", "target": "ms2", "execution": "one"}
REASON = ' --reason "…"'
TOLD_ELSEWHERE = {"game day"}
"""Kinds that test_game_days.py holds."""


def seen(role: str, admin: str, port: str = "") -> Callable[[Status], None]:
    """A server that is seen so."""
    observation = {"admin": admin, "port": port or admin, "sentence": f"it is {admin}", "cut_off": False}
    return lambda status: status["servers"][role].update(observation=observation)


def put(**parts: Any) -> Callable[[Status], None]:
    """Parts of the status that are so, over those of a pair that is well."""

    def change(status: Status) -> None:
        for name, value in parts.items():
            both = isinstance(value, dict) and isinstance(status[name], dict)
            status[name] = {**status[name], **value} if both else value

    return change


def access(role: str, answer: str, about: str = "access") -> Callable[[Status], None]:
    return lambda status: status["servers"][role].update({about: {"answer": answer, "sentence": answer}})


def failed(reason: str, refused: bool = False) -> Callable[[Status], None]:
    return put(replication={"failed": reason, "refused": refused})


def cut_off(status: Status) -> None:
    for role in ("ms1", "ms2"):
        seen(role, "silent")(status)
        status["servers"][role]["observation"]["cut_off"] = True


def unknown(role: str) -> Callable[[Status], None]:
    return lambda status: status["servers"][role].update(observation={"error": "The probe can't be asked."})


def not_adopted(status: Status) -> None:
    status["record"].update(active=None, lease=None)


def two_probes(status: Status) -> None:
    differ = [{"server": "ms1", "port": "admin", "first": "silent", "second": "answers"}]
    subnets = {"first_subnets": "a", "second_subnets": "b"}
    status["probes"] = {**subnets, "believed": True, "shown": "first", "error": "", "differ": differ}


def alarm(name: str, state: str = "ALARM") -> Callable[[Status], None]:
    return put(alarms=[{"name": name, "state": state, "means": "So it is."}])


def blocked(status: Status) -> None:
    status["last_change"] = {**LEASE, "outcome": "blocked", "ended_at": status["at"] - 20, "sentence": "No."}


CASES: list[tuple[str, list[Callable[[Status], None]], str, str]] = [
    ("record", [put(record={"error": "It can't be read."})], "", ""),
    ("adoption", [not_adopted], f"failoverctl adopt{REASON}", "not-adopted"),
    (
        "adoption",
        [not_adopted, seen("ms2", "answers")],
        "on that one's host: systemctl stop ssh-mgmt-server",
        "not-adopted",
    ),
    ("adoption", [not_adopted, seen("ms1", "refused")], f"failoverctl adopt --target ms1{REASON}", "not-adopted"),
    ("halted", [put(record={"lease": LEASE, "halted": "No."})], f"failoverctl resume{REASON}", "failover-halted"),
    ("left half done", [put(record={"lease": LEASE})], f"failoverctl resume{REASON}", "failover-timed-out"),
    ("left half done", [put(record={"lease": LEASE}, resumable_in_s=14)], "failoverctl watch", "failover-timed-out"),
    ("under way", [put(record={"lease": LEASE}, execution={"step": "Begin", "since": 0})], "failoverctl watch", ""),
    (
        "under way",
        [put(record={"lease": LEASE}, execution={"step": "Begin", "since": 0}), blocked, seen("ms1", "refused")],
        "failoverctl maintenance on --for 10m",
        "blocked",
    ),
    (
        "under way",
        [put(record={"lease": LEASE, "active": None}, execution={"step": "Begin", "since": 0}), blocked],
        "failoverctl watch",
        "blocked",
    ),
    (
        "under way",
        [
            put(record={"lease": LEASE, "mode": "manual"}, execution={"step": "Begin", "since": 0}),
            blocked,
            seen("ms1", "refused"),
        ],
        "failoverctl watch",
        "blocked",
    ),
    ("access", [access("ms1", "no")], "failoverctl readiness", "not-ready"),
    ("access", [access("ms2", "yes")], "failoverctl readiness", "split-brain-risk"),
    ("sessions", [access("ms2", "yes", "sessions")], "failoverctl readiness", "split-brain-risk"),
    ("active not known", [unknown("ms1")], "failoverctl readiness", "not-ready"),
    ("cut off", [cut_off], "failoverctl readiness", "active-server-down"),
    ("active down", [seen("ms1", "refused")], f"failoverctl failover{REASON}", "active-server-down"),
    ("active down", [seen("ms1", "broken")], f"failoverctl failover{REASON}", "active-server-down"),
    ("active down", [seen("ms1", "refused"), seen("ms2", "silent")], START, "blocked"),
    ("active down", [cut_off, access("ms1", "no", "sessions")], "failoverctl readiness", "blocked"),
    ("blocked", [blocked, seen("ms1", "refused")], START, "blocked"),
    ("blocked", [blocked, seen("ms1", "silent")], "failoverctl readiness", "blocked"),
    ("certificate", [seen("ms1", "wrong certificate")], "failoverctl maintenance on --for 10m", "certificate"),
    (
        "status",
        [seen("ms1", "wrong status")],
        "on the host of ms1: journalctl -u ssh-mgmt-server",
        "active-server-down",
    ),
    ("standby away", [seen("ms2", "silent")], "failoverctl readiness", "not-ready"),
    ("standby not known", [unknown("ms2")], "failoverctl readiness", "not-ready"),
    (
        "standby hangs",
        [seen("ms2", "silent", "answers")],
        "in EC2: stop the machine of ms2, then start it",
        "two-services",
    ),
    ("standby runs", [seen("ms2", "answers")], STOP, "two-services"),
    ("probes", [seen("ms1", "silent"), two_probes], "failoverctl maintenance on --for 1h", "second-probe"),
    ("name", [put(name={"points_to": "", "values": [], "sentence": "No."})], "failoverctl readiness", "name-elsewhere"),
    ("copy", [put(replication={"as_of": 0})], "failoverctl replicate", "replication-stale"),
    ("copy refused", [failed("299 of 300 files of cds vanished", refused=True)], "", "replication-stale"),
    ("copy failed", [failed("source changed")], "failoverctl replicate", "replication-stale"),
    (
        "copy of before",
        [put(replication={"of_before": "a set of epoch 0"})],
        "failoverctl replicate",
        "replication-stale",
    ),
    ("copy old", [put(replication={"age_s": 99999.0})], "failoverctl replicate", "replication-stale"),
    ("configuration", [put(replication={"config_withheld": "versions differ"})], "", "replication-stale"),
    ("readiness", [put(readiness={"answer": "no", "sentence": "Not ready."})], "failoverctl readiness", "not-ready"),
    ("execution", [put(execution={"error": "No."})], "", ""),
    ("last change", [put(last_change={"error": "No."})], "", ""),
    ("acknowledgement", [put(record={"acknowledged": False})], "failoverctl acknowledge", "promoted"),
    ("held", [put(record={"held": "Held."})], f"failoverctl failover{REASON}", "held"),
    ("mode", [put(record={"mode": "manual"})], "failoverctl mode automatic", ""),
    ("maintenance", [put(record={"maintenance_until": 4e9})], "failoverctl maintenance off", ""),
    ("alarms", [put(alarms={"error": "No."})], "", ""),
    ("missing", [alarm("not-ready", "MISSING")], "", ""),
    ("alarm", [alarm("watchdog-silent")], "", "watchdog-silent"),
    ("alarm", [alarm("not-ready")], "failoverctl readiness", "not-ready"),
    ("alarm", [alarm("audit-blind")], "failoverctl readiness", "audit-blind"),
    ("alarm", [alarm("recovery-slow")], "failoverctl explain", "recovery-slow"),
    ("alarm", [alarm("replication-drift")], "failoverctl replicate --full", "replication-drift"),
    ("alarm", [alarm("replication-stale")], "failoverctl readiness", "replication-stale"),
    ("alarm", [alarm("undelivered")], "failoverctl readiness", "undelivered"),
]


@pytest.mark.parametrize(
    ("about", "changes", "command", "see"), CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_the_first_problem_shows_the_command_of_its_section(
    ctl: Run, about: str, changes: list[Callable[[Status], None]], command: str, see: str
) -> None:
    status = ctl("status", "--json").json()
    assert problems.problems_of(status) == []
    for change in changes:
        change(status)
    first = problems.problems_of(status)[0]
    assert first["about"].startswith(about)
    assert (first["command"], first["see"]) == (command, see)
    written = OPERATE.read_text()
    assert not see or see in sections(OPERATE)
    # Each verb that is shown is one that the section, or the page's table of commands, knows.
    assert not first["verb"] or f"failoverctl {first['verb']}" in written


def test_every_kind_of_problem_is_held_here() -> None:
    calls = [each for each in ast.walk(ast.parse(inspect.getsource(problems))) if isinstance(each, ast.Call)]
    made = [each.args[0] for each in calls if isinstance(each.func, ast.Name) and each.func.id == "_line"]
    parts = [each.values[0] if isinstance(each, ast.JoinedStr) else each for each in made]
    kinds = {str(each.value).strip() for each in parts if isinstance(each, ast.Constant)}
    assert len(kinds) > 30
    kinds |= {"access", "sessions"}  # of either server: their lines begin with a variable
    assert kinds - TOLD_ELSEWHERE == {about for about, *_ in CASES}
