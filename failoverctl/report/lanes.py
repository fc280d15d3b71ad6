"""What lanes of a timeline are made of: blocks side by side, phases with their names, and a measure.

Each lane takes a scale, and is a drawing with its own zero at the top left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from failoverctl.report.chart import Scale, group, label, line, rect, seconds, width_of
from failoverctl.report.course import Phase

_NAME_LINE = 15


@dataclass(frozen=True)
class Lane:
    """One lane: what it is called, a note below that, how high it is, and what is drawn in it."""

    name: str
    note: str
    height: float
    drawing: str


@dataclass(frozen=True)
class Span:
    """A block of a lane.

    `kind` is its class; `name` is written into it where it fits, or else `short`; `title` is shown on pointing.
    """

    start: float
    end: float
    kind: str
    name: str
    title: str = ""
    short: str = ""


def phases(shown: Sequence[Phase], scale: Scale) -> Lane:
    """Phases as blocks, side by side, or below each other where they overlap.

    A name too long for its block stands under it, at the end of a thin line: each phase is named, however short it was.
    """
    spans = []
    for number, phase in enumerate(shown):
        took, name = seconds(phase.end - phase.start), phase.name
        spans.append(Span(phase.start, phase.end, f"phase p{number % 2}", f"{name} {took}", f"{name}: {took}", name))
    rows: list[list[Span]] = []
    for span in spans:
        free = next((row for row in rows if row[-1].end <= span.start + 1e-6), None)
        if free is None:
            rows.append(free := [])
        free.append(span)
    parts = [group(0, number * 26, [blocks(scale, row, 24)]) for number, row in enumerate(rows)]
    under = [(span, number) for number, row in enumerate(rows) for span in row if not _inside(scale, span)]
    height = max(1, len(rows)) * 26 - 2
    named, lines = _names_under(scale, sorted(under, key=lambda pair: pair[0].start), height)
    return Lane("Phases", "", height + lines * _NAME_LINE, named + "".join(parts))


def _names_under(scale: Scale, under: Sequence[tuple[Span, int]], height: float) -> tuple[str, int]:
    """Names at the end of a line down from their blocks, and how many lines of text they take.

    From right to left, each in the highest line of text where it meets no name, and no line to a name, on its right:
    so no line crosses a name.
    """
    placed: list[tuple[float, int]] = []
    parts = []
    for span, row in reversed([pair for pair in under if scale.shows(pair[0].start)]):
        x = scale.x(span.start)
        end = x + width_of(span.name, 11) + 10
        number = 1 + max((number for right, number in placed if right < end), default=-1)
        placed.append((x, number))
        y = height + number * _NAME_LINE + 13
        parts.append(line(x + 0.5, row * 26 + 24, x + 0.5, y, "leader"))
        parts.append(label(x + 5, y, span.name, "note"))
    return "".join(parts), 1 + max((number for _, number in placed), default=-1)


def measure(scale: Scale, since: float, until: float, said: str) -> Lane:
    """A line with a measure from one moment to another, in seconds since 1970, and what it says."""
    start, end = scale.x(since), scale.x(until)
    beside = width_of(said) + 16 > end - start
    outside = (end + 8, "start") if end + 8 + width_of(said) <= scale.right else (start - 8, "end")
    at, anchor = outside if beside else ((start + end) / 2, "middle")
    gap = 0 if beside else width_of(said) / 2 + 7
    middle = (start + end) / 2
    parts = [
        line(start, 8, middle - gap, 8, "measure"),
        line(middle + gap, 8, end, 8, "measure"),
        line(start, 3, start, 13, "measure"),
        line(end, 3, end, 13, "measure"),
        label(at, 12, said, "strong", anchor),
    ]
    return Lane("", "", 16, "".join(parts))


def blocks(scale: Scale, spans: Sequence[Span], height: float) -> str:
    """Blocks with their names in them, where there is room for a name."""
    parts = []
    for span in spans:
        left, right = scale.x(span.start), scale.x(span.end)
        if right <= left and not scale.shows(span.start):
            continue
        parts.append(rect(left, 0, right - left - 1, height, f"block {span.kind}", span.title))
        if _inside(scale, span):
            at, name = _placed(scale, span)
            parts.append(label(at, height / 2 + 4, name, f"in {span.kind}-in"))
    return "".join(parts)


def _placed(scale: Scale, span: Span) -> tuple[float, str]:
    """Where a block's name is written, and which of its names: one that the failure's line does not cross, if any."""
    left, right, zero = scale.x(span.start) + 6, scale.x(span.end) - 3, scale.x(scale.zero)
    for name in filter(None, (span.name, span.short)):
        width = width_of(name, 11.5)
        for at in (left, zero + 6):
            if left <= at and at + width <= right and not at - 3 < zero < at + width + 3:
                return at, name
    return left, _inside(scale, span)


def _inside(scale: Scale, span: Span) -> str:
    """What is written into a block: its name, its short name, or nothing; no half words."""
    room = scale.x(span.end) - scale.x(span.start) - 9
    return next((name for name in (span.name, span.short) if name and width_of(name, 11.5) <= room), "")


def between(scale: Scale, start: float, end: float) -> str:
    """From when to when, in words."""
    return f"from {seconds(start - scale.zero, signed=True)} to {seconds(end - scale.zero, signed=True)}"


def ends_of(moments: Sequence[float], end: float) -> list[float]:
    """When each of several states gave way to the next; the last one lasts to the end."""
    return [*moments[1:], max(end, moments[-1])] if moments else []
