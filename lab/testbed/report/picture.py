"""docs/failover.svg: the timeline of a real run, small enough for a README. The same record gives the same bytes.

It stands in an `<img>`, where a page's colours do not reach it: so it brings its own background, light or dark as the
reader's system is, and reads well on a page of either.
"""

from __future__ import annotations

from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.record import Run
from failoverctl.acceptance.report.timeline import lanes_of
from failoverctl.report import timeline
from failoverctl.report.chart import group, label, px, seconds, text
from failoverctl.report.page import style

_WIDTH = 1200  # as it is shown
_UNITS = 900  # as it is drawn: a README's column is narrower than the picture, and its text must stay legible
_MARGIN = 26


def picture(run: Run, report: Report) -> str:
    """A whole SVG document."""
    inner = _UNITS - 2 * _MARGIN
    scale = timeline.scale_for(run, inner, gutter=122, patience=1.6)
    drawing = timeline.draw(run, scale, inner, lanes_of(run, report)(scale))
    height = drawing.height + 92
    title = f"{report['scenario']}: {run.headline}"
    parts = [
        f'<rect class="card" x="0.5" y="0.5" width="{_UNITS - 1}" height="{px(height - 1)}" rx="8"/>',
        label(_MARGIN, 38, title, "title"),
        label(_MARGIN, 58, _figures(report), "facts"),
        group(_MARGIN, 76, [drawing.body]),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_UNITS} {px(height)}" width="{_WIDTH}" '
        f'height="{px(height * _WIDTH / _UNITS)}" role="img" aria-label="{text(title)}">'
        f"<style>\n{_style()}</style>{''.join(parts)}</svg>\n"
    )


def _figures(report: Report) -> str:
    dual = report["dual_active_s"]
    agents = report["agents"]
    facts = [report["outcome"]]
    if report["takeover_s"] is not None:
        facts.append(f"takeover {seconds(report['takeover_s'])}")
    facts.append(f"both wrote for {f'{dual:.3f}' if dual else '0'} s")
    if agents["count"]:
        when = "" if agents["recovered_s"] is None else f" in {seconds(agents['recovered_s'])}"
        facts.append(f"{agents['recovered']:,} of {agents['count']:,} agents back{when}")
    return "  ·  ".join(fact for fact in facts if fact)


def _style() -> str:
    own = (
        "svg .card { fill: var(--paper); stroke: var(--hair); }\n"
        "svg .title { font-size: 17px; font-weight: 650; }\n"
        "svg .facts { fill: var(--soft); font-size: 12.5px; }\n"
    )
    return style("chart.css") + own
