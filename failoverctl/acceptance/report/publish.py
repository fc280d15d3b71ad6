"""A run's files: what was observed, the figures, and the page."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from failoverctl.acceptance.report.figures import Report, report
from failoverctl.acceptance.report.journal import Judgement
from failoverctl.acceptance.report.page import page
from failoverctl.acceptance.report.record import Run

RECORD, FIGURES, PAGE = "record.json", "report.json", "report.html"
RUNS = "runs"


def publish(run: Run, judgement: Judgement, directory: Path) -> Report:
    """Write report.json, report.html and record.json (what both were made of) there; return the report.

    The figures are written first: should drawing fail, they are there.
    """
    figures = report(run, judgement)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    run.save(directory / RECORD)
    document = page(run, figures)
    (directory / PAGE).write_text(document, encoding="utf-8")
    _keep(run, figures, document, directory / RUNS)
    return figures


def _keep(run: Run, figures: Report, document: str, directory: Path) -> None:
    """Keep the run under a name of its own: the next one writes over the latest."""
    directory.mkdir(exist_ok=True)
    began = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(run.t0))
    name = f"{began}-{re.sub('[^a-z0-9-]', '-', run.scenario.lower())[:60]}"
    (directory / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (directory / f"{name}.html").write_text(document, encoding="utf-8")
