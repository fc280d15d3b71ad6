"""What holds of every command alike: the same words for what is missing, no traceback, nothing done by halves."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from failoverctl import program
from failoverctl.acceptance import NAMES
from failoverctl.acceptance.trials import TRIALS
from failoverctl.completion import commands_of
from failoverctl.errors import Exit
from failoverctl.parser import OnDemand, make_parser
from failoverctl.program import main
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import OPERATIONS, STACK, AccountThere, Region, ended

ALONE = ("completion", "man", "help")
"""Those that ask nobody."""
LINES: dict[str, list[str]] = {
    "status": [],
    "list": [],
    "watch": ["--for", "0s"],
    "web": ["--no-browser"],
    "failover": ["--reason", "x", "--yes"],
    "switchover": ["--reason", "x", "--yes"],
    "force": ["--reason", "x", "--by", "ann", "--pair", "tectia"],
    "resume": ["--reason", "x", "--yes"],
    "adopt": ["--reason", "x", "--yes"],
    "acknowledge": ["--yes"],
    "maintenance": ["on", "--for", "2h", "--yes"],
    "mode": ["manual", "--yes"],
    "may-update": ["--yes"],
    "history": [],
    "explain": [],
    "report": [],
    "whatif": [],
    "readiness": [],
    "init": ["--ms1", "i-0123456789abcdef0", "--ms2", "i-0123456789abcdef1", "--database", "db", "--record", "ms.x"],
    "prepare": [],
    "undo-prepare": ["--yes"],
    "attach": [],
    "replicate": ["--limit", "1"],
    "verify-replication": [],
    "cost": [],
    "acceptance": ["--yes"],
}
"""A whole line of each command that asks AWS."""
HERE = [each for each in LINES if each not in ("web", "init")]
"""Without the one that goes on until Ctrl-C, and the one that asks for more than the region of the tests has."""
ANSWERED = [each for each in HERE if each not in ("report", "whatif", "readiness", "prepare", "undo-prepare")]
"""Those that find in the region of the tests, without more, what they show."""
each_command = pytest.mark.parametrize("name", LINES)


def line_of(name: str, *more: str) -> list[str]:
    return [name, *LINES[name], *([] if name in ("list", "init", "web") else ["--stack", STACK]), *more]


def test_every_command_has_its_line_here() -> None:
    assert {*LINES, *ALONE} == set(commands_of(make_parser()))


def test_a_command_that_is_imported_on_demand_is_there_and_nothing_else_imports_it() -> None:
    later = [each.get_default("run") for each in commands_of(make_parser()).values()]
    modules = {each.module for each in later if isinstance(each, OnDemand) and callable(each.find())}
    assert modules == {"report.command", "web.command", "whatif.command", "initializing", "acceptance.command"}
    program = "import sys; import failoverctl.program; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "failoverctl.program" in loaded
    assert not {f"failoverctl.{each}" for each in modules} & set(loaded)


def test_the_scenarios_that_acceptance_can_be_asked_for_are_those_there_are() -> None:
    assert tuple(each.name for each in TRIALS) == NAMES


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nobody ever logged in to AWS; a file to be written would be written to a folder of its own."""
    for name in [each for each in os.environ if each.startswith(("AWS_", "FAILOVER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)


@each_command
@pytest.mark.usefixtures("no_login")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "No region is set: give --region, or set AWS_REGION.\n"),
        (
            ["--region", "eu-central-1"],
            "There are no AWS credentials: log in (`aws sso login`), set AWS_PROFILE, or give --profile.\n",
        ),
        (
            ["--region", "eu-central-1", "--profile", "nobody"],
            "The config profile (nobody) could not be found. `aws configure list-profiles` lists those there are.\n",
        ),
    ],
)
def test_what_is_missing_is_said_in_the_same_words(
    name: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line_of(name, *options)) == Exit.CANNOT_ASK
    assert capsys.readouterr().err == said


@each_command
@pytest.mark.usefixtures("no_login")
@pytest.mark.parametrize(
    "options",
    [["--testbed", "--region", "eu-central-1"], ["--testbed", "--profile", "x"], ["--testbed", "--stack", "x"]],
)
def test_the_testbed_and_an_account_at_once_are_refused(
    name: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, *LINES[name], *options]) == Exit.USAGE
    assert "--testbed is a pair of its own" in capsys.readouterr().err


