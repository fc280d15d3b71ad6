"""The workflow's steps below each other: a bar for when, how long it took, and the whole sentence it ended with."""

from __future__ import annotations

import textwrap

from failoverctl.report.chart import CHARACTER, Scale, group, label, label_of, rect, seconds, width_of
from failoverctl.report.course import Course, Step
from failoverctl.report.lanes import Lane

_ROW, _LINE = 21, 14
_SIZE = 11
_LEAST_ROOM = 160
"""Pixels beside a bar below which a sentence is written under it."""


def steps(course: Course, scale: Scale) -> Lane:
    """A row for each step that a person wants to see, with a heading for each execution where there are several."""
    shown = [step for step in course.steps if step.counts]
    executions = list(dict.fromkeys(step.execution for step in shown))
    parts = []
    y, before = 0.0, ""
    for step in shown:
        if len(executions) > 1 and step.execution != before:
            before = step.execution
            heading = f"Execution {executions.index(before) + 1} of {len(executions)}"
            parts.append(group(0, y, [label_of(0, 18, [(heading, "name"), (before, "note")])]))
            y += 28
        drawn, height = _under(step, course, scale) if scale.left == 0 else _beside(step, course, scale)
        parts.append(group(0, y, [drawn]))
        y += height
    return Lane("", "", y, "".join(parts))


def took_of(step: Step, course: Course) -> str:
    """How long a step took, in words."""
    if step.end is None:
        return "still runs" if course.runs else "did not end"
    return seconds(step.end - step.start)


def _beside(step: Step, course: Course, scale: Scale) -> tuple[str, float]:
    """Name, bar and sentence in a row; the sentence on the side with room, in as many lines as it needs."""
    left, right, took, bar = _bar(step, course, scale, 4)
    parts = [label(0, 13, step.name, "step-name"), bar]
    # What stands before a bar stays behind the failure's line.
    edge = scale.left if course.failure_at is None else scale.x(course.failure_at)
    time_room = width_of(took, _SIZE) + 16
    after, before = scale.right - right - 8 - time_room, left - edge - 8 - time_room
    rightwards = after >= min(width_of(step.result, _SIZE), before)
    room = after if rightwards else before
    if room < (min(_LEAST_ROOM, width_of(step.result, _SIZE)) if step.result else 0):
        lines = _wrapped(f"{took}  {step.result}", scale.right - scale.left)
        parts += [label(scale.left, 13 + _LINE * n, line, "note") for n, line in enumerate(lines, start=1)]
        return "".join(parts), _ROW + _LINE * len(lines)
    lines = _wrapped(step.result, room)
    if rightwards:
        parts.append(label_of(right + 7, 13, [(took, "took"), (lines[0], "note")]))
        at, anchor = right + 7 + time_room - 10, "start"
    else:
        parts.append(label_of(left - 7, 13, [(lines[0], "note"), (took, "took")], "end"))
        at, anchor = left - 7 - time_room + 10, "end"
    parts += [label(at, 13 + _LINE * n, line, "note", anchor) for n, line in enumerate(lines[1:], start=1)]
    return "".join(parts), _ROW + _LINE * (len(lines) - 1)


def _under(step: Step, course: Course, scale: Scale) -> tuple[str, float]:
    """For a narrow drawing: name and time, the bar below them, and the sentence below that."""
    _, _, took, bar = _bar(step, course, scale, 18)
    parts = [label_of(0, 13, [(step.name, "step-name"), (took, "took")]), bar]
    lines = _wrapped(step.result, scale.right) if step.result else []
    parts += [label(0, 42 + _LINE * n, line, "note") for n, line in enumerate(lines)]
    return "".join(parts), 36 + _LINE * len(lines)


def _bar(step: Step, course: Course, scale: Scale, y: float) -> tuple[float, float, str, str]:
    """Where a step's bar begins and ends, how long the step took, and the bar."""
    end = course.ended_at if step.end is None else step.end
    took = took_of(step, course)
    left, right = scale.x(step.start), scale.x(end)
    kind = "step failed" if step.failed or (step.end is None and not course.runs) else "step"
    return left, right, took, rect(left, y, right - left, 11, kind, f"{step.name}: {took}. {step.result}")


def _wrapped(value: str, room: float) -> list[str]:
    """The text in lines that fit the room, a word longer than a line broken; at least one line, nothing left out."""
    return textwrap.wrap(value, max(8, int(room / (CHARACTER * _SIZE / 12)))) or [""]
