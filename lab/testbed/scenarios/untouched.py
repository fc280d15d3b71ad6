"""Whether the pair is as it was: the access group, the name and the record."""

from __future__ import annotations

from dataclasses import dataclass

from failoverctl.acceptance.report.record import AccessObserved, NameSeen
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Testbed


@dataclass(frozen=True)
class Before:
    """How the pair stood when the outage began."""

    access: tuple[AccessObserved, ...]
    name: tuple[NameSeen, ...]
    active: str
    epoch: int


def as_it_stands(testbed: Testbed) -> Before:
    """Note how the pair stands now."""
    record = testbed.record()
    return Before(testbed.firewall.seen, testbed.names.seen, str(record["active"]), int(record["epoch"]))


def check_untouched(testbed: Testbed, story: Story, before: Before) -> None:
    """Check that nothing was touched since: every change of access or DNS record is recorded, even one taken back."""
    now = as_it_stands(testbed)
    story.check(
        "Nothing was touched",
        now == before,
        f"Access and the DNS record were changed {len(now.access) - len(before.access)} and"
        f" {len(now.name) - len(before.name)} times;"
        f" {now.active} is active in epoch {now.epoch}, before {before.active} was in epoch {before.epoch}.",
    )
    lease = testbed.record().get("lease")
    story.check("The lease was given back", lease is None, f"The record's lease is {lease or 'nobody’s'}.")
