"""The calendar's moment comes: the pair is moved to MS2 by the ordinary workflow, watched there, and moved home again.

The moment is delivered twice, and is one game day. It touches nothing itself: both moves are changes like a person's.
"""

from __future__ import annotations

from lab.testbed.scenarios.game_days import await_end, calendar, check_reported, move_home, move_there
from lab.testbed.scenarios.planned import check_without_service
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

SERVES_S = 15


def run(testbed: Testbed, story: Story) -> None:
    asked_at = move_there(testbed, story)
    served_at = float(testbed.game_day()["since"])
    check_without_service(testbed, story, asked_at, "Without service, there")
    story.await_agents("ms2")
    move_home(story)
    home = next(line for line in testbed.history() if line["execution"] == story.executions[-1])
    span = float(home["taken_at"]) - served_at
    story.check("It served as long as it was to", span >= SERVES_S, f"ms2 served for {span:.1f} s before the move.")
    check_without_service(testbed, story, served_at + SERVES_S, "Without service, home")
    found = await_end(testbed, story)
    changes = [line for line in testbed.history() if line["action"] == "switchover"]
    asked = [(str(line["requested_by"]), str(line["outcome"])) for line in changes]
    story.check("Two changes, no more", asked == [("game-day", "promoted")] * 2, f"Newest first: {asked}.")
    seconds = [float(found["there_s"]), float(found["home_s"])]
    story.check("Measured against the target", max(seconds) <= found["target_s"], str(found["sentence"]))
    check_reported(testbed, story, "info")
    story.await_agents("ms1")
    story.watch_on(1)


SCENARIO = Scenario(
    "game-day", "The calendar moves the pair to MS2 and home again", "completed", run, calendar(SERVES_S), agents=5
)
