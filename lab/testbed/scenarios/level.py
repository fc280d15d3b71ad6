"""A failover stood down, and the alarm's next event is lost: MS1 dies for good, and no event tells of it.

What started the first one was an alarm that somebody tried out. The watchdog does not wait for events: it acts on what
it sees, as often as it sees it.
"""

from __future__ import annotations

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    cloud = testbed.cloud
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName="testbed-active-server-down", StateValue="ALARM", StateReason="somebody tries the alarm out"
    )
    story.note("the alarm goes off though ms1 is well")
    stood_down = testbed.outcome(story.await_execution(20), 30)
    story.check("The false alarm stood down", stood_down == "stood-down", f"It ended as {stood_down}.")
    lost: list[str] = []

    def lose_alarms(origin: str, arn: str, _payload: object) -> tuple[float, ...]:
        if origin != "testbed-alarm-starts-failover":
            return (0.0,)
        lost.append(arn)
        return ()

    cloud.targets.plan = lose_alarms
    story.fault("ms1's server process is killed; the alarm's events are lost", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    by = str(testbed.history()[0]["requested_by"])
    story.check("The watchdog started it", by == "watch", f"The failover was asked for by {by}.")
    story.watch_on(1)


SCENARIO = Scenario(
    "level", "A failover stood down, and no second alarm comes when MS1 dies", "promoted", run, agents=5
)
