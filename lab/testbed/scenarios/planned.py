"""What the scenarios of planned changes have in common: asking for one, and how long nobody served meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from failoverctl.acceptance import scenarios
from lab.testbed.scenarios.driver import TestbedDriver
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Testbed

NO_SERVICE_MOST_S = 3.0
"""Seconds that a planned change may be without service, beside the new server's own start."""
NO_SERVICE_ON_AWS_S = 40.0
"""The same where each order to a host takes seconds to reach it, and each rule a moment to be in effect."""


def switch_over(testbed: Testbed, story: Story, old: str, new: str) -> float:
    """Ask for a switchover, and wait for its end; returns when it was asked for, in seconds since 1970."""
    return scenarios.switch_over(TestbedDriver(testbed), story, old, new)


def without_service(testbed: Testbed, since: float) -> float:
    """The longest silence of the journal since a moment, in seconds: nobody's server wrote anything."""
    written = sorted(row.at for row in testbed.hosts.journal.rows() if row.at >= since - 1)
    return max((later - earlier for earlier, later in pairwise(written)), default=0.0)


def check_without_service(testbed: Testbed, story: Story, since: float, name: str = "Without service") -> None:
    """Check how long nobody served: from the last row of the one server to the first of the other."""
    silent = without_service(testbed, since)
    own = _start_of(testbed, story)
    most = NO_SERVICE_MOST_S if testbed.manners.is_ideal else NO_SERVICE_ON_AWS_S
    story.check(
        name,
        silent - own < most,
        f"Nobody wrote for {silent:.2f} s, {own:.2f} s of them for the server's own start;"
        f" {most:g} s beside that are allowed.",
    )


def check_carried_ahead(testbed: Testbed, story: Story) -> None:
    """Check that what takes long was carried while the old server still served: nothing was left for the last copy."""
    last = testbed.answer(story.executions[-1], "ReplicateLast")["evidence"]
    left = int(last["changed"])
    story.check("Carried ahead", left == 0, f"The last copy carried {left} names: {last['reason']}.")


def _start_of(testbed: Testbed, story: Story) -> float:
    """Seconds that the new server's start took, from the order on the host to its word that it runs."""
    steps = testbed.steps(story.executions[-1])
    return sum((step.end or step.start) - step.start for step in steps if step.name == "StartServer")


def checks_of(readiness: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The checks of a readiness by their names."""
    return {str(each["name"]): each for each in readiness["checks"]}
