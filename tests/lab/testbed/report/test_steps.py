"""The execution's history as steps: what runs side by side ends where it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from failoverctl.report.course import Step
from failoverctl.report.phases import phases
from failoverctl.steps import steps_of


def history(*entries: tuple[str, str, int]) -> list[dict[str, Any]]:
    """Events of (type, state's name, the event before it), a second apart."""
    events = []
    for number, (kind, name, previous) in enumerate(entries, start=1):
        details = "stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"
        events.append({"id": number, "previousEventId": previous, "type": kind,
                       "timestamp": datetime.fromtimestamp(1000 + number, UTC), details: {"name": name}})  # fmt: skip
    return events


def test_a_parallel_state_ends_when_it_is_left() -> None:
    steps = steps_of(
        history(
            ("ParallelStateEntered", "Fence", 0),
            ("TaskStateEntered", "Revoke", 1),
            ("TaskStateEntered", "AskToStop", 1),
            ("TaskStateExited", "Revoke", 2),
            ("TaskStateExited", "AskToStop", 3),
            ("ParallelStateExited", "Fence", 5),
        )
    )
    assert [(step.name, step.start, step.end) for step in steps] == [
        ("Fence", 1001, 1006),
        ("Revoke", 1002, 1004),
        ("AskToStop", 1003, 1005),
    ]


def test_a_state_that_is_entered_again_is_a_step_of_its_own() -> None:
    steps = steps_of(
        history(
            ("TaskStateEntered", "Verify", 0),
            ("TaskStateExited", "Verify", 1),
            ("TaskStateEntered", "Verify", 2),
        )
    )
    assert [(step.start, step.end) for step in steps] == [(1001, 1002), (1003, None)]


def test_a_step_that_is_answered_in_the_end_has_not_failed() -> None:
    attempt = [("TaskStateEntered", "VerifyPromotion", 0), ("TaskScheduled", "", 1), ("TaskFailed", "", 2)]
    again = [("TaskScheduled", "", 3), ("TaskSucceeded", "", 4), ("TaskStateExited", "VerifyPromotion", 5)]
    states = [steps_of(history(*(attempt + again)[:number]))[0] for number in range(3, 7)]
    assert [(step.end, step.failed) for step in states] == [(1003, True), (None, False), (1005, False), (1006, False)]
    assert {step.start for step in states} == {1001}, "it is one step, however often it is tried"
    (failed,) = steps_of(history(*attempt, ("TaskStateExited", "VerifyPromotion", 3)))
    assert failed.failed


def test_a_state_that_is_never_left_ends_with_its_execution() -> None:
    events = history(("FailStateEntered", "Halted", 0))
    events.append({"id": 2, "previousEventId": 1, "type": "ExecutionFailed",
                   "timestamp": datetime.fromtimestamp(1003, UTC),
                   "executionFailedEventDetails": {"error": "Halted", "cause": "ms2 did not start."}})  # fmt: skip
    assert [Step.of(each) for each in steps_of(events)] == [
        Step("Halted", 1001, 1003, "Halted: ms2 did not start.", True)
    ]


def test_what_was_cut_off_ends_with_its_execution() -> None:
    events = history(("TaskStateEntered", "VerifyFence", 0), ("TaskScheduled", "", 1))
    events.append({"id": 3, "previousEventId": 0, "type": "ExecutionAborted",
                   "timestamp": datetime.fromtimestamp(1003, UTC), "executionAbortedEventDetails": {}})  # fmt: skip
    assert [Step.of(each) for each in steps_of(events)] == [Step("VerifyFence", 1001, 1003, "", True)]


def test_a_phase_does_not_span_two_executions() -> None:
    steps = (Step("VerifyFence", 1, 2, execution="a"), Step("VerifyFence", 60, 61, execution="b"))
    assert [(each.name, each.start, each.end) for each in phases(None, steps)] == [
        ("fence", 1, 2),
        ("2: fence", 60, 61),
    ]
