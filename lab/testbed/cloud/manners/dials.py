"""The dials as they are set: drawn from with a seed, so that a run can be had again."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping

from lab.testbed.cloud.manners.table import MANNERS

CLOUDS = ("ideal", "aws")

Value = float | tuple[float, float]
"""What a dial is set to: one value, or the lowest and the highest."""


def turning(written: str) -> tuple[str, Value]:
    """A dial and its value as the command line has them: "route53.pending=5..8". Raises ValueError."""
    name, _, value = written.partition("=")
    low, _, high = value.partition("..")
    if name not in MANNERS or not low:
        raise ValueError(
            f"{written!r} turns nothing; NAME=VALUE or NAME=LOW..HIGH, with a name of {', '.join(MANNERS)}"
        )
    return name, (float(low), float(high)) if high else float(low)


class Manners:
    """A setting of every dial, and what is drawn from it.

    Nothing is drawn before `begin`: what is set up is set up as fast as it can be.

    Each dial has a sequence of its own, so that what one part of the cloud draws does not depend on how often another
    part has drawn. Thread-safe.

    Args:
        cloud: "ideal" (every dial at 0) or "aws".
        seed: of the draws.
        turned: single dials otherwise, each a value or its lowest and highest.
    """

    def __init__(self, cloud: str = "ideal", seed: int = 1, turned: Mapping[str, Value] | None = None) -> None:
        if cloud not in CLOUDS:
            raise ValueError(f"There is no cloud {cloud!r}; there are {', '.join(CLOUDS)}.")
        self.cloud, self.seed, self.begun = cloud, seed, False
        self._lock = threading.Lock()
        self._chances = {name: random.Random(f"{seed}/{name}") for name in MANNERS}
        self._set = {name: each.aws if cloud == "aws" else (0.0, 0.0) for name, each in MANNERS.items()}
        for name, value in (turned or {}).items():
            self.turn(name, value)

    @property
    def is_ideal(self) -> bool:
        return self.cloud == "ideal"

    def begin(self) -> None:
        """Behave so from now on."""
        self.begun = True

    def turn(self, name: str, value: Value) -> None:
        """Set one dial from now on. Raises KeyError for a name that is not in the table."""
        if name not in MANNERS:
            raise KeyError(f"there is no manner {name!r}")
        low, high = value if isinstance(value, tuple) else (value, value)
        with self._lock:
            self._set[name] = (float(low), float(high))

    def draw(self, name: str) -> float:
        """A value of a dial, in its own unit but for milliseconds, which come as seconds; 0 before `begin`."""
        if not self.begun:
            return 0.0
        with self._lock:
            low, high = self._set[name]
            value = self._chances[name].uniform(low, high) if low != high else low
        return value / 1000 if MANNERS[name].unit == "ms" else value

    def happens(self, name: str) -> bool:
        """Whether what a share says happens this time."""
        with self._lock:
            share = self._set[name][1]
            return self.begun and share > 0 and self._chances[name].random() < share

    def holds_for(self, name: str, thing: str) -> bool:
        """Whether what a share says holds for one thing; the same for it each time, while the dial stays."""
        with self._lock:
            share = self._set[name][1]
            return self.begun and random.Random(f"{self.seed}/{name}/{thing}").random() < share
