"""The page and the picture: whole, safe, and saying nothing that the report does not say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msfailover.text import clean

from failoverctl.acceptance.report.figures import Report, report
from failoverctl.acceptance.report.page import page
from failoverctl.acceptance.report.publish import publish
from failoverctl.acceptance.report.record import AgentEvent, Change, NameSeen, Row, Run
from failoverctl.acceptance.report.timeline import lanes_of
from failoverctl.acceptance.report.tracks import offending
from failoverctl.report import timeline
from failoverctl.report.chart import seconds, width_of
from failoverctl.report.course import Event, Phase, Step
from lab.testbed.report.picture import picture
from lab.testbed.report.redraw import redraw
from tests.lab.testbed.report import sample

RUNS = [sample.crash, sample.hang, sample.transient, sample.split]
DRAWINGS = 2  # one for a desk, one for a phone
HTML = "{http://www.w3.org/1999/xhtml}"
EVIL = '</style></svg><script>alert(1)</script>"\' & \x1b[31m\x00 onload="x"'


def of(run: Run) -> Report:
    return report(run, sample.judged(run))


def tree(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)


def bare() -> Run:
    """As little as a run can hold: it broke before anything was observed."""
    return Run(scenario="bare", headline="nothing came of it", expected="promoted", t0=sample.T0, ended_at=sample.T0)


def hostile() -> Run:
    """Everything that others say is an attempt on the page."""
    run = sample.crash(agents=3)
    return replace(
        run,
        scenario=EVIL, headline=EVIL, outcome=EVIL, expected=EVIL,
        events=(Event(sample.FAILURE, EVIL),),
        phases=(Phase(EVIL, sample.FAILURE, sample.FAILURE + 3),),
        steps=(Step(EVIL, sample.FAILURE + 1, sample.FAILURE + 2, EVIL),),
        agents=(*run.agents, AgentEvent(EVIL, EVIL, sample.FAILURE + 2)),
        name=(*run.name, NameSeen(sample.FAILURE + 5, EVIL, EVIL)),
        receipt={"by": EVIL, "server": EVIL, "access": EVIL, "sessions": EVIL, "evidence": [EVIL]},
    )  # fmt: skip


@pytest.mark.parametrize("make", [*RUNS, bare, hostile])
def test_the_page_is_well_formed_and_needs_nothing_but_itself(make: Callable[[], Run]) -> None:
    run = make()
    document = page(run, of(run))
    assert document.startswith("<!DOCTYPE html>")
    kinds = {element.tag for element in tree(document).iter()}
    assert not {f"{HTML}{tag}" for tag in ("script", "link", "img", "iframe", "object")} & kinds
    for element in tree(document).iter():
        assert not {name for name in element.attrib if name.startswith("on") or name in ("src", "href")}
    style = re.search(r"<style>(.*?)</style>", document, re.S)
    assert style is not None
    assert "@import" not in style[1]
    assert set(re.findall(r"url\(([^)]*)\)", style[1])) <= {"#hatch", "#hatch-narrow"}


@pytest.mark.parametrize("make", [*RUNS, bare, hostile])
def test_the_picture_is_well_formed_and_always_the_same(make: Callable[[], Run]) -> None:
    run = make()
    drawn = picture(run, of(run))
    assert drawn == picture(run, of(run))
    root = tree(drawn)
    assert root.attrib["width"] == "1200"
    assert not [element for element in root.iter() if element.tag.endswith(("script", "image", "foreignObject"))]


def test_what_others_said_is_shown_as_text() -> None:
    document = page(hostile(), of(hostile()))
    heading = tree(document).find(f".//{HTML}h1")
    assert heading is not None
    assert heading.text == clean(EVIL)


@pytest.mark.parametrize("make", [*RUNS, bare])
def test_the_numbers_on_the_page_are_those_of_the_report(make: Callable[[], Run]) -> None:
    run = make()
    found = of(run)
    shown = {element.attrib["data-field"]: element for element in tree(page(run, found)).iter(f"{HTML}data")}
    assert {"takeover_s", "detection_s", "fence_s", "dual_active_s", "journal_violations", "agents.recovered",
            "agents.count", "agents.recovered_s"} <= set(shown)  # fmt: skip
    for field, element in shown.items():
        value = value_of(found, field)
        assert element.attrib["value"] == ("" if value is None else json.dumps(value))
        if value is None:
            assert element.text == "–"
        elif field.endswith("_s") and field != "dual_active_s":
            assert element.text == seconds(value)
        elif isinstance(value, int) and not field.endswith("bytes"):
            assert element.text == f"{value:,}"


def test_the_report_itself_stands_on_the_page() -> None:
    found = of(sample.crash())
    raw = tree(page(sample.crash(), found)).find(f".//{HTML}pre[@id='raw']")
    assert raw is not None
    assert json.loads(raw.text or "") == found


def test_a_figure_that_is_not_known_is_a_dash() -> None:
    document = page(sample.transient(), of(sample.transient()))
    assert '<data data-field="takeover_s" value="">–</data>' in document


def test_each_row_in_the_window_is_a_stroke_and_those_out_of_turn_are_red() -> None:
    run = sample.split()
    drawn = page(run, of(run))
    red = re.search(r'class="row bad-line" d="([^"]*)"', drawn)
    assert red is not None
    assert red[1].count("M") == of(run)["journal_violations"]
    assert 'class="row bad-line"' not in page(sample.crash(), of(sample.crash()))


def test_a_standby_that_was_never_permitted_is_drawn_red() -> None:
    run = sample.transient()
    stray = Row(9001, "ms2", sample.FAILURE + 1)
    assert offending(replace(run, rows=(*run.rows, stray))) == {9001}
    both_ways = replace(run, changes=(Change(sample.FAILURE, "ms1", "ms2", permitted=True),))
    assert 9001 not in offending(replace(both_ways, rows=(stray,)))


def test_the_page_says_who_wrote_beside_whom() -> None:
    document = page(sample.split(), of(sample.split()))
    assert "ms1 wrote on beside it for" in document
    assert "ms1 wrote nothing after that" in page(sample.crash(), of(sample.crash()))


def test_a_receipt_with_sessions_left_is_not_glossed_over() -> None:
    stored = {**sample.receipt(sample.FAILURE + 3), "sessions": [0, 2, 0]}
    run = replace(sample.crash(), receipt=stored)
    assert "the reads found 0, 2, 0 sessions of ms1" in page(run, of(run))


def test_a_failed_step_and_one_that_never_ended_stand_out() -> None:
    run = sample.crash()
    steps = (Step("VerifyFence", sample.FAILURE + 2, sample.FAILURE + 3, "no answer", failed=True),
             Step("PowerOff", sample.FAILURE + 3))  # fmt: skip
    document = page(replace(run, steps=steps), of(run))
    assert document.count('class="step failed"') == 2 * DRAWINGS
    assert "did not end" in document


def test_every_phase_is_named_however_short_it_was() -> None:
    names = [f"phase {letter}" for letter in "abcdefgh"]
    spans = tuple(Phase(name, sample.FAILURE + n * 0.02, sample.FAILURE + n * 0.02 + 0.01)
                  for n, name in enumerate(names))  # fmt: skip
    run = replace(sample.crash(), phases=spans)
    drawn = [element.text for element in tree(picture(run, of(run))).iter() if element.tag.endswith("}text")]
    assert [name for name in names if not any((text or "").startswith(name) for text in drawn)] == []


def test_the_faults_label_stands_at_the_failure_though_it_was_noted_later() -> None:
    run = replace(sample.crash(), events=(Event(sample.FAILURE + 0.3, "pulled the plug"),))
    assert page(run, of(run)).count('class="fault"') == DRAWINGS
    unlabelled = replace(run, events=())
    assert ">failure</text>" in page(unlabelled, of(unlabelled))


def test_publish_writes_what_redraw_draws_again(tmp_path: Path) -> None:
    run = sample.crash()
    found = publish(run, sample.judged(run), tmp_path / "build")
    assert json.loads((tmp_path / "build" / "report.json").read_text()) == found
    drawn = (tmp_path / "build" / "report.html").read_text()
    (tmp_path / "build" / "report.html").unlink()
    redraw(tmp_path / "build", tmp_path / "failover.svg")
    assert (tmp_path / "build" / "report.html").read_text() == drawn
    assert (tmp_path / "failover.svg").read_text() == picture(run, found)


def two_executions() -> Run:
    """One that failed at a step with a long reason, and one that a person began after it."""
    at = sample.FAILURE
    steps = (
        Step("StartServer", at + 1, at + 1.3, f"the reason is long: {'it says so; ' * 40}END", True, "failover-a"),
        Step("Halted", at + 1.4, at + 1.5, "halted", True, "failover-a"),
        Step("StartServer", at + 3, at + 3.3, "The service of ms2 runs.", False, "resume-b"),
    )
    return replace(sample.crash(), steps=steps, commit="abc1234+")


def texts(drawing: str) -> list[ElementTree.Element]:
    return [element for element in tree(drawing).iter() if element.tag.endswith("}text")]


def test_a_steps_whole_sentence_stands_in_both_drawings_and_its_bar_ends_with_it() -> None:
    run = two_executions()
    for drawing in (timeline.full(run, lanes_of(run, of(run))), timeline.narrow(run, lanes_of(run, of(run)))):
        written = " ".join("".join(element.itertext()) for element in texts(timeline.svg(drawing, "t")))
        assert written.count("it says so;") == 40
        assert "END" in written
        assert "…" not in written
    # A rule of the page's own for table cells once made each failed bar as wide as the drawing.
    style = (Path(timeline.__file__).parent / "page.css").read_text()
    assert not re.search(r"^\.(failed|said|step)\b", style, re.M)


def test_several_executions_have_a_heading_each_and_one_has_none() -> None:
    run = two_executions()
    assert "Execution 1 of 2" in page(run, of(run))
    assert "resume-b" in page(run, of(run))
    assert "Execution 1 of" not in page(sample.crash(), of(sample.crash()))


def test_the_phones_drawing_stays_within_its_width() -> None:
    run = replace(two_executions(), events=(*sample.crash().events, Event(sample.FAILURE + 3, "a long label " * 9)))
    drawing = timeline.narrow(run, lanes_of(run, of(run)))
    for element in texts(timeline.svg(drawing, "t")):
        value, x = "".join(element.itertext()), float(element.attrib["x"])
        width = width_of(value, 11)
        left = {"end": x - width, "middle": x - width / 2}.get(element.attrib.get("text-anchor", ""), x)
        assert left >= -1, value
        assert left + width <= drawing.width + 1, value


def test_a_bold_label_is_wrapped_by_its_own_width() -> None:
    label = "somebody grants access for ms2 by hand, and starts it"
    run = replace(sample.crash(), events=(Event(sample.FAILURE, label),))
    drawing = timeline.narrow(run, lanes_of(run, of(run)))
    lines = [each for each in texts(timeline.svg(drawing, "t")) if each.get("class") == "fault"]
    assert " ".join("".join(each.itertext()) for each in lines) == label
    per_character = (
        7.3  # as Chromium draws this very label in bold DejaVu Sans of 12 px, the widest sans-serif asked for
    )
    for each in lines:
        assert float(each.attrib["x"]) + per_character * len("".join(each.itertext())) <= drawing.width


def test_no_marks_line_is_drawn_over_a_label() -> None:
    run = replace(sample.crash(), events=(*sample.crash().events, Event(sample.FAILURE + 3, "a long label " * 9)))
    for draw, kinds in ((timeline.full, {"fault", "done"}), (timeline.narrow, {"fault", "done", "name"})):
        elements = list(tree(timeline.svg(draw(run, lanes_of(run, of(run))), "t")).iter())
        lines = [at for at, each in enumerate(elements) if each.get("class") in ("fault-line", "done-line")]
        labels = [at for at, each in enumerate(elements) if each.get("class") in kinds]
        assert len(labels) > 1
        assert max(lines) < min(labels)


@pytest.mark.parametrize("make", [sample.crash, sample.hang])
def test_the_failures_line_crosses_no_name_in_a_block(make: Callable[[], Run]) -> None:
    run = make()
    for draw in (timeline.full, timeline.narrow):
        elements = list(tree(timeline.svg(draw(run, lanes_of(run, of(run))), "t")).iter())
        lines = [str(each.get("d")) for each in elements if each.get("class") == "fault-line"]
        (at,) = {float(re.match(r"M([0-9.]+)", line)[1]) for line in lines}  # type: ignore[index]
        named = [each for each in elements if str(each.get("class")).startswith("in ")]
        assert len(named) > 3
        for each in named:
            begins, name = float(each.attrib["x"]), "".join(each.itertext())
            assert not begins < at < begins + width_of(name, 11.5), name


def test_the_head_says_the_commit_and_what_times_count_from() -> None:
    document = page(two_executions(), of(two_executions()))
    assert "commit abc1234+" in document
    assert "Every time here counts from the failure, at " in document


def value_of(found: Any, field: str) -> Any:
    for part in field.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def test_every_run_is_kept_beside_the_latest_and_says_its_day(tmp_path: Path) -> None:
    run = sample.crash()
    publish(run, sample.judged(run), tmp_path)
    (kept,) = (tmp_path / "runs").glob("*.html")
    assert kept.read_text() == (tmp_path / "report.html").read_text()
    assert kept.name.endswith(f"-{run.scenario}.html")
    assert " UTC</p>" in kept.read_text()
