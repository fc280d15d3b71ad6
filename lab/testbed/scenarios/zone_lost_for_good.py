"""A zone is lost and does not come back: as zone-lost, and nothing that was in it is ever heard of again."""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.zone_lost import lose_zone
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    lose_zone(testbed, story)
    story.watch_on(2)


SCENARIO = Scenario(
    "zone-lost-for-good",
    "MS1's zone is lost for good; the database fails over to the other one",
    "promoted",
    run,
    agents=5,
    cloud="aws",
    manners={"ec2.hangs": 1.0},
    multi_az=True,
)
