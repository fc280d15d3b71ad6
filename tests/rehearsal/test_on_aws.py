"""The same incidents on a cloud with AWS's manners, with the template's default settings: slower, and no worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsal.rehearse import Rehearsed, never_both, rehearse, taken_over

DEADLINE_S = 420

pytestmark = pytest.mark.timeout(DEADLINE_S + 30)
SCENARIOS = ("crash", "hang", "partition", "reboot", "switchover")


def on_aws(name: str, directory: Path, seed: int) -> Rehearsed:
    # Agents are with the new server once Route 53 and a TTL are through; that they are is what the shorter time shows.
    turned = ("--turn", "route53.pending=5..8")
    return rehearse(name, directory, "--cloud", "aws", "--seed", str(seed), *turned, deadline_s=DEADLINE_S)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_incident_ends_as_it_does_on_an_ideal_cloud(name: str, seed: int, tmp_path: Path) -> None:
    rehearsed = on_aws(name, tmp_path, seed)
    assert taken_over(rehearsed.report)
    if name != "reboot":  # which does not wait for them
        assert rehearsed.report["agents"]["recovered"] == rehearsed.report["agents"]["count"]


def test_a_lost_zone_is_taken_over_by_the_first_way_that_can_prove_it(tmp_path: Path) -> None:
    rehearsed = rehearse("zone-lost-for-good", tmp_path, "--seed", "3", deadline_s=DEADLINE_S)
    assert never_both(rehearsed.report)
    assert rehearsed.report["epoch"] == 2
    rehearsed.held("Promoted in time")
