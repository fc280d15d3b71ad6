"""SSM Run Command's own rules: a document's parameters, a command's state on each instance. No moto, no HTTP."""

from __future__ import annotations

import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

STDOUT_LIMIT = 24000
STDERR_LIMIT = 8000
ONLINE_S = 30.0  # an agent that polled within this time is Online
_ANSWER_GRACE_S = 10.0  # how long after the execution's own timeout an answer is still waited for

FINAL = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})


class InvalidParametersError(ValueError):
    """A parameter that the document does not have, or a value that it does not allow."""


def check_parameters(document: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> None:
    """Refuse what the document does not allow. Raises InvalidParametersError with one sentence."""
    declared: Mapping[str, Any] = document.get("parameters") or {}
    for name, values in given.items():
        if name not in declared:
            raise InvalidParametersError(f"Parameter {name} is not defined in the document.")
        for value in values:
            _check_value(name, str(value), declared[name])
    missing = sorted(name for name, about in declared.items() if "default" not in about and name not in given)
    if missing:
        raise InvalidParametersError(f"Parameters {missing} have no default and were not given.")


def _check_value(name: str, value: str, about: Mapping[str, Any]) -> None:
    allowed = about.get("allowedValues")
    if allowed and value not in [str(each) for each in allowed]:
        raise InvalidParametersError(f"Parameter {name} has the value {value!r}; allowed are {allowed}.")
    pattern = about.get("allowedPattern")
    if pattern and not re.search(pattern, value):
        raise InvalidParametersError(f"Parameter {name} has a value that does not match {pattern}.")
    if len(value) > int(about.get("maxChars", 10**9)) or len(value) < int(about.get("minChars", 0)):
        raise InvalidParametersError(f"Parameter {name} has a value of {len(value)} characters, which is not allowed.")


def execution_timeout_s(document: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> float:
    """How long the document's steps may run together, in seconds; SSM's default is an hour a step."""
    declared = document.get("parameters") or {}
    total = 0.0
    for step in document.get("mainSteps") or []:
        text = str((step.get("inputs") or {}).get("timeoutSeconds", "3600"))
        reference = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", text)
        if reference:
            name = reference.group(1)
            text = str((list(given.get(name, [])) or [declared.get(name, {}).get("default", "3600")])[0])
        total += float(text)
    return total or 3600.0


@dataclass
class Invocation:
    """A command on one instance. Times in seconds since the epoch; `exit_code` is -1 while there is none."""

    command_id: str
    instance_id: str
    document_name: str
    document: Mapping[str, Any]
    parameters: Mapping[str, Sequence[str]]
    comment: str
    requested_at: float
    deliver_by: float
    run_limit_s: float
    status: str = "Pending"
    details: str = "Pending"
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int = -1
    stdout: str = ""
    stderr: str = ""
    again: bool = False
    """The same command given to its agent a second time: nobody counts it."""


@dataclass
class Agent:
    """What is known of an instance's agent."""

    last_poll: float = 0.0
    polling: int = 0
    generation: int = 0
    waiting: list[Invocation] = field(default_factory=list)


StatusListener = Callable[[Invocation], None]


class Commands:
    """Every command, and the agents that fetch them. `on_status` hears of each change of an invocation's status."""

    def __init__(self, on_status: StatusListener) -> None:
        self._on_status = on_status
        self._condition = threading.Condition()
        self._invocations: dict[tuple[str, str], Invocation] = {}
        self._agents: dict[str, Agent] = {}
        self.starts_after: Callable[[], float] = lambda: 0.0
        """Says of each command how many seconds pass until an agent can have it."""
        self.result_after: Callable[[str], float] = lambda _: 0.0
        """Says of an answer to a document, by its name, how many seconds later it counts; infinite: never."""
        self.runs_twice: Callable[[], bool] = lambda: False
        """Says of each command whether its agent gets it a second time."""
        self.adds_own_line: Callable[[], bool] = lambda: False
        """Says of each failed document whether the agent ends its stderr with a line of its own."""

    def send(
        self,
        document_name: str,
        document: Mapping[str, Any],
        instance_ids: Sequence[str],
        parameters: Mapping[str, Sequence[str]],
        *,
        delivery_s: float,
        comment: str = "",
    ) -> list[Invocation]:
        """Queue a command. Raises InvalidParametersError."""
        check_parameters(document, parameters)
        command_id, now = str(uuid.uuid4()), time.time()
        limit = execution_timeout_s(document, parameters)
        made = [
            Invocation(command_id, each, document_name, document, parameters, comment, now, now + delivery_s, limit)
            for each in instance_ids
        ]
        with self._condition:
            self._invocations.update({(command_id, each.instance_id): each for each in made})
        for invocation in made:  # told before an agent can fetch it, so that the changes are told in their order
            self._on_status(invocation)
        for invocation in made:
            _after(self.starts_after(), partial(self._offer, invocation))
        return made

    def _offer(self, invocation: Invocation) -> None:
        with self._condition:
            if invocation.status == "Pending":
                self._agent(invocation.instance_id).waiting.append(invocation)
            self._condition.notify_all()

    def fetch(self, instance_id: str, wait_s: float, still_there: Callable[[], bool]) -> Invocation | None:
        """The agent's next command, now in progress; None after `wait_s`, or when the agent was disconnected."""
        deadline = time.monotonic() + wait_s
        with self._condition:
            agent = self._agent(instance_id)
            generation = agent.generation
            agent.last_poll = time.time()
            agent.polling += 1
            try:
                while not agent.waiting:
                    left = deadline - time.monotonic()
                    if left <= 0 or agent.generation != generation:
                        return None
                    self._condition.wait(left)
                if agent.generation != generation or not still_there():
                    return None
                invocation = agent.waiting.pop(0)
                if invocation.again:
                    return invocation
                if self.runs_twice():
                    agent.waiting.insert(0, replace(invocation, again=True))
                self._set(invocation, "InProgress", "InProgress")
                invocation.started_at = time.time()
            finally:
                agent.polling -= 1
                if agent.generation == generation:
                    agent.last_poll = time.time()
        self._on_status(invocation)
        return invocation

    def give_back(self, invocation: Invocation) -> None:
        """Queue a command again that could not be handed over."""
        with self._condition:
            self._set(invocation, "Pending", "Pending")
            self._agent(invocation.instance_id).waiting.insert(0, invocation)
            self._condition.notify_all()

    def answer(self, instance_id: str, command_id: str, status: str, exit_code: int, stdout: str, stderr: str) -> bool:
        """Take an agent's answer; False when there is no such command or it has its answer already."""
        if status == "Failed" and self.adds_own_line():
            stderr = f"{stderr.rstrip()}\nfailed to run commands: exit status {exit_code}"
        found = self._invocations.get((command_id, instance_id))
        later_s = self.result_after(found.document_name if found else "")
        if later_s > 0:
            known = found is not None
            if not math.isinf(later_s):
                _after(later_s, partial(self._take, instance_id, command_id, status, exit_code, stdout, stderr))
            return known
        return self._take(instance_id, command_id, status, exit_code, stdout, stderr)

    def _take(self, instance_id: str, command_id: str, status: str, exit_code: int, stdout: str, stderr: str) -> bool:
        with self._condition:
            invocation = self._invocations.get((command_id, instance_id))
            if invocation is None or invocation.status in FINAL:
                return False
            invocation.exit_code = exit_code
            invocation.stdout, invocation.stderr = stdout[:STDOUT_LIMIT], stderr[:STDERR_LIMIT]
            self._set(invocation, status, "ExecutionTimedOut" if status == "TimedOut" else status)
        self._on_status(invocation)
        return True

    def cancel(self, command_id: str, instance_ids: Sequence[str]) -> None:
        """Cancel where the command has not been fetched yet; where it runs, it runs on and is Cancelling."""
        changed = []
        with self._condition:
            for invocation in self.of_command(command_id):
                if instance_ids and invocation.instance_id not in instance_ids:
                    continue
                if invocation.status == "Pending":
                    self._forget(invocation)
                    self._set(invocation, "Cancelled", "Cancelled")
                    changed.append(invocation)
                elif invocation.status == "InProgress":
                    self._set(invocation, "Cancelling", "Cancelling")
                    changed.append(invocation)
        for invocation in changed:
            self._on_status(invocation)

    def disconnect(self, instance_id: str) -> None:
        """The instance went off: its agent polls no more, whatever a half-dead connection looks like."""
        with self._condition:
            agent = self._agent(instance_id)
            agent.generation += 1
            agent.waiting = [each for each in agent.waiting if not each.again]
            agent.last_poll = min(agent.last_poll, time.time() - ONLINE_S) if agent.last_poll else 0.0
            self._condition.notify_all()

    def expire(self, now: float) -> None:
        """Time out what was not delivered, or not answered, in its time."""
        expired = []
        with self._condition:
            for invocation in self._invocations.values():
                if invocation.status == "Pending" and now > invocation.deliver_by:
                    self._forget(invocation)
                    self._set(invocation, "TimedOut", "DeliveryTimedOut")
                    expired.append(invocation)
                elif invocation.status in ("InProgress", "Cancelling") and now > _answer_by(invocation):
                    self._set(invocation, "TimedOut", "ExecutionTimedOut")
                    expired.append(invocation)
        for invocation in expired:
            self._on_status(invocation)

    def find(self, command_id: str, instance_id: str) -> Invocation | None:
        return self._invocations.get((command_id, instance_id))

    def of_command(self, command_id: str) -> list[Invocation]:
        return [each for (command, _), each in list(self._invocations.items()) if command == command_id]

    def all(self) -> list[Invocation]:
        return list(self._invocations.values())

    def agents(self) -> dict[str, tuple[str, float]]:
        """Every instance whose agent ever polled, with its ping status and the time of its last poll."""
        now = time.time()
        with self._condition:
            return {
                name: ("Online" if now - agent.last_poll < ONLINE_S else "ConnectionLost", agent.last_poll)
                for name, agent in self._agents.items()
                if agent.last_poll
            }

    def _agent(self, instance_id: str) -> Agent:
        return self._agents.setdefault(instance_id, Agent())

    def _forget(self, invocation: Invocation) -> None:
        waiting = self._agent(invocation.instance_id).waiting
        if invocation in waiting:
            waiting.remove(invocation)

    def _set(self, invocation: Invocation, status: str, details: str) -> None:
        invocation.status, invocation.details = status, details
        if status in FINAL:
            invocation.ended_at = time.time()


def _after(seconds: float, do: Callable[[], object]) -> None:
    if seconds <= 0:
        do()
        return
    later = threading.Timer(seconds, do)
    later.daemon = True
    later.start()


def _answer_by(invocation: Invocation) -> float:
    return (invocation.started_at or invocation.requested_at) + invocation.run_limit_s + _ANSWER_GRACE_S
