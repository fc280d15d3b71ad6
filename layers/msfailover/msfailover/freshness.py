"""What is known of the standby's copy, and how it is stored: one definition, here and for failoverctl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msfailover.history import read_withheld

REFUSED = "refused"
"""The outcome of a run that a host's check ended: so will each one after it, until a person mends what it names."""

BUSY = "busy"
"""The outcome of a run that the host did not begin, since another one is going on: it carried nothing, and nothing is
wrong."""


@dataclass(frozen=True)
class Freshness:
    """What is known of the standby's copy, as the record keeps it.

    Args:
        command, server, sent_at: the run under way or last sent; times in seconds since 1970.
        ended: whether its result is known.
        as_of: the standby holds the active server's files as they were then, of all directories the oldest; by our own
            clock, and never in the future. 0 when it never held a whole set.
        epoch: the epoch that set belongs to.
        digest: of its manifest.
        content_as_of: when all contents were last compared; every change since then was carried. 0 where not known.
        config_withheld: why the last complete run did not carry the configuration, in the host's words; empty where it
            did.
        config_as_of: the standby's configuration is the active server's of then; 0 where none was ever carried.
        last: the last result, as the host gave it.
        wanted: software was imported while a run was under way; another run is due as soon as that one has ended.
        deep: the last comparison by content, as the host gave it.
    """

    command: str = ""
    server: str = ""
    sent_at: float = 0.0
    ended: bool = True
    as_of: float = 0.0
    epoch: int = 0
    digest: str = ""
    content_as_of: float = 0.0
    config_withheld: str = ""
    config_as_of: float = 0.0
    last: Mapping[str, Any] | None = None
    wanted: bool = False
    deep: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "server": self.server,
            "sent_at": self.sent_at,
            "ended": self.ended,
            "as_of": self.as_of,
            "epoch": self.epoch,
            "digest": self.digest,
            "content_as_of": self.content_as_of,
            "config_withheld": self.config_withheld,
            "config_as_of": self.config_as_of,
            "last": dict(self.last) if self.last else None,
            "wanted": self.wanted,
            "deep": dict(self.deep) if self.deep else None,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Freshness:
        """Read what the record keeps; an empty mapping is a standby that nothing has reached yet.

        Raises:
            ValueError, TypeError, OverflowError: it is of another shape.
        """
        return Freshness(
            command=str(data.get("command", "")),
            server=str(data.get("server", "")),
            sent_at=float(data.get("sent_at", 0)),
            ended=bool(data.get("ended", True)),
            as_of=float(data.get("as_of", 0)),
            epoch=int(data.get("epoch", 0)),
            digest=str(data.get("digest", "")),
            content_as_of=float(data.get("content_as_of", 0)),
            config_withheld=read_withheld(data),
            config_as_of=float(data.get("config_as_of", 0)),
            last=dict(data["last"]) if data.get("last") else None,
            wanted=bool(data.get("wanted", False)),
            deep=dict(data["deep"]) if data.get("deep") else None,
        )
