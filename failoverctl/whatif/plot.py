"""The plot of `whatif`: how soon each setting decides, and how often it would have done so for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 30, 40, 60


@dataclass(frozen=True)
class Dot:
    """A setting in the plot: seconds to detect, needless takeovers, its name, and whether it is the present one."""

    x: float
    y: float
    name: str
    present: bool


def scatter(dots: Sequence[Dot], title: str) -> str:
    """An SVG with a dot for each setting.

    Args:
        dots: the settings; those without a takeover have no seconds and are left out by the caller.
        title: its headline.
    """
    widest, highest = max([each.x for each in dots] or [1.0]) or 1.0, max([each.y for each in dots] or [1.0]) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / (1.08 * widest)
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / (1.08 * highest)

    bottom, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<path d="M{LEFT} {TOP}V{bottom}H{end}" fill="none" stroke="#555"/>',
        f'<text x="{(LEFT + end) / 2}" y="{HEIGHT - 14}" text-anchor="middle">seconds to detect, median</text>',
        f'<text transform="translate(18 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle"'
        ">needless takeovers</text>",
    ]
    for part in range(5):
        x, y = at(widest * part / 4, 0)[0], at(0, highest * part / 4)[1]
        parts.append(f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{widest * part / 4:.3g}</text>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{highest * part / 4:.3g}</text>')
    # What lies at one place has its names in one line.
    places: dict[tuple[float, float], list[Dot]] = {}
    for each in dots:
        places.setdefault((round(each.x, 1), each.y), []).append(each)
    for (x, y), here in places.items():
        (across, down), present = at(x, y), any(each.present for each in here)
        colour, names = ("#c22" if present else "#27c"), ", ".join(each.name for each in here)
        anchor = "end" if across > WIDTH * 0.75 else "start"
        parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{6 if present else 4}" fill="{colour}"/>')
        parts.append(
            f'<text x="{across + (-8 if anchor == "end" else 8):.1f}" y="{down - 6:.1f}" text-anchor="{anchor}"'
            f' fill="{colour}">{escape(names)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
