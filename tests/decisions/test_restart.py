"""May the active server be restarted in place? Its host answers, the other one is out, and it was not just tried."""

from __future__ import annotations

import pytest
from msfailover.decisions.restart import AGAIN_AFTER_S, may_restart
from msfailover.pair import Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

REVOKED, NONE = no("Access is revoked to ms2."), no("ms2 has no session.")
STOPPED = no("The service of ms1 is stopped.")


@pytest.mark.parametrize("host", [STOPPED, yes("The service of ms1 is running.")])
@pytest.mark.parametrize("ago", [None, AGAIN_AFTER_S])
def test_it_may_where_its_host_answers_and_the_other_one_is_out(host: Verdict, ago: float | None) -> None:
    found = may_restart(Role.MS1, host, REVOKED, NONE, ago)
    assert found == yes("ms1 may be restarted once: its host answers, and ms2 is out.")


def test_a_host_that_does_not_answer_is_asked_to_restart_nothing() -> None:
    found = may_restart(Role.MS1, unknown("It is silent."), REVOKED, NONE)
    assert found == unknown("ms1 is not restarted: its host does not answer. It is silent.")


@pytest.mark.parametrize(("word", "answer"), [(yes, Answer.NO), (unknown, Answer.UNKNOWN)])
def test_the_other_one_must_be_known_to_be_out(word: object, answer: Answer) -> None:
    doubt: Verdict = word("About ms2.")  # type: ignore[operator]
    for found in (may_restart(Role.MS1, STOPPED, doubt, NONE), may_restart(Role.MS1, STOPPED, REVOKED, doubt)):
        assert found.answer is answer
        assert found.sentence == "ms1 is not restarted: About ms2."


def test_a_restart_that_did_not_last_is_not_tried_again() -> None:
    found = may_restart(Role.MS1, STOPPED, REVOKED, NONE, 60.0)
    assert found == no("ms1 is not restarted again: that was tried 60 s ago, and did not last.")
