"""How certificates are verified: against a given file, in the same way by every Python."""

from __future__ import annotations

import ssl


def verifying(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and host name against the certificates in a file (None: the system's).

    Raises:
        OSError: the file can't be read, or holds no certificate.
    """
    return as_everywhere(ssl.create_default_context(cafile=ca_file))


def as_everywhere(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, with the same demands whatever Python made it.

    From 3.13 on, Python refuses certificates whose optional extensions are not as RFC 5280 wants them (no key
    identifiers, say), which earlier ones take, and which in-house authorities and products issue. That would make a
    healthy server look misconfigured. A certificate of the file itself, self-signed or not, is taken as an anchor, too.
    """
    context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    return context
