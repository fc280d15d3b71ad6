"""A step of a switchover failed after its source was stopped: back to the source, on without it, or neither?

No way is taken before it was asked whether it leads anywhere (I5). A source is turned back to only where it is fit.
One that is lost takes its last files with it; a complete copy of the epoch that is, carried while it still served, is
enough to continue with, and what may be missing is said. It is fenced like the source of every other failover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from msfailover.pair import Role
from msfailover.questions import Question
from msfailover.verdict import Verdict, no, unknown, yes

Ask = Callable[[Question], Verdict]

SILENT_PROBES = 2
"""Probes in a row that must get no answer: a single one may have lost its packets."""


class Way(StrEnum):
    """What is done after a step of a switchover has failed."""

    TURN_BACK = "turn-back"
    GO_ON = "go-on"
    HALT = "halt"


def whether_lost(server: Role, ask: Ask) -> Verdict:
    """Is there nobody to wait for any more? Probed from where a promotion will be verified from.

    Args:
        server: the server that something is waited for from.
        ask: asks one question.

    Returns:
        yes where its machine is off, or where nothing of its host comes back while the other server's host does
        (`silent` in the evidence, since another way may lead there); no where something comes back; else unknown. A
        probe that can't be asked, or sees nobody, has shown nothing (I3).
    """
    for _ in range(SILENT_PROBES):
        seen = ask(Question("probe", "check_reachable", server))
        if seen.is_yes:
            return no(f"{server} is there: {seen.sentence}")
        if not _silent(seen):
            break
    power = ask(Question("server", "power", server))
    if power.is_no:
        return yes(f"{server} is lost: {power.sentence}")
    if not _silent(seen):
        return unknown(f"Whether {server} is lost is not known: {seen.sentence}")
    other = ask(Question("probe", "check_reachable", server.other))
    if other.is_yes:
        return yes(f"{server} is lost: nothing of its host comes back to the functions in the network.", silent=True)
    return unknown(f"Whether {server} is lost is not known: neither host can be seen. {other.sentence}")


def _silent(seen: Verdict) -> bool:
    """Whether nothing of the server comes back to a probe that is not cut off itself."""
    return seen.evidence.get("silent") is True and seen.evidence.get("cut_off") is not True


def choose(source: Role, copy: Verdict, may_go_on: bool, ask: Ask, tries: Iterable[object]) -> tuple[Way, str]:
    """Choose what is done after a step of a switchover has failed.

    Args:
        source: the server that was to be left, and is the active one by the record still.
        copy: does the other server hold a complete copy of its files, of this epoch (`replication.complete_copy`)?
        may_go_on: whether the other server has not been tried yet.
        ask: asks one question.
        tries: how often a source that is neither fit nor lost is asked, with the pauses between; at least once.

    Returns:
        the way, and a sentence that says why.
    """
    lost, fit = _of_source(source, ask, tries)
    if fit.is_yes:
        return Way.TURN_BACK, fit.sentence
    if not lost.is_yes:
        return Way.HALT, f"It is not turned back to {source}: {fit.sentence}"
    if not may_go_on:
        return Way.HALT, f"{lost.sentence} It is not turned back to it."
    if not copy.is_yes:
        return (
            Way.HALT,
            f"{lost.sentence} The change neither turns back to it nor continues without it: {copy.sentence}",
        )
    return Way.GO_ON, (
        f"{lost.sentence} Continued without it, as a failover. {copy.sentence} What {source} changed later is missing."
    )


def _of_source(source: Role, ask: Ask, tries: Iterable[object]) -> tuple[Verdict, Verdict]:
    """Is it lost, is it fit? A lost one is not asked: its host would be waited for."""
    for _ in tries:
        lost = whether_lost(source, ask)
        fit = unknown(lost.sentence) if lost.is_yes else ask(Question("server", "check_standby", source))
        if lost.is_yes or fit.is_yes or fit.is_no:
            break
    return lost, fit


def instead(target: Role, ask: Ask) -> Role | None:
    """The server that a halted change is to be resumed to, where its own target is lost; None where it is not."""
    return target.other if whether_lost(target, ask).is_yes else None
