"""The timeline's lanes: each takes a run and a scale, and gives back a drawing with its own zero at the top left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.testbed.report.chart import Scale, group, label, line, rect, seconds, width_of
from lab.testbed.report.figures import Report, active_at_end
from lab.testbed.report.record import Row, Run

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


def kind_of(run: Run, server: str | None) -> str:
    """The class a server is drawn with: s1 and s2 for the pair, `none` for no server, `bad` for anything else."""
    if server is None:
        return "none"
    return f"s{run.servers.index(server) + 1}" if server in run.servers else "bad"


def phases(run: Run, report: Report, scale: Scale) -> Lane:
    """The phases as blocks, side by side, or below each other where they overlap.

    A name too long for its block stands under it, at the end of a thin line: each phase is named, however short it was.
    """
    spans = []
    for number, phase in enumerate(report["phases"]):
        took, name = seconds(phase["end"] - phase["start"]), phase["name"]
        start, end = run.t0 + phase["start"], run.t0 + phase["end"]
        spans.append(Span(start, end, f"phase p{number % 2}", f"{name} {took}", f"{name}: {took}", name))
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


def takeover(run: Run, report: Report, scale: Scale) -> Lane | None:
    """A line with a measure from the cause to the new server's first row; None where there was no takeover."""
    change = report["changes"][-1] if report["changes"] else None
    if change is None or change["takeover_s"] is None or change["first_write_at"] is None:
        return None
    start, end = scale.x(run.t0 + change["at"]), scale.x(run.t0 + change["first_write_at"])
    said = f"takeover {seconds(change['takeover_s'])}"
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


def access(run: Run, scale: Scale) -> Lane:
    """Who may use the database, as it was read from the firewall."""
    spans = []
    for seen, end in zip(run.access, _ends([seen.at for seen in run.access], run.ended_at), strict=True):
        who = " and ".join(sorted(seen.servers)) or "nobody"
        one = next(iter(seen.servers)) if len(seen.servers) == 1 else None
        kind = "bad" if len(seen.servers) > 1 else kind_of(run, one)
        spans.append(Span(seen.at, end, kind, who, f"open to {who}, {_between(scale, seen.at, end)}"))
    return Lane("Database", "open to", 24, blocks(scale, spans, 24))


def name(run: Run, scale: Scale) -> Lane:
    """Where the name pointed, as the authoritative server answered."""
    spans = []
    for seen, end in zip(run.name, _ends([seen.at for seen in run.name], run.ended_at), strict=True):
        said = f"{seen.server or 'nobody'} {seen.address}"
        about = f"{said}, {_between(scale, seen.at, end)}"
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


def blocks(scale: Scale, spans: Sequence[Span], height: float) -> str:
    """Blocks with their names in them, where there is room for a name."""
    parts = []
    for span in spans:
        left, right = scale.x(span.start), scale.x(span.end)
        if right <= left and not scale.shows(span.start):
            continue
        parts.append(rect(left, 0, right - left - 1, height, f"block {span.kind}", span.title))
        inside = _inside(scale, span)
        if inside:
            parts.append(label(left + 6, height / 2 + 4, inside, f"in {span.kind}-in"))
    return "".join(parts)


def _inside(scale: Scale, span: Span) -> str:
    """What is written into a block: its name, its short name, or nothing; no half words."""
    room = scale.x(span.end) - scale.x(span.start) - 9
    return next((name for name in (span.name, span.short) if name and width_of(name, 11.5) <= room), "")


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


def _between(scale: Scale, start: float, end: float) -> str:
    return f"from {seconds(start - scale.zero, signed=True)} to {seconds(end - scale.zero, signed=True)}"


def _ends(moments: Sequence[float], end: float) -> list[float]:
    """When each of several states gave way to the next; the last one lasts to the end."""
    return [*moments[1:], max(end, moments[-1])] if moments else []
