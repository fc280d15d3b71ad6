"""How long the service was out, beside the target: in status, history, explain, and while a change runs."""

from __future__ import annotations

import csv

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import RUNS, T0, Region, change, ended, lease, running


def served(number: int, seconds: float) -> dict[str, object]:
    return change("promoted", T0 + number, counts_from=T0 + number - seconds, recovery_s=seconds)


def test_history_says_of_each_change_how_long_it_took_and_of_the_last_ten_the_median_and_the_worst(
    ctl: Run, region: Region
) -> None:
    region.history = [served(0, 900.0), *(served(number, 20.0 + number) for number in range(1, 10)), served(10, 121.0)]
    region.history += [change("stood-down", T0 + 20), change("noted", T0 + 21, action="held")]
    out = ctl("history").flat
    assert "out: served after 900.0 s, above the target of 120 s" in out
    assert "out: served after 29.0 s, within the target of 120 s" in out
    # The latest ten: 21 to 29, and 121; not the 900 of the eleventh.
    assert (
        "Seconds until a server served, of the last 10 changes: median 25.5, worst 121.0; 1 above the target of 120."
        in out
    )
    assert out.count("out: ") == 11


def test_the_trend_is_of_the_last_changes_however_few_lines_are_asked_for(ctl: Run, region: Region) -> None:
    region.history = [served(number, 20.0 + number) for number in range(3)]
    assert (
        "of the last 3 changes: median 21.0, worst 22.0; 0 above the target of 120."
        in ctl("history", "--most", "1").flat
    )
    assert len(ctl("history", "--most", "1", "--json").json()) == 1
    region.history = region.history[:1]
    assert "of the last change: median 20.0, worst 20.0" in ctl("history").flat


def test_lines_of_before_have_no_such_seconds(ctl: Run, region: Region) -> None:
    region.history = [change("promoted", T0)]
    assert "out:" not in ctl("history").out
    assert "Seconds until" not in ctl("history").out


def test_a_spreadsheet_has_the_seconds_in_a_column(ctl: Run, region: Region) -> None:
    region.history = [served(0, 31.25), change("noted", T0 - 1)]
    rows = list(csv.DictReader(ctl("history", "--csv").out.splitlines()))
    assert [row["recovery_s"] for row in rows] == ["31.25", ""]
    assert rows[0]["counts_from"] == "2026-09-21T14:12:48Z"


def test_status_shows_the_last_change_beside_the_target(ctl: Run, region: Region) -> None:
    region.history = [served(0, 31.25)]
    assert "served after 31.2 s, within the target of 120 s" in ctl("status").flat
    assert ctl("status", "--json").json()["recovery_target_s"] == 120


def test_while_a_change_runs_status_counts(ctl: Run, region: Region) -> None:
    region.executions[f"{RUNS}:one"] = running()
    region.items["state"] |= {"lease": {**lease("one"), "counts_from": T0 - 20}}
    assert " s of 120 s" in ctl("status").flat
    region.items["state"] |= {"lease": {**lease("one"), "counts_from": 0}}
    assert " s of 120 s" not in ctl("status").flat


def test_explain_says_it_of_a_change_that_came_to_it(ctl: Run, region: Region) -> None:
    region.executions[f"{RUNS}:one"] = ended("promoted")
    assert "Out:" not in ctl("explain", "one").out, "there is no line of it"
    region.history = [{**served(0, 130.0), "execution": f"{RUNS}:one"}]
    assert "Out: served after 130.0 s, above the target of 120 s" in ctl("explain", "one").flat
    region.failing["Query"] = []
    region.denied.add("Query")
    assert ctl("explain", "one").code == 0
