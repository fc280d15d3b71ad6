"""What a page is drawn from, whoever observed it: marks, phases and the workflow's steps, on one clock.

Every moment is in seconds since 1970 (UTC). What is not known is None, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from failoverctl.steps import Step as StepRead

_NO_TIME_S = 0.02


@dataclass(frozen=True)
class Event:
    """Something that was done or observed, and is worth a mark on the timeline."""

    at: float
    label: str


@dataclass(frozen=True)
class Phase:
    """A named stretch of the failover. Phases may overlap; they are shown in the order given."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Step:
    """One state of the state machine as it ran.

    Args:
        name: the state's name.
        start, end: when it was entered and left; `end` is None while it runs, or when it never ended.
        result: the sentence it ended with, for people; empty where it had nothing to say.
        failed: whether it ended in an error (caught or not).
        execution: the execution's name, which tells the steps of several apart; empty where it was not noted.
    """

    name: str
    start: float
    end: float | None = None
    result: str = ""
    failed: bool = False
    execution: str = ""

    @staticmethod
    def of(read: StepRead, execution: str = "") -> Step:
        """A step as it was read from an execution's history, of that name."""
        again = f" (tried {read.tries} times)" if read.tries > 1 else ""
        return Step(read.name, read.start, read.end, f"{read.said}{again}".strip(), read.failed, execution)

    @property
    def counts(self) -> bool:
        """Whether a person wants to see it: a workflow is full of choices that take no time and say nothing."""
        return self.end is None or self.failed or bool(self.result) or self.end - self.start >= _NO_TIME_S


class Course(Protocol):
    """The course of a run or a change, as far as it is drawn."""

    @property
    def zero(self) -> float:
        """What people's times count from."""

    @property
    def began_at(self) -> float:
        """Where the observation begins."""

    @property
    def ended_at(self) -> float:
        """Where the observation ends."""

    @property
    def runs(self) -> bool:
        """Whether it still goes on: what has not ended yet did not fail."""

    @property
    def failure_at(self) -> float | None:
        """When the failure was; None where nothing failed."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The marks."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The workflow's steps, in the order they were entered."""

    @property
    def moments(self) -> tuple[float, ...]:
        """What else has to be in the drawing: the decision, the fence's proof, the promotion."""

    @property
    def trailing_at(self) -> float:
        """When the last of what comes back slowly came back; `began_at` where there is no such thing."""
