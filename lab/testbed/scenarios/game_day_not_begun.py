"""The calendar's moment comes when the pair must not be moved: the game day does not begin, and says why.

One scenario for each reason. Nothing is touched, and nobody is asked whose answer could not matter.
"""

from __future__ import annotations

from collections.abc import Callable

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.game_days import await_end, calendar, check_reported, come
from lab.testbed.scenarios.people import keep
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def _not_ready(testbed: Testbed, story: Story) -> None:
    testbed.hosts.ms("ms2").host.run(["systemctl", "enable", SERVICE])
    story.note("an upgrade turns autostart on again on ms2")


def _maintenance(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "maintenance", seconds=600)


def _mode(testbed: Testbed, story: Story) -> None:
    keep(testbed, story, "set_mode", mode="manual")


def _unacknowledged(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()


def _change_running(testbed: Testbed, story: Story) -> None:
    """A switchover that takes its time: the standby's host stands still, and its answer is awaited."""
    testbed.hosts.host("ms2").freeze()
    story.pass_over(testbed.start(SWITCHOVER))
    story.note("Ann asks for a switchover, and ms2's host stands still")
    wait_for("it holds the lease", lambda: testbed.record().get("lease"), 20 * testbed.patience)


def _thaw(testbed: Testbed, story: Story) -> None:
    wait_for("the switchover has ended", lambda: not testbed.record().get("lease"), 60 * testbed.patience)
    testbed.hosts.host("ms2").thaw()
    story.note("ms2's host continues")


def _scenario(
    name: str,
    headline: str,
    why: str,
    arrange: Callable[[Testbed, Story], None],
    afterwards: Callable[[Testbed, Story], None] = lambda _testbed, _story: None,
) -> Scenario:
    def run(testbed: Testbed, story: Story) -> None:
        arrange(testbed, story)
        before = as_it_stands(testbed)
        come(testbed, story)
        found = await_end(testbed, story)
        story.check("The reason is said", why in found["sentence"], str(found["sentence"]))
        check_reported(testbed, story, "warning")
        afterwards(testbed, story)
        story.watch_on(1)
        check_untouched(testbed, story, before)

    run.__module__ = __name__
    return Scenario(f"game-day-{name}", headline, "not-begun", run, calendar(60), agents=5)


SCENARIOS = (
    _scenario("not-ready", "A game day is due, and the pair is not ready", "autostart off", _not_ready),
    _scenario("maintenance", "A game day is due in a maintenance", "Maintenance until", _maintenance),
    _scenario("manual", "A game day is due in manual mode", "In manual mode a person decides", _mode),
    _scenario(
        "unacknowledged",
        "A game day is due, and the last failover was not acknowledged",
        "has not been acknowledged",
        _unacknowledged,
    ),
    _scenario("change-running", "A game day is due while a change runs", "holds the lease", _change_running, _thaw),
)
