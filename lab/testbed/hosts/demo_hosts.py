"""Hosts of an empty account, for a demo pair: a database that RDS makes, and servers that EC2 is yet to launch.

What examples/demo/setup.sh does on Amazon Linux runs here as it stands, but for three programs of Amazon Linux's that
the testbed's hosts lack.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.testbed.host_interfaces import NetworkAcl
from lab.testbed.hosts import addresses
from lab.testbed.hosts.addresses import CLOUD
from lab.testbed.hosts.database import quoted
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.host_files import HERE
from lab.testbed.hosts.hosts import Hosts
from lab.testbed.hosts.postgresql import PostgreSQL

MASTER, DATABASE_NAME = "demo_owner", "demo"
API_PORT = 5000
_ELSEWHERE = "192.0.2.1"
"""An address that is nowhere (RFC 5737): what lets it pass lets everything pass."""


class ManagedPostgreSQL(PostgreSQL):
    """As RDS makes one: a master user, an empty database, and nothing of the pair's in it."""

    def connect(self) -> Any:
        return self._connect(DATABASE_NAME)

    def set_master_password(self, password: str) -> None:
        server = self._connect("postgres")
        server.run(f"ALTER ROLE {MASTER} PASSWORD {quoted(password)}")
        server.close()

    def _populate(self) -> None:
        server = self._connect("postgres")
        server.run(f"CREATE ROLE {MASTER} LOGIN CREATEROLE CREATEDB")
        server.run(f"GRANT pg_read_all_stats, pg_signal_backend TO {MASTER} WITH ADMIN OPTION")
        server.run(f"CREATE DATABASE {DATABASE_NAME} OWNER {MASTER}")
        server.close()


class Border:
    """The border of a server's subnet, as its network ACL is: everything passes, or only some networks do.

    Implements `host_interfaces.Firewall`; the server's own security groups are not looked at.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def apply(self, rules: object) -> None:
        """Do nothing: nobody changes a server's groups."""

    def apply_acl(self, acl: NetworkAcl) -> None:
        """Cut the host off from all that the ACL does not let through both ways, or take that back."""
        if acl.passes(_ELSEWHERE, 443):
            self._host.reconnect()
            return
        kept = [each.cidr for each in acl.ingress if each.allow and acl.passes(each.cidr.partition("/")[0], 5432)]
        # The network's own name server is reached without crossing a border.
        self._host.cut([*acl.subnets, f"{addresses.NAMES}/32", *kept])


class DemoHosts(Hosts):
    """The testbed's hosts at a demo's addresses; both servers are off, and hold nothing of the product."""

    def __init__(self, work_dir: Path, endpoints: str) -> None:
        """`endpoints`: the DNS names of RDS's endpoints, as a certificate has them ("*.rds.amazonaws.com")."""
        super().__init__(work_dir, agents=0, agents_come=False)
        own = self._authority.issue([endpoints], [addresses.DATABASE])
        self.database = self.managed = ManagedPostgreSQL(self.host("database"), own, self.passwords)

    def lead_to_database(self, endpoint: str) -> None:
        """Have every host find the database by its endpoint's name."""
        for name in ("vpc", "ms1", "ms2"):
            with self.host(name).files.path("/etc/hosts").open("a") as file:
                file.write(f"{addresses.DATABASE}\t{endpoint}\n")

    def _pair_member(self, role: str) -> Callable[[], None]:
        def up() -> None:
            server = self.servers[role]
            files = server.host.files
            files.create(self._resolver_address)
            server.install(autostart=False)
            files.path("/etc/systemd/system").mkdir(parents=True)
            wrapped = f"{sys.executable} -P -s {HERE / 'stand_ins' / 'aws_cli.py'} http://{CLOUD}:{API_PORT}"
            for name, body in (("aws", f'exec {wrapped} "$@"\n'), ("dnf", ""), ("hostnamectl", "")):
                files.write(f"/usr/local/sbin/{name}", f"#!/bin/sh\n{body}", mode=0o755)

        return up
