"""Every API of the failover's path begins with a burst of throttling that outlasts the SDK's own retries."""

from __future__ import annotations

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

PROMOTED_WITHIN_S = 240.0


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed; every API is throttled at first", lambda: testbed.hosts.kill_ms("ms1"))
    # A try that was throttled for too long has touched nothing and is blocked; the watchdog makes the next one.
    execution = str(wait_for("a promotion", lambda: _promoted(testbed), PROMOTED_WITHIN_S))
    story.follow(execution)
    story.await_end(execution)
    throttled = testbed.cloud.front.throttled
    listed = ", ".join(f"{count} × {call}" for call, count in sorted(throttled.items()))
    path = {"lambda.Invoke", "ec2.RevokeSecurityGroupIngress", "ec2.AuthorizeSecurityGroupIngress", "ssm.SendCommand"}
    story.check("The path was throttled", path <= throttled.keys(), f"Throttled were {listed}.")
    story.await_agents("ms2")
    story.watch_on(1.5)


def _promoted(testbed: Testbed) -> str | None:
    """The execution that promoted ms2; None while there is none."""
    lines = [each for each in testbed.history() if each["outcome"] == "promoted" and each["target"] == "ms2"]
    return str(lines[0]["execution"]) if lines else None


SCENARIO = Scenario(
    "throttled",
    "MS1 is killed while every API answers with throttling at first",
    "promoted",
    run,
    agents=5,
    cloud="aws",
    manners={"throttle.share": 1.0},
)
