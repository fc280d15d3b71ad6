"""An old order to replicate arrives after the failover: MS1's files would overwrite those of the active MS2.

It is refused on MS1's host, which has heard of the failover; and where MS1 has not, by MS2's.
"""

from __future__ import annotations

from failoverctl.preparing import NotPrepared
from failoverctl.preparing import run as run_document
from lab.testbed.hosts.addresses import MS2
from lab.testbed.scenarios.copying import check_equal, check_kept, held, replicate
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import STACK, Testbed


def run(testbed: Testbed, story: Story) -> None:
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    testbed.hosts.import_package(10, 50_000, role="ms2")
    before = held(testbed)
    host = testbed.hosts.ms("ms1").host
    epoch = "/var/lib/ms-failover/epoch"
    story.check(
        "ms1 heard of it", "2 standby" in host.inside(epoch).read_text(), host.inside(epoch).read_text().strip()
    )
    said = _old_order(testbed)
    story.note("an order of before arrives on ms1")
    story.check("Refused where it arrives", "this host is not the active server" in said, said)
    host.files.write(epoch, "1 active\n")
    testbed.hosts.import_package(5, 10_000, role="ms1")  # something to carry
    said = _old_order(testbed)
    story.note("and once more, on a host that never heard of the failover")
    story.check("Refused by the active server's host", "is itself the active server, of epoch 2" in said, said)
    check_kept(story, before, held(testbed))
    host.files.write(epoch, "2 standby\n")
    replicate(testbed, story)
    check_equal(testbed, story, source="ms2", copy="ms1")
    story.watch_on(1)


def _old_order(testbed: Testbed) -> str:
    """What came of an order of the first epoch to ms1, in the words of the host."""
    try:
        result = run_document(
            testbed.cloud.client("ssm"),
            testbed.instances["ms1"],
            f"{STACK}-replicate",
            {"Epoch": "1", "StandbyAddress": MS2},
        )
    except NotPrepared as refused:
        return str(refused)
    return f"It was done: {result.get('reason')}"


SCENARIO = Scenario("wrong-way", "An old order to replicate arrives after the failover", "promoted", run, agents=5)
