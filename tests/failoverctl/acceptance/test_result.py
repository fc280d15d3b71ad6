"""One red scenario makes the whole red, what was not run is not known, and the page says which is which."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from failoverctl.acceptance.result import Line, Result, not_run

CRASH = Line("crash", "yes", "ms2 wrote 9.1 s after it, and ms1 never beside it.", "crash/report.html", 61.0)
HANG = Line("hang", "no", "One writer at a time: both <servers> wrote for 0.5 s.", "hang/report.html", 80.0)
UNTRIED = (Line("cold starts in a VPC", "unknown", "Acceptance does not do it."),)


def result(*scenarios: Line, left: tuple[str, ...] = ()) -> Result:
    return Result("demo", "Account 123456789012", 1_795_763_000.0, scenarios, UNTRIED, left)


@pytest.mark.parametrize(
    ("found", "answer", "words"),
    [
        (result(CRASH), "yes", "demo is accepted: all 1 scenarios"),
        (result(CRASH, HANG, *not_run(["stop"], "…")), "no", "red: hang; not known: stop"),
        (result(CRASH, *not_run(["stop"], "…")), "unknown", "not known: stop"),
        (result(), "unknown", "demo is not known"),
        (result(CRASH, left=("the cut could not be taken back",)), "no", "1 left to be taken back by hand"),
    ],
)
def test_only_when_every_scenario_says_yes_is_it_accepted(found: Result, answer: str, words: str) -> None:
    assert found.answer == answer
    assert words in found.headline


def test_the_page_has_every_line_and_leads_to_each_report(tmp_path: Path) -> None:
    found = result(CRASH, HANG, *not_run(["stop"], "the run ended with hang."))
    page = found.write(tmp_path)
    body = page.read_text()
    ElementTree.fromstring(body.partition("\n")[2])
    assert 'href="crash/report.html"' in body
    assert "both &lt;servers&gt; wrote" in body
    assert "cold starts in a VPC" in body
    told = json.loads((tmp_path / "acceptance.json").read_text())
    assert [each["answer"] for each in told["scenarios"]] == ["yes", "no", "unknown"]
    console = Console(width=120, record=True)
    console.print(found.table())
    shown = console.export_text()
    assert all(name in shown for name in ("crash", "hang", "stop", "cold starts in a VPC"))
