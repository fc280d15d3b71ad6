"""What is drawn: it fits the terminal that there is, and the seconds add up."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from failoverctl.render import busy, ended_text, longest, steps_table
from failoverctl.serving import ago
from failoverctl.steps import Step, current, steps_of
from tests.failoverctl.region import T0, running, step

LONG = "A sentence that is a good deal longer than what is left of a line of a terminal. " * 3
STEPS = [Step(f"Step{number}", "Task", T0 + number, T0 + number + 0.9, LONG) for number in range(30)]


def drawn(what: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(what)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().rstrip("\n").splitlines()


@pytest.mark.parametrize(("width", "rows"), [(80, 24), (80, 8), (200, 24)])
def test_live_steps_have_a_line_each_and_the_latest_are_shown(width: int, rows: int) -> None:
    lines = drawn(steps_table(STEPS, T0, T0 + 31, width=width, rows=rows), width)
    assert len(lines) == rows
    assert lines[-1].startswith("Step29")
    assert all(len(line) <= width for line in lines)
    assert "29.00   0.90 s" in lines[-1]


def test_all_of_every_sentence_is_shown_afterwards() -> None:
    text = " ".join(line[-40:].strip() for line in drawn(steps_table(STEPS[:1], T0, width=80)))
    assert text.count("terminal.") == 3


def test_a_step_that_runs_has_no_time_yet_and_a_failed_end_has_no_duration() -> None:
    lines = drawn(steps_table(steps_of(running()["events"]), T0, T0 + 5))
    assert "…" in lines[-1]
    failed = {
        "id": 9,
        "previousEventId": 4,
        "type": "FailStateEntered",
        "timestamp": step(1, "x", 3.0, None)[0]["timestamp"],
    }
    (_, end) = steps_of([*step(1, "Begin", 0.0, 0.5), failed | {"stateEnteredEventDetails": {"name": "Halted"}}])
    assert (end.name, end.end, end.failed) == ("Halted", T0 + 3, True)


def test_seconds_of_steps_side_by_side_count_once() -> None:
    steps = [Step("A", "Task", T0, T0 + 2), Step("B", "Task", T0 + 1, T0 + 3), Step("C", "Wait", T0 + 5, T0 + 6)]
    assert busy(steps) == 4.0
    assert longest(steps, 7.0) == "Longest: B 2.00 s, A 2.00 s, C 1.00 s; 3.00 s in no step at all."
    assert longest([], 1.0) == ""


def test_what_runs_now_is_named_by_the_steps_that_do_something() -> None:
    steps = [
        Step("Begin", "Task", T0, T0 + 1),
        Step("Fence", "Parallel", T0 + 1),
        Step("AskSourceToStop", "Task", T0 + 1, T0 + 1.2),
        Step("VerifyFence", "Task", T0 + 1.5),
    ]
    assert current(steps) == "VerifyFence"
    assert current(steps[:2]) == "Fence"
    assert current(steps[:1]) == "Begin"
    assert current([]) == "begins"


def test_a_step_that_was_tried_again_says_so_and_keeps_its_last_word() -> None:
    first, scheduled, *_ = step(1, "UpdateRecord", 0.0, None)
    error = {"error": "Throttled", "cause": '{"errorMessage": "Too fast.", "stackTrace": []}'}
    failed = {"id": 3, "previousEventId": 2, "type": "TaskFailed", "timestamp": first["timestamp"]}
    again = scheduled | {"id": 4, "previousEventId": 3}
    events = [first, scheduled, failed | {"taskFailedEventDetails": error}]
    (found,) = steps_of(events)
    assert (found.failed, found.said) == (True, "Throttled: Too fast.")
    (found,) = steps_of([*events, again])
    assert (found.failed, found.tries, found.end) == (False, 2, None)


@pytest.mark.parametrize("outcome", ["rolled-back", "halted", "blocked", "refused", "timed-out", "aborted"])
def test_what_did_not_go_well_ends_with_a_next_step_a_command_and_a_section(outcome: str) -> None:
    lines = str(ended_text(outcome, "", "So it was.", " --stack demo", 2.0)).splitlines()
    assert lines[0] == f"{outcome} after 2.00 s: So it was."
    assert lines[1].startswith("Next: ")
    assert lines[1].endswith(" --stack demo")
    assert lines[2].startswith("See docs/operate.md, ")


@pytest.mark.parametrize(
    ("action", "says"), [("failover", True), ("force", True), ("resume", True), ("switchover", False), ("adopt", False)]
)
def test_after_a_server_was_left_for_a_reason_nobody_knows_it_is_said_that_there_is_no_standby(
    action: str, says: bool
) -> None:
    said = str(ended_text("promoted", "", "ms2 is active.", " --stack demo", action=action))
    assert ("Next: mend the server that was left" in said) == says
    assert ("See docs/operate.md, promoted." in said) == says


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, "0 s"), (59, "59 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200000, "2 d")]
)
def test_a_time_that_has_gone_by_is_told_in_the_unit_that_says_enough(seconds: float, told: str) -> None:
    assert ago(seconds) == told
