"""A connection pooler (PgBouncer) in front of PostgreSQL: behind it the database sees the pooler and no client."""

from __future__ import annotations

import shutil

from lab.testbed.hosts.certificates import Pair
from lab.testbed.hosts.database import APPLICATION, MONITOR, NAME, Passwords
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.postgresql import SOCKETS, PostgreSQL

PORT = 6432

_HOME = "/var/lib/pooler"
_USER = "postgres"


class Pooler:
    """PgBouncer on a host, in session mode: a client keeps one session of the database's for as long as it is here.

    Args:
        host: where it runs.
        database: what it is in front of; reached through the host's own socket where it is on the same host.
        certificate: what it shows its clients.
        passwords: of those who may come.
    """

    port = PORT

    def __init__(self, host: Host, database: PostgreSQL, certificate: Pair, passwords: Passwords) -> None:
        self._host = host
        self._database = database
        self._certificate = certificate
        self._passwords = passwords

    def start(self) -> None:
        """Start it; returns when it takes connections. Raises WaitedTooLongError when it does not."""
        self._host.run(["install", "-d", "-o", _USER, "-g", _USER, "-m", "0750", _HOME])
        for name, content in (
            ("pooler.ini", self._settings().encode()),
            ("users.txt", self._users().encode()),
            ("server.crt", self._certificate.certificate),
            ("server.key", self._certificate.key),
        ):
            shutil.chown(self._host.files.write(f"{_HOME}/{name}", content, mode=0o600), _USER, _USER)
        as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups", "--"]
        self._host.spawn([*as_user, "pgbouncer", f"{_HOME}/pooler.ini"], log="pooler")
        self._host.wait_listening(PORT)

    def _users(self) -> str:
        known = ((APPLICATION, self._passwords.application), (MONITOR, self._passwords.monitor))
        return "".join(f'"{user}" "{password}"\n' for user, password in known)

    def _settings(self) -> str:
        beside = self._database.host is self._host
        where = f"host={SOCKETS}" if beside else f"host={self._database.host.place.address}"
        return f"""[databases]
{NAME} = {where} port={self._database.port} dbname={NAME}
[pgbouncer]
listen_addr = *
listen_port = {PORT}
unix_socket_dir =
pool_mode = session
auth_type = scram-sha-256
auth_file = {_HOME}/users.txt
client_tls_sslmode = require
client_tls_cert_file = {_HOME}/server.crt
client_tls_key_file = {_HOME}/server.key
server_tls_sslmode = {"disable" if beside else "require"}
ignore_startup_parameters = extra_float_digits, options, statement_timeout
max_client_conn = 100
default_pool_size = 20
"""
