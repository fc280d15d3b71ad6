"""What somebody asks of the pair, and the refusal of everything that is not such a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from msfailover.pair import Role
from msfailover.text import clean

WATCH = "watch"
AUTOMATIC = (WATCH, "alarm")
"""Who asks for a failover without a person behind it. They obey mode, maintenance and acknowledgement (I7)."""
GAME_DAY = "game-day"
"""Who asks for the planned switchovers of a game day, which obey the same."""

_KNOWN = ("action", "target", "reason", "requested_by", "dry_run", "first_failed_at")
_LONGEST_TEXT = 500
LATEST = 1e11
"""Seconds since 1970 that no moment comes to; what is above it is in other units."""


class BadRequest(Exception):
    """The input is not a request; the sentence says what is wrong and what is allowed. Nothing was touched."""


class Action(StrEnum):
    """The verbs of the state machine."""

    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    FORCE = "force"
    RESUME = "resume"
    ADOPT = "adopt"


@dataclass(frozen=True)
class Request:
    """A request that can be admitted or refused.

    Args:
        action: the verb.
        target: the server that is to be active afterwards; None leaves it to the pair's record.
        reason: why, in the words of whoever asks; kept in the history.
        requested_by: a person's name, one of `AUTOMATIC`, or `GAME_DAY`.
        dry_run: everything that reads, nothing that writes.
        first_failed_at: when a probe first found the active server down, in seconds since 1970; 0 where nobody says.
    """

    action: Action
    target: Role | None
    reason: str
    requested_by: str
    dry_run: bool = False
    first_failed_at: float = 0.0

    @property
    def automatic(self) -> bool:
        return self.requested_by in AUTOMATIC

    @property
    def unattended(self) -> bool:
        """Whether no person has asked just now: what people have set holds it."""
        return self.automatic or self.requested_by == GAME_DAY


def parse_request(data: object) -> Request:
    """Make a request of an execution's input.

    Raises:
        BadRequest: one sentence naming what is wrong and what is allowed.
    """
    if not isinstance(data, Mapping):
        raise BadRequest('The input is not a JSON object; {"action": …, "reason": …} is needed.')
    strange = sorted(_shown(key) for key in data if key not in _KNOWN)
    if strange:
        raise BadRequest(f"The input has fields that mean nothing here: {', '.join(strange[:5])}; {_allowed_fields()}.")
    action = _one_of(data, "action", [each.value for each in Action])
    target = _one_of(data, "target", [each.value for each in Role]) if data.get("target") is not None else None
    dry_run = data.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise BadRequest("dry_run is not true or false, but one of the two is needed.")
    if data.get("requested_by") is None and action == Action.FORCE:
        raise BadRequest("requested_by is missing: force needs the name of the person who answers for it.")
    return Request(
        action=Action(action),
        target=Role(target) if target else None,
        reason=_sentence(data, "reason", None),
        requested_by=_sentence(data, "requested_by", "unnamed"),
        dry_run=dry_run,
        first_failed_at=_moment(data, "first_failed_at"),
    )


def _shown(key: object) -> str:
    """A field's name as it can stand in a sentence."""
    return clean(key, 40) or "one without a name"


def _allowed_fields() -> str:
    return f"allowed are {', '.join(_KNOWN)}"


def _one_of(data: Mapping[Any, Any], name: str, allowed: list[str]) -> str:
    value = data.get(name)
    if not isinstance(value, str) or value not in allowed:
        shown = "missing" if value is None else repr(value)[:60]
        raise BadRequest(f"{name} is {shown}, but one of {', '.join(allowed)} is needed.")
    return value


def one_of(event: Mapping[str, Any], name: str, allowed: Iterable[str]) -> str:
    """A field that must have one of a few values. Raises `BadRequest`, saying which."""
    return _one_of(event, name, list(allowed))


def line_in(event: Mapping[str, Any], name: str) -> str:
    """A line of text for people. Raises `BadRequest` where it is missing, too long, or more than a line."""
    return _sentence(event, name, None)


def whole_in(event: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number in a range. Raises `BadRequest`, saying which."""
    value = event.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadRequest(f"{name} is {repr(value)[:40]}, but a whole number from {least} to {most} is needed.")
    return value


def _moment(data: Mapping[Any, Any], name: str) -> float:
    value = data.get(name, 0)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < LATEST:
        raise BadRequest(f"{name} is {repr(value)[:40]}, but seconds since 1970 are needed.")
    return float(value)


def _sentence(data: Mapping[Any, Any], name: str, default: str | None) -> str:
    value = data.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing: a line of text is needed that people will understand later.")
    if len(value) > _LONGEST_TEXT or not value.isprintable():
        raise BadRequest(f"{name} is not one line of at most {_LONGEST_TEXT} characters.")
    return value.strip()


def execution_in(event: Mapping[str, Any], machine: str) -> str:
    """The execution that asks, by its ARN.

    Args:
        event: what the function was called with.
        machine: the ARN of the stack's state machine; nobody else may begin, prove or conclude a change.

    Raises:
        BadRequest: it is not the ARN of an execution of that machine.
    """
    value = event.get("execution")
    executions = machine.replace(":stateMachine:", ":execution:", 1) + ":"
    name = value.removeprefix(executions) if isinstance(value, str) else ""
    if not isinstance(value, str) or value == name or not re.fullmatch(r"[^\s:]{1,80}", name) or not name.isprintable():
        raise BadRequest(f"execution is {repr(value)[:120]}, but the ARN of an execution of {machine} is needed.")
    return value


def entered_in(event: Mapping[str, Any]) -> float:
    """When the workflow came to the state that asks, in seconds since 1970: its context's `State.EnteredTime`.

    Raises:
        BadRequest: it is not a time with its zone in ISO 8601.
    """
    value = event.get("entered")
    try:
        entered = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        entered = None
    if entered is None or entered.tzinfo is None:
        raise BadRequest(f"entered is {repr(value)[:40]}, but a time like 2026-01-31T12:00:00Z is needed.")
    return entered.timestamp()


@dataclass(frozen=True)
class Order:
    """An order about one server, in which epoch."""

    role: Role
    epoch: int


def order_in(event: Mapping[str, Any]) -> Order:
    """The order that a function is given. Raises as `role_in` and `epoch_in`."""
    return Order(role_in(event), epoch_in(event))


def role_in(event: Mapping[str, Any], name: str = "server") -> Role:
    """The server that a function is asked about.

    Raises:
        BadRequest: it is not one of the pair.
    """
    return Role(_one_of(event, name, [each.value for each in Role]))


def epoch_in(event: Mapping[str, Any]) -> int:
    """The epoch that a function is asked to act in.

    Raises:
        BadRequest: it is not a whole number above zero.
    """
    value = event.get("epoch")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Step Functions hands numbers on as JSON, where 2 and 2.0 are one
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**9:
        raise BadRequest(f"epoch is {repr(value)[:40]}, but a whole number above 0 is needed.")
    return value
