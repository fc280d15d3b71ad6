"""failoverctl as a person runs it: in process, against a region of memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from failoverctl import actions, program
from tests.failoverctl.region import STACK, AccountThere, Region


@dataclass(frozen=True)
class Said:
    """What a command came to.

    Args:
        code: its exit code.
        out, err: what it wrote.
    """

    code: int
    out: str
    err: str

    @property
    def flat(self) -> str:
        """What it wrote for people, in one line: screens are folded to a width."""
        return " ".join(self.out.replace("│", " ").split())

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.fixture
def ctl(region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line, `ctl("status", "--json")`, against the region; `stack=""` names none."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FAILOVER_STACK", raising=False)
    monkeypatch.setattr(program, "Account", lambda profile, at, _endpoint: AccountThere(region, profile, at))
    monkeypatch.setattr(actions, "POLL_S", 0.0)

    def run(*arguments: str, stack: str = STACK) -> Said:
        which = ["--stack", stack] if stack else []
        try:
            code = program.main([*arguments, *which])
        except SystemExit as leaving:  # argparse's way out
            code = int(leaving.code or 0)
        found = capsys.readouterr()
        return Said(code, found.out, found.err)

    return run
