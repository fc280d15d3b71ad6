"""Five triggers at once: the watchdog, the alarm, and three people who saw the same page go dark. The lease makes one.

The testbed's own watchdog is set not to start anything, so that there are exactly five.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

TRIGGERS = ("watch", "alarm", "Ann", "Ben", "Cem")


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))

    def trigger(who: str) -> str:
        return testbed.start({"action": "failover", "reason": "ms1 does not answer", "requested_by": who})

    with ThreadPoolExecutor(len(TRIGGERS)) as threads:
        executions = list(threads.map(trigger, TRIGGERS))
    story.note("five triggers at once")
    with ThreadPoolExecutor(len(TRIGGERS)) as threads:
        outcomes = dict(zip(executions, threads.map(lambda each: testbed.outcome(each, 60), executions), strict=True))
    # The one that ran is the story's; where none or several did, the check below says so.
    story.follow(next((each for each in executions if outcomes[each] != "refused"), executions[0]))
    story.await_end(story.executions[0])
    counted = sorted(outcomes.values())
    story.check(
        "One ran, four were refused",
        counted == ["promoted", *["refused"] * 4],
        f"The five ended as {', '.join(counted)}.",
    )
    story.watch_on(1)


SCENARIO = Scenario(
    "duplicate",
    "Five triggers at once make one failover",
    "promoted",
    run,
    parameters={"WatchStartsFailover": "no"},
    agents=5,
)
