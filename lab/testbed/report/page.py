"""build/report.html: one page that tells a run to somebody who was not there. It needs nothing but itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

from lab.testbed.report import sentences, timeline
from lab.testbed.report.chart import seconds, text
from lab.testbed.report.figures import Report
from lab.testbed.report.record import Run

_HERE = Path(__file__).parent
_ANSWERS = {"yes": "held", "no": "broken", "unknown": "unknown"}


def page(run: Run, report: Report) -> str:
    """The whole document, well formed as HTML and as XML; every figure on it is one of the report's.

    A figure stands in a `<data>` element whose `data-field` names its place in report.json and whose `value` is the
    value there; empty where the report has null.
    """
    style = (_HERE / "chart.css").read_text(encoding="utf-8") + (_HERE / "page.css").read_text(encoding="utf-8")
    body = [
        _header(run, report),
        _figures(report),
        _section("timeline", "", _timeline(run, report)),
        '<div class="columns"><div>',
        _section("time", "Where the time went", _phases(run, report)),
        _section("receipt", "The fence receipt", _receipt(run, report)),
        "</div><div>",
        _section("held", "What had to hold", _invariants(report)),
        _section("copy", "The standby’s copy", _replication(report)),
        "</div></div>",
        _folded("steps", "Step by step", _steps(run)),
        _folded("raw", "report.json", _raw(report)),
    ]
    title = text(f"{report['scenario']}: {report['outcome'] or 'no outcome'}")
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><meta charset="utf-8"/>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/><title>{title}</title>'
        f"<style>\n{style}</style></head>\n<body><main>\n{''.join(body)}</main></body></html>\n"
    )


def _timeline(run: Run, report: Report) -> str:
    """The drawing for a desk and the one for a phone; the style sheet shows that which fits."""
    wide = timeline.svg(timeline.full(run, report), "Timeline of the run")
    narrow = timeline.svg(timeline.narrow(run, report), "Timeline of the run", kind="narrow-drawing")
    return f'<div class="drawing wide">{wide}</div><div class="drawing narrow">{narrow}</div>'


def figure(value: float | int | None, field: str, shown: str) -> str:
    """A number of the report: what it is, where it stands there, and how it is read."""
    exact = "" if value is None else json.dumps(value)
    return f'<data data-field="{text(field)}" value="{exact}">{text(shown if value is not None else "–")}</data>'


def _time(value: float | None, field: str) -> str:
    return figure(value, field, "" if value is None else seconds(value))


def _header(run: Run, report: Report) -> str:
    expected = "as expected" if report["outcome"] == report["expected"] else f"expected was {report['expected']}"
    epoch = "" if report["epoch"] is None else f" · epoch {figure(report['epoch'], 'epoch', str(report['epoch']))}"
    return (
        f'<header><p class="kicker">scenario {text(report["scenario"])}{epoch} · {_day(run.t0)}{_commit(run)}</p>'
        f"<h1>{text(run.headline)}</h1>"
        f'<p class="lead">{text(sentences.what_came_of_it(report))}</p>'
        f'<p class="verdict {"good" if report["ok"] else "not-good"}">'
        f"<b>{text(report['outcome'] or 'no outcome')}</b>, {text(expected)}. "
        f'{_held(report)}</p><p class="kicker">{text(_clock(run))}</p></header>\n'
    )


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _commit(run: Run) -> str:
    return f" · commit {text(run.commit)}" if run.commit else ""


def _clock(run: Run) -> str:
    """What every time on the page is counted from; report.json has a zero of its own, the scenario's start."""
    zero = run.zero
    what = "the failure" if run.failure_at is not None else "the request" if run.change else "the scenario’s start"
    moment = time.strftime("%H:%M:%S", time.gmtime(zero)) + f".{int(zero % 1 * 1000):03d} UTC"
    return f"Every time here counts from {what}, at {moment}; in report.json from {seconds(zero - run.t0)} before it."


def _held(report: Report) -> str:
    broken = [text(i["name"]) for i in report["invariants"] if i["answer"] == "no"]
    unknown = [text(i["name"]) for i in report["invariants"] if i["answer"] == "unknown"]
    if not broken and not unknown:
        return "Every invariant held."
    parts = [f"Broken: {', '.join(broken)}."] if broken else []
    parts += [f"Not known: {', '.join(unknown)}."] if unknown else []
    return " ".join(parts)


