"""The lanes of a run's timeline."""

from __future__ import annotations

from functools import partial

from failoverctl.acceptance.report import tracks
from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.record import Run
from failoverctl.report import lanes
from failoverctl.report.chart import Scale
from failoverctl.report.course import Phase
from failoverctl.report.lanes import Lane
from failoverctl.report.timeline import Lanes


def lanes_of(run: Run, report: Report) -> Lanes:
    """The lanes that tell what happened, on any scale."""
    return partial(_story, run, report)


def phases_of(run: Run, report: Report) -> tuple[Phase, ...]:
    """The report's phases, in seconds since 1970."""
    return tuple(Phase(each["name"], run.t0 + each["start"], run.t0 + each["end"]) for each in report["phases"])


def _story(run: Run, report: Report, scale: Scale) -> list[Lane]:
    first, second = run.servers
    measure = tracks.takeover(run, report, scale)
    return [
        lanes.phases(phases_of(run, report), scale),
        *([measure] if measure else []),
        tracks.writes(run, report, scale, first),
        tracks.writes(run, report, scale, second),
        tracks.access(run, scale),
        tracks.name(run, scale),
        tracks.agents(run, report, scale),
    ]
