"""Ctrl-C or SIGTERM ends a run at any moment, and nothing of it is left; where it can't run, one sentence says why."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.test_nothing_left import descendants, started, traces
from tests.lab.testbed.scenarios.run import PROJECT

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(("layers/msfailover", "."))}


@pytest.mark.parametrize(
    "moment", ["crash: ", "The testbed is up", "the fault strikes"], ids=["building", "preparing", "failing over"]
)
def test_ctrl_c_leaves_nothing(moment: str, tmp_path: Path) -> None:
    ended_by(lambda run: os.killpg(run.pid, signal.SIGINT), moment, tmp_path)


def test_being_asked_to_end_leaves_nothing(tmp_path: Path) -> None:
    ended_by(lambda run: run.send_signal(signal.SIGTERM), "crash: ", tmp_path)


def ended_by(end: Callable[[subprocess.Popen[str]], None], moment: str, tmp_path: Path) -> None:
    """Begin a run, end it when it has said this, and check that nothing is left."""
    run = subprocess.Popen(
        [sys.executable, "-m", "lab.testbed", "run", "crash", "--output", str(tmp_path)],
        cwd=PROJECT, env=ENVIRONMENT, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    family: set[tuple[int, str]] = set()
    try:
        assert run.stdout is not None
        shown = ""
        for line in run.stdout:
            shown += line
            if moment in line:
                break
        family = descendants(run.pid)
        assert family, shown
        end(run)
        shown += run.stdout.read()
        assert run.wait(timeout=30) == 130, shown
        assert "Traceback" not in shown, shown
        wait_until("every process is gone", lambda: not left(family), deadline_s=10)
        assert traces(tmp_path) == []
    finally:
        run.kill()
        run.wait(timeout=10)
        for pid in left(family):
            os.kill(pid, signal.SIGKILL)


def left(family: set[tuple[int, str]]) -> list[int]:
    return [pid for pid, start in family if started(pid) == start]


def said(*arguments: str, before: Sequence[str] = (), path: str | None = None) -> tuple[int, str]:
    """The exit status of the testbed's command line and all that it said."""
    environment = ENVIRONMENT if path is None else {**ENVIRONMENT, "PATH": path}
    done = subprocess.run(
        [*before, sys.executable, "-B", "-m", "lab.testbed", *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()


def test_without_root_one_sentence_says_so() -> None:
    as_nobody = "; ".join(
        (
            "import os, sys, lab.testbed.scenarios, lab.testbed.__main__ as testbed",
            "os.seteuid(65534)",
            "sys.argv = ['lab.testbed', 'run', 'crash']",
            "sys.exit(testbed.main())",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", as_nobody],
        cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The testbed needs root, to make network namespaces: run it with sudo.\n"


def test_a_missing_program_is_named_with_what_to_install(tmp_path: Path) -> None:
    status, shown = said("run", "crash", before=("unshare", "--mount", "sh", "-c", _hidden("nft"), "sh"))
    assert status == 2
    assert shown == "The testbed needs programs that are not installed: run `make setup`, or apt-get install nftables."


def _hidden(program: str) -> str:
    """A shell line that hides a program behind /dev/null, in mounts of its own, and then runs the rest."""
    place = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin")
    return f'mount --bind /dev/null {place} && exec "$@"'


def test_a_scenario_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    status, shown = said("run", "earthquake")
    assert status == 2
    assert shown.startswith("There is no scenario 'earthquake'; there are crash, hang, ")


@pytest.mark.parametrize("command", [("invoke", "probe", "events/probe.json"), ("failover", "events/failover.json")])
def test_without_a_testbed_that_is_up_one_sentence_says_how_to_start_one(command: tuple[str, ...]) -> None:
    assert said(*command) == (
        2,
        "No testbed is up: start one with `make testbed` in another terminal, and wait for it.",
    )
