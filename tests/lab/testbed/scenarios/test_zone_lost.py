"""The zone of the active server is lost, on a cloud with AWS's manners."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.on_aws import DEADLINE_S
from tests.lab.testbed.scenarios.play import never_both, rehearse

pytestmark = pytest.mark.timeout(DEADLINE_S + 30)


def test_a_lost_zone_is_taken_over_by_the_first_way_that_can_prove_it(tmp_path: Path) -> None:
    rehearsed = rehearse("zone-lost-for-good", tmp_path, "--seed", "3", deadline_s=DEADLINE_S)
    assert never_both(rehearsed.report)
    assert rehearsed.report["epoch"] == 2
    rehearsed.held("Promoted in time")
