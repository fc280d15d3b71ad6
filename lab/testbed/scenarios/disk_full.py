"""MS2's disk is too small for what MS1 imports. It must keep the set that it has, and take the next one when it can."""

from __future__ import annotations

from lab.testbed.scenarios.copying import check_equal, check_kept, check_refused, held, replicate
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

TOP = "/var/opt/ssh-mgmt"
FILES, BYTES_EACH = 100, 500_000


def run(testbed: Testbed, story: Story) -> None:
    standby = testbed.hosts.ms("ms2").host
    small = f"mount -t tmpfs -o size=90m disk {TOP} && mkdir -p {TOP}/server/cds {TOP}/server/dists"
    standby.run(["sh", "-c", small])
    story.note("ms2 gets a new, small disk, with nothing on it")
    # Nothing has changed on ms1, so that a run by changes would not read there: what the daily run does.
    result = replicate(testbed, story, mode="full")
    story.check("The new disk is filled", result.get("complete") is True, str(result.get("reason")))
    before = held(testbed)
    testbed.hosts.import_package(FILES, BYTES_EACH)
    story.note(f"ms1 imports {FILES * BYTES_EACH // 1_000_000} MB")
    check_refused(story, replicate(testbed, story), "the standby's disk is too full")
    check_kept(story, before, held(testbed))
    story.outcome = "kept"
    standby.run(["mount", "-o", "remount,size=300m", TOP])
    story.note("ms2's disk is made larger")
    replicate(testbed, story)
    check_equal(testbed, story)


SCENARIO = Scenario("disk-full", "MS2's disk is too small for an import", "kept", run, agents=5)
