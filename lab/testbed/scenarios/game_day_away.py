"""The pair was moved to MS2 by a game day, and then something is amiss. One scenario for each thing that may be.

It goes home where that helps, stays where it serves where home is not fit or its own execution is gone, and leaves an
outage to the watchdog. Each says so: in the history, as an event, in a message, in the status.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.testbed.faults import FAULTS
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.game_days import (
    await_end,
    calendar,
    check_reported,
    game_day_execution,
    move_home,
    move_there,
)
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def _amiss(testbed: Testbed, story: Story) -> None:
    """What going home mends: the name leads nobody to the server that serves."""
    FAULTS["record-elsewhere"].do(testbed, "ms2")
    story.note("somebody points the DNS record to where nothing is")
    move_home(story, limit_s=90)
    found = await_end(testbed, story)
    story.check("It says what was amiss", "record as expected" in found["sentence"], str(found["sentence"]))
    check_reported(testbed, story, "error")
    story.check("The name leads home", testbed.names.seen[-1].server == "ms1", f"It leads to {testbed.names.seen[-1]}.")
    story.await_agents("ms1")


def _home_not_ready(testbed: Testbed, story: Story) -> None:
    """Home is off, and stays so: the pair serves on where it is."""
    testbed.cloud.client("ec2").stop_instances(InstanceIds=[testbed.instances["ms1"]])
    story.note("ms1's machine is switched off")
    found = await_end(testbed, story, limit_s=120)
    story.check("It says why it can't go home", "can't go home to ms1" in found["sentence"], str(found["sentence"]))
    _stays_on_ms2(testbed, story)


def _interrupted(testbed: Testbed, story: Story) -> None:
    """Its own execution is stopped between the moves: nothing moves the pair home any more."""
    testbed.cloud.client("stepfunctions").stop_execution(executionArn=game_day_execution(testbed), error="Stopped")
    story.note("somebody stops the game day's execution")
    found = await_end(testbed, story)
    story.check("It says that it was cut short", "ended (aborted)" in found["sentence"], str(found["sentence"]))
    _stays_on_ms2(testbed, story)


def _server_dies(testbed: Testbed, story: Story) -> None:
    """An outage meanwhile is the watchdog's: it fails over as ever, and the game day moves nothing more."""
    story.fault("ms2's server process is killed", lambda: testbed.hosts.kill_ms("ms2"), "ms2", "ms1")
    story.await_outcome()
    story.check("The watchdog fails over", story.outcome == "promoted", f"It ended as {story.outcome}.")
    asked = str(testbed.history()[0]["requested_by"])
    story.check("By the watchdog alone", asked == "watch", f"The last change was asked for by {asked}.")
    await_end(testbed, story)
    check_reported(testbed, story, "critical")
    story.await_agents("ms1")


def _stays_on_ms2(testbed: Testbed, story: Story) -> None:
    check_reported(testbed, story, "critical")
    written = testbed.hosts.journal.by_server()["ms2"].count
    wait_for("ms2 writes on", lambda: testbed.hosts.journal.by_server()["ms2"].count > written, 10)
    moves = [line for line in testbed.history() if line["action"] == "switchover"]
    record = testbed.record()
    stays = len(moves) == 1 and (record["active"], int(record["epoch"])) == ("ms2", 2)
    story.check("It stays where it serves", stays, f"{record['active']} is active, epoch {record['epoch']}.")


def _scenario(
    name: str, headline: str, result: str, then: Callable[[Testbed, Story], None], serves_s: int = 60
) -> Scenario:
    def run(testbed: Testbed, story: Story) -> None:
        move_there(testbed, story)
        then(testbed, story)
        story.watch_on(1)

    run.__module__ = __name__
    return Scenario(f"game-day-{name}", headline, result, run, calendar(serves_s), agents=5)


SCENARIOS = (
    _scenario("amiss", "On a game day the DNS record leads elsewhere", "went-home", _amiss),
    _scenario("home-not-ready", "On a game day MS1's machine is switched off", "stayed", _home_not_ready, 15),
    _scenario("interrupted", "A game day is cut short between its moves", "interrupted", _interrupted),
    _scenario("server-dies", "On a game day MS2 dies", "interrupted", _server_dies),
)
