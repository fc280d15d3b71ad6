"""A failover on one testbed, told by `failoverctl report`, and replayed on another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from failoverctl.report.change import PastChange
from tests.failoverctl.pages import ROOT
from tests.failoverctl.running_testbed import Terminal, running_testbed
from tests.lab.testbed.replay import sample

FAILED_OVER_WITHIN_S = 60


def replay(record: Path, output: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "lab.testbed", "replay", str(record),
         "--output", str(output)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(("layers/msfailover", "."))}, text=True,
        timeout=170, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read: No such file or directory."),
        ("{}", "That is no change as `failoverctl report --json` writes it"),
        (json.dumps(sample.change(action="resume").to_json()), "can't be replayed. It was a resume that continued"),
    ],
)
def test_what_can_t_be_replayed_is_said_before_a_testbed_is_built(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    done = replay(tmp_path / "record.json", tmp_path)
    assert done.returncode == 2
    assert said in done.stdout
    assert "The testbed is built" not in done.stdout


def failed_over(terminal: Terminal, file: Path) -> dict[str, Any]:
    """Kill the active server, leave the rest to the watchdog, and give back what `report` says of it."""
    assert terminal.type('make fault DO="kill active"').code == 0
    end = time.monotonic() + FAILED_OVER_WITHIN_S
    while True:
        (done,) = terminal.ctl("history --json")
        last = json.loads(done.out)[0]
        if (last["action"], last["outcome"]) == ("failover", "promoted"):
            break
        assert time.monotonic() < end, f"It did not fail over: {last}"
        time.sleep(0.5)
    (done,) = terminal.ctl(f"report --json --output {file}")
    assert done.code == 0, done.out
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.testbed(outside=True)
def test_a_failover_is_told_and_its_replay_takes_the_same_path(tmp_path: Path) -> None:
    (kept := tmp_path / "kept").mkdir()
    with running_testbed(kept) as terminal:
        found = failed_over(terminal, tmp_path / "page.html")
    (tmp_path / "record.json").write_text(json.dumps(found))
    change = PastChange.from_json(found)
    assert (change.was_active, change.aimed_at, change.outcome, change.requested_by) == (
        "ms1",
        "ms2",
        "promoted",
        "watch",
    )
    assert change.missing == ()
    assert change.failure_at is not None
    assert change.fenced_at is not None
    assert change.recovery_s is not None
    assert change.failure_at < change.started_at < change.fenced_at < change.ended_at
    assert [each.finding for each in change.probes if each.failures]
    assert "Automatic failover from ms1 to ms2" in (tmp_path / "page.html").read_text()
    done = replay(tmp_path / "record.json", tmp_path / "replay")
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"The replay of {change.name} takes the same path, and ends as it did: promoted." in done.stdout
    assert json.loads((tmp_path / "replay/replay.json").read_text())["differs"] == []
