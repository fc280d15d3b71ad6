"""The functions in the network can't reach MS2, Run Command can; and then MS1's server process is killed.

A promotion could not be verified: it would halt while MS2 serves unseen. Readiness says so before, and the failover is
blocked with nothing touched. Mended, the watchdog's next try would find the standby fit again.
"""

from __future__ import annotations

from lab.testbed.hosts.addresses import AGENTS, CLOUD, DATABASE, MS1, NAMES, RESOLVER
from lab.testbed.scenarios.planned import checks_of
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed

_ALL_BUT_THE_FUNCTIONS = (AGENTS, CLOUD, DATABASE, MS1, NAMES, RESOLVER)


def run(testbed: Testbed, story: Story) -> None:
    standby, before = testbed.hosts.ms("ms2").host, as_it_stands(testbed)
    standby.cut(_ALL_BUT_THE_FUNCTIONS)
    story.note("a route is lost: the functions can't reach ms2, Run Command can")
    ready = checks_of(testbed.invoke("readiness", {"action": "check"}))["standby is fit"]
    story.check("Readiness names it", ready["answer"] == "unknown", ready["sentence"])
    host = testbed.invoke("server", {"action": "check_standby", "server": "ms2"})
    story.check("Its host answers Run Command", host["answer"] == "yes", host["sentence"])
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"), old=None)
    story.await_outcome()
    sentence = str(testbed.history()[0].get("sentence"))
    story.check("The reason is the way to ms2", "Nothing of ms2 comes back" in sentence, sentence)
    check_untouched(testbed, story, before)
    story.check(
        "The standby was not started", not testbed.hosts.ms("ms2").is_running(), "The service of ms2 is stopped."
    )
    standby.reconnect()
    fit = testbed.invoke("probe", {"action": "check_reachable", "server": "ms2"})
    story.check("Mended, it is fit again", fit["answer"] == "yes", fit["sentence"])


SCENARIO = Scenario("standby-unreachable", "MS1 is killed while only Run Command reaches MS2", "blocked", run, agents=5)
