"""The table of the outages on AWS as it is: counts, medians and the worst, from the reports alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.benchmarks.on_aws import read, table
from lab.testbed.hosts.polling import wait_until


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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_benchmark_that_is_ended_ends_the_testbeds_that_are_up(tmp_path: Path, how: signal.Signals) -> None:
    testbed = f"open({str(tmp_path)!r} + '/up', 'a').close(); import time; time.sleep(60)"
    program = f"import sys; from lab.benchmarks import on_aws; on_aws.RUN = (sys.executable, '-c', {testbed!r})"
    command = [sys.executable, "-c", f"{program}; sys.exit(on_aws.main())", "--output", str(tmp_path / "on-aws")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_until("a testbed is up", (tmp_path / "up").exists, deadline_s=60)
        children = Path(f"/proc/{run.pid}/task").glob("*/children")
        up = [pid for each in children for pid in each.read_text().split()]
        assert up
        run.send_signal(how)
        said = run.communicate(timeout=30)[1]
        assert (run.returncode, said) == (130, "Stopped; nothing of it goes on. --first continues from a seed.\n")
        wait_until("none is left", lambda: not any(Path(f"/proc/{each}").exists() for each in up), deadline_s=10)
    finally:
        run.kill()
