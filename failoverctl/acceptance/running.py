"""An acceptance from beginning to result: one scenario after another on one pair, each judged by the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from failoverctl.acceptance import pair_at_rest, registering
from failoverctl.acceptance.driver_on_aws import DriverOnAws
from failoverctl.acceptance.journal_there import EPOCH, JournalThere, JournalUnreadable, RowsAsDatabase
from failoverctl.acceptance.observing import Observing
from failoverctl.acceptance.pair_at_rest import NotAtRest
from failoverctl.acceptance.place import ROLES, Place
from failoverctl.acceptance.polling import CannotTry, NotSo
from failoverctl.acceptance.report import journal
from failoverctl.acceptance.report.figures import Report
from failoverctl.acceptance.report.observed import assemble, permitted_by
from failoverctl.acceptance.report.publish import PAGE, publish
from failoverctl.acceptance.report.record import Row
from failoverctl.acceptance.result import Line, Result, not_run
from failoverctl.acceptance.run_script import ScriptFailed
from failoverctl.acceptance.story import Story
from failoverctl.acceptance.trials import Trial
from failoverctl.acceptance.undoing import Undoing
from failoverctl.acceptance.untried import Evidence, untried
from failoverctl.account import read_record
from failoverctl.errors import CommandError
from failoverctl.report.course import Step

BEFORE_S = 5.0
"""Seconds of a healthy pair before a fault, so that the journal is seen to be watching."""
CAME_OTHERWISE = (NotSo, ScriptFailed, CommandError)
"""What may end a scenario before its end, and is no fault of failoverctl's."""


@dataclass(frozen=True)
class Scene:
    """A scenario with the servers that it is about, as its report names it."""

    name: str
    headline: str
    expected: str
    excused: tuple[str, ...]


