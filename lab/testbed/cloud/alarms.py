"""CloudWatch alarms: evaluated each second over moto's metric data; a change of state is an event and an action."""

from __future__ import annotations

import datetime
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend

from lab.testbed.cloud.account import ACCOUNT, REGION, backend
from lab.testbed.cloud.alarm_evaluation import EXTRA_POINTS, Rule, State, evaluate, points
from lab.testbed.cloud.events import Bus
from lab.testbed.cloud.metric_index import MetricIndex, seconds
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.targets import Targets

STATE_CHANGED = "CloudWatch Alarm State Change"


class Alarms:
    """A thread that evaluates each `tick_s` seconds. Data of a period counts `settle_s` after the period's end."""

    def __init__(self, bus: Bus, targets: Targets, *, tick_s: float = 1.0, settle_s: float = 1.0) -> None:
        self._bus = bus
        self._targets = targets
        self._tick_s = tick_s
        self._settle_s = settle_s
        self._stopped = threading.Event()
        self._held = threading.Event()
        self._changing = threading.Lock()
        self._complained: set[str] = set()
        self._metrics = MetricIndex()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)

    def install(self, patches: Patches) -> None:
        def put(cloudwatch: Any, name: str, *rest: Any, **options: Any) -> Any:
            before = cloudwatch.alarms.get(name)
            alarm = put_alarm(cloudwatch, name, *rest, **options)
            alarm.state_value = before.state_value if before else "INSUFFICIENT_DATA"
            return alarm

        put_alarm = patches.put(
            CloudWatchBackend,
            "put_metric_alarm",
            put,
            why="a new alarm starts as INSUFFICIENT_DATA on AWS, and a changed one keeps its state",
        )

        def set_state(cloudwatch: Any, alarm_name: str, reason: str, reason_data: Any, state_value: State) -> None:
            before = cloudwatch.alarms[alarm_name].state_value if alarm_name in cloudwatch.alarms else ""
            previous = _state(cloudwatch.alarms[alarm_name]) if before else {}
            set_alarm_state(cloudwatch, alarm_name, reason, reason_data, state_value)
            if before != state_value:
                self._announce(cloudwatch.alarms[alarm_name], previous)

        set_alarm_state = patches.put(
            CloudWatchBackend, "set_alarm_state", set_state, why="moto's fires neither the event nor the actions"
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.wait(self._tick_s):
            if not self._held.is_set():
                self.step(time.time())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Evaluate only in `step`: for who brings an evaluation forward, and reads what it found after that."""
        self._held.set()
        try:
            yield
        finally:
            self._held.clear()

    def step(self, now: float) -> None:
        """Evaluate every alarm as of `now` (seconds since the epoch)."""
        cloudwatch = backend("cloudwatch")
        self._metrics.read(cloudwatch.metric_data, now)
        for alarm in list(cloudwatch.alarms.values()):
            try:
                self._evaluate(alarm, now - self._settle_s)
            except ValueError as error:
                if alarm.name not in self._complained:
                    self._complained.add(alarm.name)
                    print(f"the alarm {alarm.name} can't be evaluated here: {error}", file=sys.stderr)

    def _evaluate(self, alarm: Any, now: float) -> None:
        rule = rule_of(alarm)
        oldest = now - (rule.periods + EXTRA_POINTS + 1) * rule.period_s
        samples = self._metrics.since(*_metric(alarm), oldest)
        values = points(samples, rule, now)
        state = evaluate(values, rule, alarm.state_value)
        if state == alarm.state_value:
            return
        with self._changing:
            previous = _state(alarm)
            recent = [value for value in values[-rule.periods :] if value is not None]
            reason = (
                f"Threshold Crossed: {len(recent)} of the last {rule.periods} datapoints {recent} against "
                f"{alarm.comparison_operator} {rule.threshold} ({rule.datapoints} needed)."
            )
            reason_data = {
                "version": "1.0",
                "queryDate": _stamp(time.time()),
                "statistic": rule.statistic,
                "period": rule.period_s,
                "recentDatapoints": recent,
                "threshold": rule.threshold,
            }
            alarm.update_state(reason, json.dumps(reason_data), state)
        self._announce(alarm, previous)

    def _announce(self, alarm: Any, previous: dict[str, Any]) -> None:
        detail = {
            "alarmName": alarm.name,
            "state": _state(alarm),
            "previousState": previous,
            "configuration": _configuration(alarm),
        }
        self._bus.emit("aws.cloudwatch", STATE_CHANGED, detail, [alarm.alarm_arn])
        if not alarm.actions_enabled:
            return
        actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(
            alarm.state_value, alarm.insufficient_data_actions
        )
        for action in actions or []:
            self._targets.deliver(alarm.name, action, json.dumps(_message(alarm, previous)))


def rule_of(alarm: Any) -> Rule:
    """An alarm of moto as conditions. Raises ValueError for what is not understood here (metric math, composites)."""
    if alarm.rule:
        raise ValueError("composite alarms are not evaluated here")
    period, stat = alarm.period, alarm.statistic or alarm.extended_statistic
    if alarm.metric_data_queries:
        query = _only_query(alarm)
        period, stat = query.metric_stat.period, query.metric_stat.stat
    periods = int(alarm.evaluation_periods)
    return Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        period_s=int(period),
        periods=periods,
        datapoints=int(alarm.datapoints_to_alarm or periods),
        statistic=stat,
        missing=alarm.treat_missing_data or "missing",
    )


def _only_query(alarm: Any) -> Any:
    if len(alarm.metric_data_queries) != 1 or alarm.metric_data_queries[0].metric_stat is None:
        raise ValueError("metric math is not evaluated here: give one metric")
    return alarm.metric_data_queries[0]


def _metric(alarm: Any) -> tuple[str, str, dict[str, str]]:
    if alarm.metric_data_queries:
        metric = _only_query(alarm).metric_stat.metric
        return metric.namespace, metric.metric_name, _named(metric.dimensions)
    return alarm.namespace, alarm.metric_name, _named(alarm.dimensions)


def _named(dimensions: Any) -> dict[str, str]:
    return {dimension.name: dimension.value for dimension in dimensions}


def _stamp(at: float) -> str:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _state(alarm: Any) -> dict[str, Any]:
    return {
        "value": alarm.state_value,
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data,
        "timestamp": _stamp(seconds(alarm.state_updated_timestamp)),
    }


def _configuration(alarm: Any) -> dict[str, Any]:
    namespace, name, dimensions = _metric(alarm)
    rule = rule_of(alarm)
    metric = {"namespace": namespace, "name": name, "dimensions": dimensions}
    stat = {"metric": metric, "period": rule.period_s, "stat": rule.statistic}
    return {
        "description": alarm.description or "",
        "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}],
    }


def _message(alarm: Any, previous: dict[str, Any]) -> dict[str, Any]:
    """What an alarm's action sends to a topic."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _stamp(seconds(alarm.state_updated_timestamp)),
        "Region": REGION,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": previous.get("value", ""),
    }
