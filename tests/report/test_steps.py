"""The execution's history as steps: what runs side by side ends where it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local.steps import steps_of


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
