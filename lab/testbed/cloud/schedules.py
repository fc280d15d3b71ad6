"""EventBridge Scheduler and scheduled rules: fires what is due, at least once.

The first firing of a `rate(...)` comes `first_after_s` after it is seen (AWS fires a new rate at once or after one
period, depending on the service; the testbed does not wait a minute for it), the next ones each period. A `cron(...)`
fires at the minutes that it names, in UTC, an `at(...)` once.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.testbed.cloud.account import ACCOUNT, REGION, backend
from lab.testbed.cloud.events import iso, target_input
from lab.testbed.cloud.targets import Targets

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_UNIT_S = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


class ScheduleError(ValueError):
    """An expression that this machine's schedules do not understand."""


@dataclass(frozen=True)
class Due:
    """A schedule and what it sends where."""

    key: str
    expression: str
    targets: tuple[tuple[str, str], ...]


class Schedules:
    """A thread that reads moto's schedules each `tick_s`.

    `firings` says of each moment that a schedule is due when it fires, in seconds from then: once, at once.
    """

    def __init__(self, targets: Targets, *, first_after_s: float = 0.5, tick_s: float = 0.1) -> None:
        self._targets = targets
        self._first_after_s = first_after_s
        self._tick_s = tick_s
        self.firings: Callable[[], Sequence[float]] = lambda: (0.0,)
        self._next: dict[tuple[str, str], float] = {}
        self._stopped = threading.Event()
        self._paused: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def pause(self, name: str) -> None:
        """Fire this schedule or rule no more, until `resume`; its moments pass unused."""
        self._paused.add(name)

    def resume(self, name: str) -> None:
        self._paused.discard(name)

    def fire(self, name: str) -> None:
        """Fire a schedule or rule now, by name. Raises KeyError when there is none."""
        for due in self._all():
            if due.key.rsplit("/", 1)[-1] == name:
                self._deliver(due)
                return
        raise KeyError(f"no schedule or scheduled rule is called {name}")

    def _run(self) -> None:
        while not self._stopped.wait(self._tick_s):
            self.step(time.time())

    def step(self, now: float) -> None:
        """Fire what is due at `now` (seconds since the epoch)."""
        present = {(due.key, due.expression): due for due in self._all()}
        for gone in self._next.keys() - present.keys():
            del self._next[gone]
        for key, due in present.items():
            if key not in self._next:
                self._next[key] = first(due.expression, now, self._first_after_s)
            if self._next[key] <= now:
                self._next[key] = following(due.expression, self._next[key], now)
                for late_s in self.firings():
                    self._deliver_after(late_s, due)

    def _deliver_after(self, late_s: float, due: Due) -> None:
        if late_s > 0:
            later = threading.Timer(late_s, self._deliver_after, (0.0, due))
            later.daemon = True
            later.start()
        elif due.key.rsplit("/", 1)[-1] not in self._paused and not self._stopped.is_set():
            self._deliver(due)

    def _deliver(self, due: Due) -> None:
        for arn, payload in due.targets:
            self._targets.deliver(due.key.rsplit("/", 1)[-1], arn, payload)

    def _all(self) -> list[Due]:
        found = []
        for group in list(backend("scheduler").schedule_groups.values()):
            found += [_of_scheduler(each) for each in list(group.schedules.values()) if each.state == "ENABLED"]
        for rule in list(backend("events").event_buses["default"].rules.values()):
            if rule.scheduled_expression and rule.state == "ENABLED":
                found.append(_of_rule(rule))
        return found


def _of_scheduler(schedule: Any) -> Due:
    target = schedule.target
    payload = target.get("Input") or json.dumps({})
    now = iso(time.time())
    # The keywords that EventBridge Scheduler replaces in a target's input.
    for word, text in (
        ("<aws.scheduler.schedule-arn>", schedule.arn),
        ("<aws.scheduler.scheduled-time>", now),
        ("<aws.scheduler.execution-id>", str(uuid.uuid4())),
        ("<aws.scheduler.attempt-number>", "1"),
    ):
        payload = payload.replace(word, text)
    return Due(schedule.arn, schedule.schedule_expression, ((target["Arn"], payload),))


def _of_rule(rule: Any) -> Due:
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": iso(time.time()),
        "region": REGION,
        "resources": [rule.arn],
        "detail": {},
    }
    targets = tuple((target["Arn"], target_input(target, event, rule.arn)) for target in rule.targets)
    return Due(rule.arn, rule.scheduled_expression, targets)


def first(expression: str, now: float, first_after_s: float) -> float:
    """When a schedule that is new at `now` fires first. Raises ScheduleError for what is not understood."""
    if _RATE.fullmatch(expression):
        return now + first_after_s
    if once := _AT.fullmatch(expression):
        return datetime.datetime.fromisoformat(f"{once.group(1)}+00:00").timestamp()
    return _next_cron(expression, now)


def following(expression: str, last: float, now: float) -> float:
    """When it fires after `last`; moments that have passed meanwhile are not made up for."""
    if _AT.fullmatch(expression):
        return math.inf
    rate = _RATE.fullmatch(expression)
    if rate is None:
        return _next_cron(expression, now)
    period_s = int(rate.group(1)) * _UNIT_S[rate.group(2)]
    return last + period_s * max(1, int((now - last) // period_s) + 1)


def _next_cron(expression: str, now: float) -> float:
    match = _CRON.fullmatch(expression)
    if match is None:
        raise ScheduleError(f"{expression!r} is none of rate(...), cron(...) and at(...) as understood here")
    minutes, hours, days, months, weekdays, years = match.groups()
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC).replace(second=0, microsecond=0)
    for _ in range(366 * 24 * 60):
        moment += datetime.timedelta(minutes=1)
        weekday = moment.isoweekday() % 7 + 1  # Sunday is 1
        fields = (
            (minutes, moment.minute, 0),
            (hours, moment.hour, 0),
            (days, moment.day, 1),
            (months, moment.month, 1),
            (weekdays, weekday, 1),
            (years, moment.year, 1970),
        )
        if all(_matches(text, value, lowest) for text, value, lowest in fields):
            return moment.timestamp()
    raise ScheduleError(f"{expression!r} does not fire within a year")


def _matches(field: str, value: int, lowest: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            low, high = lowest, 10**6
        elif re.fullmatch(r"\d+(-\d+)?", span):
            low, _, end = (int(span.split("-")[0]), None, span.split("-")[-1])
            high = int(end) if "-" in span or not step else 10**6
        else:
            raise ScheduleError(f"the cron field {field!r} is not understood here; write numbers")
        if low <= value <= high and (value - low) % int(step or 1) == 0:
            return True
    return False
