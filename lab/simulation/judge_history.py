"""The judge of the history: its chain of digests, and the events that are made of its lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msfailover.chain import ChainHead, verify
from msfailover.decisions.announcements import of_lines

from lab.simulation.judge import record
from lab.simulation.world import Violation, World
from lab.testbed.cloud.event_schemas import faults


def chained(world: World, lines: list[Mapping[str, Any]]) -> None:
    """Judge that the history's chain of digests is unbroken, whoever wrote side by side."""
    stored = [_plain(line) for line in lines]
    found = verify(stored, ChainHead.from_json(_plain(record(world).get("chain"))), world.clock.time())
    if not found.is_yes:
        raise Violation("I4", found.sentence)
    for event in of_lines("pair", "stack", stored, 0, len(stored)):
        if wrong := faults(event.kind, event.detail):
            raise Violation("I4", f"an event is not as its schema says: {wrong[0]}")


def _plain(value: Any) -> Any:
    """What the table holds, as `PairTable` reads it: a whole number is one, and no float."""
    return json.loads(json.dumps(value, default=lambda number: int(number) if number == int(number) else float(number)))
