"""The timeline: lanes under one axis, with the failure as a line through all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from failoverctl.report import step_rows
from failoverctl.report.chart import (
    Scale,
    group,
    label,
    label_of,
    line,
    px,
    text,
    width_of,
    window,
)
from failoverctl.report.course import Course, Event
from failoverctl.report.lanes import Lane

_GUTTER = 148
_GAP = 16
_MARK_ROW = 17
_STRIKE_S = 1.0

DEFINITIONS = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-bed" width="6" height="6"/><path class="hatch-line" d="M0 0V6"/></pattern></defs>'
)


@dataclass(frozen=True)
class Drawing:
    """SVG without its outer element, and how large it is."""

    width: float
    height: float
    body: str


Lanes = Callable[[Scale], Sequence[Lane]]
"""The lanes of a course on a scale, from what was decided down to whom it served."""


def scale_for(course: Course, width: float, gutter: float = _GUTTER, patience: float = 2.0) -> Scale:
    """The window worth looking at, on a drawing of this width; see `window` for `patience`."""
    start, end = window(course, patience)
    return Scale(course.zero, start, end, gutter, width - 10)


def full(course: Course, lanes: Lanes, width: float = 1120) -> Drawing:
    """All lanes and the workflow's steps, for a desk."""
    scale = scale_for(course, width)
    return draw(course, scale, width, [*lanes(scale), step_rows.steps(course, scale)])


def narrow(course: Course, lanes: Lanes, width: float = 354) -> Drawing:
    """The same for a phone: names above their lanes, sentences under their bars; the phases stand in a table anyway."""
    start, end = window(course)
    scale = Scale(course.zero, start, end, 0, width - 10)
    told = [lane for lane in lanes(scale) if lane.name != "Phases"]
    drawing = draw(course, scale, width, [*told, step_rows.steps(course, scale)])
    return replace(drawing, body=drawing.body.replace('id="hatch"', 'id="hatch-narrow"'))


def both(course: Course, lanes: Lanes, title: str) -> str:
    """The drawing for a desk and the one for a phone; the style sheet shows that which fits."""
    wide = svg(full(course, lanes), title)
    small = svg(narrow(course, lanes), title, kind="narrow-drawing")
    return f'<div class="drawing wide">{wide}</div><div class="drawing narrow">{small}</div>'


def draw(course: Course, scale: Scale, width: float, stack: Sequence[Lane]) -> Drawing:
    """The lanes below each other, with marks and an axis above and the grid behind them."""
    marks, marks_height = _marks(course, scale)
    top = marks_height + 22
    parts, above = [], []
    y = through_to = top + 10
    for lane in stack:
        if lane.height <= 0:
            continue
        if scale.left == 0 and lane.name:
            named = label_of(0, 12, [(lane.name, "name"), (lane.note, "note")])
            parts.append(group(0, y + 20, [lane.drawing]))
            above.append(group(0, y, [named]))  # after the lines, which would cross it
            y += lane.height + 20 + _GAP
            through_to = y - _GAP  # the lines are not drawn through the sentences below
            continue
        below = lane.height > 30
        names = [label_of(0, 13 if below else lane.height / 2 + 4,
                          [(lane.name, "name"), ("" if below else lane.note, "note")])]  # fmt: skip
        names += [label(0, 29, lane.note, "note")] if below else []
        parts.append(group(0, y, [*names, lane.drawing]))
        y += lane.height + (_GAP if lane.height > 16 else _GAP - 8)
    bottom = y - 4
    grid = _grid(scale, top, bottom, course.failure_at is not None)
    return Drawing(
        width,
        bottom + 4,
        DEFINITIONS
        + grid
        + "".join(parts)
        + _through(course, scale, top, through_to if scale.left == 0 else bottom)
        + marks
        + "".join(above),
    )


def svg(drawing: Drawing, title: str, style: str = "", kind: str = "") -> str:
    """A whole SVG element, of a class where `kind` names one."""
    of = f' class="{kind}"' if kind else ""
    return (
        f'<svg{of} xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {px(drawing.width)} {px(drawing.height)}" '
        f'width="{px(drawing.width)}" height="{px(drawing.height)}" role="img" aria-label="{text(title)}">'
        f"{style}{drawing.body}</svg>"
    )


def _grid(scale: Scale, top: float, bottom: float, has_fault: bool) -> str:
    parts = []
    for tick in scale.ticks():
        x = scale.x(scale.zero + tick)
        parts.append(line(x, top, x, bottom, "grid"))
        if tick or not has_fault:  # the failure's own line and label stand at zero
            said = f"{tick:+g}".replace("-", "−") + " s" if tick else "0"
            half = width_of(said, 11) / 2
            cut_left, cut_right = x < half, x > scale.right + 10 - half
            parts.append(label(x, top - 6, said, "tick", "start" if cut_left else "end" if cut_right else "middle"))
    return "".join(parts)


def _marks(course: Course, scale: Scale) -> tuple[str, float]:
    """What was done, written above the axis, in as many rows as keep the labels apart."""
    others, fault = _events(course)
    shown = [event for event in (*others, *([fault] if fault else [])) if scale.shows(event.at)]
    events = sorted(shown, key=lambda event: event.at)
    free: list[float] = []  # for each row, where its last label ends
    parts: list[str] = []
    placed = []
    for event in events:
        bold = event is fault
        lines = textwrap.wrap(event.label, max(8, int((scale.right - 14) / width_of("n", bold=bold)))) or [""]
        x, width = scale.x(event.at), max(width_of(each, bold=bold) for each in lines) + 8
        leftwards = x + width > scale.right
        # Where neither side has room the label ends at the drawing's edge, and crosses its own line.
        begin = max(x - width, min(0.0, scale.left)) if leftwards else x
        row = next((n for n in range(len(free)) if all(end < begin for end in free[n : n + len(lines)])), len(free))
        free[row : row + len(lines)] = [begin + width + 12] * len(lines)
        placed.append((event, x, begin, leftwards and begin == x - width, 12 + row * _MARK_ROW, lines))
    height = len(free) * _MARK_ROW
    texts: list[str] = []  # drawn after all lines: a later mark's line would cross an earlier one's label
    for event, x, begin, leftwards, y, lines in placed:
        kind = "fault" if event is fault else "done"
        parts.append(line(x, y - 9, x, height + 22, f"{kind}-line"))
        at, anchor = (x - 6, "end") if leftwards else (begin + 6, "start")
        texts += [label(at, y + number * _MARK_ROW, each, kind, anchor) for number, each in enumerate(lines)]
    return "".join([*parts, *texts]), height


def _through(course: Course, scale: Scale, top: float, bottom: float) -> str:
    """Lines through all lanes: what was done, and the failure above all."""
    parts = []
    for event in _events(course)[0]:
        if scale.shows(event.at):
            parts.append(line(scale.x(event.at), top, scale.x(event.at), bottom, "done-line"))
    if course.failure_at is not None:
        x = scale.x(course.failure_at)
        parts.append(line(x, top, x, bottom, "fault-line"))
    return "".join(parts)


def _events(course: Course) -> tuple[tuple[Event, ...], Event | None]:
    """What was done, and which of it is the failure.

    The failure's moment is taken before the strike, its label noted after it; where the record has no label there is
    one all the same.
    """
    events = course.events
    if course.failure_at is None:
        return events, None
    since = course.failure_at
    told = next((e for e in events if -0.05 <= e.at - since <= _STRIKE_S), Event(since, "failure"))
    others = tuple(event for event in events if event is not told)
    return others, replace(told, at=since)
