"""The table of the outages on AWS as it is: counts, medians and the worst, from the reports alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.benchmarks.on_aws import read, table


def report(takeover_s: float | None, **more: Any) -> dict[str, Any]:
    phases = [{"name": "detect", "start": 1.0, "end": 4.0}, {"name": "fence", "start": 4.0, "end": 10.0}]
    plain = {
        "ok": True,
        "dual_active_s": 0.0,
        "agents": {"recovered_s": 80.0},
        "takeover_s": takeover_s,
        "phases": phases,
    }
    return {**plain, **more}


def test_a_row_counts_what_ended_well_and_shows_the_worst() -> None:
    bad = report(None, ok=False, dual_active_s=0.25, agents={"recovered_s": None})
    shown = table({"crash": [report(30.0), report(50.0), report(40.0), bad]}).splitlines()[-1]
    assert shown.startswith("| `crash` | 4 | 3 | 0.25 s | 40 s (worst 50) | 80 s (worst 80) | 3 s | – | – | 6 s |")


def test_runs_that_did_not_come_to_their_end_are_no_reports(tmp_path: Path) -> None:
    for seed, content in ((1, report(30.0)), (2, None)):
        directory = tmp_path / f"hang-{seed}"
        directory.mkdir()
        if content:
            (directory / "report.json").write_text(json.dumps(content))
    assert {name: len(found) for name, found in read(tmp_path, ("crash", "hang")).items()} == {"hang": 1}
