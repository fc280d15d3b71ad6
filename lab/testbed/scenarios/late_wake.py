"""MS2's host freezes once MS1 is fenced, the change is halted and taken back to MS1; then the host wakes.

What was ordered of it before must be dead by then: it starts nothing, and the audit has it confirm that it is stopped.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import ADMIN_PORT
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.auditing import audit_finds
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

_STATE = "/var/lib/ms-failover/epoch"


def run(testbed: Testbed, story: Story) -> None:
    standby = testbed.hosts.ms("ms2")
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"), old=None)
    execution = story.await_execution(20)
    story.await_receipt(epoch=2)
    standby.host.freeze()
    story.note("ms1 is fenced; every process of ms2's host stands still")
    halted = testbed.outcome(execution, 120)
    story.check("Halted for a person", halted == "halted", f"With ms2's host frozen, the failover is {halted}.")
    back = testbed.start({"action": "resume", "target": "ms1", "reason": "ms2 is frozen", "requested_by": "Ann"})
    story.follow(back)
    story.note("Ann resumes, back to ms1")
    story.await_end(back)
    standby.host.thaw()
    story.note("ms2's host wakes, and continues with what it had in hand")
    story.watch_on(4)
    story.check("What was ordered before is dead", not standby.is_running(), "The service of ms2 was not started.")
    serves = testbed.hosts.ms("ms1").is_running()
    story.check("One service runs", serves and not standby.is_running(), "It is the active server's, ms1's.")
    audit_finds(testbed, story)

    def confirmed() -> str:
        testbed.invoke("audit", {})
        words = standby.host.inside(_STATE).read_text().split() if standby.host.inside(_STATE).exists() else []
        return " ".join(words) if words == ["3", "standby"] else ""

    answer = wait_for("ms2's host to confirm that it is stopped", confirmed, 20)
    story.check("Its host has confirmed the stop", True, f"ms2's host says {answer}.")
    # Once it runs by somebody's hand, the audit sees two services, and stops the second.
    standby.start()
    standby.host.wait_listening(ADMIN_PORT)
    story.note("somebody starts ms2's service by hand")
    audit_finds(testbed, story, "two-services")
    wait_for("ms2's service to be stopped again", lambda: not standby.is_running(), 20)
    story.check("The second service was stopped", not standby.is_running(), "The audit had its host stop it.")
    story.watch_on(1)


SCENARIO = Scenario(
    "late-wake",
    "MS2's host freezes behind the fence, and wakes when MS1 is active again",
    "promoted",
    run,
    # Without the owner's word only power proves the fence of a host that may have started unseen: it would not wake.
    parameters={"StartLimitSeconds": "8", "DatabasePathIsDirect": "yes"},
    agents=5,
)
