"""What functions print: to CloudWatch Logs and a file each; embedded metrics become CloudWatch metrics."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.testbed.cloud.account import backend


class FunctionLogs:
    """Takes lines as they come; `directory` gets one file per function."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._streams: set[tuple[str, str]] = set()

    def line(self, function: str, stream: str, line: str) -> None:
        """Record one line of a function's output; a line of the embedded metric format also counts as metrics."""
        now_ms = int(time.time() * 1000)
        with self._lock, (self._directory / f"{function}.log").open("a") as file:
            file.write(line + "\n")
        self._to_cloudwatch(f"/aws/lambda/{function}", stream, line, now_ms)
        if '"CloudWatchMetrics"' in line:
            for namespace, data in embedded_metrics(line):
                put_metrics(namespace, data)

    def _to_cloudwatch(self, group: str, stream: str, line: str, now_ms: int) -> None:
        logs = backend("logs")
        with self._lock:
            if (group, stream) not in self._streams:
                logs.ensure_log_group(group)
                with contextlib.suppress(Exception):  # it is there already
                    logs.create_log_stream(group, stream)
                self._streams.add((group, stream))
            logs.put_log_events(group, stream, [{"timestamp": now_ms, "message": line}])


def put_metrics(namespace: str, data: list[dict[str, Any]]) -> None:
    """Add data points to CloudWatch; each with MetricName, Value or Values, Timestamp (naive UTC), Dimensions."""
    backend("cloudwatch").put_metric_data(namespace, data)


def metric(name: str, value: float, dimensions: Mapping[str, str], unit: str = "None") -> dict[str, Any]:
    """One data point of now."""
    return {
        "MetricName": name,
        "Value": value,
        "Unit": unit,
        "Timestamp": utc(time.time()),
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
    }


def utc(seconds: float) -> datetime.datetime:
    """A moment as moto keeps it: naive, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def embedded_metrics(line: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The metrics of a line in the embedded metric format, by namespace; none if it isn't such a line.

    Like CloudWatch, one data point for each set of dimensions; a metric or dimension without a value is skipped.
    """
    try:
        entry = json.loads(line)
        about = entry["_aws"]
        directives = about["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    when = utc(about.get("Timestamp", time.time() * 1000) / 1000)
    for directive in directives:
        data = [
            _point(entry, definition, dimensions, when)
            for dimensions in directive.get("Dimensions") or [[]]
            for definition in directive.get("Metrics", [])
            if definition["Name"] in entry and all(name in entry for name in dimensions)
        ]
        if data:
            yield directive["Namespace"], data


def _point(
    entry: dict[str, Any], definition: dict[str, Any], dimensions: list[str], when: datetime.datetime
) -> dict[str, Any]:
    value = entry[definition["Name"]]
    values = value if isinstance(value, list) else [value]
    return {
        "MetricName": definition["Name"],
        "Values": [float(each) for each in values],
        "Unit": definition.get("Unit", "None"),
        "StorageResolution": definition.get("StorageResolution", 60),
        "Timestamp": when,
        "Dimensions": [{"Name": name, "Value": str(entry[name])} for name in dimensions],
    }
