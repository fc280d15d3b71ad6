"""`status` and `watch`: one screen that says how the pair is, and what a person should do about it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest

from failoverctl import status as status_module
from failoverctl.status import ALARMS
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import RUNS, Region, change, lease, running
from tests.template.deployment import resources

LEASE = lease()


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
    assert found["problems"] == []
    assert found["record"]["active"] == "ms1"
    assert {role: found["servers"][role]["is"] for role in ("ms1", "ms2")} == {"ms1": "active", "ms2": "standby"}
    assert found["servers"]["ms1"]["access"]["answer"] == "yes"
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
    assert {payload["action"] for _, payload in region.invoked} == {"probe", "name", "status"}


def test_it_knows_the_alarms_of_the_template() -> None:
    names = {
        each["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for each in resources("AWS::CloudWatch::Alarm").values()
    }
    assert set(ALARMS) == names


def problems(ctl: Run, code: int = 1) -> list[dict[str, str]]:
    said = ctl("status", "--json")
    assert said.code == code
    found: list[dict[str, str]] = said.json()["problems"]
    return found


def test_a_halted_change_comes_first_with_the_command_that_goes_on_with_it(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE, "halted": "ms2 did not start."}
    (first, *_) = problems(ctl)
    assert first["sentence"] == "failover to ms2 was halted: ms2 did not start."
    assert first["command"] == 'failoverctl resume --reason "…" --stack demo'
    assert first["see"] == "failover-halted"


def test_a_lease_that_nobody_holds_any_more_is_told_from_a_change_under_way(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE}
    (first, *_) = problems(ctl)
    assert "left half done" in first["sentence"]
    region.executions[LEASE["execution"]] = running()
    (first, *_) = problems(ctl)
    assert first["sentence"] == "failover to ms2 is under way: VerifyFence."
    assert first["command"] == "failoverctl watch --stack demo"


def test_a_change_whose_execution_was_stopped_a_moment_ago_is_not_to_be_resumed_yet(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE}
    stopped = {"status": "ABORTED", "stopDate": datetime.fromtimestamp(time.time() - 5, UTC), "input": "{}"}
    region.executions[LEASE["execution"]] = stopped
    (first, *_) = problems(ctl)
    assert re.search(r"it can be resumed in 1[45] s\.$", first["sentence"])
    assert first["command"] == "failoverctl watch --stack demo"
    stopped["stopDate"] = datetime.fromtimestamp(time.time() - 25, UTC)
    (first, *_) = problems(ctl)
    assert first["command"] == 'failoverctl resume --reason "…" --stack demo'


def test_a_silent_active_server_a_standby_that_can_get_in_and_a_name_elsewhere_are_each_said(
    ctl: Run, region: Region
) -> None:
    region.functions["probe", "probe"] = {
        "ms1": {"admin": "silent", "port": "silent", "sentence": "it does not answer"},
        "ms2": {"admin": "refused", "port": "refused", "sentence": "refused"},
    }
    region.functions["database-access", "ms2"] = {"answer": "yes", "sentence": "ms2 can get in by a rule."}
    region.functions["dns", "ms1"] = {"answer": "no", "sentence": "x", "evidence": {"values": ["10.0.0.99"]}}
    found = {each["see"]: each["sentence"] for each in problems(ctl)}
    assert found["active-server-down"] == "The active server ms1 does not answer: it does not answer"
    assert found["split-brain-risk"] == "ms2 is standby, but: ms2 can get in by a rule."
    assert found["name-elsewhere"].startswith("The name does not point to ms1")


def test_what_a_resolver_still_remembers_is_shown_and_is_no_finding(ctl: Run, region: Region) -> None:
    region.functions["probe", "name"] = {"answer": "yes", "sentence": "x", "evidence": {"addresses": ["10.0.0.12"]}}
    found = ctl("status", "--json").json()
    assert (found["name"]["points_to"], found["name"]["resolver_says"]) == ("ms1", "10.0.0.12")
    assert found["problems"] == []
    assert "a resolver still says 10.0.0.12" in " ".join(ctl("status").out.split())


def test_modes_maintenance_and_a_missing_acknowledgement_are_said_with_the_way_out(ctl: Run, region: Region) -> None:
    region.items["state"] |= {
        "mode": "manual", "maintenance_until": time.time() + 600, "acknowledged": False, "held": "Refused: manual."
    }  # fmt: skip
    commands = [each["command"] for each in problems(ctl)]
    assert commands == [
        "failoverctl acknowledge --stack demo",
        'failoverctl failover --reason "…" --stack demo',
        "failoverctl mode automatic --stack demo",
        "failoverctl maintenance off --stack demo",
    ]


def test_an_alarm_that_rings_and_one_that_somebody_deleted_are_both_said(ctl: Run, region: Region) -> None:
    region.ringing, region.gone = {"not-ready"}, {"watchdog-silent"}
    first, second = problems(ctl)
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
    (first, *_) = problems(ctl)
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


def observe(region: Region, ms1: str, ms2: str) -> None:
    """What both servers' interfaces do, as it is seen now."""
    seen = {"ms1": ms1, "ms2": ms2}
    region.functions["probe", "probe"] = {
        role: {"admin": each, "port": each, "sentence": f"it is {each}"} for role, each in seen.items()
    }


