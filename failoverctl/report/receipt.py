"""A fence receipt in sentences, from what was stored; odd values are shown as they are, never glossed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def evidence_of(stored: Mapping[str, Any] | None) -> list[str]:
    """The sentences that the receipt rests on."""
    lines = (stored or {}).get("evidence", ())
    return [str(entry) for entry in lines] if isinstance(lines, list | tuple) else [str(lines)]


def proof_of(stored: Mapping[str, Any], server: str) -> str:
    """By what it was proven that the server is out."""
    if stored.get("by") == "power":
        return "Proven by power: its machine was read as stopped, and nothing runs on it."
    if stored.get("by") == "network":
        return (
            f"Proven by the network: its ACLs let no packet of {server} reach the database, of connections old or new."
        )
    if stored.get("by") != "database":
        return f"Proven by “{word_of(stored, 'by')}”, which is neither network, database nor power."
    counts = stored.get("sessions")
    reads = [str(count) for count in counts] if isinstance(counts, list | tuple) else []
    if reads and set(reads) == {"0"}:
        found = f"{len(reads)} reads in a row found no session of {server}"
    else:
        found = f"the reads found {', '.join(reads) or 'nothing that was noted'} sessions of {server}"
    return f"Proven by the database: its access group answered “{word_of(stored, 'access')}”, and {found}."


def word_of(stored: Mapping[str, Any], key: str) -> str:
    """A field of the receipt as it is read."""
    return str(stored.get(key, "not stated"))
