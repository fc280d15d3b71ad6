"""The timeline's lanes: each takes a run and a scale, and gives back a drawing with its own zero at the top left."""

from __future__ import annotations

from collections.abc import Sequence

from failoverctl.acceptance.report.figures import Report, active_at_end
from failoverctl.acceptance.report.record import Row, Run
from failoverctl.report.chart import Scale, label, rect, seconds, width_of
from failoverctl.report.lanes import Lane, Span, between, blocks, ends_of, measure


def kind_of(run: Run, server: str | None) -> str:
    """The class a server is drawn with: s1 and s2 for the pair, `none` for no server, `bad` for anything else."""
    if server is None:
        return "none"
    return f"s{run.servers.index(server) + 1}" if server in run.servers else "bad"


def takeover(run: Run, report: Report, scale: Scale) -> Lane | None:
    """A line with a measure from the cause to the new server's first row; None where there was no takeover."""
    change = report["changes"][-1] if report["changes"] else None
    if change is None or change["takeover_s"] is None or change["first_write_at"] is None:
        return None
    said = f"takeover {seconds(change['takeover_s'])}"
    return measure(scale, run.t0 + change["at"], run.t0 + change["first_write_at"], said)


def access(run: Run, scale: Scale) -> Lane:
    """Who may use the database, as it was read from the firewall."""
    spans = []
    for seen, end in zip(run.access, ends_of([seen.at for seen in run.access], run.ended_at), strict=True):
        who = " and ".join(sorted(seen.servers)) or "nobody"
        one = next(iter(seen.servers)) if len(seen.servers) == 1 else None
        kind = "bad" if len(seen.servers) > 1 else kind_of(run, one)
        spans.append(Span(seen.at, end, kind, who, f"open to {who}, {between(scale, seen.at, end)}"))
    return Lane("Database", "open to", 24, blocks(scale, spans, 24))


def name(run: Run, scale: Scale) -> Lane:
    """Where the name pointed, as the authoritative server answered."""
    spans = []
    for seen, end in zip(run.name, ends_of([seen.at for seen in run.name], run.ended_at), strict=True):
        said = f"{seen.server or 'nobody'} {seen.address}"
        about = f"{said}, {between(scale, seen.at, end)}"
        spans.append(Span(seen.at, end, kind_of(run, seen.server), said, about, seen.server or "nobody"))
    return Lane("Name", "points to", 24, blocks(scale, spans, 24))


def writes(run: Run, report: Report, scale: Scale, server: str, height: float = 36) -> Lane:
    """A stroke for each row of one server; those that should not be there are red and reach further."""
    wrong = offending(run)
    rows = [row for row in run.rows if row.server == server]
    parts = [rect(scale.left, 0, scale.right - scale.left, height, "bed", round_by=0)]
    parts.append(_strokes(scale, [r for r in rows if r.id not in wrong], 0, height, f"row {kind_of(run, server)}-line"))
    parts.append(_strokes(scale, [row for row in rows if row.id in wrong], -4, height + 8, "row bad-line"))
    change = run.change
    if rows and change is not None and report["takeover_s"] is not None:
        # Where the one's rows end and the other's begin is what the picture is about: say when, beside the edge.
        edge = rows[-1].at if server == change.old else report["changes"][-1]["first_write_at"]
        moment = edge if server == change.old or edge is None else run.t0 + edge
        if moment is not None and scale.shows(moment):
            word, side, anchor = ("last", 6, "start") if server == change.old else ("first", -6, "end")
            said = f"{word} {seconds(moment - scale.zero, signed=True)}"
            if anchor == "end" and scale.x(moment) + side - width_of(said, 11) < scale.left:
                side, anchor = 6, "start"
            parts.append(label(scale.x(moment) + side, height / 2 + 4, said, "edge", anchor))
    return Lane(f"{server} writes", f"{report['writes'].get(server, 0):,} rows", height, "".join(parts))