class Acceptance:
    """One run on one pair.

    Args:
        place: the pair; that it may be broken was agreed on before.
        trials: what is run.
        directory: takes the reports.
        say: shows a line to who waits.
    """

    def __init__(self, place: Place, trials: Sequence[Trial], directory: Path, say: Callable[[str], None]) -> None:
        self._place, self._trials, self._directory, self._say = place, trials, directory, say
        self._undoing = Undoing()
        self.driver = DriverOnAws(place, self._undoing)
        self._journal = JournalThere(self.driver.run)
        self._lines: list[Line] = []
        self._steps: list[Step] = []
        self._doing = ""

    def run(self, where: str) -> Result:
        """Run all of it, and write acceptance.json and the page whatever came of it, also after Ctrl-C.

        Raises:
            CommandError: readiness objects, or the pair can't be registered: nothing was tried.
            NotSo, ScriptFailed: the same, by what AWS or a host did not do.
        """
        began, left = time.time(), list[str]()
        try:
            with self._undoing.guarded(self._say_left(left)):
                pair_at_rest.clean_up(self.driver, self._say)
                self._begin()
                self._all()
        finally:  # what was caused is taken back by now
            evidence = Evidence(self._place, tuple(self._steps), began)
            result = Result(
                self._place.stack.pair, where, began, tuple(self._all_lines()), untried(evidence), tuple(left)
            )
            if self._doing or self._lines or left:
                result.write(self._directory)
        return result

    def _all_lines(self) -> list[Line]:
        """The lines so far, and one for each scenario that was not run, or not to its end."""
        lines = list(self._lines)
        if self._doing:
            lines.append(Line(self._doing, "unknown", "It was interrupted."))
        ran = {each.name for each in lines}
        why = f"the run ended with {lines[-1].name}." if lines else "the run did not begin."
        return [*lines, *not_run([each.name for each in self._trials if each.name not in ran], why)]

    def _say_left(self, left: list[str]) -> Callable[[str], None]:
        def said(sentence: str) -> None:
            if not sentence.startswith("Taking back"):
                left.append(sentence)
            self._say(sentence)

        return said

    def _begin(self) -> None:
        """Register a demo that is not yet, and see that the pair is as it should be."""
        if registering.register(self.driver, self._say):
            self._say("Waiting until the standby holds the first copy, and readiness says yes.")
            pair_at_rest.settle(self.driver)
            try:
                pair_at_rest.await_rest(self.driver)
            except NotAtRest as error:
                raise CommandError(f"{error} Nothing was tried. See `failoverctl readiness`.") from error
        pair_at_rest.demand_ready(self.driver)
        record = read_record(self._place.account, self._place.stack)
        try:
            self._journal.last(str(record.active))
        except JournalUnreadable as error:
            raise CommandError(f"{error} What nobody can judge is not tried.") from error

    def _all(self) -> None:
        for trial in self._trials:
            self._doing = trial.name
            line = self._one(trial)
            self._doing = ""
            self._lines.append(line)
            self._say(f"{line.name}: {line.answer}. {line.sentence}")
            if line.answer == "no":
                return

    def _one(self, trial: Trial) -> Line:
        """Run a scenario, judge it, and put the pair in order again."""
        began = time.monotonic()
        record = read_record(self._place.account, self._place.stack)
        old = str(record.active)
        new = str(record.active.other) if record.active else ""
        if reason := trial.why_not(self.driver, old):
            return Line(trial.name, "unknown", f"Not run: {reason}.")
        scene = Scene(trial.name, trial.about.format(old=old, new=new), trial.expected, trial.excused)
        self._say(f"{scene.name}: {scene.headline}")
        story = Story(self.driver, lambda label: self._say(f"  {label}"))
        try:
            report = self._judged(trial, scene, story, old, new)
        except CannotTry as error:
            return Line(trial.name, "unknown", f"Not run: {error}")
        except JournalUnreadable as error:
            ended = f"It ended as {story.outcome}. " if story.outcome else ""
            return Line(trial.name, "no", f"{ended}{error} What nobody can judge is not accepted.")
        told, well = _told(report), report["ok"]
        if order := self._put_in_order(wait=well):
            told, well = f"{told} Afterwards: {order}", False
        page = f"{trial.name}/{PAGE}"
        return Line(trial.name, "yes" if well else "no", told, page, time.monotonic() - began)

    def _judged(self, trial: Trial, scene: Scene, story: Story, old: str, new: str) -> Report:
        first = self._journal.last(old)
        story.begins(f"all is well: {old} writes")
        with Observing(self.driver) as seen:
            story.watch_on(BEFORE_S)
            try:
                trial.run(self.driver, story, old, new)
            except CAME_OTHERWISE as error:
                story.check("The scenario came to its end", False, str(error))
        executions = [each for each in self.driver.executions() if each["startDate"].timestamp() >= story.t0 - BEFORE_S]
        story.settle_changes(permitted_by(executions, self.driver.steps))
        record = read_record(self._place.account, self._place.stack)
        run = assemble(
            scene,
            story,
            executions,
            self.driver.steps,
            active=old,
            standby=new,
            access=seen.access,
            name=seen.name,
            epoch=record.epoch,
            receipt=record.receipt.to_json() if record.receipt else None,
        )
        self._steps += run.steps
        rows = self._rows(first, record.active or old)
        with closing(RowsAsDatabase(rows)) as database:
            judgement = journal.judge(database, run, EPOCH)
            run = replace(run, rows=journal.rows(database, run.t0, EPOCH))
        return publish(run, judgement, self._directory / scene.name)

    def _rows(self, after: int, active: str) -> tuple[Row, ...]:
        """The journal's rows, by the active server, or by the other one: after a halted change either may have access.

        Raises:
            JournalUnreadable: neither can read it.
        """
        first, second = sorted(ROLES, key=lambda role: role != active)
        try:
            return self._journal.rows(first, after)
        except JournalUnreadable as error:
            try:
                return self._journal.rows(second, after)
            except JournalUnreadable:
                raise error from None

    def _put_in_order(self, *, wait: bool) -> str:
        """Take back what was caused, and where all went well wait until the pair is as it should be.

        A pair that did not end as it should is left as it stands, for people to look at.

        Returns:
            what is not in order; empty where all is.
        """
        if failed := self._undoing.all():
            return " ".join(failed)
        try:
            if wait:
                pair_at_rest.settle(self.driver)
                pair_at_rest.await_rest(self.driver)
        except (NotAtRest, *CAME_OTHERWISE) as error:
            return str(error)
        return ""


def _told(report: Report) -> str:
    """What came of it, in a sentence or two; what did not hold by its name."""
    broken = [f"{each['name']}: {each['sentence']}" for each in report["invariants"] if each["answer"] != "yes"]
    if not report["ok"]:
        return f"It ended as {report['outcome'] or 'nothing'}. {' '.join(broken)}"
    change = report["changes"][-1] if report["changes"] else None
    took = report["takeover_s"]
    if change is None or took is None:
        return f"It ended as {report['outcome']}, and nobody wrote who should not have."
    return f"{change['new']} wrote {took:.1f} s after it, and {change['old']} never beside it."
