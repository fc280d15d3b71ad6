"""A package of 2,000 files and 500 MB is imported on MS1, and a run of the replication begins in the middle of it.

That run may count as failed, and nothing of half an import is swapped in by it; the event at the end of the import
brings the whole of it to MS2 at once.
"""

from __future__ import annotations

import threading
import time

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.copying import check_equal
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

FILES, BYTES_EACH = 2000, 250_000


def run(testbed: Testbed, story: Story) -> None:
    dists = testbed.hosts.ms("ms1").host.inside("/var/opt/ssh-mgmt/server/dists/package")
    importing = threading.Thread(target=testbed.hosts.import_package, args=(FILES, BYTES_EACH))
    story.note(f"ms1 imports a package of {FILES} files, {FILES * BYTES_EACH // 1_000_000} MB")
    importing.start()
    wait_for("half of the import", lambda: len(list(dists.glob("*.rpm"))) > FILES // 3, 30)
    testbed.invoke("replicate", {"action": "scheduled"})
    story.note("a scheduled run begins meanwhile")
    importing.join()
    imported_at = time.time()
    testbed.say_imported()
    story.note("the import is done, and its event goes out")

    def arrived() -> float | None:
        as_of = float(testbed.freshness().get("as_of", 0))
        return as_of if as_of >= imported_at else None

    wait_for("a set from after the import on ms2", arrived, 60)
    took = time.time() - imported_at
    story.outcome = "replicated"
    story.note("ms2 holds the whole import")
    story.check("It came by its event", took < 60, f"Whole on ms2 {took:.1f} s after the import's end.")
    last = testbed.freshness()["last"]
    size = f"{last['files']} files, {last['bytes']} bytes in all, {last['sent_bytes']} sent, in {last['seconds']} s."
    story.check("Its size and time are known", int(last["files"]) >= FILES, size)
    check_equal(testbed, story)
    written = testbed.hosts.journal.by_server()["ms1"].count
    wait_for("ms1 writes on", lambda: testbed.hosts.journal.by_server()["ms1"].count > written + 5, 5)


SCENARIO = Scenario("import", "A package of 2,000 files and 500 MB is imported", "replicated", run, agents=5)
