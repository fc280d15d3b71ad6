"""A read-only standby of the database, by streaming replication, in a host of its own; and the two changing places."""

from __future__ import annotations

import secrets
from pathlib import Path

from lab.testbed.hosts.addresses import NETWORK
from lab.testbed.hosts.certificates import Pair
from lab.testbed.hosts.database import Passwords, quoted
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.postgresql import PostgreSQL, programs

_REPLICATOR = "replicator"


class Reader(PostgreSQL):
    """PostgreSQL that follows another one: it answers, and may be read; its sessions are its own."""

    def __init__(self, host: Host, certificate: Pair, passwords: Passwords, writer: PostgreSQL) -> None:
        super().__init__(host, certificate, passwords)
        self._writer = writer
        self._password = secrets.token_urlsafe(18)

    def start(self) -> None:
        """Copy the writer where that is not yet done, and follow it. Raises HostError, WaitedTooLongError."""
        if not self.host.files.path(self.data).exists():
            self._invite()
        super().start()

    def take_over(self) -> None:
        """Change places: the writer stops, this one becomes the writer, and the other one follows it. No row is lost.

        Whoever was connected to the old writer has to connect to this one.
        """
        self._writer.stop()
        self.host.run(self._as_user(str(programs() / "pg_ctl"), "promote", "-D", self.data, "-w"))
        follow(self._writer, self._leads(self.host))
        self._writer.start()
        wait_until("the old writer follows", self._is_followed, deadline_s=20)

    def _invite(self) -> None:
        """Let this one copy and follow the writer."""
        server = self._writer.connect()
        server.run(f"CREATE ROLE {_REPLICATOR} REPLICATION LOGIN PASSWORD {quoted(self._password)}")
        with self._writer.host.files.path(f"{self._writer.data}/pg_hba.conf").open("a") as admission:
            admission.write(f"hostssl replication {_REPLICATOR} {NETWORK} scram-sha-256\n")
        server.run("SELECT pg_reload_conf()")
        server.close()

    def _create(self) -> None:
        self._own_directory(str(Path(self.data).parent))
        copy = [str(programs() / "pg_basebackup"), "-D", self.data, "-d", self._leads(self._writer.host)]
        self.host.run(self._as_user(*copy, "-X", "stream", "-c", "fast", "-R", "--no-sync"), timeout_s=60)

    def _populate(self) -> None:
        """Everything came with the copy."""
        wait_until("the reader follows", self._follows, deadline_s=20)

    def _leads(self, leader: Host) -> str:
        address = leader.place.address
        return f"host={address} port={self.port} user={_REPLICATOR} password={self._password} sslmode=require"

    def _follows(self) -> bool:
        return self._writer.host.is_on and self._streams(self._writer)

    def _is_followed(self) -> bool:
        return self._streams(self)

    @staticmethod
    def _streams(leader: PostgreSQL) -> bool:
        connection = leader.connect()
        try:
            found = connection.run("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
            return bool(found == [[1]])
        finally:
            connection.close()


def follow(database: PostgreSQL, leads: str) -> None:
    """Have a stopped server follow another one from its next start on."""
    files = database.host.files
    with files.path(f"{database.data}/postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = {quoted(leads)}\nrecovery_target_timeline = 'latest'\n")
    files.write(f"{database.data}/standby.signal", "")
