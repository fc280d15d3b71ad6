"""Where the path of a change differs from that of its replay, in sentences.

The branches of a parallel state run side by side, so each branch is compared by itself. How often a state of a loop was
entered depends on how long others took, and is no other path: it is noted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from failoverctl.report.change import PastChange
from failoverctl.report.course import Step
from failoverctl.whatif.replay import diagnosis_of, pace_of, replay
from lab.testbed.state_files import ROOT

DEFINITION = ROOT / "statemachine/failover.asl.json"
LATER_BY_AT_MOST_S = 1.0
"""Seconds by which a decision on the recorded probes may differ from the one that was made, and is still the same."""


@dataclass(frozen=True)
class Place:
    """Where a state stands: the branch of which parallel state, or the workflow itself (empty); and its type."""

    branch: str
    kind: str


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Args:
        differs: a sentence for each difference; none where the path is the same.
        notes: what is worth knowing, and is no other path.
    """

    differs: tuple[str, ...]
    notes: tuple[str, ...] = ()


def compare(change: PastChange, steps: Sequence[Step], outcome: str, sentence: str) -> Comparison:
    """Compare a change with its replay.

    Args:
        change: as it was.
        steps: of the replay's execution.
        outcome, sentence: how the replay ended.
    """
    differs, notes = _decision(change)
    if outcome != change.outcome:
        differs.append(f"It ended as {change.outcome}; today as {outcome or 'nothing'}: {sentence}")
    places = places_of(json.loads(DEFINITION.read_text(encoding="utf-8")))
    before, after = [each.name for each in change.steps], [each.name for each in steps]
    if not change.has_answers:
        notes.append("Of then only the steps that do or wait for something are known; only these are compared.")
        kinds = ("Task", "Wait")
        after = [name for name in after if places[name].kind in kinds]
    differs += path_differences(before, after, places)
    notes += _repeats(before, after)
    return Comparison(tuple(differs), tuple(notes))


def places_of(definition: Mapping[str, Any], branch: str = "") -> dict[str, Place]:
    """Each state of a workflow with its place."""
    found = {}
    for name, state in definition["States"].items():
        found[name] = Place(branch, str(state["Type"]))
        for number, each in enumerate(state.get("Branches", ()), start=1):
            found |= places_of(each, f"branch {number} of {name}")
    return found


def path_differences(before: Sequence[str], after: Sequence[str], places: Mapping[str, Place]) -> list[str]:
    """Where two paths differ: states in the order in which they were first entered, branch by branch."""
    gone = [name for name in dict.fromkeys(before) if name not in places]
    found = [f"{name} was entered; today's workflow has no state of that name." for name in gone]
    for branch in dict.fromkeys(each.branch for each in places.values()):
        then, today = (
            [name for name in dict.fromkeys(path) if name in places and places[name].branch == branch]
            for path in (before, after)
        )
        for kind, a, b, c, d in SequenceMatcher(None, then, today, autojunk=False).get_opcodes():
            if kind != "equal":
                where = f"after {then[a - 1]}" if a else "at its begin"
                found.append(_sentence(f"In {branch}, {where}" if branch else where, then[a:b], today[c:d]))
    return found


def _sentence(where: str, then: Sequence[str], today: Sequence[str]) -> str:
    return f"{where[0].upper()}{where[1:]}: then {', '.join(then) or 'nothing'}; today {', '.join(today) or 'nothing'}."


def _repeats(before: Sequence[str], after: Sequence[str]) -> list[str]:
    then, today = Counter(before), Counter(after)
    return [
        f"{name} was entered {_times(count)}; today {_times(today[name])}."
        for name, count in then.items()
        if name in today and count != today[name]
    ]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _decision(change: PastChange) -> tuple[list[str], list[str]]:
    """What today's code makes of the recorded probes: a difference, or a note."""
    differs, notes = list[str](), list[str]()
    for run in change.probes:
        now = diagnosis_of(run).finding.value
        if now != run.finding:
            at = f"{run.from_s - change.zero:+.1f} s"
            differs.append(f"What the probes saw at {at} was called {run.finding}; today's code calls it {now}.")
    if change.requested_by != "watch" or change.failure_at is None or not change.probes:
        return differs, notes
    decided = [each for each in replay(change.probes, pace_of(change.settings)).takeovers if each.at >= change.zero]
    if not decided:
        differs.append("On the recorded probes today's code starts no failover.")
    elif abs(decided[0].at - change.started_at) > LATER_BY_AT_MOST_S + pace_of(change.settings).interval_s:
        differs.append(
            f"On the recorded probes today's code decides {decided[0].at - change.zero:.1f} s after the first failed"
            f" one; then it was {change.started_at - change.zero:.1f} s."
        )
    else:
        notes.append(f"On the recorded probes today's code decides as it was decided then: {decided[0].why}")
    return differs, notes


def read(path: Path) -> PastChange:
    """The change in a file. Raises CommandError where it holds none, OSError where it can't be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        data = {}
    return PastChange.from_json(data if isinstance(data, dict) else {})
