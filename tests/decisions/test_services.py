"""Whose service runs, and can the active one use the database? Silence wakes nobody, and a stop is repeated."""

from __future__ import annotations

import pytest
from msfailover.decisions import services
from msfailover.decisions.audit import Act, Finding, Kind
from msfailover.pair import PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import lease, receipt, state

HALTED = state(lease=lease(), receipt=receipt(), halted="ms2 did not start.")
THERE, NONE, UNSEEN = yes("It has 2 sessions."), no("It has no session."), unknown("The database does not answer.")
REACHED, CUT_OFF = yes("It is reachable."), no("It is unreachable.")


def signals(admin: str, port: str) -> dict[str, str]:
    return {"admin": admin, "port": port, "sentence": "so it was"}


UP, HUNG, DOWN, SILENT = (
    signals("answers", "answers"), signals("silent", "answers"),
    signals("refused", "refused"), signals("silent", "silent"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (UP, Answer.YES),
        (HUNG, Answer.YES),
        (signals("wrong status", "refused"), Answer.YES),
        (signals("wrong certificate", "silent"), Answer.YES),
        (DOWN, Answer.NO),
        (signals("refused", "silent"), Answer.UNKNOWN),
        (SILENT, Answer.UNKNOWN),
        (signals("unreachable", "unreachable"), Answer.UNKNOWN),
        ({}, Answer.UNKNOWN),
    ],
)
def test_a_service_runs_where_anything_answers_and_does_not_where_all_refuse(
    found: dict[str, str], answer: Answer
) -> None:
    assert services.seen(Role.MS2, found).answer is answer


def judged(
    record: PairState, ms1: dict[str, str], ms2: dict[str, str], sessions: Verdict = THERE, path: Verdict = REACHED
) -> dict[Finding, Answer]:
    runs = {Role.MS1: services.seen(Role.MS1, ms1), Role.MS2: services.seen(Role.MS2, ms2)}
    return {each.finding: each.verdict.answer for each in services.judge(record, runs, sessions, path)}


def test_a_second_service_is_found_at_rest_and_while_a_change_is_halted() -> None:
    assert judged(state(), UP, HUNG)[Finding.TWO_SERVICES] is Answer.YES
    assert judged(state(), UP, DOWN)[Finding.TWO_SERVICES] is Answer.NO
    assert judged(state(), UP, SILENT)[Finding.TWO_SERVICES] is Answer.UNKNOWN
    assert judged(HALTED, UP, DOWN)[Finding.TWO_SERVICES] is Answer.YES


@pytest.mark.parametrize("record", [PairState(), state(lease=lease()), state(lease=lease(), receipt=receipt())])
def test_no_service_is_judged_while_a_change_runs_or_before_there_is_a_pair(record: PairState) -> None:
    assert judged(record, UP, UP) == {}
    assert services.acts(record, (), confirmed=False) == ()


@pytest.mark.parametrize(
    ("sessions", "path", "answer"),
    [
        (THERE, REACHED, Answer.NO),
        (NONE, REACHED, Answer.YES),
        (THERE, CUT_OFF, Answer.YES),
        (NONE, UNSEEN, Answer.YES),
        (UNSEEN, CUT_OFF, Answer.YES),
        (THERE, UNSEEN, Answer.UNKNOWN),
        (UNSEEN, REACHED, Answer.UNKNOWN),
    ],
)
def test_an_active_server_that_answers_but_can_not_use_the_database_is_found(
    sessions: Verdict, path: Verdict, answer: Answer
) -> None:
    assert judged(state(), UP, DOWN, sessions, path)[Finding.ACTIVE_WITHOUT_DATABASE] is answer


@pytest.mark.parametrize("ms1", [DOWN, HUNG, SILENT])
def test_an_active_server_that_does_not_answer_is_the_watchdogs(ms1: dict[str, str]) -> None:
    assert judged(state(), ms1, DOWN, NONE, CUT_OFF)[Finding.ACTIVE_WITHOUT_DATABASE] is Answer.NO


@pytest.mark.parametrize(("ms2", "confirmed", "stopped"), [
    (UP, False, True), (UP, True, True), (DOWN, False, True), (SILENT, False, True), (DOWN, True, False),
    (SILENT, True, False),
])  # fmt: skip
def test_a_stop_is_repeated_until_the_host_confirms_and_whenever_the_service_is_seen(
    ms2: dict[str, str], confirmed: bool, stopped: bool
) -> None:
    runs = {Role.MS1: services.seen(Role.MS1, UP), Role.MS2: services.seen(Role.MS2, ms2)}
    found = services.judge(state(), runs, THERE, REACHED)
    assert services.acts(state(), found, confirmed) == ((Act(Kind.STOP_AGAIN, Role.MS2),) if stopped else ())
