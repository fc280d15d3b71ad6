"""The drill's report: a page that says for each way how long nobody served, and does not call good what was not."""

from __future__ import annotations

from typing import Any

from lab.testbed.drill import SCENARIO, summary, write
from lab.testbed.scenarios import all_scenarios


def report(**changed: Any) -> Any:
    ways = [
        {"old": "ms1", "new": "ms2", "takeover_s": 2.5},
        {"old": "ms2", "new": "ms1", "takeover_s": None},
    ]
    silences = [
        {"name": "Without service, there", "answer": "yes", "sentence": "Nobody wrote for 1.74 s, 0.14 s of them."},
        {"name": "Without service, back", "answer": "yes", "sentence": "Nobody wrote for 2.47 s, 0.15 s of them."},
    ]
    about = {
        "ok": True,
        "changes": ways,
        "invariants": [{"name": "One writer at a time", "answer": "yes", "sentence": "So it is."}, *silences],
        "agents": {"count": 20, "recovered": 19, "recovered_s": None},
        "outcome": "promoted",
        "epoch": 3,
        "journal_violations": 0,
        "dual_active_s": 0.0,
    }
    return {**about, **changed}


def test_each_way_has_a_line_with_its_silence() -> None:
    told = summary(report())
    assert "# Drill: it held" in told
    assert "| ms1 to ms2 | 2.50 s | Nobody wrote for 1.74 s |" in told
    assert "| ms2 to ms1 | never | Nobody wrote for 2.47 s |" in told
    assert "19 of 20 back" in told
    assert "should not be there: 0" in told
    assert "All checks held." in told


def test_what_did_not_hold_is_named() -> None:
    bad = {"name": "One writer at a time", "answer": "no", "sentence": "Both wrote."}
    told = summary(report(ok=False, invariants=[bad], journal_violations=7, dual_active_s=0.25))
    assert "it did NOT hold" in told
    assert "- One writer at a time: Both wrote." in told
    assert "should not be there: 7; both servers wrote for 0.250 s" in told
    assert "All checks held" not in told


def test_a_drill_is_a_scenario_that_goes_there_and_home(tmp_path: Any) -> None:
    assert SCENARIO in all_scenarios()
    assert write(report(), tmp_path).read_text() == summary(report())
