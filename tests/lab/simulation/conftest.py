"""The runner: the world in the place of AWS for one test, and everything back in its place after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.simulation.runner import Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()