def agents(run: Run, report: Report, scale: Scale, height: float = 74) -> Lane:
    """How many agents were where, stacked: the new home grows from below, the old one shrinks from above."""
    everyone = max(1, report["agents"]["count"])
    home = active_at_end(run)
    away = next(server for server in run.servers if server != home)
    points = _census(run, scale, (home, None, away))
    xs = [x for x, _ in points]
    parts = [rect(scale.left, 0, scale.right - scale.left, height, "bed", round_by=0)]
    below = [0] * len(points)
    for index, place in enumerate((home, None, away)):
        above = [low + counts[index] for low, (_, counts) in zip(below, points, strict=True)]
        outline = (
            _edge(xs, above, scale.right, height, everyone) + _edge(xs, below, scale.right, height, everyone)[::-1]
        )
        parts.append(f'<path class="area {kind_of(run, place)}" d="M{_path(outline)}Z"/>')
        below = above
    arrived = _edge(xs, [counts[0] for _, counts in points], scale.right, height, everyone)
    parts.append(f'<path class="{kind_of(run, home)}-line" d="M{_path(arrived)}"/>')
    back = report["agents"]["recovered"]
    when = report["agents"]["recovered_s"]
    note = f"{back:,} of {report['agents']['count']:,} back" if report["agents"]["count"] else "none"
    if when is not None and when > scale.end:
        said = f"the last at {seconds(when, signed=True)}"
        parts.append(label(scale.right - 8, height - 8, said, f"{kind_of(run, home)}-in", "end"))
    return Lane("Agents", note, height, "".join(parts))


def offending(run: Run) -> frozenset[int]:
    """The rows to be drawn in red. (The figures count in the database; this only chooses colours.)"""
    change = run.change
    stray = {row.id for row in run.rows if row.server not in run.servers}
    if change is None or not change.permitted:
        return frozenset(stray | {row.id for row in run.rows if row.server != run.active})
    since = run.t0 if len(run.changes) == 1 else change.at
    new = [row for row in run.rows if row.server == change.new and row.at >= since]
    if not new:
        return frozenset(stray)
    first = min(row.at for row in new)
    return frozenset(stray | {row.id for row in run.rows if row.server == change.old and row.at >= first})


def _strokes(scale: Scale, rows: Sequence[Row], top: float, height: float, kind: str) -> str:
    """One path for all rows in the window; rows nearer than a third of a pixel are one stroke."""
    places: list[float] = []
    for row in rows:
        if scale.shows(row.at):
            x = scale.x(row.at)
            if not places or x - places[-1] > 0.33:
                places.append(x)
    if not places:
        return ""
    drawn = "".join(f"M{x:.1f} {top:g}v{height:g}" for x in places)
    return f'<path class="{kind}" d="{drawn}"/>'


def _census(run: Run, scale: Scale, places: Sequence[str | None]) -> list[tuple[float, list[int]]]:
    """For each place of the drawing where something changes: how many agents were in each of `places` from there on."""
    where: dict[str, str | None] = {}
    points: list[tuple[float, list[int]]] = [(scale.left, [0] * len(places))]
    counts = [0] * len(places)
    for event in sorted(run.agents, key=lambda event: event.at):
        if event.at - scale.zero > scale.end:
            break
        if event.agent in where and where[event.agent] in places:
            counts[places.index(where[event.agent])] -= 1
        where[event.agent] = event.server
        if event.server in places:
            counts[places.index(event.server)] += 1
        x = round(scale.x(event.at), 1)
        if points[-1][0] == x:
            points.pop()
        points.append((x, list(counts)))
    return points


def _edge(
    xs: Sequence[float], counts: Sequence[int], right: float, height: float, top: int
) -> list[tuple[float, float]]:
    """Counts as a line of steps, each lasting until the next one."""
    ends = [*xs[1:], right]
    return [
        (place, height - height * count / top)
        for x, end, count in zip(xs, ends, counts, strict=True)
        for place in (x, end)
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
