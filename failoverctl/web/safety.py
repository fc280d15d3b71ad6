"""Who may ask: a key in a header, a Host and an Origin that are this page's own. Pure but for the keys' making."""

from __future__ import annotations

import hmac
import secrets
import threading
from email.message import Message

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer. The page loads nothing from elsewhere, runs in nobody's frame and is kept in no cache."""
KEY = "X-Failoverctl-Key"
"""The header with a session's key. A cookie would also be sent to servers on other ports of this machine (RFC 6265,
8.5), and by requests that other sites make; a header is sent by this page's own script and nothing else."""
_BYTES = 32


class Keys:
    """The tokens that open the page, and the key of its sessions. All are random and end with the program.

    Attributes:
        token: printed for the person; opens the page as often as wanted.
        once: for the browser that is started here; opens it once, because the arguments of a process can be read by
            everybody on the machine.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(_BYTES)
        self.once = secrets.token_urlsafe(_BYTES)
        self._key = secrets.token_urlsafe(_BYTES)
        self._fresh, self._lock = True, threading.Lock()

    def exchanged(self, token: str) -> str:
        """The session's key for a token; empty where the token is another one, or was used."""
        if _same(token, self.token):
            return self._key
        with self._lock:
            if self._fresh and _same(token, self.once):
                self._fresh = False
                return self._key
        return ""

    def fits(self, key: str) -> bool:
        """Whether that is the session's key, compared in constant time."""
        return _same(key, self._key)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def hosts_of(port: int) -> tuple[str, ...]:
    """What a browser that was sent here names as the host."""
    return (f"127.0.0.1:{port}", f"localhost:{port}")


def refusal_of(headers: Message, port: int, posted: bool) -> str:
    """Why a request is refused before anything else of it is read; empty where it is not.

    Another host name in `Host` is one that somebody pointed at 127.0.0.1 (DNS rebinding); another `Origin` is another
    site's page.

    Args:
        headers: the request's.
        posted: whether it is a POST, which has to say where it comes from.
    """
    hosts = hosts_of(port)
    if headers.get("Host") not in hosts:
        return f"This page answers only under http://{hosts[0]}/: open the address that failoverctl printed."
    origin = headers.get("Origin")
    if (origin or posted) and origin not in [f"http://{each}" for each in hosts]:
        return "This request comes from another site, and was refused."
    # A link that was followed from elsewhere shows the page, which without a token shows nothing.
    followed = headers.get("Sec-Fetch-Mode") == "navigate" and not posted
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") and not followed:
        return "This request comes from another site, and was refused."
    if posted and headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        return "What is posted here is JSON."
    return ""
