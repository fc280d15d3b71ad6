"""Colours of `status` and of the page: green is what is right in the state of the change, red what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.text import Text

from failoverctl import render
from failoverctl.account import Account
from failoverctl.status import status_of
from failoverctl.web.view import pair_view
from tests.failoverctl.region import RUNS, STACK, AccountThere, Region, change, lease, running

SERVES = {"admin": "answers", "port": "answers", "sentence": "it answers"}
STOPPED = {"admin": "refused", "port": "refused", "sentence": "it is refused"}
DEAD = {"admin": "silent", "port": "silent", "sentence": "nothing comes back"}
GREEN, RED, YELLOW, PLAIN = "green", "red", "yellow", ""


def read(region: Region) -> dict[str, Any]:
    account: Account = AccountThere(region, None, None)
    return status_of(account, STACK)


def see(region: Region, role: str, host: dict[str, str], access: str, sessions: str) -> None:
    """What is seen of a server."""
    before = dict(region.functions["probe", "probe"])
    region.functions["probe", "probe"] = {**before, role: host}
    region.functions["database-access", role] = {"answer": access, "sentence": access}
    region.functions["database-sessions", role] = {"answer": sessions, "sentence": sessions}


def in_change(
    region: Region, action: str = "failover", by: str = "", halted: str = "", target: str = "ms2", runs: bool = True
) -> None:
    """A change holds the lease; `by` is how the other server's fence was proven, empty where it was not."""
    source = {"ms1": "ms2", "ms2": "ms1"}[target]
    held = {**lease(), "action": action, "target": target}
    receipt = {"epoch": held["epoch"], "server": source, "by": by, "access": "denied", "sessions": [0, 0, 0],
               "verified_at": 2.0, "evidence": []}  # fmt: skip
    region.items["state"] |= {"lease": held, "receipt": receipt if by else None, "halted": halted}
    if runs:
        region.executions[f"{RUNS}:one"] = running()


def colours(region: Region, role: str) -> list[str]:
    """Of administration, agents' port, access and sessions."""
    return [str(each.style) for each in render.server_cells(read(region))[role][1:]]


def test_at_rest_the_active_server_has_all_and_the_standby_nothing(region: Region) -> None:
    assert colours(region, "ms1") == colours(region, "ms2") == [GREEN] * 4
    see(region, "ms1", STOPPED, "no", "no")
    see(region, "ms2", SERVES, "yes", "yes")
    assert colours(region, "ms1") == colours(region, "ms2") == [RED] * 4


def test_a_pair_that_was_not_adopted_has_nothing_to_be_red_about(region: Region) -> None:
    region.items["state"]["active"] = None
    assert colours(region, "ms1") == [PLAIN] * 4
    see(region, "ms2", DEAD, "unknown", "unknown")
    assert colours(region, "ms2") == [PLAIN, PLAIN, YELLOW, YELLOW]


@pytest.mark.parametrize(
    ("by", "halted", "host", "access", "sessions", "wanted"),
    [
        ("", "", SERVES, "yes", "yes", [PLAIN, PLAIN, PLAIN, PLAIN]),
        ("", "", DEAD, "yes", "yes", [PLAIN, PLAIN, PLAIN, PLAIN]),
        ("", "", STOPPED, "no", "no", [GREEN, GREEN, GREEN, GREEN]),
        ("database", "", STOPPED, "no", "no", [GREEN, GREEN, GREEN, GREEN]),
        ("database", "", DEAD, "no", "no", [PLAIN, PLAIN, GREEN, GREEN]),
        ("database", "", SERVES, "yes", "yes", [YELLOW, YELLOW, RED, RED]),
        ("network", "", DEAD, "no", "yes", [PLAIN, PLAIN, GREEN, PLAIN]),
        ("database", "ms2 did not start.", STOPPED, "no", "no", [GREEN, GREEN, GREEN, GREEN]),
        ("", "The fence is not proven.", SERVES, "yes", "yes", [YELLOW, YELLOW, YELLOW, YELLOW]),
        ("", "", STOPPED, "unknown", "unknown", [GREEN, GREEN, YELLOW, YELLOW]),
    ],
)
def test_in_a_change_the_server_that_leaves_is_right_when_it_is_out(
    region: Region, by: str, halted: str, host: dict[str, str], access: str, sessions: str, wanted: list[str]
) -> None:
    in_change(region, by=by, halted=halted)
    see(region, "ms1", host, access, sessions)
    assert colours(region, "ms1") == wanted


