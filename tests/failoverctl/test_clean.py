"""What hosts, databases and AWS say reaches the terminal as words, and only what is installed is imported."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.pages import ROOT
from tests.failoverctl.region import RUNS, T0, Region, change, ended, running
from tests.functions.wire import Failure

NASTY = (
    "\x1b]0;owned\x07\x1b[2J\u009b31m\u202eback\u2066 "
    "[bold red]MARKED[/] [link=http://evil]x[/link] :bomb:\x00\r\n\u2028z"
)
LINES = [
    ("status",),
    ("status", "--json"),
    ("watch", "--for", "0s"),
    ("history",),
    ("history", "--json"),
    ("explain",),
    ("explain", "--json"),
    ("readiness",),
    ("readiness", "--last"),
    ("acknowledge", "--yes"),
    ("failover", "--reason", "x", "--yes"),
    ("failover", "--reason", "x", "--dry-run", "--json"),
]


@pytest.fixture
def hostile(region: Region) -> Region:
    """A region in which everybody who can say something says what a terminal would obey."""
    region.functions = {key: _said(answer) for key, answer in region.functions.items()}
    region.functions["probe", "probe"] = {
        role: {"admin": NASTY, "port": NASTY, "sentence": NASTY} for role in ("ms1", "ms2")
    }
    region.functions["readiness", "check"] = {
        "answer": "no", "sentence": NASTY, "at": T0,
        "checks": [{"name": NASTY, "answer": "no", "sentence": NASTY, "remedy": NASTY}],
    }  # fmt: skip
    region.items["readiness"] = region.functions["readiness", "check"]
    region.items["state"] |= {"held": NASTY, "mode": NASTY, "acknowledged": False}
    region.functions["pair", "acknowledge"] = {"answer": "yes", "sentence": NASTY}
    region.history = [change("promoted", T0, reason=NASTY, sentence=NASTY, requested_by=NASTY)]
    request = json.dumps({"action": NASTY, "reason": NASTY, "requested_by": NASTY})
    region.executions[f"{RUNS}:one"] = ended("halted", NASTY) | {"input": request}
    region.executions[f"{RUNS}:two"] = running() | {"input": request}
    region.outcome = lambda _: ended("blocked", NASTY)
    region.ringing = {"not-ready"}
    return region


def _said(answer: dict[str, object]) -> dict[str, object]:
    return {name: NASTY if name == "sentence" else each for name, each in answer.items()}


def _fit(text: str) -> None:
    assert [each for each in text if not (each.isprintable() or each == "\n")] == []


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_no_command_hands_on_what_a_terminal_obeys(ctl: Run, line: tuple[str, ...]) -> None:
    said = ctl(*line)
    _fit(said.out + said.err)
    if "--json" not in line and line[0] not in ("explain",):
        assert "[bold red]MARKED[/]" in said.flat, "markup is text"


@pytest.mark.parametrize("input_", ['"x"', "[1]", "not json", "{}"])
def test_an_execution_s_input_that_is_no_request_is_explained_all_the_same(
    ctl: Run, region: Region, input_: str
) -> None:
    region.executions[f"{RUNS}:one"] = ended("refused") | {"input": input_}
    assert ctl("explain", "one").code == 0


def test_an_error_of_aws_is_words(ctl: Run, region: Region) -> None:
    region.failing["DescribeStacks"] = [Failure("Surprise", NASTY)]
    said = ctl("history")
    _fit(said.err)
    assert "[bold red]MARKED[/]" in said.err


@pytest.mark.parametrize("python_path", [None, ".", ":"])
@pytest.mark.parametrize("command", [f"{ROOT}/bin/failoverctl --help", f"make -s -C {ROOT} ctl ARGS=--help READY="])
def test_a_module_in_the_current_directory_is_not_imported(
    tmp_path: Path, command: str, python_path: str | None
) -> None:
    for name in ("rich", "botocore", "msfailover", "lab", "json"):
        (tmp_path / f"{name}.py").write_text("print('PLANTED')\nraise SystemExit(66)\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "MFLAGS"))}
    env |= {"PYTHONPATH": python_path} if python_path else {}
    done = subprocess.run(
        command.split(), cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "PLANTED" in done.stdout) == (0, False), done.stdout + done.stderr
    assert "failoverctl" in done.stdout


def test_as_a_module_it_searches_the_current_directory_last(tmp_path: Path) -> None:
    for name in ("rich", "botocore"):
        (tmp_path / f"{name}.py").write_text("print('PLANTED')\nraise SystemExit(66)\n")
    env = {**os.environ, "PYTHONPATH": f"{ROOT}/layers/msfailover:{ROOT}"}
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "failoverctl", "--help"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "PLANTED" in done.stdout) == (0, False), done.stdout + done.stderr
