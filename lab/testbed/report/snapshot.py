"""What is so at one moment of a run, and how words of the outside are made fit to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msfailover.text import clean

from failoverctl.report.course import Event, Step


@dataclass(frozen=True)
class Snapshot:
    """What is so at this moment; all moments in seconds since 1970.

    Args:
        at: now.
        scenario, headline: as in the record.
        started_at: when the scenario (or the setting up before it) began.
        doing: what is going on now, a few words.
        failure_at: when the fault struck, None before it.
        steps: the workflow's steps so far, in the order they were entered; `end` is None for those that run.
        access: the servers that may use the database now; None when that is not known.
        name: the server the name points to, None for none or unknown; `address` is what is answered.
        agents: how many agents are with each server, and with None: on their way.
        written: rows in the journal so far, of each server; the view makes rates of them.
        hosts: a word for each server's state ("running", "hangs", "off").
        log: the last sentences, oldest first, with their times; as many as may come between a few updates, since where
            there is no terminal each of them is printed, once.
    """

    at: float
    scenario: str
    headline: str
    started_at: float
    doing: str = ""
    failure_at: float | None = None
    steps: tuple[Step, ...] = ()
    access: frozenset[str] | None = None
    name: str | None = None
    address: str = ""
    agents: Mapping[str | None, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[str, str] = ("ms1", "ms2")
    log: tuple[Event, ...] = ()


def plain_text(text: str, encoding: str = "utf-8") -> str:
    """One printable line that the encoding can hold: a log in ASCII refuses the rest."""
    return clean(text).encode(encoding, "replace").decode(encoding)
