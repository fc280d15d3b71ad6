"""What the scenarios about proofs have in common: by which way the fence was proven, and by which it was not."""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Testbed

WITHOUT_ACLS = {"DatabaseNetworkAclIds": "", "DatabaseSubnetIds": ""}
"""Parameters of an owner who gives no network ACLs: the database proves, or power does."""


def check_by_network(testbed: Testbed, story: Story) -> None:
    """Check that the network is the proof, and that the old server's machine was let alone."""
    receipt = testbed.record()["receipt"]
    evidence = " ".join(receipt["evidence"])
    story.check("Proven by the network", receipt["by"] == "network", f"The receipt is by {receipt['by']}: {evidence}")
    on = testbed.hosts.machines.is_on(testbed.instances["ms1"])
    story.check("The old server's machine is let alone", on, f"ms1's machine is {'on' if on else 'off'}.")


def check_by_power(testbed: Testbed, story: Story, old: str = "ms1") -> None:
    """Check that the old server's machine was switched off, that this is the proof, and that it stayed off."""
    receipt = testbed.record()["receipt"]
    evidence = " ".join(receipt["evidence"])
    story.check("Proven by power", receipt["by"] == "power", f"The receipt is by {receipt['by']}: {evidence}")
    on = testbed.hosts.machines.is_on(testbed.instances[old])
    story.check("The old server stays off", not on, f"{old}'s machine is {'on' if on else 'off'}.")


def check_named(testbed: Testbed, story: Story, name: str, words: str) -> None:
    """Check that a step of the fence says some words, which name what keeps a proof from being one."""
    steps = testbed.steps(story.executions[0])
    fence = ("RevokeAccess", "EndSessions", "VerifyFence")
    named = next((step.result for step in steps if step.name in fence and words in step.result), "")
    story.check(name, bool(named), named or f"No step of the fence says {words!r}.")


def check_list_proves_nothing(testbed: Testbed, story: Story) -> None:
    """Check that the database's list, asked for a proof now, does not say that ms1 has no sessions."""
    answer = testbed.invoke("database-sessions", {"action": "status", "server": "ms1", "reads": 1, "proof": True})
    story.check("The list proves nothing", answer["answer"] != "no", str(answer["sentence"]))
