"""A switchover: MS1 was stopped, its last files are on their way, and its host goes down for good.

There is nobody to wait for and nobody to turn back to. What MS2 holds is complete, carried while MS1 still served: it
is enough to continue with, as a failover, and what may be missing is said.
"""

from __future__ import annotations

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed.hosts.link import hold_copies_after
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.copying import check_kept, held
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

FILES, BYTES_EACH = 40, 100_000
NOT_WAITED_FOR_S = 30.0
"""Seconds from the host's end to the decision what comes instead; the last copy itself may take 120."""


def run(testbed: Testbed, story: Story) -> None:
    before, server = held(testbed), testbed.hosts.ms("ms1")
    hold_copies_after(server.host, FILES * BYTES_EACH // 3)
    _let_results_of_stops_be_late(testbed, 3.0)
    execution = testbed.start(SWITCHOVER)
    story.follow(execution)
    story.note("Ann asks for a switchover to ms2")
    wait_for("ms1's service to be stopped", lambda: not server.is_running(), 40 * testbed.patience)
    testbed.hosts.import_package(FILES, BYTES_EACH)
    staging = testbed.hosts.ms("ms2").host.inside(
        "/var/opt/ssh-mgmt/server/.ms-failover/dists/transfer/incoming/package"
    )
    wait_for("half of the last copy", lambda: [*staging.glob("*.rpm")], 40 * testbed.patience)
    story.fault("ms1's host goes down, half of its last files carried", server.power_off)
    story.await_end(execution, 120)
    chosen = next((step.start for step in testbed.steps(execution) if step.name == "FallBack"), float("inf"))
    waited = chosen - (story.failure_at or 0.0)
    story.check(
        "The lost source is not awaited", waited < NOT_WAITED_FOR_S, f"What comes instead was asked {waited:.1f} s on."
    )
    line = testbed.history()[0]
    sentence = str(line["sentence"])
    gone_on = line["action"] == "failover" and "complete copy" in sentence and "is missing" in sentence
    story.check("The change continues without it, and says so", gone_on, f"{line['action']}: {sentence}")
    check_kept(story, before, held(testbed))
    age = float(line["ended_at"]) - float(line["files_as_of"])
    story.check("It is known how old the files are", 0 < age < 300, f"ms2 serves with files {age:.1f} s old.")
    story.await_agents("ms2")
    story.watch_on(1)


def _let_results_of_stops_be_late(testbed: Testbed, seconds: float) -> None:
    """So that there is time for files to be changed after the last carried ones and before the last copy."""
    commands = testbed.cloud.ssm.commands
    before = commands.result_after
    commands.result_after = lambda document: seconds if document.endswith("-stop") else before(document)


SCENARIO = Scenario(
    "source-dies-in-last-copy", "MS1's host dies while a switchover carries its last files", "promoted", run, agents=5
)
