"""`status` and `watch`: one screen that says how the pair is, and what a person should do about it."""

from __future__ import annotations

import time

import pytest

from failoverctl.status import ALARMS
from tests.core.deployment import resources
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import RUNS, Region, change, running

LEASE = {
    "execution": f"{RUNS}:one",
    "action": "failover",
    "target": "ms2",
    "epoch": 2,
    "reason": "ms1 is silent",
    "requested_by": "watch",
    "taken_at": 1.0,
}


def test_where_all_is_well_one_screen_says_so_and_the_exit_code_is_0(ctl: Run) -> None:
    said = ctl("status")
    assert said.code == 0
    assert "tectia: ms1 serves · epoch 1, mode automatic" in said.out
    assert "ms.corp.example → ms1" in said.out
    assert "All is well." in said.out
    assert len(said.out.splitlines()) <= 12


def test_as_json_it_has_everything_that_the_screen_shows(ctl: Run) -> None:
    found = ctl("status", "--json").json()
    assert found["well"] is True
    assert found["attention"] == []
    assert found["record"]["active"] == "ms1"
    assert {role: found["servers"][role]["is"] for role in ("ms1", "ms2")} == {"ms1": "active", "ms2": "standby"}
    assert found["servers"]["ms1"]["door"]["answer"] == "yes"
    assert found["servers"]["ms2"]["sessions"]["answer"] == "no"
    assert found["name"]["points_to"] == "ms1"
    assert 0 < found["replication"]["age_s"] < 120
    assert found["readiness"]["answer"] == "yes"
    assert {each["name"] for each in found["alarms"]} == set(ALARMS)
    assert found["execution"] is None
    assert found["last_change"] is None


def test_status_changes_nothing(ctl: Run, region: Region) -> None:
    ctl("status")
    assert set(region.names()) == {
        "DescribeStacks", "GetItem", "Query", "Invoke", "DescribeAlarms", "ListExecutions"
    }  # fmt: skip
    assert {payload["action"] for _, payload in region.invoked} == {"look", "name", "status"}


def test_it_knows_the_alarms_of_the_template() -> None:
    names = {
        each["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for each in resources("AWS::CloudWatch::Alarm").values()
    }
    assert set(ALARMS) == names


def attention(ctl: Run, code: int = 1) -> list[dict[str, str]]:
    said = ctl("status", "--json")
    assert said.code == code
    found: list[dict[str, str]] = said.json()["attention"]
    return found


def test_a_halted_change_comes_first_with_the_command_that_goes_on_with_it(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE, "halted": "ms2 did not start."}
    (first, *_) = attention(ctl)
    assert first["sentence"] == "failover to ms2 was halted: ms2 did not start."
    assert first["command"] == 'failoverctl resume --reason "…" --stack demo'
    assert first["see"] == "failover-halted"


def test_a_lease_that_nobody_holds_any_more_is_told_from_a_change_under_way(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE}
    (first, *_) = attention(ctl)
    assert "left half done" in first["sentence"]
    region.executions[LEASE["execution"]] = running()  # type: ignore[index]
    (first, *_) = attention(ctl)
    assert first["sentence"] == "failover to ms2 is under way: VerifyFence."
    assert first["command"] == "failoverctl watch --stack demo"


def test_a_silent_active_server_a_standby_that_can_get_in_and_a_name_elsewhere_are_each_said(
    ctl: Run, region: Region
) -> None:
    region.functions["probe", "look"] = {
        "ms1": {"admin": "silent", "port": "silent", "sentence": "it does not answer"},
        "ms2": {"admin": "refused", "port": "refused", "sentence": "refused"},
    }
    region.functions["database-access", "ms2"] = {"answer": "yes", "sentence": "ms2 can get in by a rule."}
    region.functions["probe", "name"] = {"answer": "yes", "sentence": "x", "evidence": {"addresses": ["10.0.0.99"]}}
    found = {each["see"]: each["sentence"] for each in attention(ctl)}
    assert found["active-server-down"] == "The active server ms1 does not answer: it does not answer"
    assert found["split-brain-risk"] == "ms2 is standby, but: ms2 can get in by a rule."
    assert found["name-elsewhere"].startswith("The name does not point to ms1")


def test_modes_maintenance_and_a_missing_acknowledgement_are_said_with_the_way_out(ctl: Run, region: Region) -> None:
    region.items["state"] |= {
        "mode": "manual", "maintenance_until": time.time() + 600, "acknowledged": False, "held": "Refused: manual."
    }  # fmt: skip
    commands = [each["command"] for each in attention(ctl)]
    assert commands == [
        "failoverctl acknowledge --stack demo",
        'failoverctl failover --reason "…" --stack demo',
        "failoverctl mode automatic --stack demo",
        "failoverctl maintenance off --stack demo",
    ]


def test_an_alarm_that_rings_and_one_that_somebody_deleted_are_both_said(ctl: Run, region: Region) -> None:
    region.ringing, region.gone = {"not-ready"}, {"watchdog-silent"}
    first, second = attention(ctl)
    assert first["sentence"] == "Alarm not-ready: So it is."
    assert first["see"] == "not-ready"
    assert second["sentence"].startswith("The alarm watchdog-silent is not there")


@pytest.mark.parametrize("operation", ["GetItem", "Query", "Invoke", "DescribeAlarms", "ListExecutions"])
def test_what_may_not_be_asked_is_said_and_is_never_taken_for_well(ctl: Run, region: Region, operation: str) -> None:
    region.denied = {operation}
    said = ctl("status", "--json")
    assert said.code == 1 if operation != "Query" else said.code in (0, 1)
    assert f"({operation})" in said.out
    assert "See docs/operate.md, permissions." in said.out
    shown = ctl("status")
    assert "Traceback" not in shown.out + shown.err


def test_before_the_pair_is_in_care_it_says_how_it_gets_there(ctl: Run, region: Region) -> None:
    region.items = {}
    (first, *_) = attention(ctl)
    assert first["command"] == 'failoverctl adopt --reason "…" --stack demo'
    assert "tectia: not adopted: nothing fails over; ms1 serves" in ctl("status").out


def test_the_last_change_is_the_latest_by_time_and_not_by_epoch(ctl: Run, region: Region) -> None:
    now = time.time()
    region.history = [change("stood-down", now - 90, epoch=3), change("promoted", now - 30, epoch=2)]
    said = ctl("status")
    assert "failover ms1 → ms2: promoted (30 s ago)" in said.out


def test_watch_ends_after_its_time_and_shows_the_steps_of_what_runs(ctl: Run, region: Region) -> None:
    region.executions[f"{RUNS}:one"] = running()
    said = ctl("watch", "--for", "0s")
    assert said.code == 0
    assert "> failover runs: one" in said.out
    assert "< Begin (0.50 s)" in said.out
    lines = ctl("watch", "--for", "0s", "--json").out.splitlines()
    assert len(lines) == 1
