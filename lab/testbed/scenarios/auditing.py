"""What the scenarios about the audit have in common: its tick, brought forward, and its alarm."""

from __future__ import annotations

import time
from typing import Any

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import STACK, Testbed

ALARM = f"{STACK}-split-brain-risk"
_PERIOD_S = 60


def audit_finds(testbed: Testbed, story: Story, *findings: str) -> dict[str, Any]:
    """Run the audit now instead of within the minute, and check that it finds just this; returns its answer."""
    answer = testbed.invoke("audit", {})
    found = [name for name, verdict in answer["findings"].items() if verdict["answer"] == "yes"]
    story.note(f"the audit runs, and finds {', '.join(found) or 'nothing wrong'}")
    wanted = ", ".join(findings) or "nothing wrong"
    story.check(f"The audit finds {wanted}", sorted(found) == sorted(findings), answer["risk"]["sentence"])
    return answer


def check_alarm(testbed: Testbed, story: Story) -> None:
    """Check that the alarm goes off, at the end of the minute: its evaluation too is brought forward."""

    def in_alarm() -> str | None:
        testbed.cloud.alarms.step(time.time() + _PERIOD_S)
        found = testbed.cloud.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
        return str(found["StateReason"]) if found["StateValue"] == "ALARM" else None

    reason = wait_for(f"the alarm {ALARM}", in_alarm, 10)
    story.check("The alarm goes off", True, reason)


def sessions_of(testbed: Testbed, address: str) -> int:
    """How many sessions the database has from an address, as it says itself."""
    return [each.address for each in testbed.hosts.database.sessions()].count(address)
