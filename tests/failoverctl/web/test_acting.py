"""Acting from the page: only where that was allowed, with the pair's name typed, as the command line acts."""

from __future__ import annotations

from typing import Any

import pytest

from failoverctl.web.acting import REASON_AT_MOST
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, STACK, WHO, Region, ended
from tests.failoverctl.web.served import Served

ASKED = {"id": f"eu-central-1/{STACK}", "action": "failover", "reason": "ms1 is down", "by": "ann", "pair": PAIR}
ALLOWED = ["--allow-actions", "--every", "0.2"]


def acted(region: Region, options: list[str], **about: Any) -> tuple[int, dict[str, Any]]:
    """Ask for it once the pair was read."""
    with Served(region, options) as served:
        served.view()
        answer = served.post("/api/act", {**ASKED, **about})
        return answer.status, answer.json()


def test_a_page_that_only_reads_refuses_every_action(region: Region) -> None:
    status, said = acted(region, [])
    assert status == 403
    assert said["error"].startswith("This page only reads: nothing was done.")
    assert region.started() == []


@pytest.mark.parametrize(("option", "by_page"), [([], {}), (["--dry-run"], {"dry_run": True})])
def test_an_action_is_the_request_that_the_command_line_makes(
    ctl: Run, region: Region, option: list[str], by_page: dict[str, Any]
) -> None:
    ctl("failover", "--reason", "ms1 is down", "--by", "ann", "--target", "ms2", "--yes", *option)
    status, said = acted(region, ALLOWED, target="ms2", **by_page)
    assert status == 202
    assert said["sentence"].startswith("Started: failover-")
    by_command, by_this = region.started()
    assert by_this == by_command
    assert by_this["requested_by"] == f"ann ({WHO})"


@pytest.mark.parametrize(
    ("about", "status", "sentence"),
    [
        ({"pair": "other"}, 403, "This is the pair tectia, and 'other' was given. Nothing was done."),
        ({"pair": ""}, 403, "Nothing was done."),
        ({"pair": None}, 400, "pair is a text."),
        ({"reason": "  "}, 400, "Say why"),
        ({"reason": "x" * (REASON_AT_MOST + 1)}, 400, "Say why"),
        ({"action": "adopt"}, 400, "The page can do failover, switchover, resume, force"),
        ({"action": ["failover"]}, 400, "action is a text."),
        ({"action": "force", "by": ""}, 400, "To force, give your name"),
        ({"by": "watch"}, 400, "is how the machinery signs"),
        ({"by": "a\x00b"}, 400, "a name of at most"),
        ({"target": "ms3"}, 400, "The target is ms1 or ms2."),
        ({"id": "elsewhere"}, 502, "There is no pair of the stack 'elsewhere'"),
    ],
)
def test_what_is_not_meant_so_is_not_done(region: Region, about: dict[str, Any], status: int, sentence: str) -> None:
    found, said = acted(region, ALLOWED, **about)
    assert found == status
    assert sentence in said["error"]
    assert region.started() == []


def test_credentials_that_may_not_start_it_are_said_so(region: Region) -> None:
    region.denied = {"StartExecution"}
    status, said = acted(region, ALLOWED)
    assert status == 502
    assert said["error"].startswith("These credentials may not start an execution of the workflow")


@pytest.mark.parametrize(
    ("action", "outcome", "asks"),
    [("failover", "promoted", 1), ("switchover", "promoted", 0), ("failover", "halted", 0)],
)
def test_how_it_ended_is_shown_and_the_copy_of_the_new_direction_is_asked_for(
    region: Region, action: str, outcome: str, asks: int
) -> None:
    region.outcome = lambda _: ended(outcome, "So it came.")
    with Served(region, ALLOWED) as served:
        served.view()
        assert served.post("/api/act", {**ASKED, "action": action}).status == 202
        found = served.state()
        while not found["done"]:
            found = served.state(found["version"])
    assert found["done"]["sentence"].startswith(f"{action}: {outcome}: So it came.")
    assert region.invoked.count(("replicate", {"action": "scheduled"})) == asks


def test_a_dry_run_says_what_would_come_of_it(region: Region) -> None:
    region.outcome = lambda _: ended("dry-run", "All would be done.", would="promoted", checks=[])
    with Served(region, ALLOWED) as served:
        served.view()
        served.post("/api/act", {**ASKED, "dry_run": True})
        found = served.state()
        while not found["done"]:
            found = served.state(found["version"])
    assert "would be promoted: All would be done." in found["done"]["sentence"]
    assert "nothing was changed" in found["done"]["sentence"]


def test_before_it_is_asked_for_it_is_said_what_it_does(region: Region) -> None:
    with Served(region, ALLOWED) as served:
        warnings = served.view()["warnings"]
    assert "WHETHER OR NOT IT IS DOWN" in warnings["force"]
    assert warnings["switchover"].startswith("ms1 is stopped cleanly")
