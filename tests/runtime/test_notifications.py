"""What notification: what happened, what state the pair is in, what is safe, what to do next, with which command."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msfailover.decisions.transitions import conclude
from msfailover.game_day import GameDay, Phase, Result
from msfailover.history import Outcome
from msfailover.pair import PairState, Role
from msfailover.runtime.notifications import SUBJECT_AT_MOST, Message, of_end, of_game_day, of_held, of_refusal, subject

from failoverctl.parser import make_parser
from tests.samples import NOW, OURS, lease, receipt, state

LONGEST_NAME = "p" * 41


def told(
    outcome: Outcome,
    pair: str = "tectia",
    *,
    proven: bool | None = None,
    instead: Role | None = None,
    **about: Any,
) -> Message:
    if proven is None:
        proven = outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK)
    held = lease(**about)
    before = state(lease=held, receipt=receipt(epoch=held.epoch, server=held.target.other) if proven else None)
    after, line = conclude(before, OURS, outcome, "So it ended.", NOW)
    return of_end(pair, after, line, "demo", instead)


def parts(message: Message) -> dict[str, str]:
    """The lines that begin with a word and a colon, by that word."""
    found = (line.partition(": ") for line in message.body.splitlines())
    return {word: rest for word, _, rest in found}


def all_messages() -> dict[str, Message]:
    """Every kind of message that there is."""
    found = {str(outcome): told(outcome) for outcome in Outcome}
    found |= {f"promoted by {action}": told(Outcome.PROMOTED, action=action, requested_by="Ada") for action in (
        "failover", "switchover", "force", "adopt", "resume"
    )}  # fmt: skip
    found["halted, proven"] = told(Outcome.HALTED, proven=True)
    found["halted, its target lost"] = told(Outcome.HALTED, instead=Role.MS1)
    found["refused request"] = of_refusal("tectia", state(), "Refused: no.", OURS, "demo")
    found["held"] = of_held("tectia", state(mode="manual"), "Refused: manual mode.", "demo")
    return found


MESSAGES = all_messages()


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_state_safety_next_step_command_and_section(name: str) -> None:
    body = MESSAGES[name].body
    found = parts(MESSAGES[name])
    assert {"State", "Safe", "Next", "Command"} <= set(found)
    assert re.search(r"^See docs/operate\.md, [a-z-]+\.$", body, re.MULTILINE)
    assert "{" not in body
    assert all(line.strip() for line in body.splitlines())


@pytest.mark.parametrize("name", MESSAGES)
def test_every_command_is_one_that_failoverctl_knows_and_names_the_stack(name: str) -> None:
    command = parts(MESSAGES[name])["Command"]
    program, *line = re.findall(r'"[^"]*"|\S+', command)
    assert program == "failoverctl"
    assert make_parser().parse_args(line).stack == "demo"


def test_without_a_stack_s_name_the_command_names_none() -> None:
    assert parts(of_refusal("tectia", state(), "Refused.", OURS))["Command"] == "failoverctl status"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_says_what_happened_who_asked_and_what_to_read(outcome: Outcome) -> None:
    lines = told(outcome).body.splitlines()
    assert lines[0] == f"failover of pair tectia: {outcome}. So it ended."
    assert lines[1] == "Asked for by watch: ms1 is silent"
    assert lines[-1] == f"Execution: {OURS}"


STATE = {
    Outcome.PROMOTED: "ms2 is active, epoch 2; the next automatic failover waits for an acknowledgement.",
    Outcome.STOOD_DOWN: "ms1 is active, epoch 1.",
    Outcome.REFUSED: "ms1 is active, epoch 1.",
    Outcome.BLOCKED: "ms1 is active, epoch 1.",
    Outcome.ROLLED_BACK: "ms2 is active, epoch 2.",
    Outcome.HALTED: "ms1 is active, epoch 1; failover to ms2 holds the lease, so nothing else can start.",
}
SAFE = {
    Outcome.PROMOTED: "Only ms2 can use the database; ms1 has no access.",
    Outcome.STOOD_DOWN: "ms1 stays active; it was not fenced, nothing was stopped.",
    Outcome.REFUSED: "nothing was touched.",
    Outcome.BLOCKED: "nothing was touched; ms1 stays as it was, and if it is down, so is the service.",
    Outcome.ROLLED_BACK: "ms2 is active again; only it can use the database.",
    Outcome.HALTED: "no server is granted access before the other one's fence is proven, and that of ms1 is not proven."
    " The service may be down.",
}
COMMAND = {
    Outcome.PROMOTED: "failoverctl acknowledge --stack demo",
    Outcome.STOOD_DOWN: "failoverctl status --stack demo",
    Outcome.REFUSED: "failoverctl status --stack demo",
    Outcome.BLOCKED: "failoverctl readiness --stack demo",
    Outcome.ROLLED_BACK: "failoverctl explain --stack demo",
    Outcome.HALTED: 'failoverctl resume --reason "…" --stack demo',
}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_says_what_state_the_pair_is_in_what_is_safe_and_the_command(outcome: Outcome) -> None:
    found = parts(told(outcome))
    assert found["State"] == STATE[outcome]
    assert found["Safe"] == SAFE[outcome]
    assert found["Command"] == COMMAND[outcome]


def test_a_halted_change_whose_fence_is_proven_says_that_the_old_server_is_out() -> None:
    found = parts(told(Outcome.HALTED, proven=True))
    assert found["Safe"].startswith("ms1 is fenced (by database); only ms2 can be granted access.")


def test_a_person_s_own_failover_waits_for_no_acknowledgement() -> None:
    message = told(Outcome.PROMOTED, requested_by="Ada")
    assert "acknowledge" not in message.body
    assert "find out what happened to ms1" in message.body


@pytest.mark.parametrize("action", ["switchover", "adopt"])
def test_after_what_was_planned_nobody_is_asked_to_find_out_what_happened(action: str) -> None:
    assert "find out what happened" not in told(Outcome.PROMOTED, action=action, requested_by="Ada").body


def test_a_mode_in_which_nothing_happens_by_itself_is_said_in_every_message() -> None:
    body = of_refusal("tectia", state(mode="shadow"), "Refused.", OURS).body
    assert "shadow mode, nothing fails over by itself" in body


def test_a_failover_that_is_held_says_who_is_down_and_how_to_go_ahead() -> None:
    message = of_held("tectia", state(mode="manual"), "Refused: in manual mode a person decides.", "demo")
    assert message.subject == "[ms-failover tectia] failover held"
    lines = message.body.splitlines()
    assert lines[0].startswith("The active server ms1 of pair tectia is down, and automatic failover is held.")
    found = parts(message)
    assert "If it is really down, fail over" in found["Next"]
    assert found["Command"] == 'failoverctl failover --reason "…" --stack demo'


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
    assert "State: ms1 is active, epoch 3." in body
    assert "Safe: ms1 is active again" in body
    assert "why ms2 did not come up" in body


def test_a_refusal_says_why_and_that_nothing_was_touched() -> None:
    message = of_refusal("tectia", state(), "Refused: somebody else holds the lease.", OURS, "demo")
    assert message.subject == "[ms-failover tectia] request refused"
    assert message.body.splitlines() == [
        "Pair tectia: Refused: somebody else holds the lease.",
        "State: ms1 is active, epoch 1.",
        "Safe: nothing was touched.",
        "Next: read the reason above, and see who holds what.",
        "Command: failoverctl status --stack demo",
        "See docs/operate.md, refused.",
        f"Execution: {OURS}",
    ]


def test_a_pair_that_nobody_took_into_care_has_no_active_server_to_name() -> None:
    assert "State: no server is active yet." in of_refusal("tectia", PairState(), "Refused.", OURS).body
    adopting = PairState(lease=lease(action="adopt", epoch=1))
    ended = conclude(adopting, OURS, Outcome.REFUSED, "Both run.", NOW)
    assert "State: no server is active yet." in of_end("tectia", *ended).body


@pytest.mark.parametrize("result", list(Result))
def test_every_end_of_a_game_day_says_what_is_safe_what_to_do_and_with_which_command(result: Result) -> None:
    day = GameDay(
        OURS, "", NOW, Role.MS1, 1, 120.0, Phase.ENDED, NOW, NOW, result=result, sentence="So it ended.", ended_at=NOW
    )
    message = of_game_day("tectia", state(active=Role.MS2, epoch=2), day, "demo")
    assert message.subject == f"[ms-failover tectia] game day {result}"
    happened, where, safe, then, command, see, execution = message.body.splitlines()
    assert happened == f"Game day of pair tectia: {result}. So it ended."
    assert where == "State: ms2 is active, epoch 2."
    assert (safe[:6], then[:6], command[:9]) == ("Safe: ", "Next: ", "Command: ")
    assert command.endswith(" --stack demo")
    assert (see, execution) == ("See docs/operate.md, game-day.", f"Execution: {OURS}")
    assert "{" not in message.body
