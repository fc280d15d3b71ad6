"""What people change in the pair's record without moving the pair: mode, maintenance, acknowledgement.

| setting       | effect on a request that nobody stands behind (the watchdog's, the alarm's)             |
|---------------|------------------------------------------------------------------------------------------|
| automatic     | the mode that acts: admitted                                                             |
| manual        | refused; people are told once for each outage, and one of them decides                   |
| shadow        | refused; what would have been done is written to the history, and people are told        |
| maintenance   | refused until its end, quietly: those who began it know                                  |
| acknowledged  | False after an automatic failover: the next one is refused until a person has looked     |

A person's own request is held up by none of these. Who weighs them is `admission.held_back`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from msfailover.pair import PairState
from msfailover.request import one_of, whole_in
from msfailover.text import moment

MODES = ("automatic", "manual", "shadow")
MAINTENANCE_AT_MOST_S = 30 * 86400
WISHES = ("set_mode", "maintenance", "acknowledge")
"""The actions by which people change the record."""


def is_note(line: Mapping[str, Any]) -> bool:
    """Whether a stored line of the history is a note, and not a change."""
    return line.get("outcome") == "noted"


def set_mode(state: PairState, mode: str) -> PairState:
    return replace(state, mode=mode)


def maintain(state: PairState, until: float) -> PairState:
    """The record with maintenance until then; 0 ends it."""
    return replace(state, maintenance_until=until)


def acknowledge(state: PairState) -> PairState:
    return replace(state, acknowledged=True)


def wished(event: Mapping[str, Any], now: float) -> tuple[str, Callable[[PairState], PairState]]:
    """What one of `WISHES` comes to: the sentence for the history, and how the record changes.

    Args:
        event: the action, and what goes with it: `mode`, or `seconds` of maintenance (0 ends it).
        now: seconds since 1970.

    Raises:
        BadRequest: what goes with it is missing or wrong.
    """
    action = one_of(event, "action", WISHES)
    if action == "set_mode":
        mode = one_of(event, "mode", MODES)
        return f"The mode is {mode} now.", lambda state: set_mode(state, mode)
    if action == "maintenance":
        seconds = whole_in(event, "seconds", 0, MAINTENANCE_AT_MOST_S)
        until = now + seconds if seconds else 0.0
        sentence = f"Maintenance until {moment(until)}." if seconds else "No maintenance any more."
        return sentence, lambda state: maintain(state, until)
    return "The last automatic failover is acknowledged; the next one may happen by itself.", acknowledge


def hold(state: PairState, why: str) -> PairState:
    """The record with an automatic failover held back; held back already, it stays as it is."""
    return state if state.held else replace(state, held=why)


def release(state: PairState) -> PairState:
    """The record after the active server was seen well again: the next outage is a new one."""
    return replace(state, held="")
