"""What the scenarios about replication have in common: a run brought forward, and what the hosts hold."""

from __future__ import annotations

from typing import Any

from lab.testbed import compare_copies
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Testbed

_RUN_S = 40


def replicate(testbed: Testbed, story: Story, mode: str = "changes") -> dict[str, Any]:
    """Have the next scheduled run made now, and return its result as the function has it."""
    story.doing = "the next run of the replication"

    def sent() -> bool:
        """A run that is under way is left alone; the one after it is ours."""
        before = testbed.freshness().get("command")
        testbed.invoke("replicate", {"action": "scheduled", "mode": mode})
        return bool(testbed.freshness()["command"] != before)

    wait_for("a run of the replication", sent, _RUN_S)
    result = dict(wait_for("its result", lambda: (now := testbed.freshness())["ended"] and now["last"], _RUN_S))
    story.note(f"replication: {result.get('reason')}")
    return result


def held(testbed: Testbed, role: str = "ms2") -> dict[str, compare_copies.Tree]:
    """What a server's host has of all that is replicated."""
    return compare_copies.held(testbed.hosts.ms(role))


def check_equal(testbed: Testbed, story: Story, source: str = "ms1", copy: str = "ms2") -> None:
    """Compare both hosts from outside, for the report and as a check."""
    found = compare_copies.compare(testbed.hosts.ms(source), testbed.hosts.ms(copy))
    story.replication = found
    same = "the same" if found.identical else "not the same"
    story.check(
        "The standby holds it all", bool(found.identical), f"{found.files} files, {same} on {source} and {copy}."
    )


def check_kept(story: Story, before: dict[str, compare_copies.Tree], after: dict[str, compare_copies.Tree]) -> None:
    """Check that the standby has what it had, name for name and byte for byte."""
    files = sum(map(len, before.values()))
    kept = before == after
    story.check("The standby kept what it had", kept, f"{files} files, {'all' if kept else 'not all'} as they were.")


def check_refused(story: Story, result: dict[str, Any], words: str) -> None:
    """Check that the run counts as failed, and for the reason that it should have."""
    reason = str(result.get("reason"))
    story.check("The run counts as failed", result.get("complete") is not True and words in reason, reason)
