"""What the page knows: one reader for all browsers, no more calls than `watch`, none while nobody is looking."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from failoverctl.web import reader
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, RUNS, STACK, Region, change, ended, lease, running, step
from tests.failoverctl.web.served import Served
from tests.functions.wire import Failure


def runs(region: Region, name: str = "one") -> None:
    """A failover by the execution of that name is under way."""
    region.items["state"]["lease"] = lease(name)
    region.executions[f"{RUNS}:{name}"] = running()


def test_the_page_says_what_status_says(ctl: Run, region: Region) -> None:
    region.items["state"]["mode"] = "manual"
    status = ctl("status", "--json").json()
    with Served(region) as served:
        view = served.view()
    assert (view["pair"], view["stack"], view["headline"]) == (PAIR, STACK, "ms1 serves")
    assert (view["mode"], view["cause"]["sentence"]) == ("manual", status["problems"][0]["sentence"])
    assert view["cause"]["command"] == f"failoverctl mode automatic --stack {STACK} --region eu-central-1"
    active, standby = view["servers"]
    assert [[part["text"] for part in cell] for cell in standby["cells"]] == [
        ["standby"], ["refused"], ["refused"], ["revoked"], ["none"],
    ]  # fmt: skip
    assert {part["how"] for each in (active, standby) for cell in each["cells"][1:] for part in cell} == {"good"}


def test_the_running_change_has_its_steps_and_the_ended_one_too(region: Region) -> None:
    runs(region)
    with Served(region, ["--every", "0.2"]) as served:
        view = served.view()
        first, second = view["change"]["steps"]
        assert (view["change"]["state"], first["name"], first["end"] - first["start"]) == ("running", "Begin", 0.5)
        assert (second["name"], second["end"]) == ("VerifyFence", None)
        began = view["change"]["began"]
        region.history = [
            change("promoted", began + 4, execution=f"{RUNS}:one", phases=[
                {"name": "Begin", "start": began, "end": began + 0.5},
                {"name": "VerifyFence", "start": began + 0.5, "end": began + 3},
            ])
        ]  # fmt: skip
        region.items["state"]["lease"] = None
        region.executions[f"{RUNS}:one"] = ended("promoted")
        while view["change"]["state"] == "running":
            view = served.state(served.state()["version"])["pair"]
    assert view["change"]["state"] == "promoted"
    assert [(each["name"], each["end"]) for each in view["change"]["steps"]] == [("Begin", 0.5), ("VerifyFence", 3.0)]
    assert view["history"]["lines"][0]["outcome"] == "promoted"


def test_the_steps_of_a_dry_run_are_not_those_of_the_last_change(region: Region) -> None:
    region.executions[f"{RUNS}:failover-dry-run-1"] = running()
    region.history = [change("promoted", time.time() - 600, phases=[])]
    with Served(region, ["--every", "0.2"]) as served:
        view = served.view()
        assert [each["name"] for each in view["change"]["steps"]] == ["Begin", "VerifyFence"]
        region.executions[f"{RUNS}:failover-dry-run-1"] = ended("dry-run")
        while view["change"]["state"] == "running":
            view = served.state(served.state()["version"])["pair"]
    assert (view["change"]["state"], view["change"]["steps"]) == ("promoted", [])


def test_a_new_step_is_shown_within_a_second_of_being_read(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(region)
    read_at: dict[int, float] = {}
    original = Region._GetExecutionHistory

    def noted(self: Region, call: Any) -> dict[str, Any]:
        found = original(self, call)
        read_at.setdefault(len(found["events"]), time.monotonic())
        return found

    monkeypatch.setattr(Region, "_GetExecutionHistory", noted)
    with Served(region, ["--every", "0.2"]) as served:
        served.view()
        events = [*step(1, "Begin", 0.0, 0.5), *step(10, "VerifyFence", 0.5, 2.0), *step(20, "GrantAccess", 2.0, None)]
        region.executions[f"{RUNS}:one"]["events"] = events
        found = served.state()
        while len(found["pair"]["change"]["steps"]) < 3:
            found = served.state(found["version"])
        assert time.monotonic() - read_at[len(events)] < 1.0


@pytest.mark.parametrize("changing", [False, True])
def test_it_makes_no_more_calls_than_watch_for_as_many_statuses(ctl: Run, region: Region, changing: bool) -> None:
    if changing:
        runs(region)
    said = ctl("watch", "--json", "--for", "1s", "--every", "0.2")
    watched = len(said.out.splitlines())
    assert watched > 1
    by_watch = Counter(region.names())
    region.asked.clear()
    with Served(region, ["--every", "0.2"]) as served, ThreadPoolExecutor(3) as browsers:
        version = -1
        while Counter(region.names())["ListExecutions"] < watched:  # three browsers are looking all the time
            version = max(each["version"] for each in browsers.map(served.state, [version] * 3))
    by_page = Counter(region.names())
    statuses = by_page["ListExecutions"]
    assert statuses >= watched
    for name, count in by_page.items():
        once = name == "DescribeStacks"
        assert count <= (by_watch[name] if once else by_watch[name] / watched * (statuses + 1)), name


def test_while_nobody_is_looking_nothing_is_read(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "IDLE_S", 0.3)
    with Served(region, ["--every", "0.2"]) as served:
        assert region.asked == []
        served.view()
        thread = served.server.reader._thread
        deadline = time.monotonic() + 20
        while served.server.reader._is_wanted() and time.monotonic() < deadline:
            thread.join(0.05)
        thread.join(0.5)  # a round that had begun
        before = len(region.asked)
        thread.join(1.0)
        assert thread.is_alive()
        assert len(region.asked) == before
        seen = served.state()["version"]
        assert served.state(seen)["version"] > seen  # somebody looks again


def test_what_can_t_be_read_is_a_sentence_and_is_asked_again(region: Region) -> None:
    region.failing["DescribeStacks"] = [Failure("AccessDenied", "not you")]
    with Served(region, ["--every", "0.2"], stack="") as served:
        found = served.state()
        while not found["error"]:
            found = served.state(found["version"])
        assert found["error"].startswith("These credentials may not list the stacks")
        while not found["pair"]:
            found = served.state(found["version"])
        assert (found["error"], found["pair"]["headline"]) == ("", "ms1 serves")


def test_a_part_that_can_t_be_asked_is_unknown_and_the_rest_is_shown(region: Region) -> None:
    region.denied = {"DescribeAlarms", "Query"}
    with Served(region) as served:
        view = served.view()
    assert view["history"]["error"].startswith("These credentials may not")
    alarms = next(each for each in view["facts"] if each["about"] == "alarms")
    assert alarms["said"][0]["how"] == "doubtful"
    assert view["well"] is False


def test_several_pairs_take_turns_and_each_is_a_line(region: Region) -> None:
    region.other_stacks = [
        {"StackName": "away", "Parameters": [{"ParameterKey": "PairName", "ParameterValue": "other"}]}
    ]
    with Served(region, ["--every", "0.2"], stack="") as served:
        found = served.state()
        while not found["pairs"] or not all(each["how"] for each in found["pairs"]):
            found = served.state(found["version"])
        assert {each["stack"]: each["how"] for each in found["pairs"]} == {STACK: "good", "away": "doubtful"}
        assert found["pair"] is None
        assert served.state(-1, "eu-central-1/away")["pair"]["pair"] == "other"


def test_no_pair_at_all_is_said(region: Region) -> None:
    region.deployed_here = False
    with Served(region, stack="") as served:
        found = served.state()
        while not found["error"]:
            found = served.state(found["version"])
    assert found["error"] == "There is no stack of ms-failover in this region."


def test_readiness_has_what_to_do_and_folds_what_follows(region: Region) -> None:
    region.items["readiness"]["checks"] = [
        {"name": "a", "answer": "yes", "sentence": "It is.", "remedy": ""},
        {"name": "b", "answer": "no", "sentence": "It is not.", "remedy": "Mend it."},
        {"name": "c", "answer": "unknown", "sentence": "-", "remedy": "", "because": "b"},
    ]
    with Served(region) as served:
        first, second = served.view()["readiness"]["checks"]
    assert (first["name"], first["how"], first["remedy"], first["follows"]) == ("b", "bad", "Mend it.", ["c"])
    assert (second["name"], second["how"]) == ("a", "good")


def test_the_state_is_plain_json(region: Region) -> None:
    with Served(region) as served:
        assert json.dumps(served.view())


def test_a_maintenance_stands_beside_the_mode(region: Region) -> None:
    region.items["state"]["maintenance_until"] = time.time() + 3600
    with Served(region) as served:
        assert served.view()["mode"] == "automatic, in maintenance"
