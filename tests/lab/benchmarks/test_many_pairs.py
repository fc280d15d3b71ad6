"""Many pairs in one account: the model follows the deployed files, keeps to the quotas, and loses nobody."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from lab.benchmarks.many_pairs import __main__ as page
from lab.benchmarks.many_pairs import at_rest, recorded, tables, workflow
from lab.benchmarks.many_pairs.quotas import AT_ONCE, QUOTAS, Account, Bucket, Quota, raised
from lab.benchmarks.many_pairs.runs import zone_lost
from lab.benchmarks.monthly_cost import ROOT

RECORDED_ANEW = """
import json
import random
from lab.benchmarks.many_pairs import recorded
steps = recorded.path()
grants = [each for each in steps if each.state == "GrantAccess"]
told = {each.state: [value if place == "wait" else place for place, value in each.did] for each in steps}
print(json.dumps({"steps": told, "throttled": recorded.throttled(grants), "at_rest": recorded.at_rest()}))
"""


def test_the_calls_that_are_kept_are_those_that_the_deployed_functions_make() -> None:
    """In a process of its own: the world of memory takes AWS's place there. After a change: `python -m
    lab.benchmarks.many_pairs.recorded`, then `make many-pairs`."""
    run = subprocess.run([sys.executable, "-c", RECORDED_ANEW], cwd=ROOT, capture_output=True, text=True, check=True)
    found, kept = json.loads(run.stdout), recorded.kept()
    assert found["steps"] == kept["steps"]
    assert found["at_rest"] == kept["at_rest"]
    assert found["throttled"] == {name: each for name, each in kept["throttled"].items() if name.startswith("GrantAcc")}


def test_every_step_that_a_lost_zone_comes_to_is_recorded_and_every_choice_is_known() -> None:
    result = zone_lost(50, 100, 1)
    states = dict(workflow.every(workflow.definition()["States"]))
    come_to = {name for pair in result.pairs for name in pair.steps}
    assert {"Promote", "PowerOff", "WaitForPower", "Conclude"} <= come_to, "the throttled paths, too"
    calls = {name for name in come_to if states[name]["Type"] == "Task"}
    assert calls <= set(recorded.kept()["steps"])


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    first, again, other = (zone_lost(30, 60, seed) for seed in (5, 5, 6))
    assert first == again
    assert first.pairs != other.pairs


@pytest.mark.parametrize(("failing", "resting"), [(20, 40), (60, 120)])
def test_every_failover_ends_promoted_halted_or_is_counted_as_under_way(failing: int, resting: int) -> None:
    result = zone_lost(failing, resting, 2)
    assert sum(result.counted(each) for each in ("promoted", "halted", "")) == failing
    assert all(each.ended is not None and each.ended > each.began for each in result.pairs if each.outcome)
    assert sum(result.halted_at().values()) == result.counted("halted")


def test_no_quota_is_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted apart from the buckets: what was admitted in any window is no more than burst and refill allow."""
    times: dict[str, list[float]] = {}
    admit = Account.admit

    def counted(account: Account, call: str, now: float) -> bool:
        admitted = admit(account, call, now)
        if admitted:
            times.setdefault(call, []).append(now)
        return admitted

    monkeypatch.setattr(Account, "admit", counted)
    result = zone_lost(60, 300, 3)
    for name, quota in (("ec2.describe_network_interfaces", 0), ("ec2.revoke_security_group_ingress", 2)):
        burst, rate = QUOTAS[quota].burst or 0, QUOTAS[quota].rate or 0
        found = times[name]
        for width in (1, 20, 200):
            starts = range(0, len(found), 25)
            most = max(sum(found[at] <= each < found[at] + width for each in found[at:]) for at in starts)
            assert most <= burst + rate * width + 1
    assert result.most_running <= 1000
    assert result.refused[QUOTAS[0].name] > 0, "or nothing was tried"


def test_a_bucket_holds_its_burst_and_refills_at_its_rate() -> None:
    bucket = Bucket(5, 2)
    assert bucket.left(0) == 5
    bucket.take(5)
    assert bucket.left(1) == 2
    assert bucket.left(100) == 5


def test_a_shared_quota_is_taken_by_every_operation_and_one_of_an_operation_by_none_but_it() -> None:
    account = Account()
    assert all(account.admit("route53.get_change", 0) for _ in range(50))
    assert not account.admit("route53.change_resource_record_sets", 0)
    assert all(account.admit("ec2.describe_subnets", 0) for _ in range(100))
    assert account.admit("ec2.describe_network_acls", 0)
    assert not account.admit("ec2.describe_subnets", 0)


def test_raising_a_quota_that_there_is_not_is_no_raise() -> None:
    with pytest.raises(KeyError):
        raised({"EC2, wishes": 2})


UNLIMITED = raised({each.name: 1000 for each in QUOTAS if each.burst})


def test_without_a_quota_in_the_way_all_are_promoted_within_a_minute_and_nobody_waits_much_longer() -> None:
    result = zone_lost(500, 0, 1, UNLIMITED)
    assert result.counted("promoted") == 500
    assert result.promoted_at(1.0) < 60
    assert not result.refused


def with_retries(**changes: Any) -> dict[str, Any]:
    states: dict[str, Any] = copy.deepcopy(workflow.definition()["States"])
    for _, state in workflow.every(states):
        for retry in state.get("Retry", ()):
            retry.update(changes)
    return states


NARROW = raised({tables.FILTERED: 100, tables.BY_ID: 100, tables.RULES: 0.1, tables.CHANGES: 100})
"""All but the changes of a group's rules are free: 5 at once, and one in two seconds."""


def test_a_workflow_that_never_tries_again_is_seen() -> None:
    """Planted: no retry. More of those that are throttled halt than with the deployed workflow's tries."""
    deployed = zone_lost(30, 30, 1, NARROW)
    planted = zone_lost(30, 30, 1, NARROW, states=with_retries(MaxAttempts=0))
    assert planted.counted("promoted") < deployed.counted("promoted")


def test_the_back_off_starves_nobody_of_500_once_the_quotas_are_raised_and_three_tries_in_step_would() -> None:
    """Planted: the retries of before, for what a promotion needs after the fence."""
    quotas = raised(tables.NEEDED["and Route 53: 10 ×"])
    states = copy.deepcopy(workflow.definition()["States"])
    for _, state in workflow.every(states):
        for retry in state.get("Retry", ()):
            if retry.pop("JitterStrategy", None):
                retry.update(MaxAttempts=3)
    deployed, planted = zone_lost(500, 1000, 1, quotas), zone_lost(500, 1000, 1, quotas, states=states)
    assert (deployed.counted("promoted"), deployed.counted("halted")) == (500, 0)
    assert deployed.promoted_at(1.0) < 2 * deployed.promoted_at(0.5), "the last one waits no twice as long"
    assert planted.counted("halted") > 0


def test_pauses_without_jitter_are_seen() -> None:
    """Planted: one pause for all. Drawn pauses spread the tries, and none of them comes back in step."""
    chance = random.Random(1)
    state = {"Retry": [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 8, "MaxAttempts": 3, "BackoffRate": 1}]}
    same = {workflow.Retries(state, chance).pause("Throttled") for _ in range(20)}
    state["Retry"][0]["JitterStrategy"] = "FULL"
    drawn = {workflow.Retries(state, chance).pause("Throttled") for _ in range(20)}
    assert same == {8.0}
    assert len(drawn) == 20
    assert all(pause is not None and 0 <= pause <= 8 for pause in drawn)


def test_retriers_count_for_themselves_and_follow_the_language() -> None:
    chance = random.Random(1)
    state = {
        "Retry": [
            {"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2, "MaxDelaySeconds": 3},
            {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 1, "BackoffRate": 1},
        ]
    }
    retries = workflow.Retries(state, chance)
    assert [retries.pause(error) for error in ("A", "A", "B", "A", "A", "B")] == [1, 2, 5, 3, None, None]


def test_a_pair_at_rest_is_counted_by_the_templates_schedules() -> None:
    runs = at_rest.runs_a_second()
    assert runs["audit"] == pytest.approx(1 / 60)
    assert runs["readiness"] == pytest.approx(1 / 300)
    assert runs["watch"] == pytest.approx(1 / 5)
    assert at_rest.calls_a_second()["dynamodb.update_item"] == pytest.approx(1 / 5)


def test_every_quota_has_a_source_and_every_call_of_a_failover_a_quota() -> None:
    assert all(each.source for each in QUOTAS)
    asked = {call for calls in recorded.kept()["steps"].values() for call in calls if isinstance(call, str)}
    for call in asked:
        if call.startswith(("ec2.", "route53.", "ssm.", "states.")):
            assert any(_counts(quota, call) for quota in QUOTAS), call


def _counts(quota: Quota, call: str) -> bool:
    return any(fnmatchcase(call, pattern) for pattern in quota.calls)


def test_the_page_shows_the_tables_of_now() -> None:
    """The tables of runs as far as a test has time for; `python -m lab.benchmarks.many_pairs --check` compares all."""
    shown = page.shown(page.PAGE.read_text())
    assert {name: shown[name] for name in page.quick()} == page.quick()
    lines = tables.table("pairs", tables.at_defaults(counts=(10, 25))).splitlines()[2:]
    assert set(lines) <= set(shown["many-pairs-defaults"].splitlines())


def test_a_page_with_a_figure_of_before_is_found_out() -> None:
    text = page.PAGE.read_text()
    spoilt = text.replace("| 122 |", "| 123 |", 1)
    assert spoilt != text
    assert page.shown(spoilt)["many-pairs-at-rest"] != page.quick()["many-pairs-at-rest"]
    assert page.written(spoilt, {**page.shown(text), **page.quick()}) == text


def test_at_once_is_a_limit_too() -> None:
    few = tuple(replace(each, burst=2) if each.name == AT_ONCE else each for each in UNLIMITED)
    result = zone_lost(10, 0, 1, few)
    assert result.most_running <= 2
    assert result.refused[AT_ONCE] > 0
