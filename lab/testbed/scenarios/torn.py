"""MS1 dies in the middle of a copy: half of an import is on its way when rsync is killed and the host goes down.

MS2 must hold the last complete set, and nothing of the half one, and be promoted with it.
"""

from __future__ import annotations

from lab.testbed.hosts.link import hold_copies_after
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.copying import check_kept, held
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

FILES, BYTES_EACH = 40, 100_000


def run(testbed: Testbed, story: Story) -> None:
    before = held(testbed)
    server = testbed.hosts.ms("ms1")
    hold_copies_after(server.host, FILES * BYTES_EACH // 3)
    testbed.import_software(FILES, BYTES_EACH)
    story.note(f"ms1 imports {FILES} files; they are on their way")
    staging = testbed.hosts.ms("ms2").host.inside(
        "/var/opt/ssh-mgmt/server/.ms-failover/dists/transfer/incoming/package"
    )
    # As they were before the import, these names have half as many bytes.
    wait_for("half of the copy", lambda: [p for p in staging.glob("*.rpm") if p.stat().st_size == BYTES_EACH], 30)

    def strike() -> None:
        server.host.run(["pkill", "-KILL", "-x", "rsync"])
        server.power_off()

    story.fault("rsync is killed at half, and ms1's host goes down", strike)
    story.await_outcome()
    story.await_agents("ms2")
    check_kept(story, before, held(testbed))
    line = testbed.history()[0]
    age = float(line["ended_at"]) - float(line["files_as_of"])
    story.check("It is known how old the files are", 0 < age < 120, f"ms2 serves with files {age:.1f} s old.")
    story.watch_on(1)


SCENARIO = Scenario("torn", "MS1 dies in the middle of a copy to MS2", "promoted", run, agents=5)
