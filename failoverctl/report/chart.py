"""Drawing with SVG: text that is safe, numbers that are short, and the scale that turns moments into places."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass

from msfailover.text import VALUE_AT_MOST, clean

from failoverctl.report.course import Course

CHARACTER = 6.6  # a character's mean width at 12 px in the wider of the sans-serifs asked for; labels are fitted by it
_BOLD = 1.15  # how much wider a bold one is
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True)
class Scale:
    """Time from left to right.

    Args:
        zero: the moment that counts as 0, seconds since 1970.
        start, end: the window's edges, seconds since `zero`.
        left, right: where they are drawn, in pixels.
    """

    zero: float
    start: float
    end: float
    left: float
    right: float

    def x(self, moment: float) -> float:
        """The place of a moment (seconds since 1970); those outside the window are at its edge."""
        seconds = min(max(moment - self.zero, self.start), self.end)
        return self.left + (seconds - self.start) / (self.end - self.start) * (self.right - self.left)

    def shows(self, moment: float) -> bool:
        return self.start <= moment - self.zero <= self.end

    def ticks(self) -> list[float]:
        """Round seconds since `zero`, some 70 pixels or more apart."""
        wanted = (self.end - self.start) * 70 / (self.right - self.left)
        step = next((step for step in _STEPS if step >= wanted), math.ceil(wanted / 600) * 600.0)
        first = math.ceil(self.start / step - 1e-9)
        last = math.floor(self.end / step + 1e-9)
        return [round(number * step, 6) for number in range(first, last + 1)]


def window(course: Course, patience: float = 2.0) -> tuple[float, float]:
    """The stretch worth looking at, in seconds since `course.zero`: a little before, until most of it is over.

    The workflow and all marks are always in it. Agents come back more and more slowly; they may lengthen it to
    `patience` times that, so that a straggler does not press all else together.
    """
    zero = course.zero
    work = [step.end for step in course.steps if step.end is not None]
    work += [event.at for event in course.events]
    work += course.moments
    busy = max((moment - zero for moment in work), default=0.0)
    if busy <= 0:
        busy = max(course.ended_at - zero, 1.0)
    end = max(busy * 1.25, min((course.trailing_at - zero) * 1.03, busy * patience)) + 0.3
    return max(min(course.began_at - zero, -0.5), -0.16 * end), end


def text(value: str) -> str:
    """Anything as text of a page: markup escaped, characters that XML can't hold or a reader can't see left out."""
    return html.escape(clean(value, VALUE_AT_MOST), quote=True)


def px(value: float) -> str:
    """A coordinate with as many digits as an eye needs."""
    return f"{value:.1f}".removesuffix(".0")


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "", round_by: float = 2) -> str:
    about = f"<title>{text(title)}</title>" if title else ""
    return (
        f'<rect class="{kind}" x="{px(x)}" y="{px(y)}" width="{px(max(width, 0.8))}" height="{px(height)}" '
        f'rx="{px(min(round_by, width / 2))}">{about}</rect>'
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{px(x1)} {px(y1)}L{px(x2)} {px(y2)}"/>'


def label(x: float, y: float, value: str, kind: str = "", anchor: str = "start") -> str:
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{px(x)}" y="{px(y)}"{side}>{text(value)}</text>'


def label_of(x: float, y: float, parts: Iterable[tuple[str, str]], anchor: str = "start") -> str:
    """A text of several (value, class) parts, set one after the other by whoever draws it."""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    gap = ' dx="6"'
    spans = [
        f'<tspan class="{kind}"{gap if number else ""}>{text(value)}</tspan>'
        for number, (value, kind) in enumerate(part for part in parts if part[0])
    ]
    return f'<text x="{px(x)}" y="{px(y)}"{side}>{"".join(spans)}</text>'


def group(x: float, y: float, parts: Iterable[str]) -> str:
    return f'<g transform="translate({px(x)} {px(y)})">{"".join(parts)}</g>'


def width_of(value: str, size: float = 12, bold: bool = False) -> float:
    """About how wide a text is drawn, in pixels; a little too much rather than too little."""
    return len(value) * CHARACTER * size / 12 * (_BOLD if bold else 1)


def fitted(value: str, room: float, size: float = 12) -> str:
    """The text, cut with an ellipsis to what fits the room; empty where not even a few characters do."""
    if width_of(value, size) <= room:
        return value
    keep = int(room / (CHARACTER * size / 12)) - 1
    return value[:keep].rstrip(" ,;:.") + "…" if keep >= 4 else ""


def seconds(value: float, signed: bool = False) -> str:
    """Seconds for people: 4.17 s, or +4.17 s with a proper minus."""
    rounded = round(value, 2) + 0.0  # never a negative zero
    shown = f"{rounded:+.2f}" if signed and rounded else f"{rounded:.2f}"
    return shown.replace("-", "−") + " s"
