"""`status` of a pair with two probes: both are asked, and where they differ each is named by its subnets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import WELL, Region

FIRST, SECOND = "subnet-0a1b2c3d", "subnet-0d3c2b1a"
SILENT = {"admin": "silent", "port": "silent", "sentence": "nothing comes back"}
BLIND = {"ms1": SILENT, "ms2": SILENT, "evidence": {"cut_off": True}}
SEEN = WELL["probe", "probe"]


@pytest.fixture
def two(region: Region) -> Region:
    """The region, where the pair has two probes and the second one has reached both servers in this epoch."""
    region.parameters |= {"SubnetIds": FIRST, "SecondProbeSubnetIds": SECOND}
    region.functions["second-probe", "probe"] = SEEN
    region.items["state"]["second_probe_epoch"] = 1
    return region


def probes(ctl: Run) -> tuple[dict[str, Any], list[str]]:
    """What is known of the probes, and the problems about them."""
    found = ctl("status", "--json").json()
    return found, [each["sentence"] for each in found["problems"] if each["see"] == "second-probe"]


def test_where_both_see_the_same_that_is_a_line_and_no_problem(ctl: Run, two: Region) -> None:
    said = ctl("status")
    assert said.code == 0
    assert f"both see the same, from {FIRST} and from {SECOND}" in said.flat
    assert ("second-probe", {"action": "probe"}) in two.invoked


def test_a_pair_with_one_probe_is_asked_by_one(ctl: Run, region: Region) -> None:
    assert ctl("status", "--json").json()["probes"] is None
    assert "second-probe" not in {name for name, _ in region.invoked}


def test_where_they_differ_each_is_named_by_its_subnets(ctl: Run, two: Region) -> None:
    two.functions["probe", "probe"] = {**SEEN, "ms1": SILENT, "evidence": {"cut_off": False}}
    found, told = probes(ctl)
    assert told == [
        f"The two probes do not see the same. administration interface of ms1: silent from {FIRST}, answers from"
        f" {SECOND}; agents' port of ms1: silent from {FIRST}, answers from {SECOND}."
        " ms1 is well: hold automatic failovers while that network is mended."
    ]
    assert found["problems"][0]["command"] == "failoverctl maintenance on --for 1h --stack demo", "and no failover"
    assert found["probes"]["shown"] == "first"
    assert found["headline"]["sentence"].startswith("NOBODY SERVES"), "as the watchdog finds it"
    assert f"from {SECOND} it is not the same" in ctl("status").flat


@pytest.mark.parametrize("first", [BLIND, {"errorType": "Timeout", "errorMessage": "no answer"}])
def test_where_the_first_sees_nothing_the_second_one_is_shown_and_said_so(
    ctl: Run, two: Region, first: dict[str, Any]
) -> None:
    two.functions["probe", "probe"] = first
    found, _ = probes(ctl)
    assert (found["probes"]["shown"], found["headline"]["sentence"]) == ("second", "ms1 serves")
    assert f"shown is what the second one sees from {SECOND}: nothing is seen from {FIRST}" in ctl("status").flat


def test_a_second_probe_that_was_not_seen_to_reach_both_is_not_believed(ctl: Run, two: Region) -> None:
    two.items["state"]["second_probe_epoch"] = 0
    two.functions["probe", "probe"] = BLIND
    found, told = probes(ctl)
    assert found["probes"]["shown"] == "first"
    assert found["headline"]["how"] == "doubtful"
    assert "answers from" in told[0]


@pytest.mark.parametrize(("sessions", "begins"), [("yes", "WHETHER ms1 SERVES IS NOT KNOWN"), ("no", "NOBODY SERVES")])
def test_a_probe_that_sees_neither_server_shows_nothing_of_them(
    ctl: Run, region: Region, sessions: str, begins: str
) -> None:
    region.functions["probe", "probe"] = BLIND
    region.functions["database-sessions", "ms1"] = {"answer": sessions, "sentence": sessions}
    found, _ = probes(ctl)
    assert found["headline"]["sentence"].startswith(begins)
    first = found["problems"][0]
    assert (first["verb"], first["see"]) == ("readiness", "active-server-down" if sessions == "yes" else "blocked")
    assert "failover" not in [each["verb"] for each in found["problems"]], "it would be blocked"


def test_a_second_probe_that_can_t_be_asked_is_said(ctl: Run, two: Region) -> None:
    two.functions["second-probe", "probe"] = {"errorType": "Timeout", "errorMessage": "no answer"}
    found, told = probes(ctl)
    assert told[0].startswith(f"The second probe (from {SECOND}) can't be asked:")
    assert found["headline"]["sentence"] == "ms1 serves"
    assert found["well"] is False
