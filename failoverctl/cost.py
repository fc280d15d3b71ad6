"""What a pair at rest costs a month: the template's schedules and sizes, times a price list.

Counted: from the template as CloudFormation expanded it (schedules, sizes, alarms, metrics) and from what readiness
asks. Assumed, and said so: how long a call takes, and how much it logs. Free tiers are not taken off.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from msfailover.pair import Role
from msfailover.questions import of_readiness

MINUTES = 730 * 60
"""Minutes of a month, as AWS reckons one."""

PRICE_LIST = "US East (N. Virginia), as of February 2026"
PRICES = {
    "lambda_gb_s": 0.0000133334,  # arm64
    "lambda_request": 0.20e-6,
    "dynamodb_read": 0.125e-6,  # on demand, strongly consistent, up to 4 KB
    "dynamodb_write": 0.625e-6,  # up to 1 KB
    "metric": 0.30,
    "alarm": 0.10,
    "alarm_high_resolution": 0.30,
    "dashboard": 3.00,
    "logs_gb": 0.50,
    "schedule": 1.00e-6,
    "secret": 0.40,
    "endpoint_hour": 0.01,  # an interface endpoint, in one availability zone
}
"""Dollars for one of each. AWS's own list could not be read here: Lambda, DynamoDB, metrics, logs and dashboards are as
secondary sources of 2025 and 2026 quote it; alarms, schedules, secret and endpoint are as remembered.
"""

SECONDS = {
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
"""How long a call takes, assumed: what waits for AWS's APIs can't be measured here. `watch` runs its whole tick."""

LOG_BYTES = 1500
"""What a call logs, assumed: Lambda's own three lines, one of ours, and the metrics."""

READS = {"watch": 1, "audit": 2, "readiness": 1, "replicate": 2}
"""How often the record is read: per probe for `watch`, per run for the others."""

WRITES = {"readiness": 1, "replicate": 1}

BESIDE_THE_DASHBOARD = (
    "RecordInSyncAfter", "ReplicatedBytes", "ReplicatedFiles", "ReplicationRuns", "ReplicationSeconds",
    "ReplicationSentBytes",
)  # fmt: skip
"""Metrics that are published, and that no alarm and no dashboard shows."""


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


def bill(template: Mapping[str, Any], given: Mapping[str, str]) -> list[Line]:
    """The lines of the bill.

    Args:
        template: expanded by CloudFormation (`GetTemplate` with the testbed `Processed`), or by the SAM translator.
        given: the stack's parameters, over the template's defaults.

    Raises:
        NotCounted: it is not a template of ours.
    """
    try:
        return _bill(template, given)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotCounted(f"What this template costs can't be counted: {error!r}.") from error


def _bill(template: Mapping[str, Any], given: Mapping[str, str]) -> list[Line]:
    values = {name: str(about.get("Default", "")) for name, about in template["Parameters"].items()} | dict(given)
    resources: dict[str, dict[str, Any]] = template["Resources"]
    memory_gb = _of(resources, "AWS::Lambda::Function")[0]["MemorySize"] / 1024
    runs = _runs(resources, values)
    probes = runs["watch"] * _probes_a_tick(values)
    calls = _calls(runs, probes)
    busy = runs["watch"] * 60 + sum(each * SECONDS[name] for name, each in calls.items() if name != "watch")
    if values["WatchHoldsConnection"] == "yes":  # the probe then runs as long as the watchdog does
        busy += runs["watch"] * 60
        calls["probe"] += probes
    requests = sum(calls.values())
    alarms = _of(resources, "AWS::CloudWatch::Alarm")
    fine = sum(float(_value(each["Period"], values)) < 60 for each in alarms)
    metrics = len(metrics_of(resources))
    boards = len(_of(resources, "AWS::CloudWatch::Dashboard"))
    reads = probes * READS["watch"] + sum(runs[name] * READS[name] for name in ("audit", "readiness", "replicate"))
    writes = sum(runs[name] * each for name, each in WRITES.items())
    logs_gb = (requests + probes) * LOG_BYTES / 1e9
    price = PRICES
    lines = [
        Line("Lambda", f"{busy * memory_gb / 1e6:.2f} million GB-seconds", busy * memory_gb * price["lambda_gb_s"]),
        Line("Lambda", f"{requests / 1e6:.2f} million calls", requests * price["lambda_request"]),
        Line("CloudWatch", f"{metrics} metrics", metrics * price["metric"]),
        Line(
            "CloudWatch",
            f"{len(alarms)} alarms, {fine} of high resolution",
            (len(alarms) - fine) * price["alarm"] + fine * price["alarm_high_resolution"],
        ),
        Line("CloudWatch", f"{logs_gb:.1f} GB of logs", logs_gb * price["logs_gb"]),
        Line("CloudWatch", f"{boards} dashboard", boards * price["dashboard"]),
        Line(
            "DynamoDB",
            f"{reads / 1e6:.2f} million reads, {writes / 1e3:.0f} thousand writes",
            reads * price["dynamodb_read"] + writes * price["dynamodb_write"],
        ),
        Line(
            "EventBridge",
            f"{sum(runs.values()) / 1e3:.0f} thousand scheduled calls",
            sum(runs.values()) * price["schedule"],
        ),
    ]
    if values.get("DatabaseSecretArn"):
        hours = MINUTES / 60
        lines.append(Line("Secrets Manager", "1 secret", price["secret"]))
        lines.append(Line("VPC", "1 endpoint of Secrets Manager, in 1 zone", hours * price["endpoint_hour"]))
    return lines


def table(lines: Sequence[Line]) -> str:
    """The bill as a table of Markdown."""
    rows = [f"| {each.service} | {each.what} | {each.dollars:.2f} |" for each in lines]
    rows.append(f"| **all** | | **{sum(each.dollars for each in lines):.2f}** |")
    return "\n".join(["| service | what a month takes | dollars |", "|---|---|---|", *rows]) + "\n"


def _of(resources: Mapping[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


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


def _calls(runs: Mapping[str, float], probes: float) -> dict[str, float]:
    """Calls by the name that questions have for a function. A question to `watch` is short, and counts as none."""
    found: dict[str, float] = defaultdict(float, runs)
    found["probe"] += probes
    for name, often in (("access", 2), ("sessions", 2), ("dns", 1)):
        found[name] += runs["audit"] * often
    for question in of_readiness(Role.MS1).values():
        if question.function != "watch":
            found[question.function] += runs["readiness"]
    found["pair"] += runs["readiness"]
    return found


def _probes_a_tick(values: Mapping[str, str]) -> int:
    every, longest = float(values["ProbeIntervalSeconds"]), float(values["ProbeTimeoutSeconds"])
    return int((60 - longest) / every) + 1


def _value(given: Any, values: Mapping[str, str]) -> Any:
    if isinstance(given, Mapping):
        name, argument = next(iter(given.items()))
        if name == "Ref":
            return values[argument]
        return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], argument)
    return given


def for_programs(lines: Sequence[Line]) -> dict[str, Any]:
    """The bill as JSON has it."""
    return {
        "prices": PRICE_LIST,
        "dollars_a_month": round(sum(each.dollars for each in lines), 2),
        "lines": [{**asdict(each), "dollars": round(each.dollars, 2)} for each in lines],
    }
