"""Software is imported on MS1 through the wrapper, and MS1's host goes down the moment that it has confirmed.

Nothing that was confirmed may be missing on MS2 after the failover; what was not confirmed was said to be so.
"""

from __future__ import annotations

import subprocess
import threading

from lab.testbed.polling import wait_for
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

IMPORT = "/var/lib/ms-failover/bin/import"
DISTS = "/var/opt/ssh-mgmt/server/dists"
FILES = 30


def run(testbed: Testbed, story: Story) -> None:
    server = testbed.hosts.ms("ms1")
    story.note(f"ms1 imports {FILES} files through the wrapper")
    confirmed = _import(testbed, "confirmed", announced=True)
    story.note("the wrapper returns: the standby holds them")
    story.check("The import was confirmed", confirmed.returncode == 0, confirmed.stdout.strip()[-300:])
    # The second one is never carried: its host goes down while the wrapper waits.
    lost = threading.Thread(target=_import, args=(testbed, "lost"), kwargs={"announced": False}, daemon=True)
    lost.start()
    last = server.host.inside(f"{DISTS}/lost/{FILES}")
    wait_for("the second import's files", last.exists, 20)
    story.fault("ms1's host goes down; a second import waits for its confirmation", server.power_off)
    story.await_outcome()
    story.await_agents("ms2")
    there = sorted(testbed.hosts.ms("ms2").host.inside(f"{DISTS}/confirmed").iterdir())
    whole = [each.name for each in there if each.read_text() == f"confirmed {each.name}\n"]
    story.check(
        "Nothing that was confirmed is missing", len(whole) == FILES, f"ms2 has {len(whole)} of {FILES} files, whole."
    )
    lost.join(20)
    story.watch_on(1)


def _import(testbed: Testbed, name: str, *, announced: bool) -> subprocess.CompletedProcess[str]:
    """Run an import through the wrapper, as an administrator does on the host.

    Args:
        announced: whether the event goes out that has it carried at once, as the wrapper does where a host may send it.
    """
    host = testbed.hosts.ms("ms1").host
    make = f"mkdir {DISTS}/{name}; for i in $(seq {FILES}); do echo {name} $i >{DISTS}/{name}/$i; done"
    if announced:
        announcing = threading.Timer(1.0, testbed.say_imported)
        announcing.start()
    return host.run([IMPORT, "--limit", "60", "--", "sh", "-c", make], check=False, timeout_s=90)


SCENARIO = Scenario(
    "import-then-crash", "MS1's host goes down right after an import was confirmed", "promoted", run, agents=5
)
