"""The database goes down while MS1 hangs: who is connected can't be asked, so the proof must come by power.

MS1's writer tries to get back in all the time. The database returns only after MS1's machine is off.
"""

from __future__ import annotations

from local.scenarios.scenario import Scenario, Story
from local.stage import Stage


def play(stage: Stage, story: Story) -> None:
    def strike() -> None:
        stage.hosts.hang_admin("ms1")
        stage.hosts.database.kill()

    story.fault("ms1's administration interface hangs, and the database goes down", strike)
    execution = story.await_execution(20)
    story.await_receipt(epoch=2)
    stage.hosts.database.start()
    story.tell("the database is back")
    story.await_end(execution)
    check_by_power(stage, story)
    story.watch_on(1)


def check_by_power(stage: Stage, story: Story) -> None:
    """Check that MS1's machine was switched off, that this is the proof, and that nobody switched it on again."""
    receipt = stage.record()["receipt"]
    evidence = " ".join(receipt["evidence"])
    story.check("Proven by power", receipt["by"] == "power", f"The receipt is by {receipt['by']}: {evidence}")
    on = stage.hosts.machines.is_on(stage.instances["ms1"])
    story.check("The old server stays off", not on, f"ms1's machine is {'on' if on else 'off'}.")


SCENARIO = Scenario(
    "database-down",
    "The database is down while MS1 hangs; the fence is proven by power",
    "promoted",
    play,
    parameters={"PowerPauseSeconds": "1"},
    agents=5,
)