def sessions(region: Region, ms1: str, ms2: str) -> None:
    for role, answer in (("ms1", ms1), ("ms2", ms2)):
        region.functions["database-sessions", role] = {"answer": answer, "sentence": f"{role}: {answer}."}


def first_line(ctl: Run, how: str) -> str:
    found = ctl("status", "--json").json()
    assert found["headline"]["how"] == how
    said = str(found["headline"]["sentence"])
    assert re.sub(r"\d", "", said) in re.sub(r"\d", "", ctl("status").flat), "but for the seconds that go by"
    return said


HALTED = change(
    "halted", time.time() - 16, execution=LEASE["execution"],
    phases=[{"name": "GrantAccess", "start": 1.0, "end": 2.0}, {"name": "StartServer", "start": 2.0, "end": 3.0},
            {"name": "Conclude", "start": 3.0, "end": 4.0}],
)  # fmt: skip


def test_a_halted_change_whose_target_is_gone_is_resumed_to_the_other_server(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE, "halted": "ms2 did not start."}
    for ms1, ms2, to in (("answers", "silent", " --target ms1"), ("silent", "silent", ""), ("silent", "refused", "")):
        observe(region, ms1, ms2)
        assert problems(ctl)[0]["command"] == f'failoverctl resume{to} --reason "…" --stack demo'


def test_a_halted_failover_and_nobody_who_serves_is_the_first_line_in_red(ctl: Run, region: Region) -> None:
    observe(region, "refused", "refused")
    region.items["state"] |= {"lease": LEASE, "halted": "ms2 did not start."}
    region.history = [HALTED | {"ended_at": time.time() - 16}]
    region.ringing = {"active-server-down", "failover-halted", "not-ready", "audit-blind"}
    assert first_line(ctl, "bad").startswith("NOBODY SERVES: failover to ms2 halted ")
    found = problems(ctl)
    assert found[0]["sentence"] == "failover to ms2 was halted at StartServer: ms2 did not start."
    assert [each["sentence"] for each in found if not each["follows"]][1:] == ["Alarm audit-blind: So it is."]
    screen = ctl("status").flat
    assert "ago at StartServer" in screen
    assert "follows from it: alarm active-server-down, alarm failover-halted, alarm not-ready" in screen
    assert "readiness outdated: checked before the last change" in screen


def test_a_server_that_serves_while_a_change_waits_is_said(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"lease": LEASE, "halted": "The name did not move."}
    region.history = [HALTED]
    assert first_line(ctl, "doubtful").startswith("ms1 serves; failover to ms2 halted")


def test_both_servers_on_the_database_come_before_everything(ctl: Run, region: Region) -> None:
    observe(region, "answers", "answers")
    sessions(region, "yes", "yes")
    region.functions["database-access", "ms2"] = {"answer": "yes", "sentence": "ms2 can get in."}
    assert first_line(ctl, "bad").startswith("BOTH SERVERS SERVE")


