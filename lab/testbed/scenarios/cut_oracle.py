"""The database's list shows nothing but the names that clients chose, as Oracle's does, and MS1 uses more than one.

At rest such a list is of use: it shows the active server under its own name. At the fence it proves nothing, for MS1
has a session that calls itself something else. The network needs no list.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.testbed.hosts.host_files import HERE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.proofs import check_by_network, check_list_proves_nothing
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import STACK, Testbed

_STAND_IN = HERE / "stand_ins" / "python"
_SECOND_SESSION = """
import json, pathlib, ssl, time
import pg8000.native
about = json.loads(pathlib.Path("/etc/opt/ssh-mgmt/server/ms.json").read_text())["database"]
session = pg8000.native.Connection(
    about["user"], host=about["host"], database=about["name"], password=about["password"],
    application_name="reports", ssl_context=ssl.create_default_context(cafile=about["ca"]))
while True:
    session.run("INSERT INTO journal (server, at) VALUES ('ms1', clock_timestamp())")
    time.sleep(0.05)
"""


def arrange(testbed: Testbed) -> None:
    testbed.cloud.functions.before_layers[f"{STACK}-database-sessions"] = Path(_STAND_IN)


def run(testbed: Testbed, story: Story) -> None:
    host = testbed.hosts.ms("ms1").host
    host.spawn([sys.executable, "-P", "-c", _SECOND_SESSION], log="second-session")
    wait_for(
        "the second session", lambda: sum(each.user == "ms" for each in testbed.hosts.database.sessions()) == 2, 10
    )
    story.note("ms1 has a second session, which calls itself reports")
    story.fault("ms1's administration interface hangs; it writes on", lambda: testbed.hosts.hang_admin("ms1"))
    story.await_outcome()
    check_by_network(testbed, story)
    check_list_proves_nothing(testbed, story)
    story.watch_on(2)


SCENARIO = Scenario(
    "cut-oracle",
    "The list shows names that clients chose; the network proves the fence",
    "promoted",
    run,
    parameters={
        "DatabaseEngine": "oracle",
        "DatabaseOtherPorts": "none",
        "DatabasePathIsDirect": "yes",
    },
    agents=5,
    arrange=arrange,
)
