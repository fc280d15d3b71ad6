"""What a pair at rest costs a month: the template's schedules and sizes, times a price list.

Counted: from the template as CloudFormation expanded it (schedules, sizes, alarms, metrics) and from what readiness
asks. Assumed, and said so: how long a call takes, and how much it logs. Free tiers are not taken off.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from msfailover.pair import Role
from msfailover.questions import of_readiness

MINUTES = 730 * 60
"""Minutes of a month, as AWS reckons one."""


@dataclass(frozen=True)
class PriceList:
    """What one of each costs, in dollars, and whose prices these are."""

    dollars: Mapping[str, float]
    of: str


_KEPT = {
    "lambda_gb_s": 0.0000133334,  # arm64
    "lambda_request": 0.20e-6,
    "dynamodb_read": 0.125e-6,  # on demand, strongly consistent, up to 4 KB
    "dynamodb_write": 0.625e-6,  # up to 1 KB
    "sqs_request": 0.40e-6,  # standard queue; a batch of ten is one
    "metric": 0.30,  # by the hour, only those in which it is sent
    "alarm": 0.10,
    "alarm_high_resolution": 0.30,
    "dashboard": 3.00,
    "logs_gb": 0.50,
    "schedule": 1.00e-6,
    "secret": 0.40,
    "endpoint_hour": 0.01,  # an interface endpoint, in one availability zone
}
KEPT = PriceList(_KEPT, "those of US East (N. Virginia) as of February 2026")
"""For where AWS's own list can't be read (price_list.py), as where this was written: Lambda, DynamoDB, SQS, metrics,
logs and dashboards are as secondary sources of 2025 and 2026 quote it; alarms, schedules, secret and endpoint as
remembered.
"""

SECONDS = {
    "watch": 0.25,
    "audit": 1.0,
    "readiness": 4.0,
    "replicate": 1.0,
    "probe": 0.15,
    "server": 3.0,
    "access": 0.5,
    "sessions": 0.1,
    "dns": 0.4,
    "pair": 0.2,
}
"""How long a call is billed for, assumed: what waits for AWS's APIs can't be measured here."""

TICK_S = 0.3
"""How long a call of the watchdog by its schedule is billed for, assumed: it sends two batches, and keeps that."""

LOG_BYTES = {"watch": 600, "audit": 1200, "readiness": 2500, "replicate": 1500}
"""What a call logs at rest, assumed: its metrics, and a line where it writes one. Lambda's own lines are switched off,
and the functions that are only asked log nothing then. A log's line is billed with 26 bytes more."""

READS = {"watch": 2, "audit": 4, "readiness": 1, "replicate": 2}
"""How often the table is read: per probe for `watch`, per run for the others."""

WRITES = {"watch": 1, "readiness": 1, "replicate": 1}

POLLERS, POLL_S = 5, 20
"""How many of Lambda's pollers read a queue, and how long one waits at most: each wait is a request, also in vain."""
SHORTEST_SLOT_S = 1.0
BATCH = 10

NOT_AT_REST = ("RecordInSyncAfter", "RecoverySeconds", "ModeNotAutomatic", "InMaintenance", "Unacknowledged")
"""Metrics that are sent in a change only, or while a person has left something open."""
ONCE_A_DAY = ("ReplicationDrift",)
BESIDE_THE_DASHBOARD = ("RecordInSyncAfter",)
"""Metrics that are published, and that no alarm and no dashboard shows."""

BILLED = {
    "AWS::Lambda::Function": "Lambda",
    "AWS::Lambda::EventSourceMapping": "SQS",
    "AWS::SQS::Queue": "SQS",
    "AWS::DynamoDB::Table": "DynamoDB",
    "AWS::CloudWatch::Alarm": "CloudWatch",
    "AWS::CloudWatch::Dashboard": "CloudWatch",
    "AWS::Logs::LogGroup": "CloudWatch",
    "AWS::Scheduler::Schedule": "EventBridge",
}
"""What of a stack is on the bill, and under which service."""
NOT_BILLED = ("HasGameDays",)
"""Conditions of what is there a few times a year, for less than a cent each time: docs/game-days.md."""
FREE_AT_REST = {
    "AWS::EC2::SecurityGroup": "security groups cost nothing",
    "AWS::EC2::SecurityGroupIngress": "security groups cost nothing",
    "AWS::Events::Rule": "events of AWS's own services cost nothing",
    "AWS::IAM::ManagedPolicy": "IAM costs nothing",
    "AWS::IAM::Policy": "IAM costs nothing",
    "AWS::IAM::Role": "IAM costs nothing",
    "AWS::Lambda::EventInvokeConfig": "a setting",
    "AWS::Lambda::LayerVersion": "its storage is within Lambda's own",
    "AWS::Lambda::Permission": "a setting",
    "AWS::SNS::Subscription": "e-mails are sent when something happens",
    "AWS::SNS::Topic": "e-mails are sent when something happens",
    "AWS::SNS::TopicPolicy": "a setting",
    "AWS::SQS::QueuePolicy": "a setting",
    "AWS::SSM::Document": "Run Command costs nothing on EC2",
    "AWS::StepFunctions::StateMachine": "transitions are paid for in a change; at rest there are none",
}
"""What costs nothing while nothing happens, and why."""


