"""The zone of the active server is lost, on a cloud with AWS's manners."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.on_aws import DEADLINE_S
from tests.lab.testbed.scenarios.run import never_both, run_scenario

pytestmark = pytest.mark.timeout(DEADLINE_S + 30)


def test_a_lost_zone_is_taken_over_by_the_first_way_that_can_prove_it(tmp_path: Path) -> None:
    ran = run_scenario("zone-lost-for-good", tmp_path, "--seed", "3", deadline_s=DEADLINE_S)
    assert never_both(ran.report)
    assert ran.report["epoch"] == 2
    ran.held("Promoted in time")
