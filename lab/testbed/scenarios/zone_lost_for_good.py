"""A zone is lost and does not come back: as zone-lost, and nothing that was in it is ever heard of again.

Here the probe that stood in it can't even be asked: Lambda runs it no more.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.zone_lost import lose_zone
from lab.testbed.testbed import STACK, Testbed


def run(testbed: Testbed, story: Story) -> None:
    functions = testbed.cloud.client("lambda")

    def take_probe() -> None:
        functions.put_function_concurrency(FunctionName=f"{STACK}-probe", ReservedConcurrentExecutions=0)

    lose_zone(testbed, story, take_probe)
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