@pytest.mark.parametrize(
    ("by", "halted", "runs", "host", "access", "sessions", "wanted"),
    [
        ("", "", True, STOPPED, "no", "no", [GREEN, GREEN, GREEN, GREEN]),
        ("", "", True, SERVES, "yes", "yes", [YELLOW, YELLOW, YELLOW, YELLOW]),
        ("", "", False, SERVES, "yes", "yes", [RED, RED, RED, RED]),
        ("database", "", True, STOPPED, "no", "no", [PLAIN, PLAIN, PLAIN, PLAIN]),
        ("database", "", True, STOPPED, "yes", "no", [PLAIN, PLAIN, GREEN, PLAIN]),
        ("database", "", True, SERVES, "yes", "yes", [GREEN, GREEN, GREEN, GREEN]),
        ("database", "ms2 did not start.", True, STOPPED, "yes", "no", [RED, RED, GREEN, RED]),
        ("database", "", False, STOPPED, "yes", "no", [RED, RED, GREEN, RED]),
    ],
)
def test_in_a_change_the_server_that_comes_is_to_be_out_until_the_other_one_is(
    region: Region, by: str, halted: str, runs: bool, host: dict[str, str], access: str, sessions: str,
    wanted: list[str],
) -> None:  # fmt: skip
    in_change(region, by=by, halted=halted, runs=runs)
    see(region, "ms2", host, access, sessions)
    assert colours(region, "ms2") == wanted


def test_a_change_that_was_turned_back_goes_to_a_server_that_may_never_have_been_out(region: Region) -> None:
    in_change(region, "switchover", target="ms1")
    assert colours(region, "ms1") == [PLAIN] * 4
    assert colours(region, "ms2") == [GREEN] * 4


def test_an_adoption_finds_out_who_is_active_before_anybody_is_wrong(region: Region) -> None:
    region.items["state"]["active"] = None
    in_change(region, "adopt")
    assert colours(region, "ms1") == [PLAIN] * 4


def fact(region: Region, about: str) -> Text:
    return dict(render.facts(read(region)))[about]


def styles(said: Text) -> set[str]:
    return {str(said.style), *(str(each.style) for each in said.spans)}


def test_in_a_change_the_name_may_have_moved_already(region: Region) -> None:
    moved = {"answer": "yes", "sentence": "It points there.", "evidence": {"values": ["10.0.0.12"]}}
    region.functions["dns", "ms1"] = moved
    assert YELLOW in styles(fact(region, "name"))
    in_change(region, by="database")
    assert YELLOW not in styles(fact(region, "name"))
    region.functions["dns", "ms1"] = {**moved, "evidence": {"values": ["10.9.9.9"]}}
    assert YELLOW in styles(fact(region, "name"))


def test_the_alarm_of_the_outage_that_a_change_is_about_is_not_red_while_it_is_under_way(region: Region) -> None:
    region.ringing = {"active-server-down"}
    see(region, "ms1", DEAD, "yes", "yes")
    assert styles(fact(region, "alarms")) == {RED}
    in_change(region)
    assert styles(fact(region, "alarms")) == {YELLOW}
    region.ringing.add("split-brain-risk")
    assert styles(fact(region, "alarms")) == {RED}


def test_an_alarm_that_is_not_there_is_named_where_alarms_are(region: Region) -> None:
    region.gone = {"undelivered"}
    assert fact(region, "alarms").plain.endswith("; not there: undelivered")


def test_a_run_that_failed_is_not_red_while_the_server_it_comes_from_is_being_replaced(region: Region) -> None:
    failed = {"complete": False, "outcome": "failed", "reason": "it can't be reached"}
    region.items["freshness"] |= {"last": failed, "ended": True}
    assert RED in styles(fact(region, "standby's copy"))
    in_change(region)
    assert RED not in styles(fact(region, "standby's copy"))


@pytest.mark.parametrize("outcome", ["halted", "blocked", "rolled-back"])
def test_how_a_change_ended_is_coloured_until_that_is_over(region: Region, outcome: str) -> None:
    region.history = [change(outcome, read(region)["at"] - 60, execution=f"{RUNS}:one")]
    assert styles(fact(region, "last change")) == {""}  # ms1 serves, and nothing is halted
    see(region, "ms1", DEAD, "yes", "yes")
    if outcome == "halted":
        in_change(region, halted="ms2 did not start.", runs=False)
    assert styles(fact(region, "last change")) & {RED, YELLOW}


def test_checks_of_before_a_change_are_no_news_on_the_page(region: Region) -> None:
    region.items["readiness"]["checks"] = [
        {"name": "a", "answer": "no", "sentence": "It is not.", "remedy": "Mend it."},
        {"name": "b", "answer": "yes", "sentence": "It is.", "remedy": ""},
    ]
    assert [each["how"] for each in pair_view(read(region), [], "")["readiness"]["checks"]] == ["bad", "good"]
    in_change(region)
    assert {each["how"] for each in pair_view(read(region), [], "")["readiness"]["checks"]} == {"faint"}
