"""What a person does where replication is refused because files are gone. Pure."""

from __future__ import annotations

import re

_LOST = re.compile("vanished|are not on this host|would be deleted on the standby")
_EMPTY = re.compile("arrived empty|source is empty|source is gone")
"""What the host says of files that are gone (docs/replication.md)."""


def advice(reason: str, pair: str) -> str:
    """What follows the host's reason; empty where it speaks of something else.

    No command is proposed: whether the files were lost or removed on purpose is known to a person only, and accepting a
    loss would take them from the standby, too.

    Args:
        reason: why the run was refused, in the host's words.
        pair: the pair's name, by which a removal is accepted.
    """
    empty = _EMPTY.search(reason)
    if not (empty or _LOST.search(reason)):
        return ""
    told = ". Were they lost, put them back on the active server's host, from the standby's copy or a backup"
    if empty:
        return f"{told}; a directory without any file is never carried."
    return f"{told}. Were they removed on purpose: failoverctl replicate --accept-removal {pair}"
