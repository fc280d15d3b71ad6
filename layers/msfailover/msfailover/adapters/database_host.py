"""Where a host name leads to, as the resolver of this machine says now. Bounded: the resolver's own patience is not."""

from __future__ import annotations

import ipaddress
import socket
import threading

LIMIT_S = 3.0


def addresses(host: str, limit_s: float = LIMIT_S) -> tuple[str, ...]:
    """The addresses of a host, in order; itself where it is one.

    Args:
        host: a name or an address.
        limit_s: seconds that the resolver may take.

    Returns:
        none where the name leads nowhere, or the resolver does not answer in time.
    """
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    found: list[str] = []
    asking = threading.Thread(target=_ask, args=(host, found), daemon=True)
    asking.start()
    asking.join(limit_s)
    return tuple(sorted(set(found)))


def _ask(host: str, found: list[str]) -> None:
    try:
        found.extend([str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)])
    except (OSError, UnicodeError):
        return
