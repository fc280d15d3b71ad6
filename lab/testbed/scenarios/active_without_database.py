"""MS1's route to the database breaks while its page answers; a session that is half dead stays listed.

Nobody can work, and every cheap signal is green. The audit finds it at its next minute, an alarm goes off, the first
line of `failoverctl status` is red. Nothing fails over for it: the database may be cut off from the other one as well.
"""

from __future__ import annotations

from contextlib import suppress

from failoverctl.account import Account
from failoverctl.status import status_of
from lab.testbed.cloud.account import REGION
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.polling import TestbedError, wait_for
from lab.testbed.scenarios.auditing import audit_finds, sessions_of
from lab.testbed.scenarios.people import alarmed, await_alarm
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import STACK, Testbed

FINDING = "active-without-database"


def run(testbed: Testbed, story: Story) -> None:
    server, before = testbed.hosts.ms("ms1"), as_it_stands(testbed)
    _check_line(testbed, story, "While all is well, the first line is green", "good")
    story.fault("ms1's route to the database breaks", lambda: _route(testbed, "add"), old=None)
    serves = testbed.invoke("probe", {"action": "check_serving", "server": "ms1"})
    listed = sessions_of(testbed, server.host.place.address)
    story.check(
        "Its page answers, its session stays listed", serves["answer"] == "yes" and listed > 0, serves["sentence"]
    )
    audit_finds(testbed, story, FINDING)
    with testbed.cloud.alarms.held():  # brought forward, it would be taken back at the next second
        reason = await_alarm(testbed, FINDING, minutes=1)
        story.check("The alarm goes off within the minute", FINDING in alarmed(), reason)
        _check_line(testbed, story, "The first line is red", "bad")
    story.watch_on(4)
    check_untouched(testbed, story, before)
    story.check("No blind failover", not testbed.executions()[1:], "Nothing was started but the adoption.")
    written = testbed.hosts.journal.by_server()["ms1"].count
    _route(testbed, "del")
    story.note("the route is there again")
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].count > written, 30)
    audit_finds(testbed, story)
    story.outcome = "alarmed"


def _route(testbed: Testbed, verb: str) -> None:
    testbed.hosts.ms("ms1").host.run(["ip", "route", verb, "blackhole", f"{DATABASE}/32"])


def _check_line(testbed: Testbed, story: Story, name: str, how: str) -> None:
    """Check the first line of `status`, as somebody sees it who asks again for ten seconds."""
    account, seen = Account(None, REGION, testbed.cloud.endpoint), list[dict[str, str]]()

    def is_so() -> bool:
        seen.append(status_of(account, STACK)["headline"])
        return seen[-1]["how"] == how

    with suppress(TestbedError):
        wait_for(name, is_so, 10 * testbed.patience)
    story.check(name, seen[-1]["how"] == how, f"{seen[-1]['how']}: {seen[-1]['sentence']}")


SCENARIO = Scenario(FINDING, "MS1 loses its way to the database, and its page answers on", "alarmed", run, agents=5)