def _figures(report: Report) -> str:
    change = report["changes"][-1] if report["changes"] else None
    new = change["new"] if change else "the standby"
    agents = report["agents"]
    back = figure(agents["recovered"], "agents.recovered", f"{agents['recovered']:,}")
    of = figure(agents["count"], "agents.count", f"{agents['count']:,}")
    last = _time(agents["recovered_s"], "agents.recovered_s")
    violations = report["journal_violations"]
    dual = report["dual_active_s"]
    tiles = [
        ("Takeover", _time(report["takeover_s"], "takeover_s"), f"to {text(new)}’s first row"),
        ("Detection", _time(report["detection_s"], "detection_s"), "failure to decision"),
        ("Fence", _time(report["fence_s"], "fence_s"), "decision to proof"),
        ("Both wrote", figure(dual, "dual_active_s", f"{dual:.3f} s" if dual else "0 s"), "by the journal’s clock"),
        ("Stray rows", figure(violations, "journal_violations", f"{violations:,}"), "rows out of turn"),
        ("Agents back", f'{back}<span class="of"> of {of}</span>', f"the last after {last}"),
    ]
    wrong = [dual > 0, violations > 0, agents["recovered"] < agents["count"]]
    marks = ["", "", "", *(' class="wrong"' if bad else "" for bad in wrong)]
    cells = "".join(
        f"<div{mark}><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>"
        for mark, (name, value, note) in zip(marks, tiles, strict=True)
    )
    return f'<dl class="figures">{cells}</dl>\n'


def _phases(run: Run, report: Report) -> str:
    phases = report["phases"]
    if not phases:
        return "<p>No phase was recorded.</p>"
    zero = run.zero - run.t0
    begin = min(phase["start"] for phase in phases)
    whole = max(max(phase["end"] for phase in phases) - begin, 0.001)
    rows = []
    for number, phase in enumerate(phases):
        took = phase["end"] - phase["start"]
        start = figure(phase["start"], f"phases.{number}.start", seconds(phase["start"] - zero, signed=True))
        end = figure(phase["end"], f"phases.{number}.end", seconds(phase["end"] - zero, signed=True))
        place = f"margin-left:{100 * (phase['start'] - begin) / whole:.2f}%;width:{100 * took / whole:.2f}%"
        rows.append(
            f'<tr><th scope="row">{text(phase["name"])}</th><td class="n">{start}</td><td class="n">{end}</td>'
            f'<td class="n strong">{seconds(took)}</td><td class="bar"><i style="{place}"></i></td></tr>'
        )
    return _table(("", "from", "to", "took", ""), rows)


def _invariants(report: Report) -> str:
    items = [
        f'<li class="{entry["answer"]}"><b>{text(entry["name"])}</b> '
        f"<em>{_ANSWERS[entry['answer']]}</em><br/>{text(entry['sentence'])}</li>"
        for entry in report["invariants"]
    ]
    return f'<ul class="held">{"".join(items)}</ul>'


def _receipt(run: Run, report: Report) -> str:
    told = f"<p>{' '.join(text(sentence) for sentence in sentences.receipt(run, report))}</p>"
    lines = sentences.evidence(run)
    return told + (
        f'<ul class="evidence">{"".join(f"<li>{text(entry)}</li>" for entry in lines)}</ul>' if lines else ""
    )


def _replication(report: Report) -> str:
    found = report["replication"]
    if found is None:
        return "<p>It was not compared in this run.</p>"
    files = figure(found["files"], "replication.files", f"{found['files']:,}")
    size = figure(found["bytes"], "replication.bytes", sentences.size(found["bytes"]))
    if found["identical"] is None:
        told = "of which it is not known whether they are the same"
    else:
        told = "all the same on both servers" if found["identical"] else "<b>not the same</b> on both servers"
    if found["age_s"] is None:
        return f"<p>{files} files, {size}, {told}.</p>"
    age = figure(found["age_s"], "replication.age_s", seconds(found["age_s"]))
    return f"<p>{files} files, {size}, {told}. At the promotion the copy was {age} old.</p>"


def _steps(run: Run) -> str:
    if not run.steps:
        return "<p>No workflow ran.</p>"  # the table has every step, also those the timeline leaves out
    zero = run.zero
    rows = []
    for step in run.steps:
        took = "did not end" if step.end is None else seconds(step.end - step.start)
        rows.append(
            f'<tr><th scope="row">{text(step.name)}</th>'
            f'<td class="n">{seconds(step.start - zero, signed=True)}</td><td class="n">{took}</td>'
            f'<td class="{"failed" if step.failed else "said"}">{text(step.result)}</td></tr>'
        )
    return _table(("", "from", "took", "ended with"), rows)


def _raw(report: Report) -> str:
    shown = text_block(json.dumps(report, indent=2, ensure_ascii=False))
    return f'<pre id="raw">{shown}</pre>'


def text_block(value: str) -> str:
    """Text of several lines, safe in a page."""
    return "\n".join(text(entry) for entry in value.split("\n"))


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _section(kind: str, title: str, content: str) -> str:
    head = f"<h2>{text(title)}</h2>" if title else ""
    return f'<section class="{kind}">{head}{content}</section>\n'


def _folded(kind: str, title: str, content: str) -> str:
    return f'<details class="{kind}"><summary>{text(title)}</summary>{content}</details>\n'
