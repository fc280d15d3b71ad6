"""MS1 is upgraded first: its configuration is another version's now, and would be wrong on MS2.

It is withheld, and said so, while software goes on; as soon as MS2 runs the same version it is carried.
"""

from __future__ import annotations

from lab.testbed import compare_copies
from lab.testbed.hosts.server_host import CONFIGURATION
from lab.testbed.scenarios.copying import check_equal, replicate
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

NEW = "7.0.0-1"


def run(testbed: Testbed, story: Story) -> None:
    first, second = testbed.hosts.ms("ms1"), testbed.hosts.ms("ms2")
    before = compare_copies.tree(second, CONFIGURATION)
    _upgrade(testbed, "ms1")
    first.host.files.write(f"{CONFIGURATION}/new-in-7.conf", "written by the upgrade\n", mode=0o600)
    testbed.hosts.import_package(20, 50_000)
    story.note(f"ms1 is upgraded to {NEW}, and imports software")
    result = replicate(testbed, story)
    withheld = str(result.get("config_withheld"))
    story.check("The configuration is withheld", result.get("config") == "withheld", withheld)
    kept = compare_copies.tree(second, CONFIGURATION) == before
    story.check("MS2's stays as it was", kept, f"{len(before)} files of ms2's configuration.")
    software = all(
        compare_copies.tree(first, each) == compare_copies.tree(second, each) for each in compare_copies.REPLICATED[:2]
    )
    story.check("Software goes on", software and result.get("complete") is True, str(result.get("reason")))
    _upgrade(testbed, "ms2")
    story.note(f"ms2 is upgraded to {NEW}, too")
    sent = str(replicate(testbed, story).get("config"))
    story.check("Now it is carried", sent == "sent", f"The configuration: {sent}.")
    story.outcome = "replicated"
    check_equal(testbed, story)


def _upgrade(testbed: Testbed, role: str) -> None:
    testbed.hosts.ms(role).host.files.write("/var/lib/testbed-dpkg/version", f"{NEW}\n")


SCENARIO = Scenario("upgrade", "MS1 is upgraded before MS2", "replicated", run, agents=5)
