"""MS1's host goes down hard and is back after the failover, its server started by the host itself.

EC2 sees a running instance all the time, and the order to stop finds nobody, or finds the host when it is back: it is
the revoked access, not the autostart switch, that keeps the server that came back away from the database.
"""

from __future__ import annotations

from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    server = testbed.hosts.ms("ms1")
    server.host.run(["systemctl", "enable", SERVICE])
    story.note("an upgrade of the package turns autostart on again on ms1")
    story.fault("ms1's host goes down", server.power_off)
    story.await_outcome()
    server.power_on()
    story.note("ms1's host is back, and starts its server by itself")
    log = server.host.files.path("/var/log/ssh-mgmt-server.log")
    wait_for("ms1's server tries the database", lambda: _refused(log.read_text(errors="replace")), 15)
    story.check(
        "The server that came back had no access to the database", True, _refused(log.read_text(errors="replace"))
    )
    story.watch_on(1.5)


def _refused(log: str) -> str:
    """What the server said last of the database since it was started last, or that it was stopped before it got so far;
    empty while it has not tried."""
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if "started, lock" in line]
    if len(starts) < 2:  # the first start was before the outage
        return ""
    return next(
        (line for line in reversed(lines[starts[-1] :]) if " database" in line or line.endswith(" stopped")), ""
    )


SCENARIO = Scenario(
    "reboot", "MS1's host comes back after the failover and starts its server", "promoted", run, agents=5
)
