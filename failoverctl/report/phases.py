"""Where the time went: the workflow's steps as the phases of a failover."""

from __future__ import annotations

from dataclasses import replace

from failoverctl.report.course import Phase, Step


def phases(failure_at: float | None, steps: tuple[Step, ...]) -> tuple[Phase, ...]:
    """Where the time went, in the words of the design; a step that ran again counts to its last end.

    Each execution has phases of its own, the second's named "2: fence": what a person mended in between is no phase.
    """
    found: list[Phase] = []
    begun = next((step.start for step in steps if failure_at is not None and step.start >= failure_at), None)
    if failure_at is not None and begun is not None:
        found.append(Phase("detect", failure_at, begun))
    for number, execution in enumerate(dict.fromkeys(step.execution for step in steps), start=1):
        own = tuple(step for step in steps if step.execution == execution)
        found += [replace(each, name=f"{number}: {each.name}" if number > 1 else each.name) for each in _phases_of(own)]
    return tuple(found)


def _phases_of(steps: tuple[Step, ...]) -> list[Phase]:
    """The phases of one execution."""
    found = []
    for name, members in (
        ("admit", ("Begin",)),
        ("confirm", ("Survey", "ConfirmOutage", "CheckStandby")),
        ("restart in place", ("MayRestart", "RestartSource", "CheckServing")),
        ("carry the files ahead", ("ReplicateAhead",)),
        ("stop", ("StopSource",)),
        ("carry the last files", ("ReplicateLast",)),
        ("fence", ("RevokeAccess", "EndSessions", "VerifyFence", "PowerOff", "VerifyPower", "WaitForPower")),
        ("grant access and start", ("GrantAccess", "StartServer")),
        ("update the record", ("UpdateRecord",)),
        ("fall back", ("FallBack", "TurnBack")),
        ("verify", ("VerifyPromotion",)),
        ("commit and notify", ("Commit", "Conclude", "Refuse", "Notify")),
    ):
        own = [step for step in steps if step.name in members]
        if own:
            found.append(Phase(name, own[0].start, max(step.end or step.start for step in own)))
    return found
