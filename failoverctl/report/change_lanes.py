"""The lanes of a change: what the probes saw of each server, and what the workflow's orders came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msfailover.pair import Role
from msfailover.watching import Ports, Run

from failoverctl.report import lanes
from failoverctl.report.change import OTHER, PastChange
from failoverctl.report.chart import Scale, rect, seconds
from failoverctl.report.lanes import Lane, Span, between, blocks, ends_of, measure
from failoverctl.whatif.replay import pace_of, stretches_of

_HEIGHT = 24
_CLASSES = {"ms1": "s1", "ms2": "s2"}


@dataclass(frozen=True)
class Held:
    """From `at` on a server has something, until the next one has it; empty for nobody."""

    at: float
    server: str


def lanes_of(change: PastChange, scale: Scale) -> list[Lane]:
    """Every lane there is something to draw of, from what was decided down to the servers."""
    found = [lanes.phases(change.phases, scale)] if change.phases else []
    if change.counts_from is not None and change.served_at is not None:
        said = f"a server serves after {seconds(change.served_at - change.counts_from)}"
        found.append(measure(scale, change.counts_from, change.served_at, said))
    if change.probes:
        found += [_probed(change, scale, role) for role in Role]
    found += [
        _of_holders("Access group", "grants", granted(change), change, scale),
        _of_holders("DNS record", "points to", pointed(change), change, scale),
    ]
    return [each for each in found if each.height]


def granted(change: PastChange) -> list[Held]:
    """Whom the access group granted access, by the answers of the steps that change it."""
    return _holders(change, {"RevokeAccess": False, "GrantAccess": True})


def pointed(change: PastChange) -> list[Held]:
    """Where the DNS record pointed, by the answers of the step that updates it."""
    return _holders(change, {"UpdateRecord": True})


def signals(ports: Ports | None) -> str:
    """What a probe returned of a server, in words."""
    if ports is None:
        return "could not be asked"
    admin, port = (each.value for each in ports)
    return admin if admin == port else f"interface {admin}, port {port}"


def _holders(change: PastChange, steps: dict[str, bool]) -> list[Held]:
    """Who had something when.

    Args:
        steps: the steps that change it: whether the change's target has it afterwards, or nobody.
    """
    if not change.has_answers or not change.target:
        return []
    found = [Held(change.began_at, change.was_active)] if change.was_active and change.action != "adopt" else []
    aim = change.aimed_at
    for step in sorted(change.steps, key=lambda each: each.end or each.start):
        if step.failed or step.end is None:
            continue
        if step.name == "TurnBack":
            aim = OTHER.get(aim, "")
        elif step.name in steps:
            found.append(Held(step.end, aim if steps[step.name] else ""))
    return found


def _of_holders(name: str, note: str, held: Sequence[Held], change: PastChange, scale: Scale) -> Lane:
    if len(held) < 2:
        return Lane("", "", 0, "")  # no step changed it: there is nothing to see
    spans = []
    for each, end in zip(held, ends_of([one.at for one in held], _edge(change, scale)), strict=True):
        who = each.server or "nobody"
        about = f"{name} {note} {who}, {between(scale, each.at, end)}"
        spans.append(Span(each.at, end, _CLASSES.get(each.server, "none"), who, about))
    return Lane(name, note, _HEIGHT, blocks(scale, spans, _HEIGHT))


def _probed(change: PastChange, scale: Scale, role: Role) -> Lane:
    """What came back from a server: coloured where its administration interface answered."""
    spans = []
    for each in stretches_of(change.probes, pace_of(change.settings)):
        ports = each.run.ms1 if role is Role.MS1 else each.run.ms2
        said = signals(ports)
        finding = each.run.finding if role is each.run.active else ""
        name = f"{finding}: {said}" if finding not in ("", "healthy") else said
        answers = ports is not None and ports[0].value == "answers"
        about = f"{role.value} {name}, {each.run.count} probes, {between(scale, each.start, each.end)}"
        spans.append(Span(each.start, each.end, _CLASSES[role.value] if answers else "none", name, about, finding))
    bed = rect(scale.left, 0, scale.right - scale.left, _HEIGHT, "bed", round_by=0)
    return Lane(role.value, "probed", _HEIGHT, bed + blocks(scale, spans, _HEIGHT))


def _edge(change: PastChange, scale: Scale) -> float:
    """The end of what holds still: the drawing's, for a change that has ended; now, for one that runs."""
    return change.ended_at if change.runs else scale.zero + scale.end


def probe_rows(runs: Sequence[Run]) -> list[tuple[Run, str, str]]:
    """Each run of probes with what it saw of either server."""
    return [(each, signals(each.ms1), signals(each.ms2)) for each in runs]
