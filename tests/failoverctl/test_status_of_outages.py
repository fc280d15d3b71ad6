"""`status` in an outage and after it: why nothing happens by itself, what hangs, and what is over."""

from __future__ import annotations

import time

import pytest

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import RUNS, Region, change, lease, running
from tests.failoverctl.test_status import observe, problems


@pytest.mark.parametrize(
    ("about", "why", "see"),
    [
        ({}, "", "active-server-down"),
        ({"mode": "manual"}, "the mode is manual", "held"),
        ({"acknowledged": False}, "the last automatic failover has not been acknowledged", "held"),
        ({"held": "Held."}, "automatic failover is held", "held"),
        ({"maintenance_until": 4_000_000_000.0}, "maintenance until 2096-10-02 07:06 UTC", "held"),
    ],
)
def test_with_an_outage_it_is_said_why_nothing_fails_over_by_itself(
    ctl: Run, region: Region, about: dict[str, object], why: str, see: str
) -> None:
    observe(region, "silent", "refused")
    region.items["state"] |= about
    (first, *_) = problems(ctl)
    assert (first["see"], first["verb"]) == (see, "failover")
    region.ringing = {"active-server-down"}
    assert "follows from it: " in ctl("status").flat, "what is only there because of it is folded"
    assert "alarm active-server-down" in ctl("status").flat
    assert first["sentence"].endswith(f"Nothing fails over by itself: {why}." if why else "it is silent")
    assert (", in maintenance" in ctl("status").out) == ("maintenance_until" in about)


def hangs(region: Region, role: str) -> None:
    """The host of that server accepts connections, and nothing answers them."""
    seen = dict(region.functions["probe", "probe"])
    hung = {"admin": "silent", "port": "answers", "sentence": "no answer"}
    region.functions["probe", "probe"] = {**seen, role: hung}


def test_a_server_that_hangs_is_told_from_one_that_is_gone(ctl: Run, region: Region) -> None:
    hangs(region, "ms1")
    assert "the service or the whole host hangs" in problems(ctl)[0]["sentence"]


@pytest.mark.parametrize(("access", "see"), [("no", "two-services"), ("yes", "split-brain-risk")])
def test_a_standby_that_hangs_is_not_to_be_stopped_on_its_host(ctl: Run, region: Region, access: str, see: str) -> None:
    hangs(region, "ms2")
    region.functions["database-access", "ms2"] = {"answer": access, "sentence": access}
    (first, *_) = problems(ctl)
    assert first["see"] == see
    assert ("systemctl stop" in first["command"]) == (access == "yes")
    assert ("restart the machine of ms2" in first["sentence"]) == (access == "no")


@pytest.mark.parametrize(("ago", "verb"), [(20, "watch"), (200, "")])
def test_a_server_that_was_just_left_has_a_moment_to_stop(ctl: Run, region: Region, ago: float, verb: str) -> None:
    observe(region, "answers", "answers")
    region.history = [change("promoted", time.time() - ago)]
    (first, *_) = problems(ctl)
    assert (first["verb"], first["see"]) == (verb, "two-services")
    assert ("systemctl stop" in first["command"]) == (not verb)


def test_the_alarm_of_two_services_is_over_once_the_standby_is_seen_to_be_stopped(ctl: Run, region: Region) -> None:
    region.ringing = {"two-services"}
    said = ctl("status")
    assert (said.code, "two-services still to clear" in said.out) == (0, True)
    observe(region, "answers", "silent")
    assert "two-services still to clear" not in ctl("status").out


def test_while_the_watchdog_tries_again_it_is_said_why_the_try_before_was_blocked(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": lease("two")}
    region.executions[f"{RUNS}:two"] = running()
    region.history = [change("blocked", time.time() - 5, sentence="ms2 is not fit: its host is off.")]
    first = ctl("status", "--json").json()["problems"][0]
    assert first["sentence"] == (
        "failover to ms2 is under way: VerifyFence. The one before it was blocked: ms2 is not fit: its host is off."
    )
    assert (first["command"], first["see"]) == ("failoverctl watch --stack demo", "blocked")


def test_a_first_copy_that_came_to_nothing_is_not_said_to_be_on_its_way(ctl: Run, region: Region) -> None:
    now = time.time()
    last = {"complete": False, "reason": "cds arrived empty."}
    region.items["state"] |= {"epoch": 2}
    region.items["freshness"] = {"as_of": now - 60, "epoch": 1, "ended": True, "last": last, "version": 1}
    region.history = [change("promoted", now - 5, action="switchover", source="ms2", target="ms1")]
    said = ctl("status").flat
    assert "whole set of 60 s ago; the last run: cds arrived empty." in said
    assert "on its way" not in said
