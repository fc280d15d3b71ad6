"""The watchdog itself dies and stays dead. Nothing of the pair is hurt, and nobody would notice the next outage.

So its silence is an alarm of its own: it does not need the watchdog to go off.
"""

from __future__ import annotations

from lab.testbed.scenarios.people import alarmed, await_alarm
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import STACK, Stage

NAME = "watchdog-silent"
FUNCTION = f"{STACK}-watch"


def play(stage: Stage, story: Story) -> None:
    before = as_it_stands(stage)
    well = await_alarm(stage, NAME, "OK")
    story.check("Quiet while it looks", True, well)
    heard = len(alarmed())
    story.fault("the watchdog dies, and stays dead", lambda: _kill(stage), old=None)
    reason = await_alarm(stage, NAME)
    went_off = NAME in alarmed()[heard:]
    story.check("The alarm goes off, and people are told", went_off, reason)
    check_untouched(stage, story, before)
    story.watch_on(1)
    story.outcome = "alarmed"


def _kill(stage: Stage) -> None:
    """No call is let through any more, and the process of the tick that runs is gone."""
    stage.cloud.client("lambda").put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0)
    stage.cloud.functions.kill(FUNCTION)


SCENARIO = Scenario("watchdog-dies", "The watchdog dies, and its alarm says so", "alarmed", play, agents=5)
