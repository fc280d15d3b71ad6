"""What the scenarios of game days have in common: the calendar's moment, the moves, and the report of the end."""

from __future__ import annotations

import time
from typing import Any

from failoverctl.account import Account
from failoverctl.status import status_of
from lab.testbed.cloud.account import REGION
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import notified
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import STACK, Testbed

NEVER_NOW = "cron(0 3 1 1 ? *)"


def calendar(serves_s: int) -> dict[str, str]:
    """The parameters of a pair with game days: its calendar is far away, and the scenario brings it forward."""
    return {"GameDaySchedule": NEVER_NOW, "GameDayServesSeconds": str(serves_s)}


def come(testbed: Testbed, story: Story) -> None:
    """The calendar's moment comes, and is delivered twice, as EventBridge Scheduler may."""
    name = f"{STACK}-game-day"
    testbed.cloud.targets.plan = lambda origin, _arn, _payload: (0.0, 0.0) if origin == name else (0.0,)
    testbed.cloud.schedules.fire(name)
    story.note("the calendar's moment comes, twice")


def move_there(testbed: Testbed, story: Story) -> float:
    """The moment comes, and the pair is moved to ms2; returns when it was asked for, once ms2 is watched."""
    at = time.time()
    story.change(at, "ms1", "ms2")
    come(testbed, story)
    there = story.await_execution(40)
    story.await_end(there)
    story.check("Moved there", story.outcome == "promoted", f"The move to ms2 ended as {story.outcome}.")
    wait_for("ms2 is watched", lambda: testbed.game_day().get("phase") == "serving", 30 * testbed.patience)
    return at


def move_home(story: Story, limit_s: float = 60) -> None:
    """The game day moves the pair home by itself."""
    story.change(time.time(), "ms2", "ms1")
    story.await_end(story.await_execution(limit_s))
    story.check("Moved home", story.outcome == "promoted", f"The move home to ms1 ended as {story.outcome}.")


def await_end(testbed: Testbed, story: Story, limit_s: float = 60, after: str = "") -> dict[str, Any]:
    """Wait until the game day has ended and is reported; its result is the scenario's outcome.

    Args:
        after: the execution of the game day before it, where there was one.
    """

    def reported() -> dict[str, Any] | None:
        day = testbed.game_day()
        return day if day.get("reported") and day["execution"] != after else None

    found: dict[str, Any] = wait_for("the game day's report", reported, limit_s * testbed.patience)
    story.outcome = str(found["result"])
    story.note(f"the game day: {found['result']}: {found['sentence']}")
    return found


def check_reported(testbed: Testbed, story: Story, severity: str, earlier: int = 0) -> None:
    """Check that its end is in the history once, an event for machines, a message, and in `status`.

    Args:
        severity: of the event.
        earlier: how many game days of this scenario ended before, in the same way.
    """
    result, sentence = story.outcome, str(testbed.game_day()["sentence"])
    lines = [str(line["sentence"]) for line in testbed.history() if line["action"] == "game-day"]
    story.check("In the history, once", lines[0] == sentence and len(lines) == earlier + 1, sentence)
    testbed.invoke("audit", {})
    events = [each["detail"] for each in testbed.cloud.bus.announced if each["detail-type"] == "Game Day Ended"]
    found = {(each["result"], each["severity"], each["number"]) for each in events}
    story.check(
        "An event for machines",
        {each[:2] for each in found} == {(result, severity)} and len(found) == earlier + 1,
        f"{found}",
    )
    messages = [each for each in notified() if "game day" in each]
    once = len(messages) == earlier + 1 and all(each.endswith(result) for each in messages)
    story.check("A message, once", once, f"Messages: {messages}.")
    status = status_of(Account(None, REGION, testbed.cloud.endpoint), STACK)
    shown = (status["game_day"] or {}).get("result")
    problems = [each["sentence"] for each in status["problems"] if each["see"] == "game-day"]
    left = testbed.record()["active"] != testbed.game_day()["home"] and testbed.game_day()["home"] == "ms1"
    story.check(
        "In the status",
        shown == result and bool(problems) == (left and result in ("stayed", "interrupted")),
        f"{shown}; problems: {problems}.",
    )


def game_day_execution(testbed: Testbed) -> str:
    """The execution that leads the game day, by its ARN."""
    return str(testbed.game_day()["execution"])
