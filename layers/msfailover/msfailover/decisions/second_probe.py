"""May the second probe be relied on? Only after it was seen to reach what it judges, at rest, in this epoch (I11).

That is each port of each server that the first one gets something from, and an answer of the active server's
administration interface: a path to one port shows nothing of the other. It is asked where the first one is of no use,
and its silence about the active server then counts as the first one's does. A subnet that never had a path to that
server would make every failure of the first probe an outage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msfailover.observations import Signal
from msfailover.pair import PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

_SILENCE = (Signal.SILENT, Signal.UNREACHABLE)


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Verdict:
    """Do both probes see the same of both servers, port by port?

    Args:
        first, second: the signals of both servers, as each probe answers them; `{"error": sentence}` for one that
            could not be asked.

    Returns:
        no where one can't be asked or misses what the other one sees (`misses` in the evidence, where that is the
        second one); unknown where neither sees a server, or no administration interface answers.
    """
    for name, answer in (("first", first), ("second", second)):
        if "error" in answer:
            return no(f"The {name} probe can't be asked: {answer['error']}")
    found = {"first": _signals(first), "second": _signals(second)}
    for name, other in (("second", "first"), ("first", "second")):
        missed = [f"the {port} port of {role}" for (role, port), signal in found[other].items()
                  if _less(found[name].get((role, port)), signal)]  # fmt: skip
        if missed:
            sentence = f"The {name} probe does not see {' and '.join(missed)} as the {other} one does."
            return no(sentence, misses=name == "second")
    absent = sorted(set(Role) - {role for role, _ in found["first"]})
    if absent:
        return unknown(f"Nothing of {' and '.join(absent)} comes back to either probe.")
    if not any(port == "admin" and signal is Signal.ANSWERS for (_, port), signal in found["second"].items()):
        return unknown("No administration interface answers, so whether the second probe would hear it is not known.")
    return yes("Both probes, in different subnets, see the same of both servers.")


def record_at_rest(state: PairState, before: PairState, found: Verdict) -> PairState:
    """The record with what `compare` found, where the pair was at rest all the time since `before` was read.

    Where neither probe reaches a server nothing is known of the second one's way to it: what was seen stands.
    """
    if (state.active, state.epoch, state.lease) != (before.active, before.epoch, None):
        return state
    if found.evidence.get("misses") is True:
        return replace(state, second_probe_epoch=-1)
    return replace(state, second_probe_epoch=state.epoch) if found.is_yes else state


def _signals(answer: Mapping[str, Any]) -> dict[tuple[Role, str], Signal]:
    """What came back of each port of each server; an unknown signal shows nothing, and silence is nothing."""
    found = {(role, port): _signal(answer.get(role.value), port) for role in Role for port in ("admin", "port")}
    return {where: signal for where, signal in found.items() if signal is not None and signal not in _SILENCE}


def _signal(signals: Any, port: str) -> Signal | None:
    text = signals.get(port) if isinstance(signals, Mapping) else None
    return Signal(text) if text in set(Signal) else None


def _less(own: Signal | None, others: Signal) -> bool:
    """Whether one probe sees less of a port than the other: nothing, or no answer where the other one has one."""
    refused = own is Signal.REFUSED and others is not Signal.REFUSED
    return own is None or refused or (others is Signal.ANSWERS and own is not Signal.ANSWERS)
