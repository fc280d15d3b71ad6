"""A page that needs nothing but itself: the document, and the parts that every such page is made of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from failoverctl.report.chart import seconds, text
from failoverctl.report.course import Course, Phase
from failoverctl.report.step_rows import took_of

_NOTHING_FROM_ELSEWHERE = "default-src 'none'; style-src 'unsafe-inline'"
_WRONG = ' class="wrong"'


@dataclass(frozen=True)
class Tile:
    """A figure in the row below the headline.

    Args:
        name: what it is.
        value: markup, as `figure` makes it.
        note: a few words below it, markup.
        is_wrong: whether it is not as it should be.
    """

    name: str
    value: str
    note: str
    is_wrong: bool = False


def document(title: str, body: Iterable[str]) -> str:
    """A whole document, well formed as HTML and as XML.

    Args:
        title: text.
        body: markup.
    """
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{text(_NOTHING_FROM_ELSEWHERE)}"/>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/><title>{text(title)}</title>'
        f"<style>\n{style('chart.css')}{style('page.css')}</style></head>\n"
        f"<body><main>\n{''.join(body)}</main></body></html>\n"
    )


def style(name: str) -> str:
    """A style sheet of this folder."""
    return (resources.files("failoverctl.report") / name).read_text(encoding="utf-8")


def figure(value: float | int | None, field: str, shown: str) -> str:
    """A number of the report: what it is, where it stands there, and how it is read."""
    exact = "" if value is None else json.dumps(value)
    return f'<data data-field="{text(field)}" value="{exact}">{text(shown if value is not None else "–")}</data>'


def span(value: float | None, field: str) -> str:
    """Seconds of the report, as `figure` has them."""
    return figure(value, field, "" if value is None else seconds(value))


def tiles(shown: Sequence[Tile]) -> str:
    """The row of figures."""
    cells = "".join(
        f"<div{_WRONG if each.is_wrong else ''}><dt>{text(each.name)}</dt>"
        f"<dd>{each.value}<small>{each.note}</small></dd></div>"
        for each in shown
    )
    return f'<dl class="figures">{cells}</dl>\n'


def phases_table(phases: Sequence[Phase], zero: float, since: float = 0.0, field: str = "phases") -> str:
    """Where the time went.

    Args:
        zero: what people's times count from.
        since: what the report's own times count from.
        field: where they stand in the report.
    """
    if not phases:
        return "<p>No phase was recorded.</p>"
    begin = min(phase.start for phase in phases)
    whole = max(max(phase.end for phase in phases) - begin, 0.001)
    rows = []
    for number, phase in enumerate(phases):
        took = phase.end - phase.start
        start, end = (
            figure(round(at - since, 3), f"{field}.{number}.{name}", seconds(at - zero, signed=True))
            for name, at in (("start", phase.start), ("end", phase.end))
        )
        place = f"margin-left:{100 * (phase.start - begin) / whole:.2f}%;width:{100 * took / whole:.2f}%"
        rows.append(
            f'<tr><th scope="row">{text(phase.name)}</th><td class="n">{start}</td><td class="n">{end}</td>'
            f'<td class="n strong">{seconds(took)}</td><td class="bar"><i style="{place}"></i></td></tr>'
        )
    return table(("", "from", "to", "took", ""), rows)


def steps_table(course: Course) -> str:
    """Every step, those that the timeline leaves out, too."""
    rows = []
    for step in course.steps:
        rows.append(
            f'<tr><th scope="row">{text(step.name)}</th>'
            f'<td class="n">{seconds(step.start - course.zero, signed=True)}</td>'
            f'<td class="n">{took_of(step, course)}</td>'
            f'<td class="{"failed" if step.failed else "said"}">{text(step.result)}</td></tr>'
        )
    return table(("", "from", "took", "ended with"), rows) if rows else "<p>No workflow ran.</p>"


def raw(report: object) -> str:
    """The report itself."""
    return f'<pre id="raw">{text_block(json.dumps(report, indent=2, ensure_ascii=False))}</pre>'


def text_block(value: str) -> str:
    """Text of several lines, safe in a page."""
    return "\n".join(text(entry) for entry in value.split("\n"))


def evidence(lines: Iterable[str]) -> str:
    """The sentences that something rests on; nothing where there is none."""
    items = "".join(f"<li>{text(each)}</li>" for each in lines)
    return f'<ul class="evidence">{items}</ul>' if items else ""


def table(heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def section(kind: str, title: str, content: str) -> str:
    head = f"<h2>{text(title)}</h2>" if title else ""
    return f'<section class="{kind}">{head}{content}</section>\n'


def folded(kind: str, title: str, content: str) -> str:
    return f'<details class="{kind}"><summary>{text(title)}</summary>{content}</details>\n'


def day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def clock(at: float) -> str:
    """The time of the day, to the millisecond."""
    return time.strftime("%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d} UTC"
