"""From a story and the workflow's executions to the record of a run, whoever's hosts it ran on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from failoverctl.acceptance.report.record import Change, Check, Run
from failoverctl.report.course import Event, Step
from failoverctl.report.phases import phases

StepsOf = Callable[[str], tuple[Step, ...]]
"""The steps of an execution, by its ARN."""


class Named(Protocol):
    """A scenario, as far as its report names it."""

    @property
    def name(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def excused(self) -> tuple[str, ...]: ...


class Told(Protocol):
    """A story, as far as it is recorded."""

    t0: float
    failure_at: float | None
    outcome: str
    executions: list[str]

    @property
    def changes(self) -> tuple[Change, ...]: ...
    @property
    def events(self) -> tuple[Event, ...]: ...
    @property
    def checks(self) -> tuple[Check, ...]: ...


def assemble(
    scenario: Named, story: Told, executions: Sequence[Mapping[str, Any]], steps_of: StepsOf, **seen: Any
) -> Run:
    """The record of a run.

    Args:
        executions: all of the workflow, as Step Functions lists them; those of the story count.
        seen: the other fields of the record, as they were observed.
    """
    followed = [each for each in executions if each["executionArn"] in story.executions]
    steps = tuple(step for each in followed for step in steps_of(str(each["executionArn"])))
    return Run(
        scenario=scenario.name,
        headline=scenario.headline,
        expected=scenario.expected,
        t0=story.t0,
        ended_at=time.time(),
        outcome=story.outcome,
        failure_at=story.failure_at,
        detected_at=_decided(followed, max([story.failure_at or 0.0, *(each.at for each in story.changes)])),
        fenced_at=_start_of(steps, "Promote"),  # it is come to with a proven fence only
        promoted_at=_end_of(steps, "VerifyPromotion"),
        changes=story.changes,
        events=story.events,
        phases=phases(story.failure_at, _steps_of_last(story, followed, steps_of)),
        steps=steps,
        checks=story.checks,
        excused=scenario.excused,
        **seen,
    )


def permitted_by(executions: Sequence[Mapping[str, Any]], steps_of: StepsOf) -> Callable[[Change], bool]:
    """A change is permitted when the workflow came as far as a proven fence on the way to its new server."""
    proofs = {"VerifyFence", "VerifyPower"}

    def permitted(change: Change) -> bool:
        for each in executions:
            late = {step.name for step in steps_of(str(each["executionArn"])) if step.start >= change.at}
            if late & proofs and "Promote" in late:
                return True
        return False

    return permitted


def _decided(executions: Sequence[Mapping[str, Any]], since: float) -> float | None:
    """When the first of the scenario's executions began that can have been caused by the last failure or request."""
    starts = [float(each["startDate"].timestamp()) for each in executions]
    return min((at for at in starts if at >= since), default=None)


def _steps_of_last(story: Told, followed: Sequence[Mapping[str, Any]], steps_of: StepsOf) -> tuple[Step, ...]:
    """The steps of the executions that the last failure or request was followed by: where *its* time went."""
    starts = {str(each["executionArn"]): float(each["startDate"].timestamp()) for each in followed}
    causes = [story.failure_at or 0.0, *(each.at for each in story.changes)]
    since = max((at for at in causes if at <= max(starts.values(), default=0.0)), default=0.0)
    return tuple(step for arn, start in starts.items() if start >= since for step in steps_of(arn))


def _start_of(steps: tuple[Step, ...], name: str) -> float | None:
    starts = [step.start for step in steps if step.name == name]
    return starts[-1] if starts else None


def _end_of(steps: tuple[Step, ...], *names: str) -> float | None:
    ends = [step.end or step.start for step in steps if step.name in names]
    return ends[-1] if ends else None
