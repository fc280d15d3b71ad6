"""`failoverctl init` as a person runs it: in process, against an account of moto's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from failoverctl import program
from tests.failoverctl.discovery.made_up import RECORD, MadeUp, made_up


@dataclass(frozen=True)
class Found:
    """What init found: its exit code and its JSON."""

    code: int
    json: dict[str, Any]

    @property
    def parameters(self) -> dict[str, str]:
        return {name: each["value"] for name, each in self.json["parameters"].items()}

    @property
    def needed(self) -> list[str]:
        """The parameters that were not found and without which nothing can be deployed."""
        return [each["name"] for each in self.json["missing"] if each["needed"]]

    @property
    def obstacles(self) -> list[str]:
        return [each["name"] for each in self.json["obstacles"]]

    @property
    def blocking(self) -> list[str]:
        return [each["name"] for each in self.json["obstacles"] if each["blocks"]]

    def about(self, name: str) -> str:
        """What is said of an obstacle, its remedy included; of all of that name."""
        return " ".join(
            f"{each['sentence']} {each['remedy']}" for each in self.json["obstacles"] if each["name"] == name
        )


class Init:
    """Runs init against an account, with a file of its own."""

    def __init__(self, account: MadeUp, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.account, self.file, self._capsys = account, file, capsys

    def __call__(self, database: str = "tectia", *more: str, tls: str = RECORD) -> Found:
        """With the pair's servers, database and record, and whom its certificate is for."""
        named = ["--admin-tls-name", tls] if tls else []
        servers = self.account.servers
        which = ["--ms1", servers["ms1"], "--ms2", servers["ms2"], "--database", database, "--record", RECORD]
        return self.again(*which, *named, *more)

    def again(self, *options: str) -> Found:
        """With nothing but what the file says, and these options."""
        code, out, _ = self.plain(*options, "--json")
        return Found(code, json.loads(out))

    def plain(self, *options: str) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        try:
            code = program.main(["init", "--config-file", str(self.file), *options])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUp]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    for name in ("FAILOVER_STACK", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with made_up() as found:
        monkeypatch.setattr(program, "Account", found.account)
        yield found


@pytest.fixture
def init(account: MadeUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Init:
    return Init(account, tmp_path / "samconfig.toml", capsys)
