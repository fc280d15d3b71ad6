"""build/report.html: one page that tells a run to somebody who was not there. It needs nothing but itself."""

from __future__ import annotations

from failoverctl.acceptance.report import sentences
from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.record import Run
from failoverctl.acceptance.report.timeline import lanes_of, phases_of
from failoverctl.report.chart import seconds, text
from failoverctl.report.page import (
    Tile,
    clock,
    day,
    document,
    evidence,
    figure,
    folded,
    phases_table,
    raw,
    section,
    span,
    steps_table,
    tiles,
)
from failoverctl.report.receipt import evidence_of
from failoverctl.report.timeline import both

_ANSWERS = {"yes": "held", "no": "broken", "unknown": "unknown"}


def page(run: Run, report: Report) -> str:
    """The whole document, well formed as HTML and as XML; every figure on it is one of the report's.

    A figure stands in a `<data>` element whose `data-field` names its place in report.json and whose `value` is the
    value there; empty where the report has null.
    """
    body = [
        _header(run, report),
        _figures(report),
        section("timeline", "", both(run, lanes_of(run, report), "Timeline of the run")),
        '<div class="columns"><div>',
        section("time", "Where the time went", phases_table(phases_of(run, report), run.zero, run.t0)),
        section("receipt", "The fence receipt", _receipt(run, report)),
        "</div><div>",
        section("held", "What had to hold", _invariants(report)),
        section("copy", "The standby’s copy", _replication(report)),
        "</div></div>",
        folded("steps", "Step by step", steps_table(run)),
        folded("raw", "report.json", raw(report)),
    ]
    return document(f"{report['scenario']}: {report['outcome'] or 'no outcome'}", body)


def _header(run: Run, report: Report) -> str:
    expected = "as expected" if report["outcome"] == report["expected"] else f"expected was {report['expected']}"
    epoch = "" if report["epoch"] is None else f" · epoch {figure(report['epoch'], 'epoch', str(report['epoch']))}"
    return (
        f'<header><p class="kicker">scenario {text(report["scenario"])}{epoch} · {day(run.t0)}{_commit(run)}</p>'
        f"<h1>{text(run.headline)}</h1>"
        f'<p class="lead">{text(sentences.what_came_of_it(report))}</p>'
        f'<p class="verdict {"good" if report["ok"] else "not-good"}">'
        f"<b>{text(report['outcome'] or 'no outcome')}</b>, {text(expected)}. "
        f'{_held(report)}</p><p class="kicker">{text(_clock(run))}</p></header>\n'
    )


def _commit(run: Run) -> str:
    return f" · commit {text(run.commit)}" if run.commit else ""


def _clock(run: Run) -> str:
    """What every time on the page is counted from; report.json has a zero of its own, the scenario's start."""
    zero = run.zero
    what = "the failure" if run.failure_at is not None else "the request" if run.change else "the scenario’s start"
    return (
        f"Every time here counts from {what}, at {clock(zero)}; in report.json from {seconds(zero - run.t0)} before it."
    )


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
    last = span(agents["recovered_s"], "agents.recovered_s")
    violations = report["journal_violations"]
    dual, stray = report["dual_active_s"], figure(violations, "journal_violations", f"{violations:,}")
    missing = agents["recovered"] < agents["count"]
    return tiles(
        [
            Tile("Takeover", span(report["takeover_s"], "takeover_s"), f"to {text(new)}’s first row"),
            Tile("Detection", span(report["detection_s"], "detection_s"), "failure to decision"),
            Tile("Fence", span(report["fence_s"], "fence_s"), "decision to proof"),
            Tile("Both wrote", _dual(dual), "by the journal’s clock", dual > 0),
            Tile("Stray rows", stray, "rows out of turn", violations > 0),
            Tile("Agents back", f'{back}<span class="of"> of {of}</span>', f"the last after {last}", missing),
        ]
    )


def _dual(both_s: float) -> str:
    return figure(both_s, "dual_active_s", f"{both_s:.3f} s" if both_s else "0 s")


def _invariants(report: Report) -> str:
    items = [
        f'<li class="{entry["answer"]}"><b>{text(entry["name"])}</b> '
        f"<em>{_ANSWERS[entry['answer']]}</em><br/>{text(entry['sentence'])}</li>"
        for entry in report["invariants"]
    ]
    return f'<ul class="held">{"".join(items)}</ul>'


def _receipt(run: Run, report: Report) -> str:
    told = " ".join(text(sentence) for sentence in sentences.receipt(run, report))
    return f"<p>{told}</p>{evidence(evidence_of(run.proof))}"


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
