"""What becomes of measurements: sections join, goals can be missed, leaks show, and the pages are current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msfailover.decisions.detection import TABLE

from lab.benchmarks import cost, page, plots, published, results, tables
from lab.benchmarks.parts import PARTS, chosen
from lab.benchmarks.processes import Use
from lab.benchmarks.soak import growth
from lab.benchmarks.takeover import Takeover, against_one_limit, figures

STEPS = (("Begin", 1.0, 1.1), ("Fence", 1.3, 2.5), ("Promote", 2.5, 3.0))


def taken(first_write: float) -> Takeover:
    return Takeover("crash", 1.0, first_write, 3.2, (3.0, 4.0), 2.6, 0, STEPS)


def test_a_part_measured_anew_replaces_its_own_figures_and_no_others(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    results.merge({"functions": {"probe": {"import_ms": 90}}}, file)
    results.merge({"functions": {"probe": {"warm_ms": 3}}, "soak": {"flat": True}}, file)
    results.merge({"functions": {"probe": {"warm_ms": 4}}}, file)
    found = json.loads(file.read_text())
    assert found["functions"] == {"probe": {"import_ms": 90, "warm_ms": 4}}
    assert found["soak"] == {"flat": True}


def test_only_takes_a_part_by_its_name_and_parts_by_what_their_names_begin_with() -> None:
    assert [part.name for part in chosen(["soak"])] == ["soak"]
    assert [part.name for part in chosen(["takeover"])] == ["takeover-crash", "takeover-hang", "takeover-partition"]
    assert [part.name for part in chosen([])] == list(PARTS)


def test_a_part_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no part 'speed' of the benchmarks; there are .*soak"):
        chosen(["speed"])


def test_the_overhead_is_what_a_takeover_took_beyond_the_window_and_the_own_start() -> None:
    found = figures([taken(3.0), taken(3.4), taken(4.0)], [0.3, 0.2, 0.9])
    assert found["limit_s"] == 3.2
    assert (found["overhead_s"], found["overhead_worst_s"]) == (0.2, 0.8)
    assert found["phases_s"] == {
        "notice": 1.0, "admit and check": 0.3, "fence and prove": 1.2, "grant access and start": 0.9
    }  # fmt: skip


def test_a_start_that_was_measured_in_a_busy_moment_flatters_no_takeover() -> None:
    quiet, busy = figures([taken(3.4)], [0.2]), figures([taken(3.9)], [0.7])
    found = against_one_limit({"hang": quiet, "partition": busy})
    assert [each["overhead_s"] for each in found.values()] == [0.2, 0.7]


@pytest.mark.parametrize(("worst", "word"), [(4.0, tables.MET), (4.8, tables.MISSED)])
def test_one_takeover_beyond_the_goal_is_a_missed_goal(worst: float, word: str) -> None:
    found = figures([taken(3.0), taken(3.1), taken(worst)], [0.2])
    assert word in tables.takeover({"takeover": {"crash": found}})[0]


def use(minute: int, rss_kib: int, descriptors: int = 6, pid: int = 7) -> list[Use]:
    return [Use(pid, 10.0 * minute, rss_kib, descriptors)]


def test_a_process_that_stays_as_it_is_is_flat() -> None:
    found = growth([use(minute, 40_000 + minute % 3) for minute in range(20)], 20)
    assert found["flat"]
    assert found["cpu_ms_per_tick"] == 10.0


def test_a_process_that_grows_with_each_call_is_not_flat() -> None:
    assert not growth([use(minute, 40_000 + 100 * minute) for minute in range(20)], 20)["flat"]


def test_a_descriptor_that_is_not_given_back_is_a_leak() -> None:
    found = growth([use(minute, 40_000, 6 + minute // 10) for minute in range(20)], 20)
    assert found["descriptors_leaked"] == 1
    assert not found["flat"]


def test_a_process_that_came_later_is_not_held_against_another_one() -> None:
    early, late = [use(minute, 30_000) for minute in range(10)], [use(minute, 50_000, pid=8) for minute in range(10)]
    assert growth([*early, *late], 20)["grown_kib"] == 0


def test_the_bill_grows_with_the_pairs() -> None:
    dollars = cost.run()["cost_month_usd"]
    assert dollars.keys() == {"1", "10", "1000"}
    assert 0 < dollars["1"] < dollars["10"] < dollars["1000"]


# ---- the documentation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", published.PAGES, ids=lambda path: path.name)
def test_a_page_shows_the_figures_that_are_kept_and_the_table_that_is_decided_by(path: Path) -> None:
    text = path.read_text()
    assert "written by a program -->" in text
    assert published.written(text, published.kept()) == text, "python -m lab.benchmarks.published --again"


def test_every_finding_is_in_the_documentation() -> None:
    page_of_findings = (published.DOCS / "detection.md").read_text()
    assert all(f"| {row.finding.value} | {row.signals} |" in page_of_findings for row in TABLE)


def test_the_figures_that_are_kept_have_every_key_and_can_be_drawn(tmp_path: Path) -> None:
    kept = published.kept()
    assert {"takeover", "functions", "detection", "agents", "cost_month_usd", "soak"} <= kept.keys()
    assert plots.drawable(kept) == list(plots.PLOTS)
    text = page.write(kept, tmp_path / "page.html").read_text()
    assert text.count("<figure>") == len(plots.PLOTS)
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_a_page_without_any_figures_is_a_page_all_the_same(tmp_path: Path) -> None:
    assert "<table>" not in page.write({}, tmp_path / "page.html").read_text()
