"""Which of two servers is active, when nobody kept a record yet: it refuses to guess."""

from __future__ import annotations

import pytest
from msfailover.decisions.adoption import Survey, who_is_active
from msfailover.pair import Role
from msfailover.verdict import Answer, no, unknown, yes

RUNS = Survey(yes("It runs."), yes("It has 3 sessions."))
STARTING = Survey(yes("It runs."), no("It has no session."))
STOPPED = Survey(no("It is stopped."), no("It has no session."))
ZOMBIE = Survey(no("It is stopped."), yes("It has 1 session."))
UNREACHABLE = Survey(unknown("Its host does not answer."), no("It has no session."))
UNREACHABLE_WITH_SESSIONS = Survey(unknown("Its host does not answer."), yes("It has 1 session."))
HIDDEN = Survey(no("It is stopped."), unknown("1 session is of unknown origin."))


@pytest.mark.parametrize("running", [RUNS, STARTING])
@pytest.mark.parametrize("wanted", [None, "the one that runs"])
def test_the_one_that_runs_is_active_when_the_other_is_stopped(running: Survey, wanted: str | None) -> None:
    for role in Role:
        surveys = (running, STOPPED) if role is Role.MS1 else (STOPPED, running)
        verdict, active = who_is_active(*surveys, role if wanted else None)
        assert active is role
        assert verdict == yes(f"{role} runs and {role.other} is stopped.")


@pytest.mark.parametrize("wanted", [None, Role.MS1, Role.MS2])
def test_two_that_run_are_refused_whoever_is_named(wanted: Role | None) -> None:
    verdict, active = who_is_active(RUNS, STARTING, wanted)
    assert active is None
    assert verdict == no("Both servers run. Stop the one that is not to be active, then adopt again.")


def test_neither_running_is_refused_until_one_is_named() -> None:
    verdict, active = who_is_active(STOPPED, STOPPED, None)
    assert active is None
    assert verdict == no("Neither server runs. Name the one that is to be active as target, then adopt again.")


@pytest.mark.parametrize("role", list(Role))
def test_neither_running_is_settled_by_a_name(role: Role) -> None:
    verdict, active = who_is_active(STOPPED, STOPPED, role)
    assert active is role
    assert verdict == yes(f"Neither server runs; {role} was named to be active.")


def test_a_name_does_not_move_the_service() -> None:
    verdict, active = who_is_active(RUNS, STOPPED, Role.MS2)
    assert active is None
    assert verdict == no("ms1 is the server that runs, not ms2; to move, adopt first and then switch over.")


@pytest.mark.parametrize(
    ("other", "answer", "why"),
    [
        (ZOMBIE, Answer.NO, "It has 1 session."),
        (UNREACHABLE_WITH_SESSIONS, Answer.NO, "It has 1 session."),
        (UNREACHABLE, Answer.UNKNOWN, "Its host does not answer."),
        (HIDDEN, Answer.UNKNOWN, "1 session is of unknown origin."),
    ],
)
@pytest.mark.parametrize("wanted", [None, Role.MS1])
def test_one_that_runs_beside_one_not_known_to_be_stopped_is_refused(
    other: Survey, answer: Answer, why: str, wanted: Role | None
) -> None:
    verdict, active = who_is_active(RUNS, other, wanted)
    assert active is None
    assert verdict.answer is answer
    assert verdict.sentence == f"ms1 runs, but ms2 is not known to be stopped: {why}"


@pytest.mark.parametrize("doubtful", [ZOMBIE, UNREACHABLE, HIDDEN, UNREACHABLE_WITH_SESSIONS])
@pytest.mark.parametrize("wanted", [None, Role.MS1, Role.MS2])
def test_none_that_runs_and_one_in_doubt_cannot_be_told_even_with_a_name(doubtful: Survey, wanted: Role | None) -> None:
    for surveys in ((doubtful, STOPPED), (STOPPED, doubtful), (doubtful, doubtful)):
        verdict, active = who_is_active(*surveys, wanted)
        assert active is None
        assert verdict.answer is Answer.UNKNOWN
        assert verdict.sentence.startswith("Who is active is not known: ")