@dataclass(frozen=True)
class Line:
    """One line of the bill: a service, what is counted, how much of it, and dollars a month."""

    service: str
    what: str
    dollars: float


def runs_a_month(expression: str) -> float:
    """How often a schedule's expression fires in a month. Raises ValueError for what is not known here."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if rate:
        return MINUTES / (int(rate[1]) * {"minute": 1, "hour": 60, "day": 1440}[rate[2]])
    if re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", expression):
        return MINUTES / 1440
    raise ValueError(f"how often {expression} fires is not known here")


class NotCounted(Exception):
    """The template is not one of ours, or has something that can't be counted; the sentence says what."""


def bill(template: Mapping[str, Any], given: Mapping[str, str], prices: PriceList = KEPT) -> list[Line]:
    """The lines of the bill.

    Args:
        template: expanded by CloudFormation (`GetTemplate` with the testbed `Processed`), or by the SAM translator.
        given: the stack's parameters, over the template's defaults.
        prices: what one of each costs.

    Raises:
        NotCounted: it is not a template of ours.
    """
    try:
        return _bill(template, given, prices.dollars)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotCounted(f"What this template costs can't be counted: {error!r}.") from error


def _bill(template: Mapping[str, Any], given: Mapping[str, str], price: Mapping[str, float]) -> list[Line]:
    values = {name: str(about.get("Default", "")) for name, about in template["Parameters"].items()} | dict(given)
    resources: dict[str, dict[str, Any]] = template["Resources"]
    runs = _runs(resources, values)
    use = _Use(_memory_gb(resources, values), runs, values)
    return [*_of_work(use, price), *_of_watching(resources, use, values, price), *_of_the_secret(values, price)]


class _Use:
    """What a month takes of Lambda, SQS and DynamoDB.

    Args:
        memory_gb: of each function, by the name that questions have for it.
        runs: how often schedules call each.
        values: of the stack's parameters.
    """

    def __init__(self, memory_gb: Mapping[str, float], runs: Mapping[str, float], values: Mapping[str, str]) -> None:
        interval_s, month_s = float(values["ProbeIntervalSeconds"]), MINUTES * 60
        self.runs, self.ticks, self.probes = runs, runs["watch"], month_s / interval_s
        self.slots = month_s / (interval_s * max(1, math.ceil(SHORTEST_SLOT_S / interval_s - 1e-9)))
        self.calls = _calls(runs, self.probes, self.slots)
        seconds = {name: each * SECONDS[name] for name, each in self.calls.items() if name != "watch"}
        seconds["watch"] = self.probes * SECONDS["watch"] + self.ticks * TICK_S
        if values["WatchHoldsConnection"] == "yes":  # both then run all the time
            self.calls["probe"] += self.slots
            seconds["watch"], seconds["probe"] = month_s, seconds["probe"] + month_s
        self.gb_s = sum(each * memory_gb[name] for name, each in seconds.items())
        batches = self.ticks * math.ceil(self.slots / max(1.0, self.ticks) / BATCH)
        self.queue_requests = batches + 2 * self.slots + POLLERS * month_s / POLL_S
        often = {"watch": self.probes, **{name: runs[name] for name in ("audit", "readiness", "replicate")}}
        self.reads = self.ticks + sum(often[name] * each for name, each in READS.items())
        self.writes = self.ticks + sum(often[name] * each for name, each in WRITES.items())
        self.log_bytes = sum(often[name] * (each + 26) for name, each in LOG_BYTES.items())


def _of_work(use: _Use, price: Mapping[str, float]) -> list[Line]:
    requests, fired = sum(use.calls.values()), sum(use.runs.values())
    return [
        Line("Lambda", f"{use.gb_s / 1e3:.0f} thousand GB-seconds", use.gb_s * price["lambda_gb_s"]),
        Line("Lambda", f"{requests / 1e6:.2f} million calls", requests * price["lambda_request"]),
        Line("SQS", f"{use.queue_requests / 1e6:.2f} million requests", use.queue_requests * price["sqs_request"]),
        Line(
            "DynamoDB",
            f"{use.reads / 1e6:.2f} million reads, {use.writes / 1e6:.2f} million writes",
            use.reads * price["dynamodb_read"] + use.writes * price["dynamodb_write"],
        ),
        Line("EventBridge", f"{fired / 1e3:.0f} thousand scheduled calls", fired * price["schedule"]),
    ]


