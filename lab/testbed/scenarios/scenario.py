"""What a scenario is on the testbed, and the story of its run there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from failoverctl.acceptance import story
from failoverctl.acceptance.report.record import Replication
from lab.testbed.polling import wait_for
from lab.testbed.testbed import Testbed


@dataclass(frozen=True)
class Scenario:
    """What happens, and how it must end.

    Args:
        name: what it is called on the command line.
        headline: what happens, in a line.
        expected: the outcome it must have.
        run: does it, and follows it to its end. What it does is noted in the story.
        arrange: what is there before the pair is adopted: an owner's account and hosts of another kind.
        parameters: of the template, where it needs others.
        agents: how many there are.
        excused: invariants of the report that the scenario itself breaks; it is judged without them.
        cloud: the one that it is run on unless another is asked for.
        manners: dials of the cloud that the outage turns (lab/testbed/cloud/manners/table.py).
        multi_az: whether the database can be in another zone later, and there is a second probe in that zone.
    """

    name: str
    headline: str
    expected: str
    run: Callable[[Testbed, Story], None]
    parameters: Mapping[str, str] = field(default_factory=dict)
    agents: int = 20
    arrange: Callable[[Testbed], None] = lambda _: None
    excused: tuple[str, ...] = ()
    cloud: str = "ideal"
    manners: Mapping[str, float | tuple[float, float]] = field(default_factory=dict)
    multi_az: bool = False


class Story(story.Story):
    """A story on the testbed, which has agents, and whose record and copies can be read at any moment."""

    def __init__(self, testbed: Testbed) -> None:
        super().__init__(testbed)
        self._testbed = testbed
        self.replication: Replication | None = None

    def await_receipt(self, epoch: int, deadline_s: float = 40) -> dict[str, Any]:
        """Wait for the proof of the fence in the change of an epoch; returns the receipt as the record has it."""

        def proven() -> dict[str, Any] | None:
            receipt = self._testbed.record().get("receipt")
            return receipt if receipt and receipt["epoch"] == epoch else None

        return dict(
            wait_for(f"the fence's receipt in epoch {epoch}", proven, deadline_s * self._testbed.patience, every_s=0.01)
        )

    def await_agents(self, server: str, deadline_s: float = 30) -> None:
        """Wait until every agent is with a server."""
        self.doing = f"agents find {server}"
        fleet = self._testbed.hosts.agents
        wait_for(
            f"all agents on {server}",
            lambda: fleet.counts()[server] == fleet.count,
            deadline_s * self._testbed.patience,
        )

    def _wait_for(self, what: str, condition: Callable[[], Any], deadline_s: float) -> Any:
        return wait_for(what, condition, deadline_s)
