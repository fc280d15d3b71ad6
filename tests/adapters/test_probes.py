"""Two probes: whose answer counts, what is said of it, and that nothing is made up where neither sees anything."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.adapters.clients import Throttled
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.adapters.probes import Probes
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.functions.answers import Answers, Raises
from tests.functions.wire import Failure
from tests.samples import state

FIRST, SECOND = "ms-failover-probe", "ms-failover-second-probe"
QUESTION = {"action": "confirm_outage", "server": "ms1"}
DOWN, NOTHING = yes("ms1 is silent.", cut_off=False), unknown("Neither answers.", cut_off=True)
UP = no("ms1 answers.", cut_off=False)
FAILS = Raises("Sandbox.Timedout", "Task timed out after 30.00 seconds")


def probes(believed: bool = True, second: str = SECOND) -> Probes:
    return Probes(FIRST, second, lambda: state(second_probe_epoch=1 if believed else 0))


def put(answers: Answers, first: Verdict | Exception, second: Verdict | Exception) -> None:
    answers.prepare("probe", "confirm_outage", first)
    answers.prepare("second-probe", "confirm_outage", second)


@pytest.mark.parametrize(
    ("first", "second", "believed", "answer", "asked"),
    [
        (DOWN, UP, True, Answer.YES, ["probe"]),
        (UP, DOWN, True, Answer.NO, ["probe"]),
        (NOTHING, DOWN, True, Answer.YES, ["probe", "second-probe"]),
        (NOTHING, UP, True, Answer.NO, ["probe", "second-probe"]),
        (NOTHING, NOTHING, True, Answer.UNKNOWN, ["probe", "second-probe"]),
        (NOTHING, FAILS, True, Answer.UNKNOWN, ["probe", "second-probe"]),
        (NOTHING, DOWN, False, Answer.UNKNOWN, ["probe"]),
        (FAILS, DOWN, True, Answer.YES, ["probe", "second-probe"]),
        (FAILS, UP, True, Answer.NO, ["probe", "second-probe"]),
        (FAILS, NOTHING, True, Answer.UNKNOWN, ["probe", "second-probe"]),
        (FAILS, FAILS, True, Answer.UNKNOWN, ["probe", "second-probe"]),
        (FAILS, DOWN, False, Answer.UNKNOWN, ["probe"]),
    ],
)  # fmt: skip
def test_the_second_probe_answers_where_the_first_has_no_answer_and_only_if_it_is_believed(
    answers: Answers, first: Any, second: Any, believed: bool, answer: Answer, asked: list[str]
) -> None:
    put(answers, first, second)
    assert probes(believed).ask_verdict(QUESTION).answer is answer
    assert [name for name, _ in answers.asked] == asked


def test_a_silence_of_one_server_alone_is_not_asked_again(answers: Answers) -> None:
    silent = unknown("Nothing of ms2 comes back.", silent=True, cut_off=False)
    put(answers, silent, yes("ms2 can be reached."))
    assert probes().ask_verdict(QUESTION) == silent


@pytest.mark.parametrize(
    ("first", "second", "believed", "words"),
    [
        (NOTHING, DOWN, True, ["ms1 is silent.", "The first probe sees neither server.", "what the second one sees"]),
        (FAILS, DOWN, True, ["ms1 is silent.", "Task timed out", "what the second one sees"]),
        (NOTHING, NOTHING, True, ["The first probe sees neither server.", "The second one sees neither server"]),
        (NOTHING, FAILS, True, ["The first probe sees neither server.", "Task timed out"]),
        (NOTHING, DOWN, False, ["Neither answers.", "not been seen to reach both servers in epoch 1"]),
        (FAILS, FAILS, True, ["confirm_outage of ms1 could not be asked", "Task timed out"]),
    ],
)
def test_the_sentence_says_whose_answer_it_is_and_why(
    answers: Answers, first: Any, second: Any, believed: bool, words: list[str]
) -> None:
    put(answers, first, second)
    sentence = probes(believed).ask_verdict(QUESTION).sentence
    assert [each for each in words if each not in sentence] == []


def test_without_a_second_probe_the_record_is_not_read_and_the_answer_is_as_it_came(answers: Answers) -> None:
    answers.prepare("probe", "confirm_outage", NOTHING)
    alone = Probes(FIRST, "", lambda: pytest.fail("nothing is decided by the record"))
    assert alone.ask_verdict(QUESTION) == NOTHING
    answers.prepare("probe", "confirm_outage", FAILS)
    assert alone.ask_verdict(QUESTION).answer is Answer.UNKNOWN


def test_after_the_second_probe_answered_it_is_asked_first_and_the_first_again_where_it_does_not(
    answers: Answers,
) -> None:
    put(answers, UP, DOWN)
    assert probes().ask(QUESTION, second_first=True)["second"] is True
    assert answers.actions("probe") == []
    put(answers, UP, NOTHING)
    assert probes().ask(QUESTION, second_first=True) == UP.to_json()
    assert probes(believed=False).ask(QUESTION, second_first=True) == UP.to_json()


def test_a_throttle_keeps_its_name_for_the_workflow_which_then_repeats_the_step(answers: Answers) -> None:
    put(answers, Failure("TooManyRequestsException"), Failure("TooManyRequestsException"))
    for each in (probes(), probes(second="")):
        with pytest.raises(Throttled):
            each.ask_or_be_throttled(QUESTION)
    put(answers, FAILS, FAILS)
    for each in (probes(), probes(second="")):
        with pytest.raises(FunctionFailed, match="Task timed out"):
            each.ask_or_be_throttled(QUESTION)


def test_each_probe_can_be_asked_by_itself(answers: Answers) -> None:
    put(answers, FAILS, UP)
    first, second = probes().ask_each(QUESTION)
    assert "Task timed out" in first["error"]
    assert second == UP.to_json()
