"""The calendar's moment comes when the pair must not be moved: the game day does not begin, and says why.

One reason after the other on one pair. Nothing is touched, and nobody is asked whose answer could not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.game_days import await_end, calendar, check_reported, come
from lab.testbed.scenarios.people import keep
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


@dataclass(frozen=True)
class Reason:
    """A reason not to begin.

    Args:
        name: what the checks call it.
        says: a part of the sentence that names it.
        arrange: makes it so.
        undo: makes the pair fit for a game day again.
    """

    name: str
    says: str
    arrange: Callable[[Testbed, Story], None]
    undo: Callable[[Testbed, Story], None]


def _autostart_on(testbed: Testbed, story: Story) -> None:
    testbed.hosts.ms("ms2").host.run(["systemctl", "enable", SERVICE])
    story.note("an upgrade turns autostart on again on ms2")


def _autostart_off(testbed: Testbed, story: Story) -> None:
    testbed.hosts.ms("ms2").host.run(["systemctl", "disable", SERVICE])
    story.note("autostart is off again on ms2")


def _begin_switchover(testbed: Testbed, story: Story) -> None:
    """A switchover that takes its time: the standby's host stands still, and its answer is awaited."""
    testbed.hosts.host("ms2").freeze()
    story.pass_over(testbed.start(SWITCHOVER))
    story.note("Ann asks for a switchover, and ms2's host stands still")
    wait_for("it holds the lease", lambda: testbed.record().get("lease"), 20 * testbed.patience)


def _await_switchover(testbed: Testbed, story: Story) -> None:
    wait_for("the switchover has ended", lambda: not testbed.record().get("lease"), 60 * testbed.patience)
    testbed.hosts.host("ms2").thaw()
    story.note("ms2's host continues")


def _begin_maintenance(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "maintenance", seconds=600)


def _end_maintenance(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "maintenance", seconds=0)


def _manual(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "set_mode", mode="manual")


def _automatic(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "set_mode", mode="automatic")


def _fail_over(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()


REASONS = (
    Reason("not ready", "autostart off", _autostart_on, _autostart_off),
    Reason("a change runs", "holds the lease", _begin_switchover, _await_switchover),
    Reason("maintenance", "Maintenance until", _begin_maintenance, _end_maintenance),
    Reason("manual mode", "In manual mode a person decides", _manual, _automatic),
    # Last: it moves the pair, and what follows would be about a pair that was moved.
    Reason("unacknowledged", "has not been acknowledged", _fail_over, lambda _testbed, _story: None),
)


def _run(testbed: Testbed, story: Story) -> None:
    for earlier, reason in enumerate(REASONS):
        story.doing = f"a game day is due: {reason.name}"
        reason.arrange(testbed, story)
        before, last = as_it_stands(testbed), str(testbed.game_day().get("execution", ""))
        come(testbed, story)
        found = await_end(testbed, story, after=last)
        says = str(found["sentence"])
        story.check(f"Not begun: {reason.name}", found["result"] == "not-begun" and reason.says in says, says)
        check_reported(testbed, story, "warning", earlier)
        reason.undo(testbed, story)
        story.watch_on(1)
        check_untouched(testbed, story, before)


SCENARIO = Scenario(
    "game-day-not-begun",
    "A game day is due, five times, and the pair must not be moved",
    "not-begun",
    _run,
    calendar(60),
    agents=5,
)
