"""May the second probe be relied on? Only after it was seen to reach both servers, at rest, in this epoch (I11).

It is asked where the first one is of no use, and its silence about the active server then counts as the first one's
does. A subnet that never had a way to that server would make every failure of the first probe an outage.
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
    """Do both probes reach both servers' hosts?

    Args:
        first, second: the signals of both servers, as each probe answers them; `{"error": sentence}` for one that
            could not be asked.

    Returns:
        no where one can't be asked or misses what the other one reaches (`misses` in the evidence, where that is the
        second one); unknown where neither reaches a server.
    """
    for name, answer in (("first", first), ("second", second)):
        if "error" in answer:
            return no(f"The {name} probe can't be asked: {answer['error']}")
    reached = {"first": _reached(first), "second": _reached(second)}
    for name, other in (("second", "first"), ("first", "second")):
        missed = sorted(reached[other] - reached[name])
        if missed:
            sentence = f"The {name} probe does not reach {' and '.join(missed)}, which the {other} one reaches."
            return no(sentence, misses=name == "second")
    absent = sorted(set(Role) - reached["first"])
    if absent:
        return unknown(f"Nothing of {' and '.join(absent)} comes back to either probe.")
    return yes("Both probes, in different subnets, reach both servers.")


def record_at_rest(state: PairState, before: PairState, found: Verdict) -> PairState:
    """The record with what `compare` found, where the pair was at rest all the time since `before` was read.

    Where neither probe reaches a server nothing is known of the second one's way to it: what was seen stands.
    """
    if (state.active, state.epoch, state.lease) != (before.active, before.epoch, None):
        return state
    if found.evidence.get("misses") is True:
        return replace(state, second_probe_epoch=-1)
    return replace(state, second_probe_epoch=state.epoch) if found.is_yes else state


def _reached(answer: Mapping[str, Any]) -> set[Role]:
    """The servers of which something came back; an unknown signal shows nothing."""
    return {role for role in Role if any(_came_back(answer.get(role.value), port) for port in ("admin", "port"))}


def _came_back(signals: Any, port: str) -> bool:
    signal = signals.get(port) if isinstance(signals, Mapping) else None
    return signal in set(Signal) and signal not in _SILENCE
