"""The TCP connections of PostgreSQL's own host, where the administrator lets us see them.

A connection that has not sent its startup packet is in no view of PostgreSQL's, and can become a session later. The
kernel shows it: `/proc/net/tcp` and `/proc/net/tcp6` hold every connection from its first packet on. A function that a
superuser made for us (docs/databases.md) reads these two files and nothing else; Amazon RDS has no such superuser.

Format: `Documentation/networking/proc_net_tcp.rst` of Linux; addresses are written in words of 32 bits in the host's
own byte order. So nothing is believed that does not show our own connection where PostgreSQL says that it is: a table
of another network namespace or of a foreign byte order is no table.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from msfailover.observations import IPAddress, Session, SessionKind, parse_address

# Whoever could replace the function could hide connections: a superuser's is believed, and no other.
MAY_READ = """
SELECT owner.rolsuper AND p.prosecdef
       AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_roles AS owner ON owner.oid = p.proowner
 WHERE n.nspname = 'ms_failover' AND p.proname = 'connections' AND p.pronargs = 0
"""
READ = """
SELECT local, remote, state, host(inet_client_addr()), inet_client_port() FROM ms_failover.connections() LIMIT :limit
"""

# ESTABLISHED, SYN_RECV, CLOSE_WAIT: what the server still reads from. In every other state it has let go of it.
_READ_FROM = ("01", "03", "08")


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    address: IPAddress
    port: int


@dataclass(frozen=True)
class TcpTable:
    """Who is connected to the server's port, our own connection left out. Known to be whole."""

    clients: frozenset[End]

    def not_listed(self, listed: Collection[tuple[str | None, int | None]]) -> tuple[Session, ...]:
        """Connections that are no session yet.

        Args:
            listed: address and port of each session that PostgreSQL lists.
        """
        known = {
            End(address, port)
            for text, port in listed
            if text and port and (address := parse_address(text)) is not None
        }
        pending = sorted(self.clients - known, key=lambda end: (str(end.address), end.port))
        return tuple(
            Session(f"{end.address}:{end.port}@tcp", kind=SessionKind.CONNECTION, address=str(end.address))
            for end in pending
        )


def table_of(rows: Sequence[Sequence[object]], limit: int) -> TcpTable | None:
    """Make a table of the function's rows, read with `READ`.

    Args:
        rows: local and remote end, state, and our own address and port as PostgreSQL sees them.
        limit: rows at most.

    Returns:
        None where it can't be relied on: more rows than the limit, a row of another shape, our own connection missing.
    """
    if not rows or len(rows) > limit:
        return None
    try:
        own = End(_address(str(rows[0][3])), int(str(rows[0][4])))
        ends = [(_end(str(remote)), _end(str(local)).port) for local, remote, state, *_ in rows if state in _READ_FROM]
    except ValueError:
        return None
    port = next((local for remote, local in ends if remote == own), None)
    if port is None:
        return None
    return TcpTable(frozenset(remote for remote, local in ends if local == port and remote != own))


def _end(text: str) -> End:
    """`0B01A8C0:1538` is port 5432 of 192.168.1.11. Raises ValueError for what is no such thing."""
    address, _, port = text.partition(":")
    written = bytes.fromhex(address)
    packed = b"".join(written[at : at + 4][::-1] for at in range(0, len(written), 4))
    return End(_address(str(ipaddress.ip_address(packed))), int(port, 16))


def _address(text: str) -> IPAddress:
    address = parse_address(text)
    if address is None:
        raise ValueError(f"{text!r} is no address")
    return address
