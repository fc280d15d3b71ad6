"""MS1's software is gone: first every file of it, then the directory. MS2's copy must outlive both.

Put back, it is carried on as if nothing had been.
"""

from __future__ import annotations

from lab.testbed.hosts.server_host import DATA
from lab.testbed.scenarios.copying import check_equal, check_kept, check_refused, held, replicate
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed


def run(testbed: Testbed, story: Story) -> None:
    before, host = held(testbed), testbed.hosts.ms("ms1").host
    host.run(["sh", "-c", f"cp -a {DATA}/dists {DATA}/saved && find {DATA}/dists -type f -delete"])
    story.note("every file of ms1's software is deleted")
    check_refused(story, replicate(testbed, story), "the source is empty")
    host.run(["rm", "-r", f"{DATA}/dists"])
    story.note("its directory is gone, too")
    check_refused(story, replicate(testbed, story), "the source is gone")
    check_kept(story, before, held(testbed))
    story.outcome = "kept"
    host.run(["mv", f"{DATA}/saved", f"{DATA}/dists"])
    story.note("it is put back")
    replicate(testbed, story)
    check_equal(testbed, story)


SCENARIO = Scenario("source-empty", "MS1's software is deleted, and then its directory", "kept", run, agents=5)
