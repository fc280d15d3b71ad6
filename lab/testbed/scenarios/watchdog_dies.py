"""The watchdog itself dies and stays dead. Nothing of the pair is hurt, and nobody would notice the next outage.

So its silence is an alarm of its own: it does not need the watchdog to go off.
"""

from __future__ import annotations

from lab.testbed.scenarios.people import alarmed, await_alarm
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import STACK, Testbed

NAME = "watchdog-silent"
FUNCTION = f"{STACK}-watch"


def run(testbed: Testbed, story: Story) -> None:
    before = as_it_stands(testbed)
    well = await_alarm(testbed, NAME, "OK")
    story.check("Quiet while it probes", True, well)
    heard = len(alarmed())
    story.fault("the watchdog dies, and stays dead", lambda: _kill(testbed), old=None)
    reason = await_alarm(testbed, NAME)
    went_off = NAME in alarmed()[heard:]
    story.check("The alarm goes off and notifies", went_off, reason)
    check_untouched(testbed, story, before)
    story.watch_on(1)
    story.outcome = "alarmed"


def _kill(testbed: Testbed) -> None:
    """No call is let through any more, and the process of the tick that runs is gone."""
    testbed.cloud.client("lambda").put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0)
    testbed.cloud.functions.kill(FUNCTION)


SCENARIO = Scenario("watchdog-dies", "The watchdog dies, and its alarm says so", "alarmed", run, agents=5)