def test_an_active_server_without_a_session_does_not_serve(ctl: Run, region: Region) -> None:
    sessions(region, "no", "no")
    assert first_line(ctl, "bad") == "NOBODY SERVES: ms1 answers, but has no session on the database"


def test_what_can_t_be_asked_is_neither_red_nor_green(ctl: Run, region: Region) -> None:
    region.functions["database-sessions", "ms1"] = {"errorMessage": "Task timed out"}
    assert first_line(ctl, "doubtful").startswith("WHETHER ms1 SERVES IS NOT KNOWN")


def test_a_blocked_failover_shows_its_cause_and_that_the_service_can_be_started_where_that_is_the_cure(
    ctl: Run, region: Region
) -> None:
    observe(region, "refused", "silent")
    region.history = [change("blocked", time.time() - 20, sentence="Nothing was touched: ms2 is not fit.")]
    assert first_line(ctl, "bad").endswith("failover to ms2 blocked 20 s ago")
    (first, *_) = problems(ctl)
    assert first["sentence"].startswith("failover to ms2 was blocked: Nothing was touched: ms2 is not fit.")
    assert first["command"] == "on the host of ms1: systemctl start ssh-mgmt-server"
    assert first["see"] == "blocked"


@pytest.mark.parametrize(
    ("about", "who", "answer"),
    [("database-access", "ms2", "yes"), ("database-sessions", "ms2", "unknown"), ("database-access", "ms1", "no")],
)
def test_nobody_is_told_to_start_a_service_that_might_be_the_second_one(
    ctl: Run, region: Region, about: str, who: str, answer: str
) -> None:
    observe(region, "refused", "refused")
    region.history = [change("blocked", time.time() - 20)]
    region.functions[about, who] = {"answer": answer, "sentence": f"{who}: {answer}."}
    assert not [each for each in problems(ctl) if "systemctl start" in each["command"]]


@pytest.mark.parametrize(
    ("signal", "said", "see"),
    [
        (
            "answers",
            "The service of ms2 runs, and ms2 is not the active server: the audit has its host stop it each minute;"
            " if it stays, stop it.",
            "two-services",
        ),
        (
            "silent",
            "The standby ms2 does not answer at all (it is silent): its machine is off, or cut off.",
            "not-ready",
        ),
    ],
)
def test_a_standby_that_runs_or_is_off_is_said_at_once(
    ctl: Run, region: Region, signal: str, said: str, see: str
) -> None:
    observe(region, "answers", signal)
    (first, *_) = problems(ctl)
    assert (first["sentence"], first["see"]) == (said, see)


def test_an_alarm_of_what_is_seen_to_be_over_is_no_problem_in_the_next_outage(ctl: Run, region: Region) -> None:
    region.ringing = {"active-server-down", "two-services"}
    observe(region, "silent", "refused")
    assert "two-services" not in [each["alarm"] for each in problems(ctl)]
    observe(region, "silent", "answers")
    assert "two-services" in [each["alarm"] for each in problems(ctl)]


def test_an_alarm_is_not_over_where_it_is_not_known_who_must_be_out(ctl: Run) -> None:
    status = ctl("status", "--json").json()
    alarms: list[dict[str, object]] = [{"name": "two-services", "state": "ALARM"}]
    for leased in ({"lease": {"action": "failover"}}, {}):
        seen = {**status, "record": {**status["record"], **leased}, "alarms": alarms}
        status_module._clear(seen)
        assert alarms[0]["over"] is (not leased)
    unread = {name: {**each, "is": "not known"} for name, each in status["servers"].items()}
    status_module._clear({**status, "servers": unread, "alarms": alarms})
    assert alarms[0]["over"] is False


