"""moto's metric data by metric: moto keeps one list of everything, which grows by a dozen points a second."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Mapping
from typing import Any

from lab.testbed.cloud.alarm_evaluation import Sample

_KEEP_S = 6 * 3600  # what alarms here read is younger
_READ_AT_MOST = 100_000  # points that moto keeps; older ones are known here already

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class MetricIndex:
    """Reads each point once."""

    def __init__(self) -> None:
        self._samples: dict[_Key, deque[Sample]] = {}
        self._read = 0

    def read(self, data: list[Any], now: float) -> None:
        """Take in what is new in moto's list, and shorten the list when it is long. `now`: seconds since the epoch."""
        fresh = data[self._read :]
        self._read += len(fresh)
        for datum in fresh:
            key = _key(datum.namespace, datum.name, {each.name: each.value for each in datum.dimensions})
            samples = self._samples.setdefault(key, deque())
            samples.append(_sample(datum))
            while samples and samples[0].at < now - _KEEP_S:
                samples.popleft()
        if self._read > _READ_AT_MOST:
            cut = self._read - _READ_AT_MOST // 2
            del data[:cut]
            self._read -= cut

    def since(self, namespace: str, name: str, dimensions: Mapping[str, str], oldest: float) -> list[Sample]:
        """The samples of one metric, with exactly these dimensions, of `oldest` or later."""
        found = self._samples.get(_key(namespace, name, dimensions), ())
        return [sample for sample in found if sample.at >= oldest]


def seconds(moment: datetime.datetime) -> float:
    """A moment of moto's, which may be naive and is UTC then, in seconds since the epoch."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _key(namespace: str, name: str, dimensions: Mapping[str, str]) -> _Key:
    return namespace, name, tuple(sorted(dimensions.items()))


def _sample(datum: Any) -> Sample:
    at = seconds(datum.timestamp)
    if hasattr(datum, "value"):
        return Sample(at, float(datum.value))
    return Sample(at, datum.sum, datum.sample_count, datum.min, datum.max)
