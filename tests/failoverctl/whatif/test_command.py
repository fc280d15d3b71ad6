"""`failoverctl whatif` on a log as CloudWatch has it, and as a file."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.watching import Run

from failoverctl.whatif.read_log import log_of
from lab.benchmarks import monthly_cost
from tests.failoverctl.conftest import Run as Ctl
from tests.failoverctl.region import STACK, Region

WELL, REFUSED, SILENT = (Signal.ANSWERS,) * 2, (Signal.REFUSED,) * 2, (Signal.SILENT,) * 2
NOW = time.time()


def line(begin: float, count: int, ms1: tuple[Signal, Signal] = WELL, interval_s: float = 5.0, **more: Any) -> str:
    """A line of the watchdog's log, as its logger writes it."""
    end = begin + (count - 1) * interval_s
    finding, failures = ("healthy", 0) if ms1 is WELL else ("silent", count)
    run = Run(begin, end, count, interval_s, Role.MS1, 1, ms1, REFUSED, "", "", finding, failures, 4)
    return json.dumps({"level": "INFO", "message": "probes", "service": "watch", **run.to_json(), **more})


def two_outages() -> list[str]:
    """One that was over after 40 s, and one that lasted 10 minutes."""
    begin = NOW - 7200
    return [
        line(begin, 100),
        line(begin + 500, 8, SILENT),
        line(begin + 540, 100),
        line(begin + 1040, 120, SILENT),
        line(begin + 1640, 100),
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "watch.jsonl"
    file.write_text("\n".join([*two_outages(), '{"message": "failover started"}', '{"message": "probes"}', ""]))
    return file


def test_the_log_group_is_read_in_pages_and_decided_on(ctl: Ctl, region: Region) -> None:
    region.logged = two_outages()
    said = ctl("whatif", "--since", "3h")
    assert said.code == 0, said.err
    assert "428 probes from" in said.flat
    assert "4 × 5 s now 2 1 15.0 s" in said.flat
    assert "ms1 silent, after 15.0 s: ms1 is silent while the host of ms2 answers" in said.flat
    assert "needless: the outage ended by: came back by itself 25 s later" in said.flat
    call = next(call for name, call in region.asked if name == "FilterLogEvents")
    assert call["logGroupName"] == f"/aws/lambda/{STACK}-watch"
    assert call["filterPattern"] == '{ $.message = "probes" }'


def test_the_run_that_is_not_logged_yet_is_of_the_table(ctl: Ctl, region: Region) -> None:
    region.logged = two_outages()[:3]
    region.items["watch"] = {"run": line(NOW - 7200 + 1040, 120, SILENT)}
    found = ctl("whatif", "--json").json()
    assert found["probes"] == 328
    (present,) = [each for each in found["settings"] if each["present"]]
    assert [each["ended"] for each in present["takeovers"]] == ["came back by itself", "goes on"]


def test_a_file_stands_in_for_the_log_and_what_is_unread_is_said(ctl: Ctl, log: Path, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    said = ctl("whatif", "--log-file", str(log), "--plot", str(plot))
    assert said.code == 0, said.err
    assert "1 lines could not be read and are left out." in said.flat
    drawn = ElementTree.fromstring(plot.read_text())
    words = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "needless takeovers" in words
    assert any("4 × 5 s" in str(each) for each in words)


def test_a_higher_threshold_makes_fewer_takeovers_and_detects_later(ctl: Ctl, log: Path) -> None:
    settings = ctl("whatif", "--log-file", str(log), "--json").json()["settings"]
    at_5_s = {each["threshold"]: each for each in settings if each["interval_s"] == 5}
    assert [len(at_5_s[threshold]["takeovers"]) for threshold in (1, 4, 12)] == [2, 2, 2]
    assert at_5_s[12]["detection_s"]["median"] > at_5_s[4]["detection_s"]["median"] > at_5_s[1]["detection_s"]["median"]
    at_30_s = {each["threshold"]: each for each in settings if each["interval_s"] == 30}
    assert len(at_30_s[4]["takeovers"]) == 1


def test_what_settings_cost_is_shown_where_the_template_can_be_read(ctl: Ctl, region: Region, log: Path) -> None:
    assert ctl("whatif", "--log-file", str(log), "--json").json()["settings"][0]["dollars_a_month"] is None
    region.template = monthly_cost._expanded()
    costs = {
        each["interval_s"]: each["dollars_a_month"]
        for each in ctl("whatif", "--log-file", str(log), "--json").json()["settings"]
    }
    assert costs[5.0] > costs[10.0] > costs[30.0] > 0


def test_without_a_line_it_says_when_there_will_be_one(ctl: Ctl, region: Region) -> None:
    said = ctl("whatif")
    assert (said.code, region.logged) == (3, [])
    assert "The watchdog has logged no probes since then" in said.err


@pytest.mark.parametrize("text", ["", "{]\n", "no json\n"])
def test_a_file_without_a_line_of_the_watchdogs_is_said_so(ctl: Ctl, tmp_path: Path, text: str) -> None:
    (tmp_path / "empty").write_text(text)
    said = ctl("whatif", "--log-file", str(tmp_path / "empty"))
    assert (said.code, "has no line of the watchdog's" in said.err) == (2, True)


def test_a_file_that_is_not_there_is_said_so(ctl: Ctl, tmp_path: Path) -> None:
    assert "can't be read: No such file or directory." in ctl("whatif", "--log-file", str(tmp_path / "none")).err


def test_a_year_of_probes_each_five_seconds_is_replayed_in_half_a_minute_and_300_megabytes(tmp_path: Path) -> None:
    """In a process of its own, so that its memory is only its own."""
    begin, file = NOW - 365 * 86400, tmp_path / "year.jsonl"
    with file.open("w") as lines:
        for part in range(365 * 144):  # a line each ten minutes, and each day an outage of a minute
            if part % 144 == 71:
                lines.write(line(begin + part * 600, 100) + "\n")
                lines.write(line(begin + part * 600 + 500, 12, SILENT) + "\n")
            else:
                lines.write(line(begin + part * 600, 120) + "\n")
    program = (
        "import resource, sys; from failoverctl import program;"
        "from tests.failoverctl.region import AccountThere, Region;"
        "program.Account = lambda p, a, e: AccountThere(Region(), p, a); program.main(sys.argv[1:]);"
        "used = resource.getrusage(resource.RUSAGE_SELF);"
        # Not ru_maxrss, which a process has from the one that started it.
        "most = next(each for each in open('/proc/self/status') if each.startswith('VmHWM')).split()[1];"
        "sys.stderr.write(f'{int(most) // 1024} {used.ru_utime + used.ru_stime}')"
    )
    argv = ["whatif", "--stack", STACK, "--since", "400d", "--log-file", str(file), "--json"]
    done = subprocess.run([sys.executable, "-c", program, *argv], capture_output=True, text=True, check=True)
    megabytes, seconds = map(float, done.stderr.split())  # of computing: what others do meanwhile is not its time
    found = json.loads(done.stdout)
    assert found["probes"] > 6_200_000
    (present,) = [each for each in found["settings"] if each["present"]]
    assert len(present["takeovers"]) == 365
    assert (seconds < 30, megabytes < 300) == (True, True), f"{seconds:.1f} s, {megabytes:.0f} MB"


@pytest.mark.parametrize(
    "changed",
    [
        {"count": 10**12},
        {"count": 10**12, "to": 1.0e12},
        {"count": -5},
        {"count": 1e999},
        {"from": float("nan")},
        {"to": 1e300},
        {"from": -1.0},
        {"gap": float("inf")},
        {"asked": "power", "answer": "perhaps"},
        {"asked": "them", "answer": "yes"},
    ],
    ids=str,
)
def test_a_line_that_no_watchdog_can_have_logged_is_unread(changed: dict[str, Any]) -> None:
    doctored = json.dumps({**json.loads(line(NOW, 3, SILENT)), **changed})
    found = log_of([line(NOW - 60, 3), doctored, "[" * 100_000])
    assert (len(found.runs), found.unread) == (1, 2)
