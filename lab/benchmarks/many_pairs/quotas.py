"""AWS's default quotas that the calls of a pair count against, each with its source; and the buckets that enforce them.

Each is a token bucket: it holds `burst` requests at most and is refilled by `rate` a second. Where no figure is
published none is listed, and nothing is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Quota:
    """One quota.

    Args:
        name: what the page calls it.
        calls: patterns of the calls that count against it, named as botocore has them (`ec2.describe_instances`).
        burst: requests at once; None where nothing is published.
        rate: requests a second for as long as one likes; None where nothing is published.
        scope: "call" where each API operation has such a bucket of its own, "account" where they share one, "pair"
            where each pair has its own (its table, its functions): those are shown and not simulated.
        source: where the figures stand.
        takes: tokens that one call takes.
    """

    name: str
    calls: tuple[str, ...]
    burst: float | None
    rate: float | None
    scope: str
    source: str
    takes: float = 1


EC2 = "EC2 developer guide, Request throttling for the Amazon EC2 API"
ROUTE_53 = "Route 53 developer guide, Throttling for Amazon Route 53 API requests (as of July 30, 2026)"
STATES = "Step Functions developer guide, Quotas (all other Regions; larger in us-east-1, us-west-2, eu-west-1)"
NONE_PUBLISHED = "none published; a call too many gets ThrottlingException (AWS Systems Manager API reference)"

QUOTAS: tuple[Quota, ...] = (
    Quota("EC2, reads with a filter", ("ec2.describe_network_interfaces", "ec2.describe_security_group_rules",
          "ec2.describe_network_acls", "ec2.describe_subnets", "ec2.describe_instance_attribute",
          "ec2.get_managed_prefix_list_entries"), 100, 20, "call", EC2),
    Quota("EC2, DescribeInstances by id", ("ec2.describe_instances",), 50, 10, "call",
          f"{EC2}: without a filter and pages"),
    Quota("EC2, security group rules changed", ("ec2.authorize_security_group_ingress",
          "ec2.revoke_security_group_ingress"), 50, 5, "call", f"{EC2}: resource-intensive actions"),
    Quota("EC2, other changes", ("ec2.stop_instances", "ec2.*_network_acl_entry"), 50, 5, "call",
          f"{EC2}: mutating actions"),
    Quota("Route 53, all requests", ("route53.*",), 50, 10, "account", ROUTE_53),
    Quota("Route 53, each action", ("route53.*",), 50, 10, "call", ROUTE_53),
    Quota("Route 53, changes", ("route53.change_resource_record_sets",), 1500, 100, "account",
          f"{ROUTE_53}: 1 for the DELETE, 1 for the CREATE", takes=2),
    Quota("Systems Manager, SendCommand", ("ssm.send_command",), None, None, "call", NONE_PUBLISHED),
    Quota("Systems Manager, GetCommandInvocation", ("ssm.get_command_invocation",), None, None, "call", NONE_PUBLISHED),
    Quota("Step Functions, StartExecution", ("states.start_execution",), 800, 150, "call", STATES),
    Quota("Step Functions, GetExecutionHistory", ("states.get_execution_history",), 400, 20, "call", STATES),
    Quota("Step Functions, state transitions", ("states.transition",), 800, 500, "call", STATES),
    Quota("Lambda, executions at once", ("lambda.invoke",), 1000, None, "account",
          "Lambda developer guide, Lambda quotas (new accounts have fewer)"),
    Quota("Lambda, new processes", ("lambda.invoke",), 1000, 100, "pair",
          "Lambda developer guide, Lambda scaling behavior: 1,000 in 10 s for each function"),
    Quota("DynamoDB, on-demand table", ("dynamodb.*",), 40_000, 40_000, "pair",
          "DynamoDB developer guide, Quotas: 40,000 read and 40,000 write request units for each table"),
    Quota("EventBridge Scheduler, invocations", ("scheduler.invoke",), 1000, 1000, "account",
          "EventBridge Scheduler user guide, Quotas (primary Regions)"),
)  # fmt: skip

AT_ONCE = "Lambda, executions at once"


def raised(factors: Mapping[str, float], quotas: Iterable[Quota] = QUOTAS) -> tuple[Quota, ...]:
    """The quotas with some of them raised.

    Args:
        factors: by a quota's name, how many times as large it is. Raises KeyError for a name that there is not.
        quotas: what they are otherwise.
    """
    known = {each.name: each for each in quotas}
    for name, factor in factors.items():
        each = known[name]
        known[name] = replace(each, burst=(each.burst or 0) * factor, rate=each.rate and each.rate * factor)
    return tuple(known.values())


class Bucket:
    """One token bucket, full at the beginning.

    Args:
        burst: tokens that it holds.
        rate: tokens a second.
    """

    def __init__(self, burst: float, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._left, self._at = burst, 0.0

    def left(self, now: float) -> float:
        """The tokens in it at a time, in seconds; times never go back."""
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left

    def take(self, tokens: float) -> None:
        """Take tokens that `left` said are there."""
        self._left -= tokens


class Account:
    """An account's quotas while they are used."""

    def __init__(self, quotas: Iterable[Quota] = QUOTAS) -> None:
        self.quotas = tuple(quotas)
        self.at_once = next(each.burst or 0.0 for each in self.quotas if each.name == AT_ONCE)
        self.running = self.most_running = 0
        self.admitted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """By the quota's name."""
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._of: dict[str, list[tuple[Quota, Bucket]]] = {}

    def admit(self, call: str, now: float) -> bool:
        """Whether a call is admitted at a time, in seconds; it takes a token of each of its quotas then."""
        mine = self._of.get(call)
        if mine is None:
            mine = self._of[call] = list(self._buckets_of(call))
        short = next((quota.name for quota, bucket in mine if bucket.left(now) < quota.takes), "")
        if short:
            self.refused[short] += 1
            return False
        for quota, bucket in mine:
            bucket.take(quota.takes)
        self.admitted[call] += 1
        return True

    def _buckets_of(self, call: str) -> Iterable[tuple[Quota, Bucket]]:
        for quota in self.quotas:
            counts = any(fnmatchcase(call, pattern) for pattern in quota.calls)
            if counts and quota.scope != "pair" and quota.rate is not None and quota.burst is not None:
                key = (quota.name, call if quota.scope == "call" else "")
                yield quota, self._buckets.setdefault(key, Bucket(quota.burst, quota.rate))

    def begin(self) -> bool:
        """Whether one more function may run; it runs then, until `end`."""
        if self.running >= self.at_once:
            self.refused[AT_ONCE] += 1
            return False
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        return True

    def end(self) -> None:
        self.running -= 1
