"""Whether the pair is as it was: the door, the name and the record."""

from __future__ import annotations

from dataclasses import dataclass

from lab.testbed.report.record import DoorSeen, NameSeen
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Stage


@dataclass(frozen=True)
class Before:
    """How the pair stood when the incident began."""

    door: tuple[DoorSeen, ...]
    name: tuple[NameSeen, ...]
    active: str
    epoch: int


def as_it_stands(stage: Stage) -> Before:
    """Note how the pair stands now."""
    record = stage.record()
    return Before(stage.doors.seen, stage.names.seen, str(record["active"]), int(record["epoch"]))


def check_untouched(stage: Stage, story: Story, before: Before) -> None:
    """Check that nothing was touched since: every move of door or name would have been seen, even one taken back."""
    now = as_it_stands(stage)
    story.check(
        "Nothing was touched",
        now == before,
        f"The door and the name were moved {len(now.door) - len(before.door)} and {len(now.name) - len(before.name)}"
        f" times; {now.active} is active in epoch {now.epoch}, before {before.active} was in epoch {before.epoch}.",
    )
    lease = stage.record().get("lease")
    story.check("The lease was given back", lease is None, f"The record's lease is {lease or 'nobody’s'}.")
