"""`failoverctl report`: the page of a change, made of what AWS still knows of it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from failoverctl.report import command
from failoverctl.report.change import PastChange
from failoverctl.report.change_lanes import Held, granted, pointed
from failoverctl.report.change_page import page
from failoverctl.report.chart import seconds
from failoverctl.report.course import Step
from failoverctl.whatif.read_log import log_of
from tests.failoverctl.conftest import Run, Said
from tests.failoverctl.region import MACHINE, RUNS, STACK, T0, Region, ended, lease, step
from tests.failoverctl.report import made_up

HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
EVIL = '</style></svg><script>alert(1)</script>"\' & \x1b[31m onload="x" ]]>'


class Page:
    """A page that was written, taken apart."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.tree = ElementTree.fromstring(self.text)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.tree.itertext()).split())

    @property
    def lacks(self) -> str:
        found = self.tree.find(f".//{HTML}section[@class='missing']")
        return "" if found is None else " ".join("".join(found.itertext()).split())

    @property
    def record(self) -> dict[str, Any]:
        raw = self.tree.find(f".//{HTML}pre[@id='raw']")
        assert raw is not None
        found: dict[str, Any] = json.loads(raw.text or "")
        return found

    def figures(self) -> dict[str, ElementTree.Element]:
        return {each.attrib["data-field"]: each for each in self.tree.iter(f"{HTML}data")}

    def titles(self) -> list[str]:
        """What is shown on pointing at a block of the drawing for a desk."""
        return [str(each.text) for each in next(self.tree.iter(f"{SVG}svg")).iter(f"{SVG}title")]


