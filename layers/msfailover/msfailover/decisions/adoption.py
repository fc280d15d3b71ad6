"""Which of two servers is active, when nobody has kept a record yet. Refuses to guess."""

from __future__ import annotations

from dataclasses import dataclass

from msfailover.decisions import epochs
from msfailover.pair import Role
from msfailover.verdict import Verdict, no, unknown, yes


@dataclass(frozen=True)
class Survey:
    """What was seen of one server.

    Args:
        runs: does its service run? As its own host says.
        sessions: has it sessions on the database?
    """

    runs: Verdict
    sessions: Verdict

    @property
    def epoch(self) -> int:
        """The epoch that its host remembers; 0 where it said none, as a machine that is off does."""
        return epochs.remembered(self.runs.evidence.get("epoch"))

    def is_stopped(self) -> Verdict:
        if self.runs.is_yes or self.sessions.is_yes:
            return no((self.runs if self.runs.is_yes else self.sessions).sentence)
        if self.runs.is_no and self.sessions.is_no:
            return yes(f"{self.runs.sentence} {self.sessions.sentence}")
        return unknown((self.sessions if self.runs.is_no else self.runs).sentence)


def who_is_active(ms1: Survey, ms2: Survey, wanted: Role | None) -> tuple[Verdict, Role | None]:
    """Find out which server is active.

    Args:
        ms1, ms2: what was seen of them.
        wanted: the server a person named; it is used only where both are stopped.

    Returns:
        yes and the active server; no or unknown with the sentence that says why the pair can't be adopted.
    """
    for role, survey in ((Role.MS1, ms1), (Role.MS2, ms2)):
        if survey.epoch >= epochs.LAST_TO_REST_IN:
            told = f"{role} remembers epoch {survey.epoch}, too high to adopt above it."
            return no(f"{told} See docs/operate.md, epochs-used-up."), None
    stopped = {Role.MS1: ms1.is_stopped(), Role.MS2: ms2.is_stopped()}
    running = [role for role, survey in ((Role.MS1, ms1), (Role.MS2, ms2)) if survey.runs.is_yes]
    if len(running) == 2:
        return no("Both servers run. Stop the one that is not to be active, then adopt again."), None
    if not running and all(each.is_yes for each in stopped.values()):
        if wanted is None:
            return no("Neither server runs. Name the one that is to be active as target, then adopt again."), None
        return yes(f"Neither server runs; {wanted} was named to be active."), wanted
    if len(running) != 1:
        doubtful = next(each for each in stopped.values() if not each.is_yes)
        return unknown(f"Who is active is not known: {doubtful.sentence}"), None
    active = running[0]
    if not stopped[active.other].is_yes:
        word = no if stopped[active.other].is_no else unknown
        return word(
            f"{active} runs, but {active.other} is not known to be stopped: {stopped[active.other].sentence}"
        ), None
    if wanted is not None and wanted is not active:
        return no(f"{active} is the server that runs, not {wanted}; to move, adopt first and then switch over."), None
    return yes(f"{active} runs and {active.other} is stopped."), active
