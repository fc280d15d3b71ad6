"""Every manner of AWS that the testbed knows: what it does, between which bounds, and where the figure comes from.

docs/clouds.md shows this table; a test holds the page to it. A figure without a published source is called assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Manner:
    """One dial.

    Args:
        name: how tests and scenarios name it.
        does: what it does, in a line.
        aws: the lowest and highest value with CLOUD=aws, drawn evenly between; CLOUD=ideal has 0.
        unit: "s", "ms", "share" (the share of cases in which it happens) or "calls".
        source: where the figure comes from.
    """

    name: str
    does: str
    aws: tuple[float, float]
    unit: str
    source: str


ASSUMED = "assumed; no published figure found"

_MANNERS = (
    Manner("resolver.caches", "a caching resolver (unbound) answers functions, hosts and agents", (1, 1), "share",
           "VPC user guide: the Route 53 Resolver caches within an Availability Zone"),
    Manner("resolver.asked-before", "the old address is cached a moment before each change", (1, 1), "share",
           "the worst case of the above: the whole TTL is still to pass"),
    Manner("route53.pending", "a change is PENDING, and the name servers follow only then", (5, 60), "s",
           "Route 53 developer guide: changes generally propagate within 60 seconds"),
    Manner("schedules.late", "a schedule fires anywhere within its minute", (0, 60), "s",
           "EventBridge Scheduler user guide: 60 second precision"),
    Manner("schedules.twice", "a schedule fires a second time in the same minute", (0.1, 0.1), "share",
           "EventBridge Scheduler user guide: at-least-once delivery; the share is assumed"),
    Manner("queue.late", "a queue's message reaches its function this much after it is due", (0, 0.5), "s", ASSUMED),
    Manner("queue.twice", "a queue's message is delivered a second time", (0.01, 0.01), "share",
           "SQS developer guide, standard queues: at-least-once delivery; the share is assumed"),
    Manner("command.starts", "from SendCommand to the document's first line", (1, 10), "s", ASSUMED),
    Manner("command.late", "a document's result comes this much after its end", (0.2, 2), "s", ASSUMED),
    Manner("command.lost", "a document's result never comes", (0, 0), "share",
           "aws/amazon-ssm-agent#316; turned by the scenario lost-result"),
    Manner("command.twice", "an agent runs the same command twice", (0.1, 0.1), "share", ASSUMED),
    Manner("command.own-line", "the agent ends a failed document's stderr with a line of its own", (1, 1), "share",
           "seen in public test suites: failed to run commands: exit status N"),
    Manner("ec2.stale", "after a write, reads give the older answer", (0.1, 1), "s",
           "EC2 developer guide: the API follows an eventual consistency model; the time is assumed"),
    Manner("ec2.effect", "from the answer to a changed rule or entry until packets are treated by it", (0.1, 0.9), "s",
           "RevokeSecurityGroupIngress: a small delay might occur; the time is assumed"),
    Manner("ec2.stopping", "an instance stays in stopping", (20, 90), "s",
           "EC2 user guide: stopping can take a few minutes; the time is assumed"),
    Manner("ec2.hangs", "an instance stays in stopping for ever", (0, 0), "share",
           "EC2 user guide, Troubleshoot instance stop issues; turned by the scenarios of a lost zone"),
    Manner("ec2.stop-protected", "an instance is protected from being stopped: EC2 refuses to", (0, 0), "share",
           "EC2 user guide, Enable stop protection; turned by tests"),
    Manner("ec2.skip-refused", "an instance's type can't skip the guest's shutdown: EC2 refuses SkipOsShutdown", (0, 0),
           "share", "EC2 API reference, StopInstances: not for Xen types; the code is assumed; turned by tests"),
    Manner("throttle.share", "the share of an API's operations that begin with a burst of throttling", (0, 0), "share",
           "turned by the scenario throttled"),
    Manner("throttle.burst", "how long a burst of throttling lasts, from an operation's first call", (6, 8), "s",
           "longer than the SDK's own three attempts, which end within 3 s"),
    Manner("lambda.cold", "a cold start outside a VPC", (0.3, 1), "s",
           "Lambda developer guide: from under 100 ms to over 1 second"),
    Manner("lambda.cold-vpc", "a cold start in a VPC", (0.5, 3), "s", ASSUMED),
    Manner("lambda.at-once", "executions at once in the account; 0 is no limit", (10, 10), "calls",
           "Lambda quotas: new accounts have reduced concurrency"),
    Manner("states.transition", "a transition of a Standard workflow", (30, 80), "ms", ASSUMED),
    Manner("database.away", "a Multi-AZ database is away when its zone is lost", (60, 120), "s",
           "RDS user guide: failover times are typically 60-120 seconds"),
)  # fmt: skip

_LATENCY_MS = {
    "dynamodb.*": (5, 15, "DynamoDB: single-digit milliseconds at the service; the way there assumed"),
    "ec2.Describe*": (100, 300, ASSUMED),
    "ec2.*": (200, 600, ASSUMED),
    "lambda.Invoke": (15, 40, ASSUMED),
    "route53.ChangeResourceRecordSets": (150, 500, ASSUMED),
    "route53.*": (60, 200, ASSUMED),
    "secretsmanager.*": (10, 40, ASSUMED),
    "sns.*": (20, 80, ASSUMED),
    "sqs.*": (10, 40, ASSUMED),
    "ssm.SendCommand": (100, 400, ASSUMED),
    "ssm.*": (40, 150, ASSUMED),
    "states.*": (30, 100, ASSUMED),
}

MANNERS: dict[str, Manner] = {each.name: each for each in _MANNERS} | {
    f"latency.{call}": Manner(f"latency.{call}", "an API call takes", (low, high), "ms", source)
    for call, (low, high, source) in _LATENCY_MS.items()
}


def latency_of(service: str, operation: str) -> str | None:
    """The dial that a call's latency is drawn from: the first whose pattern fits; None where none does."""
    for call in _LATENCY_MS:
        if fnmatchcase(f"{service}.{operation}", call):
            return f"latency.{call}"
    return None


def as_markdown(manners: Iterable[Manner] = MANNERS.values()) -> str:
    """The table as docs/clouds.md has it."""
    rows = [f"| `{each.name}` | {each.does} | {_between(each)} | {each.source} |" for each in manners]
    return "\n".join(["| manner | what it does | CLOUD=aws | source |", "|---|---|---|---|", *rows])


def _between(manner: Manner) -> str:
    low, high = manner.aws
    span = f"{low:g}" if low == high else f"{low:g}–{high:g}"
    return f"{span} {manner.unit}" if manner.unit in ("s", "ms") else span
