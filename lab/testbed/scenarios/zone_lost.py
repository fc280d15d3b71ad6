"""A zone is lost: MS1's machine, the database's instance and the probe's network interface in it are gone at once.

The probe sees neither server: it may be the probe that is cut off. The second one, in the other zone, sees the outage.
The database fails over to its standby in the other zone, which takes a minute or two, and is found under another
address then. EC2 goes on saying of MS1's machine that it is stopping: power proves nothing. Whatever can prove the
fence first must win, and the new server must come up as soon as there is a database for it.

Later the zone is back, and MS1's machine with it, its server started by the host itself: it finds its access revoked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lab.testbed.hosts.addresses import AGENTS, CLOUD, DATABASE, DATABASE_ELSEWHERE, NAMES, RESOLVER
from lab.testbed.hosts.server_host import SERVICE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.planned import checks_of
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

AFTER_MOST_S = 60.0
"""Seconds from the moment when a way of proof and a database are there until the new server is promoted."""


SEEN_BY_THE_SECOND = "This is what the second one sees."


def run(testbed: Testbed, story: Story) -> None:
    lose_zone(testbed, story, lambda: cut_probe(testbed))
    testbed.hosts.host("vpc").reconnect()
    come_back(testbed, story)
    story.watch_on(2)


def cut_probe(testbed: Testbed) -> None:
    """Take the probe's way to both servers; the function that reads the database's sessions keeps its own."""
    testbed.hosts.host("vpc").cut((AGENTS, CLOUD, DATABASE, DATABASE_ELSEWHERE, NAMES, RESOLVER))


def lose_zone(testbed: Testbed, story: Story, lose_probe: Callable[[], object]) -> None:
    """Lose the zone, have the database back elsewhere after its time, and follow the failover to its end.

    Args:
        lose_probe: makes the first probe one that sees nothing, or can't be asked.
    """
    both = checks_of(testbed.invoke("readiness", {"action": "check"}))["both probes"]
    story.check("Both probes were seen to work", both["answer"] == "yes", both["sentence"])
    away_s = testbed.manners.draw("database.away")
    back_at: list[float] = []

    def return_elsewhere() -> None:
        testbed.hosts.move_database()
        testbed.hosts.database.start()
        back_at.append(time.time())
        story.note(f"the database is back in the other zone, under another address, after {away_s:.0f} s")

    def strike() -> None:
        testbed.hosts.ms("ms1").power_off()
        testbed.hosts.database.kill()
        lose_probe()

    back = threading.Timer(away_s, return_elsewhere)
    story.fault("a zone is lost: ms1's machine, the database's instance and the probe's interface are in it", strike)
    back.start()
    try:
        execution = story.await_execution(40)
        story.await_end(execution, 90)
    finally:
        back.join()
    ended_at = time.time()
    reason = str(testbed.history()[0].get("reason"))
    story.check("The second probe saw the outage", SEEN_BY_THE_SECOND in reason, reason)
    receipt = testbed.record().get("receipt") or {}
    proven_at = float(receipt.get("verified_at", ended_at))
    took_s = ended_at - max(back_at[0], proven_at if receipt.get("by") == "power" else 0.0)
    story.check(
        "Promoted in time",
        took_s <= AFTER_MOST_S,
        f"The fence was proven by {receipt.get('by')}; the workflow ended {took_s:.0f} s after there was a database and"
        f" a way to prove it; {AFTER_MOST_S:g} s are allowed.",
    )
    story.await_agents("ms2")


def come_back(testbed: Testbed, story: Story) -> None:
    """The zone is there again: MS1's host boots, with autostart on, and its server tries the database."""
    server = testbed.hosts.ms("ms1")
    server.power_on()
    server.host.run(["systemctl", "enable", SERVICE])
    server.host.run(["systemctl", "start", SERVICE], check=False)
    story.note("the zone is back; ms1's host starts its server")
    log = server.host.files.path("/var/log/ssh-mgmt-server.log")
    lines = len(log.read_text(errors="replace").splitlines())
    wait_for(
        "ms1's server tries the database",
        lambda: [line for line in log.read_text(errors="replace").splitlines()[lines - 1 :] if " database" in line],
        20,
    )


SCENARIO = Scenario(
    "zone-lost",
    "MS1's zone is lost, the probe with it; the database fails over; the zone returns",
    "promoted",
    run,
    agents=5,
    cloud="aws",
    manners={"ec2.hangs": 1.0},
    multi_az=True,
)
