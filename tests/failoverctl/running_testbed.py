"""A testbed that is kept up as `make testbed` keeps it, and a second terminal beside it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.failoverctl.pages import ROOT

UP_WITHIN_S = 90


@dataclass(frozen=True)
class Done:
    """What a command line came to."""

    code: int
    out: str

    @property
    def flat(self) -> str:
        return " ".join(re.sub(r"[│╭╮╰╯─]", " ", self.out).split())


@dataclass(frozen=True)
class Terminal:
    """A second terminal: runs lines as a person types them, in the project's directory.

    Args:
        env: with the testbed's place in it.
        log: what the first terminal shows.
    """

    env: dict[str, str]
    log: Path

    def type(self, line: str, limit_s: float = 60) -> Done:
        done = subprocess.run(
            ["bash", "-c", line], cwd=ROOT, env=self.env, text=True, timeout=limit_s, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Done(done.returncode, done.stdout)

    def ctl(self, *lines: str) -> list[Done]:
        """Run several command lines of failoverctl on the testbed, in one process: starting one takes longer."""
        orders = json.dumps([[*shlex.split(line), "--testbed"] for line in lines])
        done = subprocess.run(
            [sys.executable, "-c", _SEVERAL, orders], cwd=ROOT, env=self.env, text=True, timeout=120, check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        return [Done(code, out) for code, out in json.loads(done.stdout)]


_SEVERAL = """
import contextlib, io, json, sys
from failoverctl.program import main
found = []
for line in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(line)
    found.append([code, said.getvalue()])
print(json.dumps(found))
"""


@contextmanager
def running_testbed(build: Path) -> Iterator[Terminal]:
    """Keep a testbed up, as `make testbed` does, for as long as the context lasts."""
    path = os.pathsep.join(("layers/msfailover", "."))
    of_make = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")  # a make inside a make tells of its directory
    inherited = {name: value for name, value in os.environ.items() if name not in of_make}
    env = {**inherited, "PYTHONPATH": path, "MS_FAILOVER_BUILD": str(build), "COLUMNS": "160", "TERM": "dumb"}
    log = build / "terminal.log"
    with log.open("wb") as file:
        kept = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "lab.testbed", "testbed"],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + UP_WITHIN_S
        while "The testbed is up" not in log.read_text():
            assert kept.poll() is None, f"The testbed did not come up:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"The testbed is not up after {UP_WITHIN_S} s:\n{log.read_text()[-3000:]}"
            time.sleep(0.1)
        yield Terminal(env, log)
    finally:
        os.killpg(kept.pid, signal.SIGINT)  # as Ctrl-C does
        try:
            kept.wait(timeout=15)
        finally:
            kept.kill()
