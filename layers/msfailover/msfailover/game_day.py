"""A game day: the pair is moved by calendar to the other server and home again, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msfailover.pair import PairState, Role


class Phase(StrEnum):
    """How far a game day has come."""

    THERE = "there"
    SERVING = "serving"
    HOME = "home"
    ENDED = "ended"


class Result(StrEnum):
    """How a game day ends; each has exactly one."""

    COMPLETED = "completed"
    NOT_BEGUN = "not-begun"
    NOT_MOVED = "not-moved"
    WENT_HOME = "went-home"
    STAYED = "stayed"
    INTERRUPTED = "interrupted"


_SEVERITIES = {
    Result.COMPLETED: "info",
    Result.NOT_BEGUN: "warning",
    Result.NOT_MOVED: "error",
    Result.WENT_HOME: "error",
    Result.STAYED: "critical",
    Result.INTERRUPTED: "critical",
}


@dataclass(frozen=True)
class GameDay:
    """What is known of the last game day, as it is kept beside the record; moments are seconds since 1970.

    Args:
        execution: the ARN of the execution that leads it.
        scheduled: the moment of the calendar that it was started for; empty where a person started it.
        began_at: when it was asked for.
        home: the server that was active then; None where no server was.
        epoch: the pair's epoch then.
        target_s: seconds within which a server is to serve again.
        phase, since: how far it has come, and when it came there.
        until: when that phase is over at the latest.
        amiss_reads: how often in a row something was amiss with the server that serves.
        amiss: why it goes home early, or late; empty where all went as it should.
        there_s, home_s: seconds until a server served again, of either move; None where it did not come to that.
        result, sentence, ended_at: how it ended.
        reported: whether that is in the history, and operators were notified.
        version: grows with every write, so that two writers can't both win.
    """

    execution: str
    scheduled: str
    began_at: float
    home: Role | None
    epoch: int
    target_s: float
    phase: Phase
    since: float
    until: float
    amiss_reads: int = 0
    amiss: str = ""
    there_s: float | None = None
    home_s: float | None = None
    result: Result | None = None
    sentence: str = ""
    ended_at: float = 0.0
    reported: bool = False
    version: int = 0

    @property
    def away(self) -> Role | None:
        """The server that the pair is moved to, and home from."""
        return self.home.other if self.home else None

    @property
    def in_time(self) -> bool:
        """Whether each move that was made took no longer than the target."""
        return all(each <= self.target_s for each in (self.there_s, self.home_s) if each is not None)

    @property
    def severity(self) -> str:
        """How urgent its end is, in the words of PagerDuty's events."""
        if self.result is Result.COMPLETED and not self.in_time:
            return "warning"
        return _SEVERITIES.get(self.result, "info") if self.result else "info"

    def left_away(self, state: PairState) -> bool:
        """Whether the pair is where this game day moved it to, and nobody has moved it since."""
        return self.home is not None and (state.active, state.epoch) == (self.home.other, self.epoch + 1)

    def kept(self) -> dict[str, Any]:
        """What the history keeps of one that has ended, beside its sentence."""
        return {
            "result": self.result.value if self.result else None,
            "severity": self.severity,
            "home": self.home.value if self.home else None,
            "began_at": self.began_at,
            "there_s": self.there_s,
            "home_s": self.home_s,
            "target_s": self.target_s,
            "execution": self.execution,
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "execution": self.execution,
            "scheduled": self.scheduled,
            "began_at": self.began_at,
            "home": self.home.value if self.home else None,
            "epoch": self.epoch,
            "target_s": self.target_s,
            "phase": self.phase.value,
            "since": self.since,
            "until": self.until,
            "amiss_reads": self.amiss_reads,
            "amiss": self.amiss,
            "there_s": self.there_s,
            "home_s": self.home_s,
            "result": self.result.value if self.result else None,
            "sentence": self.sentence,
            "ended_at": self.ended_at,
            "reported": self.reported,
            "version": self.version,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> GameDay:
        """Read a stored one; raises `ValueError` where it is not one."""
        try:
            return GameDay(
                execution=str(data["execution"]),
                scheduled=str(data["scheduled"]),
                began_at=float(data["began_at"]),
                home=Role(data["home"]) if data["home"] else None,
                epoch=int(data["epoch"]),
                target_s=float(data["target_s"]),
                phase=Phase(data["phase"]),
                since=float(data["since"]),
                until=float(data["until"]),
                amiss_reads=int(data["amiss_reads"]),
                amiss=str(data["amiss"]),
                there_s=_seconds(data["there_s"]),
                home_s=_seconds(data["home_s"]),
                result=Result(data["result"]) if data["result"] else None,
                sentence=str(data["sentence"]),
                ended_at=float(data["ended_at"]),
                reported=bool(data["reported"]),
                version=int(data["version"]),
            )
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{str(data)[:80]!r} is no game day: {error!r}") from error


def _seconds(given: Any) -> float | None:
    return None if given is None else float(given)
