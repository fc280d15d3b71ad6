"""What `pair` is asked, action by action, in the types that it works with.

`execution` is what the workflow gave for its own ARN. Whether it is one of the stack's state machine is asked where
that machine is known (`request.execution_in`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msfailover.history import Outcome
from msfailover.pair import Role
from msfailover.request import entered_in, epoch_in, line_in, one_of, role_in
from msfailover.text import plain_words

Event = Mapping[str, Any]
SENTENCE_AT_MOST = 1000
"""Characters of a sentence of the workflow's that are kept."""


@dataclass(frozen=True)
class Begin:
    """Admit what was `asked`; `entered` is when the workflow came to it, in seconds since 1970."""

    execution: object
    entered: float
    asked: object


@dataclass(frozen=True)
class DryRun:
    """Say what `asked` would come to."""

    execution: object
    asked: object


@dataclass(frozen=True)
class Survey:
    """Find out who is active; `named` is the server that a person says it is."""

    execution: object
    named: Role | None


@dataclass(frozen=True)
class OfServer:
    """A step of a change that is about one server."""

    execution: object
    server: Role


@dataclass(frozen=True)
class EndSessions:
    """End a server's sessions in that epoch; with `every`, also those from addresses that only EC2 knows of it."""

    server: Role
    epoch: int
    every: bool


@dataclass(frozen=True)
class FallBack:
    """Choose how to continue after a failed step; `may_go_on` says that the other server has not been tried yet."""

    execution: object
    may_go_on: bool


@dataclass(frozen=True)
class End:
    """Conclude a change with this outcome, for the reason in the sentence."""

    execution: object
    outcome: Outcome
    sentence: str


@dataclass(frozen=True)
class Refusal:
    """What was `asked` was refused, for the reason in the sentence."""

    execution: object
    sentence: str
    asked: object


@dataclass(frozen=True)
class Hold:
    """The watchdog holds an automatic failover in that epoch."""

    sentence: str
    requested_by: str
    epoch: int


def begin_in(event: Event) -> Begin:
    """Raises `BadRequest` where it does not say when the workflow came to it."""
    return Begin(event.get("execution"), entered_in(event), event.get("request"))


def dry_run_in(event: Event) -> DryRun:
    """Never raises: whatever is asked is an answer of its own."""
    return DryRun(event.get("execution"), event.get("request"))


def survey_in(event: Event) -> Survey:
    """Raises `BadRequest` where it names no server of the pair."""
    return Survey(event.get("execution"), role_in(event, "named") if event.get("named") else None)


def of_server_in(event: Event) -> OfServer:
    """Raises `BadRequest` where it names no server of the pair."""
    return OfServer(event.get("execution"), role_in(event))


def end_sessions_in(event: Event) -> EndSessions:
    """Raises `BadRequest` where it names no server of the pair, or no epoch."""
    return EndSessions(role_in(event), epoch_in(event), event.get("every") is True)


def fall_back_in(event: Event) -> FallBack:
    """Never raises: what does not say that it may go on may not."""
    return FallBack(event.get("execution"), event.get("may_go_on") is True)


def end_in(event: Event) -> End:
    """Raises `BadRequest` where the outcome is none."""
    return End(event.get("execution"), Outcome(one_of(event, "outcome", Outcome)), _sentence_in(event))


def refusal_in(event: Event) -> Refusal:
    """Never raises: somebody is to be notified whatever was asked."""
    return Refusal(event.get("execution"), _sentence_in(event), event.get("request"))


def hold_in(event: Event) -> Hold:
    """Raises `BadRequest` where a line of text or the epoch is missing."""
    return Hold(line_in(event, "sentence"), line_in(event, "requested_by"), epoch_in(event))


def execution_given(event: Event) -> object:
    """What it gives for the execution's ARN. Never raises."""
    return event.get("execution")


def _sentence_in(event: Event) -> str:
    return plain_words(str(event.get("sentence", "")))[:SENTENCE_AT_MOST]
