"""What pairs at rest ask of an account, by the template's schedules, and the calls of those that did not fail over."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

from failoverctl.cost import MINUTES, POLL_S, POLLERS, SECONDS, runs_a_month
from lab.benchmarks.many_pairs import recorded
from lab.benchmarks.many_pairs.events import Loop, Process
from lab.benchmarks.many_pairs.failover import SDK_BASE_S, SDK_TRIES
from lab.benchmarks.many_pairs.quotas import Account
from lab.testbed.cloud import template as templates
from lab.testbed.state_files import ROOT


@cache
def runs_a_second() -> dict[str, float]:
    """How often the functions of one pair run at rest, by the template's schedules and its probe interval."""
    template = templates.load(ROOT / "template.yaml")
    defaults = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    found: dict[str, float] = {}
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] != "ScheduleV2":
                continue
            name = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            written = event["Properties"]["ScheduleExpression"]
            for parameter, value in defaults.items():
                written = (written["Fn::Sub"] if isinstance(written, dict) else written).replace(
                    f"${{{parameter}}}", value
                )
            found[name] = found.get(name, 0.0) + runs_a_month(written) / (MINUTES * 60)
    return {**found, "scheduler": sum(found.values()), "watch": 1 / float(defaults["ProbeIntervalSeconds"])}


def calls_a_second() -> Counter[str]:
    """Calls of each API in a second, of one pair at rest."""
    runs, found = runs_a_second(), Counter[str]()
    for name, calls in recorded.kept()["at_rest"].items():
        for call in calls:
            found["lambda.invoke" if call.startswith("ask:") else call] += runs[name]  # type: ignore[assignment]
        found["lambda.invoke"] += runs[name]  # type: ignore[assignment]
    found["scheduler.invoke"] = runs["scheduler"]  # type: ignore[assignment]
    found["sqs.receive_message"] = POLLERS / POLL_S  # type: ignore[assignment]
    return found


def at_once() -> float:
    """Functions of one pair that run at once at rest, on average: how often each is called times how long it takes."""
    runs, found = runs_a_second(), 0.0
    for name, calls in recorded.kept()["at_rest"].items():
        found += runs[name] * SECONDS[name]
        found += sum(runs[name] * SECONDS[_function(call)] for call in calls if call.startswith("ask:"))
    return found


def _function(call: str) -> str:
    name = call.removeprefix("ask:").partition(".")[0]
    return {"database_access": "access", "database_sessions": "sessions"}.get(name, name)


def others(loop: Loop, account: Account, seed: int, pairs: int) -> None:
    """Begin the calls of pairs at rest that count against a quota which others share, evenly by chance."""
    chance = random.Random(seed)
    for call, rate in sorted(calls_a_second().items()):
        if call.startswith(("ec2.", "route53.")) and rate * pairs > 0:
            loop.begin(_stream(loop, account, random.Random(chance.random()), call, rate * pairs))


def _stream(loop: Loop, account: Account, chance: random.Random, call: str, rate: float) -> Process:
    while True:
        yield chance.expovariate(rate)
        if not account.admit(call, loop.now):
            loop.begin(_again(loop, account, chance, call))


def _again(loop: Loop, account: Account, chance: random.Random, call: str) -> Process:
    for number in range(SDK_TRIES - 1):
        yield chance.uniform(0, SDK_BASE_S * 2**number)
        if account.admit(call, loop.now):
            return
