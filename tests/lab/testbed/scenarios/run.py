"""Runs a scenario as `make run SCENARIO=…` does, and reads what it reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[4]
DEADLINE_S = 170


@dataclass(frozen=True)
class Run:
    """A scenario that has been run.

    Args:
        report: report.json.
        shown: what the terminal showed.
    """

    report: dict[str, Any]
    shown: str

    def held(self, name: str) -> str:
        """The sentence of an invariant or check that was always answered yes. Fails where it was not, or not asked."""
        found = [each for each in self.report["invariants"] if each["name"] == name]
        assert found, (
            f"nobody checked {name!r}; there are {', '.join(each['name'] for each in self.report['invariants'])}"
        )
        for each in found:
            assert each["answer"] == "yes", each["sentence"]
        return str(found[-1]["sentence"])

    def broken(self) -> set[str]:
        """The names of what did not hold."""
        return {each["name"] for each in self.report["invariants"] if each["answer"] != "yes"}


def run_scenario(name: str, directory: Path, *more: str, deadline_s: float = DEADLINE_S) -> Run:
    """Run a scenario on a testbed of its own. Fails, with what was shown, unless the report calls it well.

    Args:
        name: the scenario.
        directory: takes its files.
        more: options ("--cloud", "aws").
        deadline_s: seconds for all of it.
    """
    path = os.pathsep.join(("layers/msfailover", "."))
    command = [sys.executable, "-m", "lab.testbed", "run", name, "--output", str(directory), *more]
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "--", *command],
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": path}, text=True, timeout=deadline_s, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    file = directory / "report.json"
    assert file.exists(), f"{name} did not come to its end:\n{done.stdout[-4000:]}"
    report = json.loads(file.read_text())
    assert report["ok"], f"{name} did not hold:\n{done.stdout[-4000:]}"
    assert done.returncode == 0, done.stdout[-4000:]
    assert report["outcome"] == report["expected"]
    return Run(report, done.stdout)


def never_both(report: dict[str, Any]) -> bool:
    """The journal's word: nobody wrote that should not have."""
    return bool(report["dual_active_s"] == 0 and report["journal_violations"] == 0)


def taken_over(report: dict[str, Any]) -> bool:
    """ms2 is active in the next epoch, by a fence of ms1 that was proven in it, and no two ever wrote side by side."""
    receipt = report["receipt"]
    proven = receipt is not None and receipt["server"] == "ms1" and receipt["epoch"] == report["epoch"] == 2
    return bool(report["outcome"] == "promoted" and proven and never_both(report) and report["writes"]["ms2"])
