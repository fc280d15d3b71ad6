"""What people are told: what happened, what state the pair is in, what is safe, what to do next."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.changes import Outcome, conclude
from msfailover.pair import PairState, Role
from msfailover.telling import SUBJECT_AT_MOST, Message, subject, tell, tell_refusal

from tests.core.samples import NOW, OURS, lease, receipt, state

LONGEST_NAME = "p" * 41
NOTHING_TOUCHED = "Safe: nothing was touched"


def told(outcome: Outcome, pair: str = "tectia", **about: Any) -> Message:
    before = state(lease=lease(**about), receipt=receipt() if outcome is Outcome.PROMOTED else None)
    after, line = conclude(before, OURS, outcome, "So it ended.", NOW)
    return tell(pair, after, line)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_message_says_what_happened_who_asked_who_is_active_and_where_to_look(outcome: Outcome) -> None:
    lines = told(outcome).body.splitlines()
    active = "ms2 (epoch 2)" if outcome is Outcome.PROMOTED else "ms1 (epoch 1)"
    if outcome is Outcome.ROLLED_BACK:
        active = "ms2 (epoch 2)"
    assert lines[0] == f"failover of pair tectia: {outcome}. So it ended."
    assert lines[1] == "Asked for by watch: ms1 is silent"
    assert lines[2] == f"Active server: {active}."
    assert lines[3].startswith("Safe: ")
    assert lines[4].startswith("Next: ")
    assert lines[5] == f"Execution: {OURS}"
    assert len(lines) == 6


SAFE = {
    Outcome.PROMOTED: "Safe: ms2 alone can use the database; ms1 is shut out.",
    Outcome.STOOD_DOWN: "Safe: ms1 stays active; it was not fenced.",
    Outcome.REFUSED: "Safe: nothing was touched.",
    Outcome.BLOCKED: "Safe: nothing was touched; ms1 stays as it was, and if it is down, so is the service.",
    Outcome.ROLLED_BACK: "Safe: ms2 is active again and alone can use the database.",
    Outcome.HALTED: "Safe: no server is let in before the other one's fence is proven. The service may be down.",
}
COMMANDS = {
    Outcome.PROMOTED: ("`failoverctl acknowledge`", "`failoverctl switchover`", "ms1"),
    Outcome.STOOD_DOWN: ("Next: nothing", "between the watchdog and ms1"),
    Outcome.REFUSED: ("`failoverctl status`",),
    Outcome.BLOCKED: ("`failoverctl readiness`",),
    Outcome.ROLLED_BACK: ("find out why ms1 did not come up",),
    Outcome.HALTED: ("`failoverctl resume --reason …`", "`failoverctl resume --target …`"),
}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_says_what_is_safe_and_what_to_do_next(outcome: Outcome) -> None:
    lines = told(outcome).body.splitlines()
    assert lines[3] == SAFE[outcome]
    for words in COMMANDS[outcome]:
        assert words in lines[4]
    assert "{" not in lines[3] + lines[4]


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("action", ["failover", "switchover", "force", "resume", "adopt"])
def test_every_subject_names_pair_verb_and_outcome_in_under_100_characters_of_ascii(
    outcome: Outcome, action: str
) -> None:
    line = told(outcome, LONGEST_NAME, action=action).subject
    assert line == f"[ms-failover {LONGEST_NAME}] {action} {outcome}"
    assert len(line) < 100
    assert line.isascii()
    assert line.isprintable()


def test_no_subject_is_ever_too_long_for_sns() -> None:
    assert SUBJECT_AT_MOST < 100
    assert len(subject("p" * 500, "switchover", "rolled-back")) == SUBJECT_AT_MOST


def test_a_rolled_back_switchover_tells_of_the_server_that_did_not_come_up() -> None:
    body = told(Outcome.ROLLED_BACK, target=Role.MS1, epoch=3, action="switchover").body
    assert "Active server: ms1 (epoch 3)." in body
    assert "Safe: ms1 is active again" in body
    assert "why ms2 did not come up" in body


def test_a_refusal_says_why_and_that_nothing_was_touched() -> None:
    message = tell_refusal("tectia", state(), "Refused: somebody else holds the lease.", OURS)
    assert message.subject == "[ms-failover tectia] request refused"
    assert message.body.splitlines() == [
        "Refused: somebody else holds the lease.",
        "Active server: ms1 (epoch 1).",
        f"{NOTHING_TOUCHED}.",
        "Next: read the reason above; `failoverctl status` shows who holds what.",
        f"Execution: {OURS}",
    ]


def test_a_pair_that_nobody_took_into_care_has_no_active_server_to_name() -> None:
    assert "Active server: none yet." in tell_refusal("tectia", PairState(), "Refused.", OURS).body
    adopting = PairState(lease=lease(action="adopt", epoch=1))
    assert (
        "Active server: none yet." in tell("tectia", *conclude(adopting, OURS, Outcome.REFUSED, "Both run.", NOW)).body
    )
