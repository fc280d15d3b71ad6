"""`list`, and what stands in for `--stack` where there is one pair."""

from __future__ import annotations

from typing import Any

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, STACK, Region
from tests.functions.wire import Failure

NOT_OURS = {"StackName": "network", "Description": "VPCs", "Outputs": []}


def second(name: str, pair: str) -> dict[str, Any]:
    """Another deployed stack of the region, of the same functions and table."""
    return {"StackName": name, "Parameters": [{"ParameterKey": "PairName", "ParameterValue": pair}]}


def test_each_pair_is_a_line_and_other_stacks_are_none(ctl: Run, region: Region) -> None:
    region.other_stacks = [NOT_OURS]
    said = ctl("list", stack="")
    assert said.code == 0
    assert said.out.splitlines() == [f"{PAIR}  {STACK}  eu-central-1  ms1 serves"]


def test_the_worst_pair_comes_first_with_its_next_command(ctl: Run, region: Region) -> None:
    # Of the second stack nothing is known here: its functions have names that nobody answers for.
    region.other_stacks = [second("away", "other")]
    said = ctl("list", stack="")
    first, last = said.out.splitlines()
    assert said.code == 1
    assert first.split()[:2] == ["other", "away"]
    assert "KNOWN" in first
    assert "--stack away --region eu-central-1" in first
    assert last.startswith(f"{PAIR:6}  {STACK}")


def test_a_pair_that_serves_says_what_else_needs_a_person(ctl: Run, region: Region) -> None:
    region.items["state"]["mode"] = "manual"
    said = ctl("list", stack="")
    assert said.code == 1
    assert "ms1 serves; The mode is manual" in said.out
    assert f"→ failoverctl mode automatic --stack {STACK} --region eu-central-1" in said.out


def test_a_stack_that_was_not_deployed_as_a_whole_is_said_so(ctl: Run, region: Region) -> None:
    described = "ms-failover: fenced failover for one pair of servers that share a database and a name."
    region.other_stacks = [{**NOT_OURS, "StackName": "half", "Description": described, "StackStatus": "DELETE_FAILED"}]
    said = ctl("list", stack="")
    assert said.code == 1
    assert "- half eu-central-1 The stack is DELETE_FAILED, and not deployed as a whole" in said.flat


def test_all_regions_are_asked_and_one_that_refuses_is_a_line(ctl: Run, region: Region) -> None:
    region.regions = ["eu-central-1", "eu-north-1"]
    region.failing["DescribeStacks"] = [Failure("AccessDenied", "not there")]
    said = ctl("list", "--all-regions", "--json", stack="")
    assert said.code == 1
    found = said.json()
    assert sorted(each["region"] for each in found) == ["eu-central-1", "eu-north-1"]
    assert found[0]["sentence"].startswith("This region could not be asked: These credentials may not list the stacks")
    assert (found[1]["pair"], found[1]["how"], found[1]["well"]) == (PAIR, "good", True)


def test_no_pair_at_all_is_said_with_where_else_it_may_be(ctl: Run, region: Region) -> None:
    region.deployed_here = False
    said = ctl("list", stack="")
    assert (said.code, said.flat) == (
        0,
        "There is no stack of ms-failover in eu-central-1: --all-regions looks in the others.",
    )


def test_list_shows_all_pairs_and_takes_no_stack(ctl: Run) -> None:
    assert "leave out --stack" in ctl("list", stack=STACK).err


@pytest.mark.parametrize("command", ["status", "history"])
def test_where_there_is_one_pair_it_needs_no_name(ctl: Run, command: str) -> None:
    assert ctl(command, stack="").code == 0


def test_the_commands_that_are_proposed_name_the_stack_that_was_found(ctl: Run, region: Region) -> None:
    region.items["state"]["mode"] = "manual"
    assert f"failoverctl mode automatic --stack {STACK}" in ctl("status", stack="").flat


def test_where_there_are_two_pairs_one_has_to_be_named(ctl: Run, region: Region) -> None:
    region.other_stacks = [second("away", "other")]
    said = ctl("status", stack="")
    assert said.code == 2
    assert "Which pair? There are 2 in eu-central-1: give --stack (away, demo)." in said.err


def test_where_there_is_no_pair_it_is_said_where_else_it_may_be(ctl: Run, region: Region) -> None:
    region.deployed_here = False
    assert "There is no stack of ms-failover in eu-central-1: `failoverctl list" in ctl("status", stack="").err


def test_what_acts_wants_its_stack_named(ctl: Run, region: Region) -> None:
    said = ctl("failover", "--reason", "why", "--yes", stack="")
    assert said.code == 2
    assert "Which pair?" in said.err
    assert region.asked == []
