"""A run's page drawn again from its files, and where wanted the picture."""

from __future__ import annotations

import json
from pathlib import Path

from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.page import page
from failoverctl.acceptance.report.publish import FIGURES, PAGE, RECORD
from failoverctl.acceptance.report.record import Run
from lab.testbed.report.picture import picture


def redraw(directory: Path, picture_to: Path | None = None) -> None:
    """Draw the page again from a directory's record and figures, and the picture where a path for it is given.

    Raises `FileNotFoundError` where no run was recorded there, `ValueError` for a record of another format.
    """
    run = Run.load(directory / RECORD)
    figures: Report = json.loads((directory / FIGURES).read_text(encoding="utf-8"))
    (directory / PAGE).write_text(page(run, figures), encoding="utf-8")
    if picture_to is not None:
        picture_to.write_text(picture(run, figures), encoding="utf-8")
