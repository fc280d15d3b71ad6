"""Killed at whatever start of a program, on either host: the standby holds one whole set, and the next run completes.

KILLS and KILLS_SEED ask for more of them, and for others. Each one is told of in build/kills.txt.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.documents.kills import Killer, arm
from tests.documents.pair import Pair

KILLS = int(os.environ.get("KILLS", "14"))
TOLD = Path(__file__).resolve().parents[2] / "build" / "kills.txt"
SEED = int(os.environ.get("KILLS_SEED", "1"))

pytestmark = [pytest.mark.testbed, pytest.mark.timeout(90 + 30 * KILLS)]


def test_a_run_that_is_killed_anywhere_leaves_one_whole_set_and_the_next_completes(pair: Pair) -> None:
    killer = Killer(pair, random.Random(SEED))
    arm(pair)
    killer.settle()
    kills = 0
    try:
        for _ in range(2 * KILLS):
            kills += killer.kill_one()
            if kills == KILLS:
                break
    finally:
        TOLD.parent.mkdir(exist_ok=True)
        TOLD.write_text("\n".join(killer.told) + "\n")
    assert kills >= 0.8 * KILLS, f"only {kills} runs were killed"
