"""The five scenarios on AWS's manners as seed 1 draws them; a module a seed, so that two workers share them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.on_aws import DEADLINE_S, SCENARIOS, assert_ends_as_on_an_ideal_cloud

pytestmark = pytest.mark.timeout(DEADLINE_S + 30)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_on_an_ideal_cloud(name: str, tmp_path: Path) -> None:
    assert_ends_as_on_an_ideal_cloud(name, 1, tmp_path)