def test_after_a_switchover_nothing_is_red_while_the_first_copy_is_on_its_way(ctl: Run, region: Region) -> None:
    now = time.time()
    region.items["state"] |= {"epoch": 2}
    region.items["freshness"] = {"as_of": now - 60, "epoch": 1, "ended": True, "last": {"complete": True}, "version": 1}
    region.history = [change("promoted", now - 5, action="switchover", source="ms2", target="ms1")]
    region.ringing = {"failover-halted"}
    said = ctl("status")
    assert (said.code, "the next one is on its way" in said.out) == (0, True)
    assert "failover-halted still to clear" in said.out
    region.history[0]["ended_at"] = now - 600
    assert "The standby's copy is of before the last change" in problems(ctl)[0]["sentence"]


def test_readiness_from_before_a_change_is_outdated_and_asked_anew(ctl: Run, region: Region) -> None:
    region.history = [change("promoted", time.time() - 5)]
    region.items["readiness"] |= {"answer": "no", "sentence": "Not ready: standby is fit (no)."}
    said = ctl("status")
    assert "outdated: checked before the last change" in said.out
    assert "Nothing is seen to be amiss; readiness is not checked anew yet." in said.flat
    assert "All is well" not in said.flat
    assert ("readiness", {"action": "check"}) in region.invoked
    assert said.code == 0


def test_alarms_of_a_pair_that_was_adopted_a_minute_ago_wait_for_their_first_data(ctl: Run, region: Region) -> None:
    region.ringing = {"watchdog-silent", "audit-silent"}
    region.history = [change("promoted", time.time() - 14, action="adopt", source="ms2", target="ms1")]
    region.items["readiness"]["at"] = time.time()
    said = ctl("status")
    assert said.code == 0
    assert f"none of {len(ALARMS)}; audit-silent, watchdog-silent waiting for first data" in said.flat
    region.history[0]["ended_at"] -= 3600
    assert [each["see"] for each in problems(ctl)] == ["audit-silent", "watchdog-silent"]


def test_after_a_verb_that_moved_the_pair_the_copy_of_the_new_direction_is_asked_for(ctl: Run, region: Region) -> None:
    ctl("switchover", "--reason", "x", "--yes")
    assert region.invoked == [], "the workflow asks for it itself"
    ctl("adopt", "--reason", "x", "--yes")
    assert region.invoked == [("replicate", {"action": "scheduled"})]


def test_an_active_server_that_cannot_use_its_database_is_no_green_first_line(ctl: Run, region: Region) -> None:
    region.ringing = {"active-without-database"}
    assert first_line(ctl, "bad") == "NOBODY SERVES: ms1 answers, but can't use the database"
    assert problems(ctl)[0]["sentence"].startswith("Alarm active-without-database: ")


def test_a_run_that_found_another_one_going_on_is_no_failure(ctl: Run, region: Region) -> None:
    region.items["freshness"] |= {"ended": True, "last": {"complete": False, "outcome": "busy", "reason": "busy: …"}}
    assert ctl("status").code == 0
    region.items["freshness"] |= {"last": {"complete": False, "outcome": "failed", "reason": "no room"}}
    assert "no room" in problems(ctl)[0]["sentence"]


def test_readiness_that_lacks_only_the_copy_waits_for_it_and_is_outdated_once_it_has_come(
    ctl: Run, region: Region
) -> None:
    now = time.time()
    checks = [{"name": "standby's copy fresh", "answer": "no", "sentence": "The last whole set is of epoch 0."}]
    region.items["readiness"] = {"answer": "no", "sentence": "Not ready.", "at": now - 20, "checks": checks}
    region.items["freshness"] |= {"as_of": now - 60, "ended": False, "command": "c"}
    said = ctl("status")
    assert (said.code, "ready but for the standby's copy, which is on its way" in said.flat) == (0, True)
    region.items["freshness"] |= {"as_of": now - 10, "ended": True}
    said = ctl("status")
    assert (said.code, "outdated: checked before the standby's copy came" in said.flat) == (0, True)
    assert ("readiness", {"action": "check"}) in region.invoked
    region.items["readiness"]["checks"] += [{"name": "standby is fit", "answer": "no", "sentence": "It is off."}]
    assert [each["see"] for each in problems(ctl)] == ["not-ready"]
