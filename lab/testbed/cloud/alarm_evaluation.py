"""What state an alarm is in, from its data points. Pure: knows no cloud and no clock."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

# CloudWatch reads some more points than it has to evaluate, to bridge gaps; how many more is not documented.
EXTRA_POINTS = 2

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Sample:
    """One value put into a metric (or a set of `count` values), at `at` seconds since the epoch."""

    at: float
    total: float
    count: float = 1.0
    lowest: float = math.nan
    highest: float = math.nan

    @property
    def minimum(self) -> float:
        return self.total if math.isnan(self.lowest) else self.lowest

    @property
    def maximum(self) -> float:
        return self.total if math.isnan(self.highest) else self.highest


@dataclass(frozen=True)
class Rule:
    """An alarm's conditions. `period_s` in seconds; `datapoints` is the M of M out of `periods`."""

    comparison: str
    threshold: float
    period_s: int
    periods: int
    datapoints: int
    statistic: str
    missing: str = "missing"

    def __post_init__(self) -> None:
        if self.comparison not in _COMPARISONS:
            raise ValueError(f"the comparison {self.comparison} is not understood here")
        if self.missing not in ("missing", "ignore", "breaching", "notBreaching"):
            raise ValueError(f"TreatMissingData is {self.missing!r}")
        if not 1 <= self.datapoints <= self.periods:
            raise ValueError(f"DatapointsToAlarm is {self.datapoints} of {self.periods}")


def points(samples: Sequence[Sample], rule: Rule, now: float) -> list[float | None]:
    """The rule's statistic of each complete period up to `now`, oldest first; None for a period without data."""
    last = math.floor(now / rule.period_s)
    first = last - rule.periods - EXTRA_POINTS
    periods: list[list[Sample]] = [[] for _ in range(last - first)]
    for sample in samples:
        index = math.floor(sample.at / rule.period_s) - first
        if 0 <= index < len(periods):
            periods[index].append(sample)
    return [statistic(rule.statistic, inside) if inside else None for inside in periods]


def statistic(name: str, samples: Sequence[Sample]) -> float:
    """A statistic of at least one sample. Raises ValueError for one that is not known."""
    total, count = sum(sample.total for sample in samples), sum(sample.count for sample in samples)
    if name == "Sum":
        return total
    if name == "SampleCount":
        return count
    if name == "Average":
        return total / count
    if name == "Minimum":
        return min(sample.minimum for sample in samples)
    if name == "Maximum":
        return max(sample.maximum for sample in samples)
    if name.startswith("p") and name[1:].replace(".", "", 1).isdigit():
        ordered = sorted(sample.total for sample in samples)
        return ordered[max(0, math.ceil(float(name[1:]) / 100 * len(ordered)) - 1)]
    raise ValueError(f"the statistic {name} is not understood here")


def evaluate(values: Sequence[float | None], rule: Rule, current: State) -> State:
    """The state that follows from the values (oldest first, more than `rule.periods` of them) and from the present one.

    As CloudWatch documents it: enough real points decide alone; too few are filled up as TreatMissingData says. With
    `missing`, real points that all breach are an alarm; with `ignore`, the state stays.
    """
    breaches = _COMPARISONS[rule.comparison]
    real = [breaches(value, rule.threshold) for value in values if value is not None]
    recent = values[-rule.periods :]
    if None not in recent:
        real = real[-rule.periods :]
        return "ALARM" if sum(real) >= rule.datapoints else "OK"
    if len(real) >= rule.periods:
        return "ALARM" if sum(real[-rule.periods :]) >= rule.datapoints else "OK"
    filled = rule.periods - len(real)
    if rule.missing == "breaching":
        return "ALARM" if sum(real) + filled >= rule.datapoints else "OK"
    if rule.missing == "notBreaching":
        return "ALARM" if sum(real) >= rule.datapoints else "OK"
    if not real:
        return "INSUFFICIENT_DATA" if rule.missing == "missing" else current
    if sum(real) >= rule.datapoints:
        return "ALARM"
    if not all(real):
        return "OK"
    return "ALARM" if rule.missing == "missing" else current