def _of_watching(
    resources: Mapping[str, dict[str, Any]], use: _Use, values: Mapping[str, str], price: Mapping[str, float]
) -> list[Line]:
    alarms = _of(resources, "AWS::CloudWatch::Alarm")
    fine = sum(float(_value(each["Period"], values)) < 60 for each in alarms)
    boards = len(_of(resources, "AWS::CloudWatch::Dashboard"))
    metrics = metrics_of(resources) - {*NOT_AT_REST}
    paid = len(metrics - {*ONCE_A_DAY}) + len(metrics & {*ONCE_A_DAY}) / 24
    logs_gb = use.log_bytes / 1e9
    return [
        Line("CloudWatch", f"{len(metrics)} metrics", paid * price["metric"]),
        Line(
            "CloudWatch",
            f"{len(alarms)} alarms, {fine} of high resolution",
            (len(alarms) - fine) * price["alarm"] + fine * price["alarm_high_resolution"],
        ),
        Line("CloudWatch", f"{logs_gb:.2f} GB of logs", logs_gb * price["logs_gb"]),
        Line("CloudWatch", f"{boards} dashboard", boards * price["dashboard"]),
    ]


def _of_the_secret(values: Mapping[str, str], price: Mapping[str, float]) -> list[Line]:
    if not values.get("DatabaseSecretArn"):
        return []
    return [
        Line("Secrets Manager", "1 secret", price["secret"]),
        Line("VPC", "1 endpoint of Secrets Manager, in 1 zone", MINUTES / 60 * price["endpoint_hour"]),
    ]


def _memory_gb(resources: Mapping[str, dict[str, Any]], values: Mapping[str, str]) -> dict[str, float]:
    """The memory of each function, by the name that questions have for it."""
    return {
        _asked_as(str(_value(each["FunctionName"], {**values, "AWS::StackName": "s"}))): each["MemorySize"] / 1024
        for each in _of(resources, "AWS::Lambda::Function")
    }


def _asked_as(function: str) -> str:
    """The name that questions have for a function of a stack."""
    return function.removeprefix("${AWS::StackName}-").removeprefix("database-")


def table(lines: Sequence[Line]) -> str:
    """The bill as a table of Markdown."""
    rows = [f"| {each.service} | {each.what} | {each.dollars:.2f} |" for each in lines]
    rows.append(f"| **all** | | **{sum(each.dollars for each in lines):.2f}** |")
    return "\n".join(["| service | what a month takes | dollars |", "|---|---|---|", *rows]) + "\n"


def _of(resources: Mapping[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [each for each in resources.values() if each["Type"] == kind]
    return [each["Properties"] for each in found if each.get("Condition") not in NOT_BILLED]


def _runs(resources: Mapping[str, dict[str, Any]], values: Mapping[str, str]) -> dict[str, float]:
    """How often a month each function's schedules call it, by the function's name without the stack's."""
    found: dict[str, float] = defaultdict(float)
    for each in _of(resources, "AWS::Scheduler::Schedule"):
        target = resources[each["Target"]["Arn"]["Fn::GetAtt"][0]]["Properties"]["FunctionName"]
        expression = str(_value(each["ScheduleExpression"], values))
        found[str(target["Fn::Sub"]).removeprefix("${AWS::StackName}-")] += runs_a_month(expression)
    return found


def metrics_of(resources: Mapping[str, dict[str, Any]]) -> set[str]:
    """The names of the metrics that a pair publishes."""
    shown = re.findall(r"MsFailover\W+([A-Z]\w+)", json.dumps(_of(resources, "AWS::CloudWatch::Dashboard")))
    watched = [
        each["MetricName"] for each in _of(resources, "AWS::CloudWatch::Alarm") if each["Namespace"] == "MsFailover"
    ]
    return {*shown, *watched, *BESIDE_THE_DASHBOARD}


def _calls(runs: Mapping[str, float], probes: float, slots: float) -> dict[str, float]:
    """Calls by the name that questions have for a function. A question to `watch` is short, and counts as none."""
    found: dict[str, float] = defaultdict(float, runs)
    found["probe"] += probes
    found["watch"] += slots
    for name, often in (("access", 2), ("sessions", 2), ("dns", 1)):
        found[name] += runs["audit"] * often
    for question in of_readiness(Role.MS1).values():
        if question.function != "watch":
            found[question.function] += runs["readiness"]
    found["pair"] += runs["readiness"]
    return found


def _value(given: Any, values: Mapping[str, str]) -> Any:
    if isinstance(given, Mapping):
        name, argument = next(iter(given.items()))
        if name == "Ref":
            return values[argument]
        return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], argument)
    return given


def heading(pair: str, prices: PriceList) -> str:
    """What the bill is of, before its table."""
    return f"{pair} at rest, dollars a month, no free tier taken off. Prices: {prices.of}."


def for_programs(lines: Sequence[Line], prices: PriceList) -> dict[str, Any]:
    """The bill as JSON has it."""
    return {
        "prices": prices.of,
        "dollars_a_month": round(sum(each.dollars for each in lines), 2),
        "lines": [{**asdict(each), "dollars": round(each.dollars, 2)} for each in lines],
    }
