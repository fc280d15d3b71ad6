"""The tables of docs/many-pairs.md: quotas, an account at rest, and lost zones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from lab.benchmarks.many_pairs import at_rest, recorded, workflow
from lab.benchmarks.many_pairs.failover import operation
from lab.benchmarks.many_pairs.quotas import AT_ONCE, QUOTAS, Quota, raised
from lab.benchmarks.many_pairs.runs import Result, zone_lost
from lab.benchmarks.published import markdown

SEEDS = (1, 2, 3)
FILTERED, BY_ID = "EC2, reads with a filter", "EC2, DescribeInstances by id"
RULES, CHANGES = "EC2, security group rules changed", "EC2, other changes"
RECORDS, EACH_RECORD = "Route 53, all requests", "Route 53, each action"
EC2_RAISED = {FILTERED: 50.0, BY_ID: 20.0, RULES: 20.0, CHANGES: 20.0}
ROUTE_53_RAISED = {RECORDS: 10.0, EACH_RECORD: 10.0}
COUNTS = (10, 25, 50, 100)
"""Pairs that fail over at once; as many again stay at rest."""
DOUBLED: Mapping[str, Mapping[str, float]] = {
    "nothing": {},
    "EC2, reads with a filter": {FILTERED: 2},
    "EC2, DescribeInstances by id": {BY_ID: 2},
    "EC2, changes of both kinds": {RULES: 2, CHANGES: 2},
    "Route 53, requests": {RECORDS: 2, EACH_RECORD: 2},
    "Lambda, executions at once": {AT_ONCE: 2},
}
NEEDED: Mapping[str, Mapping[str, float]] = {
    "the defaults": {},
    "EC2: 50 × the reads, 20 × the rest": EC2_RAISED,
    "and Route 53: 10 ×": {**EC2_RAISED, **ROUTE_53_RAISED},
    "and Lambda: 4 × at once": {**EC2_RAISED, **ROUTE_53_RAISED, AT_ONCE: 4},
}


def quotas() -> str:
    """Every quota, and its source."""
    rows = [[each.name, _figure(each.burst), _figure(each.rate), _SCOPES[each.scope], each.source] for each in QUOTAS]
    return markdown(("quota", "at once", "a second", "for", "source"), rows)


_SCOPES = {"call": "each operation in the account", "account": "the account", "pair": "each function or table"}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,g}"


def resting(pairs: int = 1000) -> str:
    """What so many pairs at rest ask for, beside the quota, and how many fit."""
    rows = []
    for each in QUOTAS:
        if each.scope == "pair" or each.rate is None:
            continue
        asked = _asked(each)
        if asked:
            share = asked * pairs / each.rate
            rows.append(
                [each.name, f"{asked * pairs:.1f}", f"{each.rate:g}", f"{share:.0%}", f"{each.rate / asked:,.0f}"]
            )
    running = at_rest.at_once() * pairs
    limit = next(each.burst or 0 for each in QUOTAS if each.name == AT_ONCE)
    rows.append(
        [
            f"{AT_ONCE}, on average",
            f"{running:.0f}",
            f"{limit:g}",
            f"{running / limit:.0%}",
            f"{limit / at_rest.at_once():,.0f}",
        ]
    )
    return markdown(("quota", f"asked for by {pairs:,} pairs", "default", "of it", "pairs that fit"), rows)


def _asked(quota: Quota) -> float:
    """Requests a second of one pair at rest against a quota: of the operation that is called most, or of all."""
    found = [
        rate * quota.takes
        for call, rate in at_rest.calls_a_second().items()
        if any(fnmatchcase(call, pattern) for pattern in quota.calls)
    ]
    return (max if quota.scope == "call" else sum)(found or [0.0])


def unlimited(pairs: int = 1000) -> str:
    """What pairs at rest ask of the APIs that have no published quota, or one for each pair."""
    asked = at_rest.calls_a_second()
    rows = [
        [operation(call), f"{asked[call] * pairs:.0f}"]
        for call in sorted(asked)
        if call.startswith(("ssm.", "sqs.", "sns."))
    ]
    return markdown(("call", f"a second by {pairs:,} pairs"), rows)


def steps() -> str:
    """What each step of a failover asks of the APIs that have a quota of the account's."""
    rows = []
    order = [name for name, _ in workflow.every(workflow.definition()["States"])]
    kept = recorded.kept()["steps"]
    for name in sorted(kept, key=order.index):
        calls = [each for each in kept[name] if isinstance(each, str) and each.startswith(("ec2.", "route53.", "ssm."))]
        if calls:
            rows.append(
                [f"`{name}`", ", ".join(f"{calls.count(call)} {operation(call)}" for call in dict.fromkeys(calls))]
            )
    return markdown(("step", "calls in one try"), rows)


def row(name: str, runs: Sequence[Result]) -> list[str]:
    """A row: medians of several runs, and the worst wait."""
    promoted = sorted(each.counted("promoted") for each in runs)
    halted = sorted(each.counted("halted") for each in runs)
    going = sorted(each.counted("") for each in runs)
    times = [_seconds(sorted(each.promoted_at(share) for each in runs)) for share in (0.5, 0.95, 1.0)]
    return [name, *(str(each[len(runs) // 2]) for each in (promoted, halted, going)), *times, _worst(runs)]


def _seconds(values: Sequence[float]) -> str:
    middle = values[len(values) // 2]
    return "–" if math.isinf(middle) else f"{middle:.0f} s"


def _worst(runs: Sequence[Result]) -> str:
    refused = runs[0].refused
    name = max(refused, key=lambda each: refused[each], default="")
    return f"{name} ({refused[name]:,} refused)" if name else "–"


HEADS = ("promoted", "halted", "under way", "50 % promoted", "95 %", "100 %", "refused most by")


def at_defaults(counts: Sequence[int] = COUNTS, seeds: Sequence[int] = SEEDS) -> dict[str, list[Result]]:
    """Zones lost with the default quotas, by how many pairs fail over."""
    return {f"{count} of {2 * count}": [zone_lost(count, 2 * count, seed) for seed in seeds] for count in counts}


def doubled(seeds: Sequence[int] = SEEDS, failing: int = 50) -> dict[str, list[Result]]:
    """The same with one quota twice as large each."""
    return {
        name: [zone_lost(failing, 2 * failing, seed, raised(factors)) for seed in seeds]
        for name, factors in DOUBLED.items()
    }


def needed(seeds: Sequence[int] = SEEDS) -> dict[str, list[Result]]:
    """500 of 1,000 pairs, with one quota after the other raised."""
    return {name: [zone_lost(500, 1000, seed, raised(factors)) for seed in seeds] for name, factors in NEEDED.items()}


def table(head: str, found: Mapping[str, Sequence[Result]]) -> str:
    """A table of runs."""
    return markdown((head, *HEADS), [row(name, runs) for name, runs in found.items()])