@pytest.fixture
def report(ctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `report` in an empty directory; gives back what was said, and the page."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[Said, Page]:
        said = ctl("report", *arguments)
        assert said.code == 0, said.err
        (written,) = tmp_path.glob("*.html")
        return said, Page(written)

    return run


def value_of(found: Any, field: str) -> Any:
    for part in field.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


@pytest.fixture
def told(region: Region) -> Region:
    return made_up.there(region)


def test_the_last_change_is_told_from_history_execution_and_probes(report: Any, told: Region) -> None:
    said, page = report()
    assert f"The page: report-{made_up.NAME}.html" in said.flat
    for sentence in (
        "Automatic failover from ms1 to ms2",
        "ms2 is active, and serves.",
        "a server served after 40.60 s, within the target of 120 s",
        "half-dead",
        "interface silent, port answers",
        "The network lets nothing of ms1 pass.",
        "Proven by the network: its ACLs let no packet of ms1 reach the database",
        "acl-1 denies 10.0.0.11 both ways in all three subnets.",
        "Unreachable: no answer came",
    ):
        assert sentence in page.words, sentence
    assert page.lacks == ""


def test_every_figure_on_the_page_is_the_record_s(report: Any, told: Region) -> None:
    _, page = report()
    shown = page.figures()
    assert {"recovery_s", "derived.detection_s", "derived.fence_s", "derived.promotion_s", "derived.took_s",
            "derived.copy_age_s", "epoch"} <= set(shown)  # fmt: skip
    for field, element in shown.items():
        value = value_of(page.record, field)
        assert element.attrib["value"] == json.dumps(value), field
        if field.endswith("_s") and field != "target_s":
            assert element.text == seconds(value)
    assert float(shown["derived.detection_s"].attrib["value"]) == pytest.approx(15.2)
    assert float(shown["derived.fence_s"].attrib["value"]) == pytest.approx(8.9)


def test_the_lanes_show_what_came_back_and_whom_the_workflow_granted_access(report: Any, told: Region) -> None:
    _, page = report()
    titles = page.titles()
    assert any(each.startswith("ms1 answers, 20 probes") for each in titles)
    assert any(each.startswith("ms1 half-dead: interface silent, port answers, 8 probes") for each in titles)
    assert any(each.startswith("Access group grants nobody, from +20.40 s to +26.20 s") for each in titles)
    assert any(each.startswith("DNS record points to ms2, from +27.50 s") for each in titles)


def test_the_failure_is_named_once(report: Any, told: Region) -> None:
    _, page = report()
    assert page.text.count(">first failed probe of ms1</text>") == 2  # a drawing for a desk, and one for a phone


def test_with_json_it_prints_the_record_and_that_is_read_back(ctl: Run, told: Region, tmp_path: Path) -> None:
    said = ctl("report", made_up.NAME, "--json", "--output", str(tmp_path / "page.html"))
    found = said.json()
    change = PastChange.from_json(found)
    assert change.to_json() == {name: each for name, each in found.items() if name != "page"}
    assert (tmp_path / "page.html").read_text() == page(change)
    assert set(found["settings"]) == {"RecoveryTargetSeconds"} & set(told.parameters)  # nothing that is the owner's


@pytest.mark.parametrize(
    "damage", [{"format": 2}, {"steps": [{"nonsense": 1}]}, {"probes": [{}]}, {"pair": None, "x": 1}]
)
def test_a_record_of_another_format_is_not_taken(ctl: Run, told: Region, tmp_path: Path, damage: Any) -> None:
    found = ctl("report", "--json", "--output", str(tmp_path / "page.html")).json()
    with pytest.raises(Exception, match="That is no change as `failoverctl report --json` writes it"):
        PastChange.from_json({**found, **damage})


def test_an_execution_that_has_expired_is_told_by_the_history_and_that_is_said(report: Any, told: Region) -> None:
    told.executions.clear()
    _, page = report()
    assert "Step Functions keeps one for 90 days after its end" in page.lacks
    assert "StartServer" in page.words
    assert "Proven by the network" in page.words
    # What a step came to is not known, so nothing is drawn that rests on it.
    assert not any("grants" in each or "points to" in each for each in page.titles())


def test_a_history_without_the_line_is_said_and_no_number_is_made_up(report: Any, told: Region) -> None:
    told.history, told.parameters = [], {"HistoryDays": "30"}
    _, page = report(made_up.NAME)
    assert "The pair's history has no line of it" in page.lacks
    assert "It is kept for 30 days." in page.lacks
    assert "Automatic failover from ms1 to ms2" in page.words
    shown = page.figures()
    assert [shown[field].text for field in ("recovery_s", "derived.fence_s", "derived.promotion_s")] == ["–"] * 3
    assert shown["derived.detection_s"].text == "15.20 s"
    assert "No receipt is known" in page.words


def test_a_log_that_is_gone_is_said(report: Any, told: Region) -> None:
    told.logged, told.parameters = [], {"LogRetentionDays": "90"}
    _, page = report()
    assert "The watchdog's log has no probe of that time" in page.lacks
    assert "Logs are kept for 90 days" in page.lacks
    assert page.figures()["derived.detection_s"].text == "15.20 s"  # by the record


def test_a_log_that_may_not_be_read_is_said(report: Any, told: Region) -> None:
    told.denied = {"FilterLogEvents"}
    _, page = report()
    assert "What the watchdog observed can't be read. These credentials may not read the watchdog's log" in page.lacks


def test_a_history_that_may_not_be_read_is_said_of_a_named_execution(ctl: Run, report: Any, told: Region) -> None:
    told.denied = {"Query"}
    _, page = report(made_up.ARN)
    assert "These credentials may not read the pair's history" in page.lacks
    assert ctl("report").code == 7


def test_a_name_that_nothing_is_known_of_is_said_so(ctl: Run, told: Region) -> None:
    said = ctl("report", "nonesuch")
    assert said.code == 7
    assert "Execution Does Not Exist" in said.err
    assert "Nor is it in the pair's history" in said.err


@pytest.mark.parametrize(
    "arn", [f"{RUNS.replace('demo', 'other')}:one", f"{RUNS.replace('central', 'west')}:one", MACHINE]
)
def test_an_execution_of_another_pair_is_refused_before_anything_is_read_of_it(
    ctl: Run, told: Region, arn: str
) -> None:
    said = ctl("report", arn)
    assert said.code == 2
    assert "is no execution of the pair tectia" in said.err
    assert "DescribeExecution" not in told.names()


def test_a_pair_without_a_change_is_said_so(ctl: Run, region: Region) -> None:
    said = ctl("report")
    assert said.code == 3
    assert "There is no change in the pair's history yet" in said.err


def test_a_change_that_runs_is_told_as_far_as_it_has_come(
    report: Any, told: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = f"{RUNS}:watch-2"
    told.executions[running] = {
        "status": "RUNNING", "input": '{"action": "failover", "requested_by": "watch", "reason": "ms1 is silent"}',
        "events": [*made_up.events(made_up.STEPS[:6]), *step(91, "VerifyFence", 6.5, None)],
    }  # fmt: skip
    told.items["state"]["lease"] = {**lease("watch-2"), "counts_from": made_up.FAILED_AT}
    monkeypatch.setattr(time, "time", lambda: T0 + 30)
    _, page = report()
    assert "It still runs, in VerifyFence: this page is as of" in page.words
    assert page.record["outcome"] == "running"
    assert "did not end" not in page.words
    assert page.text.count('class="step failed"') == 2, "AskSourceToStop alone, in two drawings"
    assert page.record["epoch"] == 2
    assert page.lacks == ""
    assert page.figures()["recovery_s"].text == "–"


def test_a_dry_run_is_called_one(report: Any, told: Region) -> None:
    told.executions[f"{RUNS}:failover-dry-run-1"] = {
        **ended("dry-run", "It would be done.", would="promoted"),
        "input": '{"action": "switchover", "dry_run": true, "requested_by": "Ann", "reason": "drill"}',
    }
    _, page = report("failover-dry-run-1")
    assert "Dry run: switchover" in page.words
    assert "It would be promoted: It would be done." in page.words
    assert page.lacks == ""


def test_a_halted_change_is_told_with_the_step_that_stopped_it(report: Any, told: Region) -> None:
    events = [*made_up.events(made_up.STEPS[:6]), *made_up.failed(91, "VerifyFence", 6.5, 12.0, "FenceUnproven")]
    told.executions[made_up.ARN] = made_up.execution(status="FAILED", error="Halted", cause="No proof.", events=events)
    told.history = [made_up.line("halted", receipt=None, recovery_s=None, sentence="No proof.")]
    told.items["state"] = {**told.items["state"], "halted": "No proof.", "lease": lease(made_up.NAME)}
    _, page = report()
    assert "halted" in page.words
    assert "No proof." in page.words
    assert "FenceUnproven: no answer came" in page.words


def test_whoever_writes_into_names_and_sentences_writes_text(report: Any, told: Region) -> None:
    told.executions[made_up.ARN] = made_up.execution(
        events=made_up.events([(EVIL, 0.0, 1.0, EVIL), ("StartServer", 1.0, 2.0, EVIL)]),
        output=json.dumps({"outcome": EVIL, "sentence": EVIL, "active": EVIL, "epoch": 2}),
        input=json.dumps({"action": EVIL, "reason": EVIL, "requested_by": EVIL}),
    )
    evil = dict.fromkeys(("outcome", "sentence", "reason", "requested_by", "action", "source", "target"), EVIL)
    receipt = {**made_up.RECEIPT, **dict.fromkeys(("server", "by", "access", "epoch"), EVIL), "evidence": [EVIL]}
    told.history = [{**made_up.line(), **evil, "receipt": receipt}]
    told.logged = [*made_up.LOG, made_up.probes(made_up.FAILED_AT + 40, 1, made_up.HALF, EVIL)]
    told.parameters = {"PairName": EVIL}
    _, page = report()
    kinds = {each.tag for each in page.tree.iter()}
    assert not {f"{HTML}{tag}" for tag in ("script", "link", "img", "iframe", "object", "a", "form")} & kinds
    assert not {f"{SVG}{tag}" for tag in ("script", "image", "foreignObject", "a", "use")} & kinds
    for each in page.tree.iter():
        assert not [name for name in each.attrib if name.startswith("on") or name in ("src", "href")]
    assert "\x1b" not in page.text
    policy = page.tree.find(f".//{HTML}meta[@http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert policy.attrib["content"].startswith("default-src 'none'")
    style = re.search(r"<style>(.*?)</style>", page.text, re.S)
    assert style is not None
    assert set(re.findall(r"url\(([^)]*)\)", style[1])) <= {"#hatch", "#hatch-narrow"}


def test_a_page_that_can_t_be_written_is_said_so(ctl: Run, told: Region, tmp_path: Path) -> None:
    said = ctl("report", "--output", str(tmp_path / "none" / "page.html"))
    assert said.code == 9
    assert "can't be written: No such file or directory." in said.err


def test_the_name_of_an_execution_makes_no_path(ctl: Run, told: Region, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    told.executions[f"{RUNS}:../../etc/x"] = made_up.execution()
    assert ctl("report", "../../etc/x").code == 0
    assert [each.name for each in tmp_path.iterdir()] == ["report-..-..-etc-x.html"]


def past(steps: list[tuple[str, float, bool]], **about: Any) -> PastChange:
    """A change with these steps: name, when it was entered, and whether it failed; each takes a second."""
    found = PastChange(
        "tectia", STACK, "eu-central-1", made_up.ARN, T0 + 60, "promoted", T0, 120.0,
        action="failover", source="ms1", target="ms2", stopped_at=T0 + 30,
        steps=tuple(Step(name, T0 + at, T0 + at + 1, "", bad) for name, at, bad in steps),
    )  # fmt: skip
    return replace(found, **about)


def held(found: list[Held]) -> list[tuple[float, str]]:
    return [(round(each.at - T0, 1), each.server) for each in found]


def test_a_step_that_failed_has_granted_and_revoked_nothing() -> None:
    change = past([("RevokeAccess", 1, True), ("RevokeAccess", 3, False), ("GrantAccess", 5, False)])
    assert held(granted(change)) == [(-1.0, "ms1"), (4.0, ""), (6.0, "ms2")]
    assert held(pointed(change)) == [(-1.0, "ms1")]


def test_a_change_that_turns_back_grants_access_to_the_server_that_it_came_from() -> None:
    way = ["RevokeAccess", "GrantAccess", "TurnBack", "RevokeAccess", "GrantAccess"]
    steps = [(name, 2.0 * number, False) for number, name in enumerate(way)]
    change = past(steps, outcome="rolled-back", action="switchover", source="ms2", target="ms1")
    assert change.was_active == "ms1"
    assert [each.server for each in granted(change)] == ["ms1", "", "ms2", "", "ms1"]


def test_an_adoption_grants_access_to_the_server_that_was_found() -> None:
    change = past([("GrantAccess", 1, False)], action="adopt", source="ms2", target="ms1")
    assert held(granted(change)) == [(2.0, "ms1")]


def test_the_first_failed_probe_is_the_one_of_this_outage() -> None:
    lines = [
        made_up.probes(T0 - 100, 3, made_up.HALF, "half-dead"),
        made_up.probes(T0 - 85, 5),
        made_up.probes(T0 - 60, 4, made_up.HALF, "half-dead"),
        made_up.probes(T0 - 40, 8, made_up.REFUSED, "gone"),
    ]
    change = past([], probes=tuple(log_of(lines).runs), requested_by="alarm")
    assert change.failure_at == T0 - 60
    assert replace(change, action="switchover").failure_at is None
    assert replace(change, probes=()).failure_at is None
    assert replace(change, probes=(), requested_by="watch", counts_from=T0 - 7).failure_at == T0 - 7


def test_a_page_with_as_little_as_there_can_be_is_a_page() -> None:
    bare = PastChange("p", "s", "r", "arn:x", T0, "aborted", T0, 120.0)
    ElementTree.fromstring(page(bare))
    assert "The workflow says nothing of how it ended." in page(bare)


def test_a_replay_outside_a_checkout_is_said_to_need_one(ctl: Run, told: Region, monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "CHECKOUT", Path("/nowhere"))
    said = ctl("report", "--replay")
    assert said.code == 7
    assert "--replay needs the project's checkout, on Linux and as root" in said.err
    assert told.asked == []


def test_a_replay_is_shown_and_not_printed_as_json(ctl: Run, told: Region) -> None:
    assert ctl("report", "--replay", "--json").code == 2


def test_a_change_that_can_t_be_replayed_is_told_all_the_same(ctl: Run, told: Region, tmp_path: Path) -> None:
    told.history = [made_up.line("blocked", recovery_s=None)]
    said = ctl("report", "--replay", "--output", str(tmp_path / "page.html"))
    assert said.code == 3
    assert (tmp_path / "page.html").exists()
    record = PastChange.from_json(json.loads((tmp_path / "page-record.json").read_text()))
    assert record.outcome == "blocked"


@pytest.mark.parametrize(
    ("action", "named"),
    [("adopt", "an adoption"), ("force", "a forced failover"), ("switchover", "a switchover"), ("strange", "a change")],
)
def test_what_was_asked_for_is_named_as_one_says_it(region: Region, report: Any, action: str, named: str) -> None:
    made_up.there(region)
    asked = json.dumps({"action": action, "reason": "x", "requested_by": "ann"})
    region.executions[made_up.ARN] = made_up.execution(input=asked)
    region.history[1] |= {"action": action, "requested_by": "ann"}
    assert f"ann asks for {named}" in report()[1].words
