"""What the signals mean: the table in the module's docstring, row by row, and the streak that silence needs."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.decisions.detection import (
    AT_ONCE,
    NEVER,
    Diagnosis,
    Evidence,
    Finding,
    Observation,
    Streak,
    confirmed,
    diagnose,
    is_down,
    worth_asking,
)
from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

MUTE = (Signal.SILENT, Signal.UNREACHABLE)
NO_ANSWER = Observation(Signal.SILENT, Signal.SILENT, "no answer within 2 s")
STANDBY = Observation(Signal.REFUSED, Signal.REFUSED, "the connection is refused")
OFF = no("the instance of ms1 is stopped.")
ON = yes("the instance of ms1 is running.")
NO_SESSION = no("ms1 has no session.")
SESSION = yes("ms1 has 1 session.")
UNASKED = unknown("It could not be asked.")


def found(
    observation: Observation,
    other: Observation = STANDBY,
    sessions: Verdict | None = None,
    power: Verdict | None = None,
) -> Finding:
    return diagnose(Role.MS1, observation, other, sessions, power).finding


def seen(admin: Signal, port: Signal) -> Observation:
    return Observation(admin, port, "as seen")


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", list(Signal))
@pytest.mark.parametrize("power", [None, OFF, UNASKED])
def test_healthy_is_whatever_server_answers_on_its_administration_interface(
    port: Signal, power: Verdict | None
) -> None:
    assert found(seen(Signal.ANSWERS, port), NO_ANSWER, NO_SESSION, power) is Finding.HEALTHY


@pytest.mark.parametrize("admin", [each for each in Signal if each is not Signal.ANSWERS])
def test_machine_off_is_what_ec2_says_is_stopped(admin: Signal) -> None:
    assert found(seen(admin, Signal.SILENT), power=OFF) is Finding.MACHINE_OFF
    assert found(seen(admin, Signal.SILENT), NO_ANSWER, power=OFF) is Finding.MACHINE_OFF


@pytest.mark.parametrize("power", [ON, UNASKED, None])
def test_a_machine_not_known_to_be_off_is_not_off(power: Verdict | None) -> None:
    assert found(NO_ANSWER, power=power) is Finding.SILENT


def test_gone_is_two_refusals_and_no_session() -> None:
    assert found(seen(Signal.REFUSED, Signal.REFUSED), sessions=NO_SESSION) is Finding.GONE


@pytest.mark.parametrize("sessions", [None, SESSION, UNASKED])
def test_two_refusals_without_that_knowledge_are_a_listener_gone(sessions: Verdict | None) -> None:
    assert found(seen(Signal.REFUSED, Signal.REFUSED), sessions=sessions) is Finding.LISTENER_GONE


@pytest.mark.parametrize("port", [each for each in Signal if each is not Signal.REFUSED])
def test_one_refusal_is_a_listener_gone_whatever_the_sessions(port: Signal) -> None:
    assert found(seen(Signal.REFUSED, port), sessions=NO_SESSION) is Finding.LISTENER_GONE


@pytest.mark.parametrize("admin", [*MUTE, Signal.BROKEN])
@pytest.mark.parametrize("port", [Signal.ANSWERS, Signal.REFUSED, Signal.BROKEN])
def test_half_dead_is_an_interface_without_an_answer_on_a_host_that_is_there(admin: Signal, port: Signal) -> None:
    assert found(seen(admin, port), NO_ANSWER) is Finding.HALF_DEAD


def test_half_dead_is_a_broken_interface_even_where_the_other_port_is_silent() -> None:
    assert found(seen(Signal.BROKEN, Signal.SILENT)) is Finding.HALF_DEAD


@pytest.mark.parametrize(("admin", "port"), list(product(MUTE, MUTE)))
def test_silent_is_no_packet_at_all_while_the_other_host_answers(admin: Signal, port: Signal) -> None:
    assert found(seen(admin, port)) is Finding.SILENT


@pytest.mark.parametrize(("admin", "port"), list(product(MUTE, MUTE)))
def test_cut_off_is_no_packet_from_either_host(admin: Signal, port: Signal) -> None:
    assert found(seen(admin, port), seen(port, admin)) is Finding.CUT_OFF


@pytest.mark.parametrize("admin", [Signal.WRONG_CERTIFICATE, Signal.WRONG_STATUS])
@pytest.mark.parametrize("port", list(Signal))
def test_misconfigured_is_an_answer_that_is_not_accepted(admin: Signal, port: Signal) -> None:
    assert found(seen(admin, port), NO_ANSWER, NO_SESSION) is Finding.MISCONFIGURED


@pytest.mark.parametrize("other", [seen(Signal.SILENT, Signal.REFUSED), seen(Signal.WRONG_STATUS, Signal.SILENT)])
def test_even_a_refusal_shows_that_a_host_is_there(other: Observation) -> None:
    assert other.host_is_there
    assert found(NO_ANSWER, other) is Finding.SILENT


SENTENCES = [
    (seen(Signal.ANSWERS, Signal.SILENT), None, None, "ms1 is healthy: as seen."),
    (NO_ANSWER, None, OFF, "ms1 is off: the instance of ms1 is stopped."),
    (STANDBY, NO_SESSION, None, "ms1 is gone: both its ports refuse and the database has no session of it."),
    (STANDBY, None, None, "The listener of ms1 is gone: the connection is refused."),
    (seen(Signal.BROKEN, Signal.SILENT), None, None, "ms1 is half dead: as seen, but its host is there."),
    (NO_ANSWER, None, None, "ms1 is silent while the host of ms2 answers: no answer within 2 s."),
    (
        seen(Signal.WRONG_STATUS, Signal.ANSWERS),
        None,
        None,
        "ms1 answers, but not as configured: as seen. A person must look.",
    ),
]


@pytest.mark.parametrize(("observation", "sessions", "power", "sentence"), SENTENCES)
def test_every_finding_says_in_a_sentence_what_was_seen(
    observation: Observation, sessions: Verdict | None, power: Verdict | None, sentence: str
) -> None:
    assert diagnose(Role.MS1, observation, STANDBY, sessions, power).sentence == sentence


def test_being_cut_off_is_told_as_our_own_possible_fault() -> None:
    diagnosis = diagnose(Role.MS1, NO_ANSWER, NO_ANSWER)
    assert diagnosis.sentence == "Neither server's host answers: it may be the watchdog that is cut off."


def test_every_combination_of_signals_has_a_finding() -> None:
    verdicts = (None, *(word("A sentence.") for word in (yes, no, unknown)))
    combinations = product(Signal, Signal, Signal, Signal, verdicts, verdicts)
    names = {
        found(Observation(a, b), Observation(c, d), sessions, power) for a, b, c, d, sessions, power in combinations
    }
    assert names == set(Finding)


# ---- acting on it ----------------------------------------------------------------------------------------------------

PAST_THE_THRESHOLD = [each for each in Finding if each not in AT_ONCE + NEVER]


def down(finding: Finding, failures: int) -> Verdict:
    return is_down(Diagnosis(finding, "As found."), Streak(Role.MS1, failures), 3)


def test_the_three_ways_to_act_are_those_of_the_table() -> None:
    assert set(AT_ONCE) == {Finding.MACHINE_OFF, Finding.GONE}
    assert set(NEVER) == {Finding.HEALTHY, Finding.CUT_OFF, Finding.MISCONFIGURED}
    assert set(PAST_THE_THRESHOLD) == {Finding.LISTENER_GONE, Finding.HALF_DEAD, Finding.SILENT}


@pytest.mark.parametrize("finding", AT_ONCE)
def test_certain_death_needs_no_second_probe(finding: Finding) -> None:
    assert down(finding, 1) == yes("As found.")


@pytest.mark.parametrize("finding", PAST_THE_THRESHOLD)
def test_everything_else_needs_as_many_failures_in_a_row_as_the_threshold(finding: Finding) -> None:
    assert down(finding, 1) == no("Not yet: As found. (1 of 3 probes in a row)")
    assert down(finding, 2) == no("Not yet: As found. (2 of 3 probes in a row)")
    assert down(finding, 3) == yes("As found. (3 of 3 probes in a row)")
    assert down(finding, 60) == yes("As found. (60 probes in a row, 3 are enough)")


@pytest.mark.parametrize("failures", [0, 3, 1000])
def test_neither_health_nor_a_wrong_setting_is_ever_acted_on(failures: int) -> None:
    assert down(Finding.HEALTHY, failures) == no("As found.")
    assert down(Finding.MISCONFIGURED, failures) == no("As found.")


@pytest.mark.parametrize("failures", [0, 3, 1000])
def test_being_cut_off_is_unknown_however_long_it_lasts(failures: int) -> None:
    assert down(Finding.CUT_OFF, failures) == unknown("As found.")


# ---- what else is asked, and what confirms ---------------------------------------------------------------------------


@pytest.mark.parametrize(("admin", "port"), list(product(Signal, Signal)))
def test_a_dearer_question_is_asked_only_where_it_could_change_the_finding(admin: Signal, port: Signal) -> None:
    observation, other = seen(admin, port), STANDBY
    changes = {
        Evidence.SESSIONS: found(observation, other, sessions=NO_SESSION) is Finding.GONE,
        Evidence.POWER: found(observation, other, power=OFF) is Finding.MACHINE_OFF and not observation.host_is_there,
    }
    assert worth_asking(observation, other, reaches=False) == next((asked for asked, so in changes.items() if so), None)


def test_a_silence_that_reaches_the_threshold_is_acted_on_without_another_question() -> None:
    assert worth_asking(NO_ANSWER, STANDBY, reaches=False) is Evidence.POWER
    assert worth_asking(NO_ANSWER, STANDBY, reaches=True) is None


def test_where_neither_host_answers_only_the_machine_s_power_can_tell() -> None:
    assert worth_asking(NO_ANSWER, NO_ANSWER, reaches=True) is Evidence.POWER


def test_both_refusals_call_for_the_sessions_at_any_probe() -> None:
    assert worth_asking(seen(Signal.REFUSED, Signal.REFUSED), STANDBY, reaches=True) is Evidence.SESSIONS


def test_a_streak_of_another_active_server_is_not_one_short_of_the_threshold() -> None:
    streak = Streak(Role.MS1, 2)
    assert streak.reaches(Role.MS1, 3)
    assert not streak.reaches(Role.MS2, 3)
    assert not Streak(Role.MS1, 3).reaches(Role.MS1, 3)


def test_probes_that_all_find_it_down_confirm_it_with_the_latest_sentence() -> None:
    latest, earlier = Diagnosis(Finding.SILENT, "The latest."), Diagnosis(Finding.HALF_DEAD, "Before.")
    assert confirmed([latest, earlier]) == yes("The latest.")


@pytest.mark.parametrize("finding", [Finding.HEALTHY, Finding.MISCONFIGURED])
def test_one_probe_that_finds_it_there_is_enough_to_stand_down(finding: Finding) -> None:
    down_, there = Diagnosis(Finding.SILENT, "Down."), Diagnosis(finding, "There.")
    assert confirmed([down_, there]) == confirmed([there, down_]) == no("There.")


def test_a_probe_that_finds_the_watchdog_cut_off_confirms_nothing() -> None:
    down_, cut = Diagnosis(Finding.SILENT, "Down."), Diagnosis(Finding.CUT_OFF, "Cut off.")
    assert confirmed([down_, cut]) == unknown("Cut off.")
    assert confirmed([cut, Diagnosis(Finding.HEALTHY, "There.")]) == no("There.")


# ---- the streak ------------------------------------------------------------------------------------------------------


def streak(*findings: Finding, active: Role = Role.MS1) -> int:
    so_far = Streak()
    for each in findings:
        so_far = so_far.after(active, each)
    return so_far.failures


@pytest.mark.parametrize("finding", [*PAST_THE_THRESHOLD, *AT_ONCE])
def test_every_failure_adds_to_the_streak(finding: Finding) -> None:
    assert streak(finding, finding) == 2


def test_a_streak_knows_when_it_began() -> None:
    first = Streak().after(Role.MS1, Finding.CUT_OFF, 1.0).after(Role.MS1, Finding.SILENT, 2.0)
    later = first.after(Role.MS1, Finding.CUT_OFF, 3.0).after(Role.MS1, Finding.HALF_DEAD, 4.0)
    assert (first.since, later.since, later.failures) == (2.0, 2.0, 2)
    assert later.after(Role.MS2, Finding.SILENT, 5.0).since == 5.0
    assert later.after(Role.MS1, Finding.HEALTHY, 6.0).since == 0.0


def test_different_failures_make_one_streak() -> None:
    assert streak(Finding.SILENT, Finding.HALF_DEAD, Finding.LISTENER_GONE) == 3


@pytest.mark.parametrize("finding", [Finding.HEALTHY, Finding.MISCONFIGURED])
def test_an_answer_ends_the_streak(finding: Finding) -> None:
    assert streak(Finding.SILENT, Finding.SILENT, finding) == 0
    assert streak(Finding.SILENT, Finding.SILENT, finding, Finding.SILENT) == 1


def test_being_cut_off_neither_adds_to_the_streak_nor_clears_it() -> None:
    assert streak(Finding.CUT_OFF, Finding.CUT_OFF, Finding.CUT_OFF) == 0
    assert streak(Finding.SILENT, Finding.CUT_OFF, Finding.SILENT) == 2


@pytest.mark.parametrize("finding", [Finding.SILENT, Finding.CUT_OFF, Finding.HEALTHY])
def test_another_active_server_begins_a_streak_of_its_own(finding: Finding) -> None:
    before = Streak(Role.MS1, 5)
    assert before.after(Role.MS2, finding) == Streak(Role.MS2, 1 if finding is Finding.SILENT else 0)


@given(st.lists(st.sampled_from(list(Finding)), max_size=40))
def test_it_takes_the_threshold_in_failures_since_the_last_answer_to_act_on_a_doubtful_one(
    findings: list[Finding],
) -> None:
    now = Streak()
    for position, finding in enumerate(findings):
        now = now.after(Role.MS1, finding)
        since = [each for each in findings[: position + 1] if each is not Finding.CUT_OFF]
        while any(each in NEVER for each in since):
            since.pop(0)
        acted = is_down(Diagnosis(finding, "As found."), now, 3)
        allowed = finding in AT_ONCE or (finding in PAST_THE_THRESHOLD and len(since) >= 3)
        assert acted.is_yes == allowed
        assert (acted.answer is Answer.UNKNOWN) == (finding is Finding.CUT_OFF)
