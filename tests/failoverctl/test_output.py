"""Pipes that close, disks that are full, terminals that can't draw, and options that make no sense."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failoverctl import program
from failoverctl.errors import Exit
from tests.failoverctl.conftest import Run
from tests.failoverctl.pages import ROOT
from tests.failoverctl.region import RUNS, Region, change, ended, lease, running

REGION = """
import sys
from failoverctl import program
from tests.failoverctl.region import AccountThere, Region
region = Region()
program.Account = lambda profile, at, _: AccountThere(region, profile, at)
sys.exit(program.main(sys.argv[1:]))
"""


def run(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which `ctl` is failoverctl before a region of memory."""
    ctl = f'ctl() {{ {sys.executable} -c "$REGION" "$@"; }}'
    path = os.pathsep.join((str(ROOT / "layers/msfailover"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "REGION": REGION, "FAILOVER_STACK": "demo", **env}
    return subprocess.run(
        ["bash", "-c", f"{ctl}; {line}"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "line",
    [
        "ctl watch --every 0.2 --for 20s | head -1",
        "ctl watch --json --every 0.2 --for 20s | head -c 100 >/dev/null",
        "ctl status --json | head -c 1 >/dev/null",
        "ctl --help | head -1",
        "ctl man | head -1",
    ],
)
def test_output_that_is_closed_ends_it_without_a_word(line: str) -> None:
    done = run(f"{line}; exit ${{PIPESTATUS[0]}}")
    assert done.stderr == ""
    assert done.returncode in (Exit.CLOSED, Exit.DONE)


@pytest.mark.parametrize(
    "line", ["ctl status", "ctl status --json", "ctl watch --for 0s", "ctl history --csv", "ctl man"]
)
def test_output_that_can_t_be_written_is_one_sentence(line: str) -> None:
    done = run(f"{line} > /dev/full")
    assert done.returncode == Exit.CANNOT_WRITE
    assert done.stderr == "The output can't be written: No space left on device.\n"


def test_no_line_in_a_pipe_ends_with_blanks() -> None:
    shown = run("ctl status | cat").stdout.splitlines()
    assert len(shown) > 5
    assert [each for each in shown if each != each.rstrip()] == []


def test_watch_writes_lines_into_a_file_as_they_come(tmp_path: Path) -> None:
    file = tmp_path / "watched"
    done = run('ctl watch --every 0.2 --for 20s > "$F" & until [ -s "$F" ]; do sleep 0.1; done; kill $!', F=str(file))
    assert done.returncode == 0
    assert "tectia: ms1 serves · epoch 1" in file.read_text()
    assert "\x1b" not in file.read_text()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_a_plain_terminal_gets_plain_text(env: dict[str, str]) -> None:
    done = run("ctl status", **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tectia: ms1 serves" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_fault_of_its_own_is_one_sentence(ctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(program, "Account", fails)
    said = ctl("status")
    assert said.code == Exit.FAULT
    assert said.err.startswith("failoverctl itself failed (KeyError: 'x').")


@pytest.mark.parametrize(
    "line",
    [
        ("history", "--most", "0"),
        ("history", "--most", "-1"),
        ("history", "--most", "1e3"),
        ("watch", "--every", "0"),
        ("watch", "--every", "nan"),
        ("watch", "--every", "inf"),
        ("failover", "--reason", "x", "--limit", "-1"),
        ("history", "--since", "soon"),
        ("history", "--outcome", "well"),
        ("stat",),
        ("status", "--js"),
    ],
)
def test_numbers_out_of_range_and_words_that_are_none_are_refused(
    ctl: Run, region: Region, line: tuple[str, ...]
) -> None:
    said = ctl(*line)
    assert said.code == Exit.USAGE
    assert "Traceback" not in said.err
    assert region.asked == []


@pytest.mark.parametrize(
    "line",
    [
        ("status", "--testbed"),
        ("status", "--testbed", "--region", "eu-central-1"),
        ("history", "--csv", "--json"),
        ("failover", "--reason", "x", "--no-wait", "--limit", "5"),
        ("maintenance", "off", "--for", "2h", "--yes"),
        ("explain", "one", "--dry-run"),
    ],
)
def test_options_that_contradict_each_other_are_refused(ctl: Run, region: Region, line: tuple[str, ...]) -> None:
    assert ctl(*line).code == Exit.USAGE
    assert [name for name in region.names() if name != "DescribeStacks"] == []


NOW = 1_790_000_000.0


@pytest.fixture
def past(region: Region, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    monkeypatch.setattr("failoverctl.change_history.time.time", lambda: NOW + 3600)
    region.history = [
        change("promoted", NOW, epoch=3),
        change("blocked", NOW - 7200, epoch=2, sentence="=cmd|' /C calc'!A0"),
        change("noted", NOW - 90_000, epoch=1, action="acknowledge"),
    ]
    yield region


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        (("--since", "2h"), ["promoted"]),
        (("--since", "1d"), ["promoted", "blocked"]),
        (("--since", "2026-09-21"), ["promoted", "blocked"]),
        (("--outcome", "blocked"), ["blocked"]),
        (("--outcome", "noted", "--most", "1"), ["noted"]),
        (("--outcome", "halted"), []),
    ],
)
def test_the_history_can_be_narrowed(ctl: Run, line: tuple[str, ...], found: list[str]) -> None:
    assert [each["outcome"] for each in ctl("history", *line, "--json").json()] == found
    assert ctl("history", *line).code == 0


@pytest.mark.usefixtures("past")
def test_the_history_is_a_table_for_spreadsheets_without_formulas(ctl: Run) -> None:
    lines = ctl("history", "--csv").out.splitlines()
    assert lines[0].startswith("ended_at,taken_at,epoch,action")
    assert lines[1].startswith("2026-09-21T")
    assert ",'=cmd|' /C calc'!A0," in lines[2]
    assert len(lines) == 4


def test_explain_tells_of_the_latest_change_and_not_of_a_dry_run_unless_asked(ctl: Run, region: Region) -> None:
    dry = ended("dry-run", "No.", would="blocked", checks=[]) | {"input": '{"dry_run": true, "reason": "a try"}'}
    region.executions[f"{RUNS}:failover-1"] = ended("promoted")
    region.executions[f"{RUNS}:failover-dry-run-2"] = dry
    region.executions[f"{RUNS}:named-otherwise"] = dry
    assert ctl("explain", "--json").json()["execution"] == f"{RUNS}:failover-1"
    assert ctl("explain", "--dry-run", "--json").json()["execution"] == f"{RUNS}:named-otherwise"
    region.executions.pop(f"{RUNS}:failover-1")
    assert ctl("explain").code == Exit.NOT_DONE


def test_watch_says_since_when_aws_can_t_be_asked_and_calls_no_server_unadopted(ctl: Run, region: Region) -> None:
    region.denied = {"GetItem", "Invoke", "Query", "ListExecutions", "DescribeAlarms"}
    said = ctl("watch", "--for", "0s")
    assert "WHO SERVES IS NOT KNOWN" in said.out
    assert "(since " in said.out
    assert "not adopted" not in ctl("status").out


def test_how_long_it_has_been_so_is_no_news(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": lease(), "halted": "ms2 did not start."}
    region.history = [change("halted", time.time() - 16, execution=f"{RUNS}:one")]
    lines = ctl("watch", "--every", "0.6", "--for", "3s").out.splitlines()
    assert sum("halted" in line and "serves" in line for line in lines) == 1
    assert sum("! failover to ms2 was halted" in line for line in lines) == 1


def test_watch_in_a_pipe_says_a_thing_once_however_its_words_change(ctl: Run, region: Region) -> None:
    ages, asked = iter(range(1, 1000)), []

    def silent(_: object) -> dict[str, object]:
        asked.append(next(ages))
        down = {"admin": "silent", "port": "silent", "sentence": f"no answer, try {'x' * asked[-1]}"}
        return {"ms1": down, "ms2": {"admin": "refused", "port": "refused", "sentence": "refused"}}

    region.functions["probe", "probe"] = silent
    said = ctl("watch", "--for", "1s", "--every", "0.2")
    assert len(asked) > 2
    assert said.out.count("NOBODY SERVES") == 1
    assert said.out.count("! The active server ms1 does not answer") == 1
    assert "over:" not in said.out


def test_ctrl_c_while_watching_says_what_goes_on(ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    region.executions[f"{RUNS}:one"] = running()

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("failoverctl.watching.time.sleep", interrupted)
    said = ctl("watch")
    assert said.code == Exit.INTERRUPTED
    assert said.err == "Stopped. What runs in AWS goes on.\n"
    assert "ms1 serves" in said.out


def test_the_tool_is_the_same_wherever_it_is_started(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "bin/failoverctl", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("failoverctl")