@pytest.mark.parametrize("name", HERE)
def test_credentials_that_may_nothing_end_it_with_a_sentence(
    name: str, ctl: Run, region: Region, tmp_path: Path
) -> None:
    region.denied = {each for names in OPERATIONS.values() for each in names}
    with contextlib.chdir(tmp_path):
        said = ctl(*line_of(name), stack="")
    assert said.code in (Exit.CANNOT_ASK, Exit.NOT_WELL), said
    assert "itself failed" not in said.err
    assert "may not" in said.out + said.err
    assert [each.name for each in tmp_path.iterdir()] == []


class Cut(io.TextIOWrapper):
    """An output that nothing reads any more: a pipe whose other end was closed."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        super().__init__(os.fdopen(writing, "wb"), write_through=True)


@pytest.fixture
def quick(region: Region, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(program, "Account", lambda profile, at, _: AccountThere(region, profile, at))
    monkeypatch.setattr("failoverctl.actions.POLL_S", 0.0)
    monkeypatch.chdir(tmp_path)
    region.executions["arn:aws:states:eu-central-1:123456789012:execution:demo-failover:one"] = ended("promoted")
    yield


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", [*ANSWERED, *ALONE])
@pytest.mark.parametrize(("output", "code"), [("full", Exit.CANNOT_WRITE), ("cut", Exit.CLOSED)])
def test_output_that_takes_nothing_ends_it_quietly(
    name: str, output: str, code: Exit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"completion": ["completion", "bash"]}.get(name, [name] if name in ALONE else line_of(name))
    stream: IO[str] = Cut() if output == "cut" else Path("/dev/full").open("w")  # noqa: SIM115 - closed below
    monkeypatch.setattr(sys, "stdout", stream)
    found = main(line)
    with contextlib.suppress(OSError):
        stream.close()
    said = capsys.readouterr().err
    assert "itself failed" not in said
    assert "Traceback" not in said
    assert found == code or (found == Exit.CANNOT_ASK and said), (
        found,
        said,
    )  # what could not be asked is said elsewhere


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_streams_that_were_closed_are_as_good_as_none(
    closed: str, ctl: Run, monkeypatch: pytest.MonkeyPatch, region: Region
) -> None:
    monkeypatch.setattr(sys, closed, None)
    assert main(["history", "--stack", STACK]) == Exit.DONE if closed == "stdout" else ctl("history").code == Exit.DONE
    monkeypatch.setattr(sys, closed, None)
    code = main(["acknowledge", "--stack", STACK]) if closed == "stdout" else ctl("acknowledge").code
    assert code == Exit.DONE
    assert region.started() == []


def test_nobody_is_asked_where_there_is_no_input(ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    said = ctl("failover", "--reason", "x")
    assert said.code == Exit.DECLINED
    assert "Nobody is at the terminal to ask" in said.err
    assert region.started() == []


@pytest.mark.parametrize("failure", [KeyError("getpwuid(): uid not found: 4242"), OSError("No username set")])
def test_a_user_without_a_name_is_asked_for_one(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def nameless() -> str:
        raise failure

    monkeypatch.setattr("failoverctl.commands.getpass.getuser", nameless)
    said = ctl("failover", "--reason", "x", "--yes")
    assert (said.code, said.err) == (
        Exit.USAGE,
        "This login has no name: give --by NAME, for those who read the history.\n",
    )
    assert ctl("failover", "--reason", "x", "--yes", "--by", "ann").code == Exit.DONE
    assert [each["requested_by"].split()[0] for each in region.started()] == ["ann"]


def test_an_empty_name_is_none(ctl: Run, region: Region) -> None:
    assert ctl("failover", "--reason", "x", "--yes", "--by", "").code == Exit.USAGE
    assert region.started() == []


def test_help_says_what_there_is_and_what_a_command_takes(ctl: Run) -> None:
    assert "switchover" in ctl("help", stack="").out
    assert "--dry-run" in ctl("help", "switchover", stack="").out
    assert ctl("help", "nix", stack="").code == Exit.USAGE
