"""What is a request, and what is refused: one sentence that names what is wrong and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.pair import Role
from msfailover.request import Action, BadRequest, Request, epoch_in, parse_request, role_in

GOOD = {"action": "failover", "reason": "ms1 is silent"}
ROLES = "one of ms1, ms2 is needed."
ACTIONS = "one of failover, switchover, force, resume, adopt is needed."
LINE = "is missing: a line of text is needed that people will understand later."


def refusal(data: object) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_request(data)
    return str(caught.value)


def test_a_request_needs_no_more_than_a_verb_and_a_reason() -> None:
    assert parse_request(GOOD) == Request(Action.FAILOVER, None, "ms1 is silent", "unnamed")


def test_everything_that_may_be_said_is_taken_over() -> None:
    data = {"action": "switchover", "target": "ms2", "reason": " patching ", "requested_by": "Ada"}
    assert parse_request(data) == Request(Action.SWITCHOVER, Role.MS2, "patching", "Ada")


@pytest.mark.parametrize("at", ["now", True, -1, 1e12, None, [1]])
def test_a_first_failed_probe_that_is_no_moment_is_refused(at: object) -> None:
    assert parse_request({**GOOD, "first_failed_at": 1_790_000_000}).first_failed_at == 1_790_000_000
    assert "seconds since 1970 are needed" in refusal({**GOOD, "first_failed_at": at})


@pytest.mark.parametrize("who", ["watch", "alarm"])
def test_watchdog_and_alarm_count_as_automatic(who: str) -> None:
    assert parse_request({**GOOD, "requested_by": who}).automatic


@pytest.mark.parametrize("who", ["Ada", "Watch", "watchman", "unnamed"])
def test_everybody_else_counts_as_a_person(who: str) -> None:
    assert not parse_request({**GOOD, "requested_by": who}).automatic


@pytest.mark.parametrize("data", [None, "failover", 7, ["failover"], True])
def test_what_is_no_object_is_refused_with_what_is_needed(data: object) -> None:
    assert refusal(data) == 'The input is not a JSON object; {"action": …, "reason": …} is needed.'


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        (None, "missing"),
        ("promote", "'promote'"),
        ("FAILOVER", "'FAILOVER'"),
        ("", "''"),
        (["failover"], "['failover']"),
        ({"a": 1}, "{'a': 1}"),
        (1, "1"),
    ],
)
def test_an_unknown_action_is_refused_with_the_actions_there_are(action: object, shown: str) -> None:
    assert refusal({**GOOD, "action": action}) == f"action is {shown}, but {ACTIONS}"


@pytest.mark.parametrize(("target", "shown"), [("ms3", "'ms3'"), ("", "''"), (0, "0"), (["ms1"], "['ms1']")])
def test_a_target_that_is_not_of_the_pair_is_refused_with_those_that_are(target: object, shown: str) -> None:
    assert refusal({**GOOD, "target": target}) == f"target is {shown}, but {ROLES}"


@pytest.mark.parametrize("reason", [None, "", "   ", 7, ["because"]])
def test_a_request_without_a_reason_is_refused(reason: object) -> None:
    assert refusal({"action": "failover", "reason": reason}) == f"reason {LINE}"
    assert refusal({"action": "failover"}) == f"reason {LINE}"


@pytest.mark.parametrize("reason", ["two\nlines", "a\ttab", "a\x00nul", "a\x7fdel", "x" * 501])
def test_a_reason_that_is_not_one_short_line_is_refused(reason: str) -> None:
    assert refusal({**GOOD, "reason": reason}) == "reason is not one line of at most 500 characters."


def test_a_reason_may_have_500_characters_of_any_language() -> None:
    assert parse_request({**GOOD, "reason": "é" * 500}).reason == "é" * 500


@pytest.mark.parametrize("who", ["", " ", 7])
def test_a_name_that_is_none_is_refused(who: object) -> None:
    assert refusal({**GOOD, "requested_by": who}) == f"requested_by {LINE}"


def test_a_name_of_two_lines_is_refused() -> None:
    assert refusal({**GOOD, "requested_by": "Ada\nwatch"}) == "requested_by is not one line of at most 500 characters."


@pytest.mark.parametrize("data", [{}, {"requested_by": None}])
def test_force_demands_the_name_of_whoever_answers_for_it(data: dict[str, Any]) -> None:
    words = "requested_by is missing: force needs the name of the person who answers for it."
    assert refusal({**GOOD, "action": "force", **data}) == words


def test_force_demands_a_reason_too() -> None:
    assert refusal({"action": "force", "requested_by": "Ada"}) == f"reason {LINE}"


def test_fields_that_mean_nothing_are_refused_and_named_with_those_that_do() -> None:
    words = (
        "The input has fields that mean nothing here: Target, epoch; allowed are action, target, reason, requested_by"
    )
    assert refusal({**GOOD, "epoch": 7, "Target": "ms2"}).startswith(words)


def test_a_long_list_of_meaningless_fields_makes_no_long_sentence() -> None:
    assert len(refusal({**GOOD, **{f"field{number}" * 30: 1 for number in range(200)}})) < 400


def test_a_huge_value_makes_no_long_sentence() -> None:
    assert len(refusal({**GOOD, "action": "x" * 100_000})) < 200


@pytest.mark.parametrize("value", [True, False])
def test_a_dry_run_is_asked_for_with_true_or_false(value: bool) -> None:
    assert parse_request({**GOOD, "dry_run": value}).dry_run is value


@pytest.mark.parametrize("value", ["yes", 1, None, {}])
def test_a_dry_run_that_is_neither_is_refused(value: object) -> None:
    assert "dry_run" in refusal({**GOOD, "dry_run": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["action", "target", "reason", "requested_by", "dry_run", "other"])
WORDS = st.sampled_from(["failover", "force", "adopt", "ms1", "ms2", "because", "watch", ""])


@given(JSON | st.dictionaries(FIELDS, WORDS | JSON, max_size=6))
def test_any_input_is_a_request_or_is_refused_with_a_short_sentence(data: object) -> None:
    try:
        made = parse_request(data)
    except BadRequest as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert len(sentence) < 500
    else:
        assert isinstance(made.action, Action)
        assert made.reason.strip()


@pytest.mark.parametrize("role", list(Role))
def test_a_function_is_asked_about_one_server_of_the_pair(role: Role) -> None:
    assert role_in({"server": role.value}) is role


@pytest.mark.parametrize(("event", "shown"), [({}, "missing"), ({"server": "ms3"}, "'ms3'"), ({"server": 1}, "1")])
def test_a_function_asked_about_no_server_of_the_pair_says_which_there_are(event: dict[str, Any], shown: str) -> None:
    with pytest.raises(BadRequest) as caught:
        role_in(event)
    assert str(caught.value) == f"server is {shown}, but {ROLES}"


@pytest.mark.parametrize("value", [1, 2.0, 999_999_999])
def test_an_epoch_is_a_whole_number_however_json_writes_it(value: float) -> None:
    epoch = epoch_in({"epoch": value})
    assert epoch == value
    assert isinstance(epoch, int)


@pytest.mark.parametrize("value", [None, 0, -1, 1.5, "2", True, [2], 10**9, float("inf"), float("nan")])
def test_what_is_no_epoch_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match="but a whole number above 0 is needed"):
        epoch_in({"epoch": value})


def test_a_huge_epoch_makes_no_long_sentence() -> None:
    with pytest.raises(BadRequest) as caught:
        epoch_in({"epoch": "7" * 100_000})
    assert len(str(caught.value)) < 200
