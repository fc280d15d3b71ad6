"""Asking the probe; and the second one, in another subnet, where the first can't be asked or sees nothing at all.

A zone that is lost takes along the network interfaces of functions that stand in it. Every answer is one probe's,
whole: what one sees of a server is never put together with what the other one sees of the other server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msfailover.adapters import clients, lambda_invoke
from msfailover.adapters.clients import Throttled
from msfailover.adapters.lambda_invoke import FunctionFailed
from msfailover.pair import PairState
from msfailover.verdict import Verdict, unknown


@dataclass(frozen=True)
class Probes:
    """One probe, or two.

    Args:
        first: the function that is asked first, by name or ARN.
        second: the other one; empty where there is none.
        record: reads the pair's record, which says whether the second one may be relied on; called where it is needed.
    """

    first: str
    second: str
    record: Callable[[], PairState]

    def ask(self, payload: Mapping[str, Any], *, second_first: bool = False) -> dict[str, Any]:
        """Ask one question, of the second probe where the first has no answer to it.

        Args:
            payload: what is asked.
            second_first: the second probe had the last answer: it is asked before the first is waited for again.

        Returns:
            the answer of the first probe that sees anything, else of one that sees nothing. `origin` says in a
            sentence why it is not the first one's, or why the second one could not help; `second` whether it is the
            second one's answer.

        Raises:
            FunctionFailed: neither could be asked; the cause is the first one's.
        """
        if not self.second:
            return lambda_invoke.ask(clients.functions(), self.first, payload)
        if second_first:
            try:
                found = self._ask_second(payload)
            except FunctionFailed:
                found = None  # it is asked again below, where the first one has no answer either
            if found is not None and not _sees_nothing(found):
                return _of_second(found, "The first probe had no answer a moment ago.")
        return self._ask_first_then_second(payload)

    def _ask_first_then_second(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        failure: FunctionFailed | None = None
        blind: dict[str, Any] | None = None
        try:
            found = lambda_invoke.ask(clients.probes(), self.first, payload)
        except FunctionFailed as error:
            why, failure = f"The first probe failed: {error}.", error
        else:
            if not _sees_nothing(found):
                return found
            why, blind = "The first probe sees neither server.", found
        try:
            other = self._ask_second(payload)
        except FunctionFailed as error:
            more = str(error)
        else:
            if not _sees_nothing(other):
                return _of_second(other, why)
            more, blind = "The second one sees neither server, either.", blind or other
        if blind is not None:
            return {**blind, "origin": f"{why} {more}"}
        cause = failure.__cause__ if failure else None
        raise FunctionFailed("Every probe", FunctionFailed.__name__, f"{why} {more}") from cause

    def ask_verdict(self, payload: Mapping[str, Any]) -> Verdict:
        """As `ask`, for a question that a verdict answers; *unknown* where no probe can be asked (I3)."""
        try:
            return self._verdict(payload)
        except (FunctionFailed, KeyError, ValueError) as error:
            return unknown(
                f"{payload.get('action')} of {payload.get('server', 'the pair')} could not be asked: {error}"
            )

    def ask_or_be_throttled(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """As `ask_verdict`, for the workflow, which repeats a step that was throttled.

        Raises:
            Throttled: Lambda refused the calls for now.
        """
        try:
            return self._verdict(payload).to_json()
        except FunctionFailed as error:
            if isinstance(error.__cause__, Throttled):
                raise error.__cause__ from error
            raise

    def ask_each(self, payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What each probe answers by itself; `{"error": sentence}` for one that can't be asked."""
        return _answer_or_why(self.first, payload), _answer_or_why(self.second, payload)

    def _verdict(self, payload: Mapping[str, Any]) -> Verdict:
        answer = self.ask(payload)
        verdict = Verdict.from_json(answer)
        return Verdict(verdict.answer, f"{verdict.sentence} {answer.get('origin', '')}".rstrip(), verdict.evidence)

    def _ask_second(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Raises FunctionFailed where it can't be asked, or may not be relied on."""
        try:
            state = self.record()
        except Exception as error:  # whatever it is: what can't be read lends no belief to the second probe (I3)
            why = f"the record can't be read: {type(error).__name__}."
            raise FunctionFailed("The second probe", "NotAsked", why) from error
        if not state.believes_second_probe:
            why = f"it has not been seen to reach both servers in epoch {state.epoch}."
            raise FunctionFailed("The second probe", "NotAsked", why)
        return lambda_invoke.ask(clients.probes(), self.second, payload)


def _answer_or_why(function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return lambda_invoke.ask(clients.probes(), function, payload)
    except FunctionFailed as error:
        return {"error": str(error)}


def _of_second(answer: Mapping[str, Any], why: str) -> dict[str, Any]:
    return {**answer, "origin": f"{why} This is what the second one sees.", "second": True}


def _sees_nothing(answer: Mapping[str, Any]) -> bool:
    """Whether nothing came back to the probe from either server: it may be the probe that is cut off."""
    evidence = answer.get("evidence")
    return isinstance(evidence, Mapping) and evidence.get("cut_off") is True
