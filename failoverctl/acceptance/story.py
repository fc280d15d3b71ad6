"""The story of a scenario's run: what was done, what was due, what was checked, whoever's hosts it runs on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from failoverctl.acceptance import polling
from failoverctl.acceptance.report.record import Change, Check
from failoverctl.report.course import Event


class Workflow(Protocol):
    """What a story asks of the pair that it is about."""

    @property
    def patience(self) -> float:
        """By how much longer than on an ideal cloud things may take."""
        ...

    def executions(self) -> list[dict[str, Any]]:
        """All executions so far, oldest first."""
        ...

    def outcome(self, execution: str, deadline_s: float) -> str:
        """Wait for an execution's end and return its outcome. Raises where it does not end by the deadline."""
        ...


class Story:
    """What has happened in a scenario so far. Written by the scenario, read by the view and the report.

    Args:
        workflow: the pair's.
        heard: hears of each thing that is noted.
    """

    def __init__(self, workflow: Workflow, heard: Callable[[str], None] = lambda _: None) -> None:
        self._workflow = workflow
        self._heard = heard
        self._lock = threading.Lock()
        self.t0 = time.time()
        self.doing = ""
        self.failure_at: float | None = None
        self.outcome = ""
        self.executions: list[str] = []
        self._changes: list[Change] = []
        self._events: list[Event] = []
        self._checks: list[Check] = []
        self._known: set[str] = set()

    @property
    def events(self) -> tuple[Event, ...]:
        with self._lock:
            return tuple(self._events)

    @property
    def changes(self) -> tuple[Change, ...]:
        with self._lock:
            return tuple(self._changes)

    @property
    def checks(self) -> tuple[Check, ...]:
        with self._lock:
            return tuple(self._checks)

    def begins(self, doing: str) -> None:
        """From here on the scenario's clock runs, and executions count that were not there before."""
        self.t0 = time.time()
        self.doing = doing
        self._known = {str(each["executionArn"]) for each in self._workflow.executions()}

    def note(self, label: str) -> None:
        """Note something that people should see on the timeline."""
        self._mark(time.time(), label)

    def _mark(self, at: float, label: str) -> None:
        with self._lock:
            self._events.append(Event(at, label))
        self.doing = label
        self._heard(label)

    def wait(self, what: str, condition: Callable[[], Any], deadline_s: float) -> Any:
        """Wait for something by a deadline, which is longer where everything is slower. Raises what the pair raises."""
        return self._wait_for(what, condition, deadline_s * self._workflow.patience)

    def _wait_for(self, what: str, condition: Callable[[], Any], deadline_s: float) -> Any:
        return polling.wait_for(what, condition, deadline_s)

    def fault(self, label: str, strike: Callable[[], object], old: str | None = "ms1", new: str = "ms2") -> None:
        """Strike, and note it as the failure that everything is timed from.

        Args:
            strike: may return when it struck, in seconds since 1970, where it knows that better than who asked for it.
            old, new: the change of the active server that the failure must cause; None for none.
        """
        asked_at = time.time()
        struck_at = strike()
        at = struck_at if isinstance(struck_at, float) else asked_at
        self._mark(at if isinstance(struck_at, float) else time.time(), label)
        self.failure_at = at
        if old is not None:
            self.change(at, old, new)

    def change(self, at: float, old: str, new: str) -> None:
        """Note a change of the active server that is due from `at` on; whether it was permitted is known at the end."""
        with self._lock:
            self._changes.append(Change(at, old, new, permitted=False))

    def settle_changes(self, permitted: Callable[[Change], bool]) -> None:
        with self._lock:
            self._changes = [Change(c.at, c.old, c.new, permitted(c)) for c in self._changes]

    def check(self, name: str, held: bool, sentence: str) -> None:
        """Note something of this scenario's own that had to hold, and whether it did; the report shows it.

        Args:
            name: what had to hold.
            sentence: what was seen.
        """
        with self._lock:
            self._checks.append(Check(name, "yes" if held else "no", sentence))

    def follow(self, execution: str) -> None:
        """Count an execution as one of the story's own: the report's steps and moments are of these."""
        self._known.add(execution)
        self.executions.append(execution)

    def pass_over(self, execution: str) -> None:
        """Leave an execution out of the story: it is not the one that is waited for."""
        self._known.add(execution)

    def await_execution(self, deadline_s: float) -> str:
        """Wait for an execution that was not there when the story began or was last waited for, and follow it.

        Returns:
            its ARN.
        """

        def new() -> str | None:
            for each in self._workflow.executions():
                if each["executionArn"] not in self._known:
                    return str(each["executionArn"])
            return None

        execution = str(self.wait("an execution of the workflow", new, deadline_s))
        self.follow(execution)
        return execution

    def await_outcome(self, start_s: float = 20, run_s: float = 60) -> str:
        """Wait for the next execution and for its outcome, which becomes the scenario's."""
        return self.await_end(self.await_execution(start_s), run_s)

    def await_end(self, execution: str, run_s: float = 60) -> str:
        """Wait for the outcome of an execution, which becomes the scenario's."""
        self.outcome = self._workflow.outcome(execution, run_s * self._workflow.patience)
        self.note(f"the workflow ends: {self.outcome}")
        return self.outcome

    def await_agents(self, server: str) -> None:
        """Wait until every agent is with a server; there are none but on the testbed."""

    def watch_on(self, seconds: float) -> None:
        """Go on observing: a zombie may write late. The one place where time itself is what is waited for."""
        self.doing = "watching on for late writes"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
