"""The page of a change: everything on it stands in the record that it was made of (`failoverctl report --json`)."""

from __future__ import annotations

from functools import partial

from failoverctl.report.change import AUTOMATIC, PastChange
from failoverctl.report.change_lanes import lanes_of, probe_rows
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
    table,
    tiles,
)
from failoverctl.report.receipt import evidence_of, proof_of
from failoverctl.report.timeline import both

_RUNS_SHOWN_AT_MOST = 40
_TITLES = {
    "failover": "Failover",
    "switchover": "Switchover",
    "force": "Forced failover",
    "resume": "Resumed change",
    "adopt": "Adoption",
}

_NEITHER = ("running", "stood-down", "refused", "rolled-back", "dry-run")
"""Ends that are neither what was wanted nor something that needs a person."""


def page(change: PastChange) -> str:
    """The whole document, well formed as HTML and as XML."""
    body = [
        _header(change),
        _figures(change),
        section("missing", "What this page lacks", evidence(change.missing)) if change.missing else "",
        section("timeline", "", both(change, partial(lanes_of, change), "Timeline of the change")),
        '<div class="columns"><div>',
        section("time", "Where the time went", phases_table(change.phases, change.zero, field="derived.phases")),
        section("receipt", "The fence receipt", _receipt(change)),
        "</div><div>",
        section("about", "What was asked for", _about(change)),
        section("probes", "What the watchdog observed", _probes(change)),
        "</div></div>",
        folded("steps", "Step by step", steps_table(change)),
        folded("raw", "The record", raw(change.to_json())),
    ]
    return document(f"{change.pair}: {headline(change)}, {change.outcome}", body)


def headline(change: PastChange) -> str:
    """What it was, in a line."""
    what = _TITLES.get(change.action, "Change")
    if change.action == "adopt":
        what = f"{what} of {change.target}" if change.target else what
    elif change.was_active and change.target:
        what = f"{what} from {change.was_active} to {change.aimed_at}"
    if change.is_automatic:
        what = f"Automatic {what[0].lower()}{what[1:]}"
    return f"Dry run: {what[0].lower()}{what[1:]}" if change.dry_run else what


def _header(change: PastChange) -> str:
    epoch = "" if change.epoch is None else f" · epoch {figure(change.epoch, 'epoch', str(change.epoch))}"
    good = change.outcome == "promoted" or change.would == "promoted"
    kind = "good" if good else "not-known" if change.outcome in _NEITHER else "not-good"
    return (
        f'<header><p class="kicker">pair {text(change.pair)}{epoch} · {day(change.zero)} · '
        f"stack {text(change.stack)}, {text(change.region)}</p>"
        f"<h1>{text(headline(change))}</h1>"
        f'<p class="lead">{text(_lead(change))}</p>'
        f'<p class="verdict {kind}"><b>{text(change.outcome)}</b>{_served(change)}</p>'
        f'<p class="kicker">{text(_clock(change))}</p></header>\n'
    )


def _lead(change: PastChange) -> str:
    if change.runs:
        running = [each.name for each in change.steps if each.end is None]
        return f"It still runs{f', in {running[-1]}' if running else ''}: this page is as of {clock(change.read_at)}."
    would = f"It would be {change.would}: " if change.would else ""
    return f"{would}{change.sentence}" or "The workflow says nothing of how it ended."


def _served(change: PastChange) -> str:
    if change.recovery_s is None:
        return "."
    late = change.recovery_s > change.target_s
    kept = f"{'above' if late else 'within'} the target of {change.target_s:g} s"
    return f", and a server served after {text(seconds(change.recovery_s))}, {kept}."


def _clock(change: PastChange) -> str:
    what = "the first failed probe" if change.failure_at is not None else "the begin of the execution"
    return f"Every time here counts from {what}, at {clock(change.zero)}; the record has seconds since 1970."


def _figures(change: PastChange) -> str:
    late = change.recovery_s is not None and change.recovery_s > change.target_s
    target = f"target {figure(change.target_s, 'target_s', f'{change.target_s:g} s')}"
    derived = change.derived

    def tile(name: str, field: str, note: str) -> Tile:
        return Tile(name, span(derived[field], f"derived.{field}"), note)

    return tiles(
        [
            Tile("Served after", span(change.recovery_s, "recovery_s"), target, late),
            tile("Detection", "detection_s", "failed probe to request"),
            tile("Fence", "fence_s", "request to proof"),
            tile("Promotion", "promotion_s", "proof to serving"),
            tile("Execution", "took_s", "request to end"),
            tile("Copy", "copy_age_s", "its age at the end"),
        ]
    )


def _receipt(change: PastChange) -> str:
    stored = change.receipt
    if stored is None:
        return "<p>No receipt is known: the fence of this change was not proven, or it is not written down.</p>"
    server = str(stored.get("server", "not stated"))
    when = "At a time that the receipt does not say,"
    if change.fenced_at is not None:
        when = f"At {seconds(change.fenced_at - change.zero, signed=True)}"
    told = [
        f"{when} it was certain that {server} could not use the database.",
        proof_of(stored, server),
        f"The receipt is good for epoch {stored.get('epoch', 'not stated')} alone.",
    ]
    return f"<p>{' '.join(text(each) for each in told)}</p>{evidence(evidence_of(stored))}"


def _about(change: PastChange) -> str:
    by = AUTOMATIC.get(change.requested_by, change.requested_by)
    rows = [
        ("why", change.reason),
        ("by", by),
        ("asked for", f"{change.action}{', as a dry run' if change.dry_run else ''}"),
        ("execution", change.execution),
    ]
    return table(
        (), [f'<tr><th scope="row">{name}</th><td>{text(value or "not known")}</td></tr>' for name, value in rows]
    )


def _probes(change: PastChange) -> str:
    if not change.probes:
        return "<p>Nothing of it is known.</p>"
    rows = []
    for run, ms1, ms2 in probe_rows(change.probes)[:_RUNS_SHOWN_AT_MOST]:
        rows.append(
            f'<tr><th scope="row">{text(run.active.value)} {text(run.finding)}</th>'
            f'<td class="n">{seconds(run.from_s - change.zero, signed=True)}</td>'
            f'<td class="n">{run.count:,}</td><td>{text(ms1)}</td><td>{text(ms2)}</td></tr>'
        )
    left_out = len(change.probes) - _RUNS_SHOWN_AT_MOST
    more = f"<p>{left_out:,} later ones stand in the record below.</p>" if left_out > 0 else ""
    return table(("the active server", "from", "probes", "ms1", "ms2"), rows) + more
