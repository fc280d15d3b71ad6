"""After a failed step of a switchover: no way is taken that leads nowhere, and silence alone proves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msfailover.decisions.fallback import Way, choose, instead, whether_lost
from msfailover.decisions.replication import complete_copy
from msfailover.freshness import Freshness
from msfailover.pair import Role
from msfailover.questions import Question
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import state

SILENT = unknown("Nothing of it comes back.", silent=True)
NOT_ASKED = unknown("alive of ms1 could not be asked.")
THERE = yes("It can be reached.")
ON, OFF = yes("its instance is running."), no("its instance is stopped.")
FIT, UNFIT = yes("ms1 is fit: its host answers."), no("ms1 is not fit: disk full.")
COPY, NO_COPY = yes("ms2 holds a complete copy."), no("The standby holds no complete copy of this epoch.")


def asks(ms1: Verdict, power: Verdict = ON, ms2: Verdict = THERE, fit: Verdict = FIT) -> Callable[[Question], Verdict]:
    def ask(question: Question) -> Verdict:
        if question.action == "check_reachable":
            return ms1 if question.server is Role.MS1 else ms2
        assert question.server is Role.MS1
        return {"power": power, "check_standby": fit}[question.action]

    return ask


@pytest.mark.parametrize(
    ("seen", "power", "other", "answer"),
    [
        (SILENT, OFF, THERE, Answer.YES),
        (SILENT, OFF, SILENT, Answer.YES),
        (NOT_ASKED, OFF, NOT_ASKED, Answer.YES),
        (SILENT, ON, THERE, Answer.YES),
        (SILENT, unknown("EC2 does not say."), THERE, Answer.YES),
        (SILENT, ON, SILENT, Answer.UNKNOWN),
        (SILENT, ON, NOT_ASKED, Answer.UNKNOWN),
        (NOT_ASKED, ON, THERE, Answer.UNKNOWN),
        (THERE, ON, THERE, Answer.NO),
        (THERE, OFF, THERE, Answer.NO),
    ],
)
def test_lost_is_who_is_off_or_silent_while_the_other_one_is_seen(
    seen: Verdict, power: Verdict, other: Verdict, answer: Answer
) -> None:
    assert whether_lost(Role.MS1, asks(seen, power, other)).answer is answer


def test_one_silent_probe_may_have_lost_its_packets() -> None:
    probes = iter([SILENT, THERE])
    ask = asks(SILENT)
    found = whether_lost(Role.MS1, lambda question: next(probes) if question.server is Role.MS1 else ask(question))
    assert found.is_no


@pytest.mark.parametrize(
    ("seen", "fit", "copy", "may_go_on", "way"),
    [
        (THERE, FIT, COPY, True, Way.TURN_BACK),
        (THERE, FIT, NO_COPY, False, Way.TURN_BACK),
        (NOT_ASKED, FIT, COPY, True, Way.TURN_BACK),
        (THERE, UNFIT, COPY, True, Way.HALT),
        (NOT_ASKED, unknown("Its host is silent."), COPY, True, Way.HALT),
        (SILENT, FIT, COPY, True, Way.GO_ON),
        (SILENT, FIT, NO_COPY, True, Way.HALT),
        (SILENT, FIT, COPY, False, Way.HALT),
    ],
)
def test_the_source_is_turned_back_to_where_it_is_fit_and_left_where_it_is_lost_and_its_copy_is_complete(
    seen: Verdict, fit: Verdict, copy: Verdict, may_go_on: bool, way: Way
) -> None:
    found, sentence = choose(Role.MS1, copy, may_go_on, asks(seen, fit=fit), tries=[0])
    assert found is way
    assert ("is missing" in sentence) == (way is Way.GO_ON), "what may be lost is said"


def test_a_lost_source_is_not_waited_for_again() -> None:
    def ask(question: Question) -> Verdict:
        assert question.action != "check_standby", "its host would be waited for"
        return asks(SILENT)(question)

    assert choose(Role.MS1, COPY, True, ask, tries=[0])[0] is Way.GO_ON


@pytest.mark.parametrize(("seen", "other"), [(SILENT, Role.MS2), (THERE, None), (NOT_ASKED, None)])
def test_a_halted_change_is_resumed_to_the_other_one_where_its_target_is_lost(
    seen: Verdict, other: Role | None
) -> None:
    assert instead(Role.MS1, asks(seen)) is other


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (Freshness(as_of=100.0, epoch=4), Answer.YES),
        (Freshness(as_of=100.0, epoch=3), Answer.NO),
        (Freshness(), Answer.NO),
    ],
)
def test_a_copy_is_complete_only_in_the_epoch_that_is(known: Freshness, answer: Answer) -> None:
    found = complete_copy(known, state(epoch=4), now=112.0)
    assert found.answer is answer
    assert ("as of 12 s ago" in found.sentence) == (answer is Answer.YES)
