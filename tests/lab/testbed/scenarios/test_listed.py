"""Every scenario is listed in docs/scenarios.md, and every one listed is there."""

from __future__ import annotations

import re

from lab.testbed.scenarios import all_scenarios
from tests.lab.testbed.scenarios.run import PROJECT


def test_the_documentation_has_a_line_for_every_scenario_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", (PROJECT / "docs" / "scenarios.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(all_scenarios())


def test_a_scenario_describes_its_outage_where_it_is_written() -> None:
    for scenario in all_scenarios().values():
        module = __import__(scenario.run.__module__, fromlist=["SCENARIO"])
        assert module.__doc__, scenario.name
        assert len(scenario.headline) <= 80, f"{scenario.name} needs a shorter line for people"
