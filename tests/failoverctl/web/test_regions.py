"""`web --all-regions`: every region is asked, what does not answer is said, and holds up nothing else."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from failoverctl.web import reader, regions
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, STACK, Region, running
from tests.failoverctl.web.served import Served
from tests.failoverctl.web.test_acting import ASKED
from tests.functions.wire import Failure

HOME, NORTH, WEST = "eu-central-1", "eu-north-1", "eu-west-1"
ALL = ["--all-regions", "--every", "0.2"]


@pytest.fixture
def hangs(region: Region) -> Iterator[threading.Event]:
    """WEST answers nothing before this is set."""
    answers = threading.Event()
    region.hanging[WEST] = answers
    yield answers
    answers.set()


def read(found: dict[str, Any], *ids: str) -> bool:
    """Whether these pairs are on the page, and were read."""
    return {each["id"] for each in found["pairs"] if each["how"]} == set(ids)


def test_a_stack_of_the_same_name_in_another_region_is_a_pair_of_its_own(region: Region) -> None:
    region.regions = [HOME, NORTH]
    with Served(region, ALL, stack="") as served:
        found = served.until(lambda each: read(each, f"{HOME}/{STACK}", f"{NORTH}/{STACK}"))
        assert (found["notes"], found["error"], found["pair"]) == ([], "", None)
        view = served.until(lambda each: each["pair"], f"{NORTH}/{STACK}")["pair"]
    assert (view["id"], view["pair"], view["headline"]) == (f"{NORTH}/{STACK}", PAIR, "ms1 serves")


def test_what_is_proposed_and_what_is_done_is_in_the_pair_s_own_region(region: Region) -> None:
    region.regions = [HOME, NORTH]
    region.items["state"]["mode"] = "manual"
    with Served(region, [*ALL, "--allow-actions"], stack="") as served:
        found = served.until(lambda each: each["pair"], f"{NORTH}/{STACK}")
        command = f"failoverctl mode automatic --stack {STACK} --region {NORTH}"
        assert found["pair"]["cause"]["command"] == command
        assert served.post("/api/act", {**ASKED, "id": f"{NORTH}/{STACK}"}).status == 202
    assert [at for at, name in region.asked_in if name == "StartExecution"] == [NORTH]


def test_a_region_that_refuses_is_said_and_the_others_are_shown(region: Region) -> None:
    region.regions = [HOME, NORTH]
    region.refusing = {NORTH}
    with Served(region, ALL, stack="") as served:
        found = served.until(lambda each: read(each, f"{HOME}/{STACK}") and each["notes"] and each["pair"])
    assert found["pair"]["headline"] == "ms1 serves"
    (note,) = found["notes"]
    assert note.startswith(f"{NORTH} could not be asked: These credentials may not list the stacks")


def test_regions_that_refuse_alike_are_one_sentence(region: Region) -> None:
    region.regions = [HOME, NORTH, WEST]
    region.failing["DescribeStacks"] = [Failure("ExpiredToken", "") for _ in region.regions]
    with Served(region, ALL, stack="") as served:
        found = served.until(lambda each: each["error"])
    assert found["error"] == "There is no stack of ms-failover in the regions that answered."
    (note,) = found["notes"]
    assert note.startswith(f"{HOME}, {NORTH} and {WEST} could not be asked: The AWS credentials have expired")


def test_a_region_that_hangs_is_said_and_holds_up_no_other(region: Region, hangs: threading.Event) -> None:
    region.regions = [HOME, WEST]
    with Served(region, ALL, stack="") as served:
        found = served.until(lambda each: read(each, f"{HOME}/{STACK}"))
        assert found["notes"] == [f"No answer yet from {WEST}: whether there are pairs is not known."]
        assert found["pair"] is None  # whether it is the only one is not known yet
        assert found["error"] == ""
        hangs.set()
        found = served.until(lambda each: read(each, f"{HOME}/{STACK}", f"{WEST}/{STACK}"))
        assert found["notes"] == []


def test_a_pair_whose_region_hangs_later_is_not_called_good_and_the_others_are_read(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PATIENCE_S", 0.3)
    region.regions = [HOME, WEST]
    with Served(region, ALL, stack="") as served:
        served.until(lambda each: read(each, f"{HOME}/{STACK}", f"{WEST}/{STACK}"))
        answers = region.hanging[WEST] = threading.Event()
        try:
            found = served.until(lambda each: each["error"], f"{WEST}/{STACK}")
            assert found["error"].startswith(f"No answer from {WEST} since ")
            assert (found["pair"]["how"], found["pair"]["headline"]) == ("doubtful", "ms1 serves")
            line = next(each for each in found["pairs"] if each["region"] == WEST)
            assert (line["how"], line["well"]) == ("doubtful", False)
            assert line["sentence"].endswith("Seen last: ms1 serves")
            region.asked_in.clear()
            before = served.state(-1, f"{HOME}/{STACK}")["pair"]["at"]
            served.until(lambda each: each["pair"]["at"] > before + 1, f"{HOME}/{STACK}")
            assert not [name for at, name in region.asked_in if at == WEST]  # one question at a time
        finally:
            answers.set()
        found = served.until(lambda each: not each["error"], f"{WEST}/{STACK}")
        assert found["pair"]["how"] == "good"


def test_a_region_that_was_refused_is_asked_again(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "AGAIN_S", 0.3)
    region.regions = [HOME, NORTH]
    region.refusing = {NORTH}
    with Served(region, ALL, stack="") as served:
        served.until(lambda each: each["notes"] and each["pairs"])
        region.refusing = set()
        found = served.until(lambda each: read(each, f"{HOME}/{STACK}", f"{NORTH}/{STACK}"))
    assert found["notes"] == []


def test_it_makes_no_more_calls_than_watch_for_as_many_statuses(ctl: Run, region: Region) -> None:
    region.executions["one"] = running()
    said = ctl("watch", "--json", "--for", "1s", "--every", "0.2")
    watched = len(said.out.splitlines())
    by_watch = Counter(region.names())
    region.asked.clear()
    region.regions = [HOME, NORTH, WEST]
    region.refusing = {WEST}
    with Served(region, ALL, stack="") as served:
        served.until(lambda each: len(each["pairs"]) == 2)
        served.until(lambda _: Counter(region.names())["ListExecutions"] >= watched)
    by_page = Counter(region.names())
    assert by_page.pop("DescribeRegions") == 1
    assert by_page.pop("DescribeStacks") == len(region.regions)  # each once, also the one that refuses
    statuses = by_page["ListExecutions"]
    assert statuses >= watched
    for name, count in by_page.items():
        assert count <= by_watch[name] / watched * (statuses + 1), name


def test_a_stack_that_was_not_deployed_as_a_whole_is_said(region: Region) -> None:
    described = "ms-failover: fenced failover for one pair of servers that share a database and a name."
    half = {"StackName": "half", "Description": described, "StackStatus": "ROLLBACK_COMPLETE", "Outputs": []}
    region.other_stacks = [half]
    for options in ([], ["--all-regions"]):
        with Served(region, options, stack="") as served:
            found = served.until(lambda each: each["pair"])
        assert found["notes"] == [
            f"{HOME}: the stack half is ROLLBACK_COMPLETE, and not deployed as a whole: `sam deploy` says why."
        ]


def test_no_pair_in_any_region_is_said(region: Region) -> None:
    region.deployed_here = False
    region.regions = [HOME, NORTH]
    with Served(region, ALL, stack="") as served:
        found = served.until(lambda each: each["error"])
    assert found["error"] == "There is no stack of ms-failover in any region of this account."


def test_regions_that_can_t_be_listed_are_a_sentence_and_asked_again(region: Region) -> None:
    region.failing["DescribeRegions"] = [Failure("UnauthorizedOperation", "not you")]
    with Served(region, ALL, stack="") as served:
        assert "may not list the regions" in served.until(lambda each: each["error"])["error"]
        assert served.until(lambda each: each["pair"])["error"] == ""


def test_one_stack_and_all_regions_contradict_each_other(ctl: Run, region: Region) -> None:
    said = ctl("web", "--all-regions", "--no-browser")
    assert (said.code, region.asked) == (2, [])
    assert "--all-regions shows every pair: leave it out, or --stack." in said.err
