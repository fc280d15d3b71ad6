"""A question that demands a yes fails on every other answer, under the name that it gives."""

from __future__ import annotations

import pytest
from msfailover.demands import ERRORS, demand_yes
from msfailover.request import BadRequest
from msfailover.verdict import Verdict, no, unknown, yes


@pytest.mark.parametrize("answer", [no("It is off."), unknown("It is off.")], ids=lambda it: str(it.answer))
@pytest.mark.parametrize("name", ERRORS)
def test_any_answer_but_yes_is_the_error_that_the_question_names(name: str, answer: Verdict) -> None:
    with pytest.raises(ERRORS[name], match=r"^It is off\.$") as raised:
        demand_yes({"action": "any", "unless_yes": name}, answer.to_json())
    assert type(raised.value).__name__ == name, "Step Functions compares names, and knows no kinds of kinds"


@pytest.mark.parametrize("name", ERRORS)
def test_a_yes_is_an_answer(name: str) -> None:
    assert demand_yes({"unless_yes": name}, yes("It is on.").to_json())["answer"] == "yes"


@pytest.mark.parametrize("answer", [no("It is off.").to_json(), {"outcome": "halted"}])
def test_who_demands_nothing_gets_the_answer(answer: dict[str, object]) -> None:
    assert demand_yes({"action": "any"}, answer) == answer


@pytest.mark.parametrize("name", ["SomethingElse", "", 1, ["NotServingYet"]])
def test_a_name_that_no_error_has_is_refused_whatever_the_answer(name: object) -> None:
    with pytest.raises(BadRequest, match="unless_yes is"):
        demand_yes({"unless_yes": name}, yes("It is on.").to_json())
