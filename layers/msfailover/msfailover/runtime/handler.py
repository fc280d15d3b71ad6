"""How a function is written: a table of actions, each with the parser of its request, and one context for all of them.

An action gets its request typed, and reaches everything outside through the context: settings, clients, clock, threads,
and what the process remembers from call to call. No module keeps anything of that, so a test or a simulation hands in
a context of its own (`Handler.within`) and patches nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from aws_lambda_powertools import Logger

from msfailover.request import BadRequest
from msfailover.runtime import observability
from msfailover.runtime.polling import attempts
from msfailover.verdict import Verdict

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
Event = Mapping[str, Any]
Answer = Verdict | dict[str, Any]


class Clock(Protocol):
    """What a function asks of `time`."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class Clients(Protocol):
    """What makes the clients of AWS, each when it is first used: `adapters.clients`."""

    def dynamodb(self) -> Any: ...
    def ec2(self) -> Any: ...
    def ec2_once(self) -> Any: ...
    def ssm(self) -> Any: ...
    def route53(self) -> Any: ...
    def route53_once(self) -> Any: ...
    def stepfunctions(self) -> Any: ...
    def sns(self) -> Any: ...
    def sqs(self) -> Any: ...
    def events(self) -> Any: ...
    def kms(self) -> Any: ...
    def functions(self) -> Any: ...
    def probes(self) -> Any: ...


NO_CLIENTS = cast(Clients, None)


@dataclass(frozen=True)
class Context(Generic[S]):
    """All that an action reaches beside its request.

    Args:
        settings: of the function.
        clients: of AWS; left out by a function that calls no AWS API, and so loads none.
        clock: the time, and waiting.
        threads: makes an executor of so many `max_workers`.
        memory: what `once` has made so far.
    """

    settings: S
    clients: Clients = NO_CLIENTS
    clock: Clock = time
    threads: Callable[..., Executor] = ThreadPoolExecutor
    memory: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def attempts(self, deadline_s: float, **pauses: float) -> Iterator[int]:
        """`polling.attempts`, by this context's clock."""
        return attempts(deadline_s, **pauses, sleep=self.clock.sleep, clock=self.clock.monotonic)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made under this key by an earlier call in this process, or what `make` makes now."""
        if key not in self.memory:
            self.memory[key] = make()
        found: T = self.memory[key]
        return found


@dataclass(frozen=True)
class Action(Generic[S, R]):
    """One action.

    Args:
        parse: the request out of the event; raises `BadRequest`.
        do: what is done about it.
        named: whether a refusal names it; what only an event of AWS asks for is of no use to whoever was refused.
    """

    parse: Callable[[Event], R]
    do: Callable[[Context[S], R], Answer]
    named: bool = True


def without_request(do: Callable[[Context[S]], Answer]) -> Action[S, None]:
    """An action that is asked for by its name alone."""
    return Action(lambda _event: None, lambda context, _request: do(context))


def whole_event(event: Event) -> Event:
    """The parser of an action that takes the event as it is: what it asks another function, or judges by the clock."""
    return event


def log_verdict(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    """Log what was asked and answered, under the answer's own sentence."""
    if "sentence" in answer:
        logger.info(answer["sentence"], extra={"asked": event["action"], "answer": answer["answer"]})


def log_whole(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    """Log the whole answer."""
    logger.info("answered", extra={"asked": event["action"], "answer": answer})


def log_of_server(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    """As `log_verdict`, and of which server it was asked."""
    asked = {"asked": event["action"], "server": event["server"], "answer": answer["answer"]}
    logger.info(answer["sentence"], extra=asked)


def log_when_debugging(logger: Logger, event: Event, answer: Mapping[str, Any]) -> None:
    """Log the whole answer, for a function that is asked so often that this would be most of the log."""
    logger.debug("answered", extra={"asked": event["action"], "answer": answer})


def _as_it_is(_event: Event, answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _asked_for(event: Event) -> object:
    return event.get("action")


@dataclass(frozen=True)
class Handler(Generic[S]):
    """What Lambda calls: finds the action, parses its request, does it, logs and answers.

    Args:
        logger: of the function.
        actions: by name, in the order in which a refusal names them.
        context: of the process.
        log: logs an answer.
        name_of: the name of the action that an event asks for; what is none of `actions` is refused.
        finish: what whoever asks gets for an answer, once that is logged; raises where they asked for an error instead.
    """

    logger: Logger
    actions: Mapping[str, Action[S, Any]]
    context: Context[S]
    log: Callable[[Logger, Event, Mapping[str, Any]], None] = log_verdict
    name_of: Callable[[Event], object] = _asked_for
    finish: Callable[[Event, dict[str, Any]], dict[str, Any]] = _as_it_is

    def __call__(self, event: Event, _context: object) -> dict[str, Any]:
        """Answer one event; raises `BadRequest` where it asks for nothing that is known, and what the action raises."""
        observability.begin(self.logger, event)
        name = self.name_of(event)
        if not isinstance(name, str) or name not in self.actions:
            known = tuple(each for each, action in self.actions.items() if action.named)
            raise BadRequest(f"action is {str(name)[:40]!r}, but {_one_of(known)} is needed.")
        action = self.actions[name]
        done = action.do(self.context, action.parse(event))
        answer = done.to_json() if isinstance(done, Verdict) else done
        self.log(self.logger, event, answer)
        return self.finish(event, answer)

    def within(self, **changes: Any) -> Handler[S]:
        """The same handler with a context that differs in these fields, and with no memory but what is given."""
        return replace(self, context=replace(self.context, **{"memory": {}, **changes}))


def _one_of(names: tuple[str, ...]) -> str:
    return " or ".join(names) if len(names) <= 2 else f"one of {', '.join(names)}"
