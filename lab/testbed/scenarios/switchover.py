"""Both servers are well, and a person moves the service: first dry, then for good.

The active server is stopped cleanly and its last files are carried before it is fenced. What the standby holds then
went the other way, and counts as stale: the workflow itself asks for the copy of the new direction, and waits for none.
"""

from __future__ import annotations

import json

from failoverctl.acceptance.scenarios import SWITCHOVER
from lab.testbed import compare_copies
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.planned import (
    check_carried_ahead,
    check_without_service,
    checks_of,
    switch_over,
)
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.scenarios.untouched import as_it_stands, check_untouched
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    _dry_run(testbed, story)
    testbed.hosts.import_package(5, 20_000)
    story.note("ms1 imports software, and says nothing of it")
    asked_at = switch_over(testbed, story, "ms1", "ms2")
    check_carried_ahead(testbed, story)
    last = compare_copies.compare(testbed.hosts.ms("ms1"), testbed.hosts.ms("ms2"))
    story.check(
        "The last files came along",
        last.identical is True,
        f"Of ms1's {last.files} files ms2 has {'all' if last.identical else 'not all'} as they are.",
    )
    order = [step.name for step in testbed.steps(story.executions[-1])]
    clean = ["ReplicateAhead", "StopSource", "ReplicateLast", "GrantAccess"]
    story.check("Stopped cleanly first", [name for name in order if name in clean] == clean, ", ".join(clean))
    story.await_agents("ms2")
    check_without_service(testbed, story, asked_at)
    wait_for("a copy from ms2 to ms1", lambda: int(testbed.freshness().get("epoch", 0)) == 2, 30 * testbed.patience)
    fresh = checks_of(testbed.invoke("readiness", {"action": "check"}))["standby's copy fresh"]
    story.check("The copy of the new direction was made at once", fresh["answer"] == "yes", fresh["sentence"])
    story.watch_on(1)


def _dry_run(testbed: Testbed, story: Story) -> None:
    """The same request, dry: it says what would happen, and nothing has changed."""
    before = as_it_stands(testbed)
    client = testbed.cloud.client("stepfunctions")
    execution = testbed.start({**SWITCHOVER, "dry_run": True})
    outcome = testbed.outcome(execution, 40 * testbed.patience)
    output = json.loads(client.describe_execution(executionArn=execution)["output"])
    story.note(f"dry: it would end as {output['would']}")
    story.check(
        "Dry, it says what it would do",
        (outcome, output["would"]) == ("dry-run", "promoted"),
        f"{outcome}, would be {output['would']}: {output['sentence']}",
    )
    check_untouched(testbed, story, before)


SCENARIO = Scenario("switchover", "A person moves the service from MS1 to MS2", "promoted", run)
