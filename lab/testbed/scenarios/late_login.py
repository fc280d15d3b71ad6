"""A connection that MS1 made before its access was revoked, and over which it logs in only after the promotion.

PostgreSQL shows a connection from its startup packet on. One that is silent until then is in no list of its own, and
here nobody may see the host's, as on Amazon RDS. Without network ACLs, as here, it survives the revocation as
every established connection does, and can turn into a session as long as `authentication_timeout` allows: a minute by
default, as here. The fence's receipt can't see it. What can is the next read: the audit's, or that of the workflow if
it has not ended yet; it ends the session. What was written meanwhile is in the journal.
"""

from __future__ import annotations

import sys
from contextlib import closing

from lab.testbed.hosts.addresses import MS1
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.auditing import audit_finds, check_alarm, sessions_of
from lab.testbed.scenarios.proofs import WITHOUT_ACLS
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

_GO = "/var/lib/late-login"
_PROGRAM = f"""
import json, pathlib, socket, ssl, time
import pg8000.native
about = json.loads(pathlib.Path("/etc/opt/ssh-mgmt/server/ms.json").read_text())["database"]
plain = socket.create_connection((about["host"], about["port"]))
go = pathlib.Path("{_GO}")
go.with_suffix(".connected").touch()
while not go.exists():
    time.sleep(0.01)
session = pg8000.native.Connection(
    about["user"], host=about["host"], database=about["name"], password=about["password"], sock=plain,
    ssl_context=ssl.create_default_context(cafile=about["ca"]))
while True:
    session.run("INSERT INTO journal (server, at) VALUES ('ms1', clock_timestamp())")
    time.sleep(0.05)
"""


def run(testbed: Testbed, story: Story) -> None:
    take_database_as_installed(testbed)
    with closing(testbed.hosts.database.connect()) as database:
        database.run("DROP FUNCTION ms_failover.connections()")
    connect_in_silence(testbed, story)
    story.fault("ms1's server process is killed", lambda: testbed.hosts.kill_ms("ms1"))
    story.await_outcome()
    ended_at = testbed.hosts.journal.now()
    story.check(
        "Access is revoked to it", testbed.firewall.seen[-1].servers == {"ms2"}, "The access group allows ms2 alone."
    )
    testbed.hosts.ms("ms1").host.files.write(_GO, "")
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].last > ended_at, 10)
    story.note("ms1 logs in over it, though its access is revoked, and writes")
    audit_finds(testbed, story, "stray-sessions")
    put_out_at = testbed.hosts.journal.now()
    left = sessions_of(testbed, MS1)
    story.check("The audit ends the session", left == 0, f"ms1 has {left} sessions.")
    check_alarm(testbed, story)
    story.watch_on(1.5)
    last = testbed.hosts.journal.by_server()["ms1"].last
    story.check(
        "It does not come back", last <= put_out_at, f"ms1 wrote for {last - ended_at:.1f} s after the promotion."
    )
    audit_finds(testbed, story)


def take_database_as_installed(testbed: Testbed) -> None:
    """Give the database the limit for logins that PostgreSQL comes with; the testbed's own is shorter."""
    with closing(testbed.hosts.database.connect()) as database:
        database.run("ALTER SYSTEM SET authentication_timeout = '1min'")
        database.run("SELECT pg_reload_conf()")


def connect_in_silence(testbed: Testbed, story: Story) -> None:
    """Let ms1 have a connection to the database over which it says nothing until it is asked to."""
    host = testbed.hosts.ms("ms1").host
    host.spawn([sys.executable, "-P", "-c", _PROGRAM], log="late-login")
    wait_for("the silent connection", host.files.path(f"{_GO}.connected").exists, 10)
    story.note("ms1 has a connection to the database that says nothing yet")


SCENARIO = Scenario(
    "late-login",
    "MS1 logs in over a connection from before the fence",
    "promoted",
    run,
    parameters=WITHOUT_ACLS,
    agents=5,
    excused=("One writer at a time",),
)
