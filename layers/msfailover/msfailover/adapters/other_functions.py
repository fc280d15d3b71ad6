"""Putting questions to the stack's other functions, each by what a question calls it."""

from __future__ import annotations

from typing import Any, Protocol

from msfailover.adapters import lambda_invoke
from msfailover.adapters.pair_table import PairTable
from msfailover.adapters.probes import Probes
from msfailover.pair import Pair
from msfailover.questions import Question
from msfailover.verdict import Verdict


class _Settings(Protocol):
    """Settings of a function that asks all the others."""

    @property
    def pair(self) -> Pair: ...
    @property
    def table(self) -> str: ...
    @property
    def probe_function(self) -> str: ...
    @property
    def second_probe(self) -> str: ...
    def function(self, word: str, /) -> str: ...


class _Clients(Protocol):
    def dynamodb(self) -> Any: ...
    def functions(self) -> Any: ...


class _Context(Protocol):
    """What a function's context (runtime/handler.py) has for asking."""

    @property
    def settings(self) -> _Settings: ...
    @property
    def clients(self) -> _Clients: ...


def probes_of(context: _Context) -> Probes:
    """The function's probe, and the second one where there is one."""
    settings = context.settings
    return Probes(settings.probe_function, settings.second_probe, lambda: PairTable.of(context).read())


def put(context: _Context, question: Question) -> Verdict:
    """Ask one question; *unknown* where the function that could answer it fails (I3)."""
    if question.function == "probe":
        return probes_of(context).ask_verdict(question.payload())
    function = context.settings.function(question.function)
    return lambda_invoke.ask_verdict(context.clients.functions(), function, question.payload())
