"""What a scenario is, and the story of its run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from failoverctl.acceptance.report.record import Change, Check, Replication
from failoverctl.report.course import Event
from lab.testbed.polling import wait_for
from lab.testbed.testbed import Testbed


@dataclass(frozen=True)
class Scenario:
    """What happens, and how it must end.

    Args:
        name: what it is called on the command line.
        headline: what happens, in a line.
        expected: the outcome it must have.
        run: does it, and follows it to its end. What it does is noted in the story.
        arrange: what is there before the pair is adopted: an owner's account and hosts of another kind.
        parameters: of the template, where it needs others.
        agents: how many there are.
        excused: invariants of the report that the scenario itself breaks; it is judged without them.
        cloud: the one that it is run on unless another is asked for.
        manners: dials of the cloud that the outage turns (lab/testbed/cloud/manners/table.py).
        multi_az: whether the database can be in another zone later, and there is a second probe in that zone.
    """

    name: str
    headline: str
    expected: str
    run: Callable[[Testbed, Story], None]
    parameters: Mapping[str, str] = field(default_factory=dict)
    agents: int = 20
    arrange: Callable[[Testbed], None] = lambda _: None
    excused: tuple[str, ...] = ()
    cloud: str = "ideal"
    manners: Mapping[str, float | tuple[float, float]] = field(default_factory=dict)
    multi_az: bool = False


class Story:
    """What has happened in a scenario so far. Written by the scenario, read by the view and the report."""

    def __init__(self, testbed: Testbed) -> None:
        self._testbed = testbed
        self._lock = threading.Lock()
        self.t0 = time.time()
        self.doing = ""
        self.failure_at: float | None = None
        self.outcome = ""
        self.executions: list[str] = []
        self.replication: Replication | None = None
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
        self._known = {str(each["executionArn"]) for each in self._testbed.executions()}

    def note(self, label: str) -> None:
        """Note something that people should see on the timeline."""
        with self._lock:
            self._events.append(Event(time.time(), label))
        self.doing = label

    def fault(self, label: str, strike: Callable[[], object], old: str | None = "ms1", new: str = "ms2") -> None:
        """Strike, and note it as the failure that everything is timed from.

        Args:
            old, new: the change of the active server that the failure must cause; None for none.
        """
        at = time.time()
        strike()
        self.note(label)
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
            for each in self._testbed.executions():
                if each["executionArn"] not in self._known:
                    return str(each["executionArn"])
            return None

        execution = str(wait_for("an execution of the workflow", new, deadline_s * self._testbed.patience))
        self.follow(execution)
        return execution

    def await_outcome(self, start_s: float = 20, run_s: float = 60) -> str:
        """Wait for the next execution and for its outcome, which becomes the scenario's."""
        return self.await_end(self.await_execution(start_s), run_s)

    def await_end(self, execution: str, run_s: float = 60) -> str:
        """Wait for the outcome of an execution, which becomes the scenario's."""
        self.outcome = self._testbed.outcome(execution, run_s * self._testbed.patience)
        self.note(f"the workflow ends: {self.outcome}")
        return self.outcome

    def await_receipt(self, epoch: int, deadline_s: float = 40) -> dict[str, Any]:
        """Wait for the proof of the fence in the change of an epoch; returns the receipt as the record has it."""

        def proven() -> dict[str, Any] | None:
            receipt = self._testbed.record().get("receipt")
            return receipt if receipt and receipt["epoch"] == epoch else None

        return dict(
            wait_for(f"the fence's receipt in epoch {epoch}", proven, deadline_s * self._testbed.patience, every_s=0.01)
        )

    def await_agents(self, server: str, deadline_s: float = 30) -> None:
        """Wait until every agent is with a server."""
        self.doing = f"agents find {server}"
        fleet = self._testbed.hosts.agents
        wait_for(
            f"all agents on {server}",
            lambda: fleet.counts()[server] == fleet.count,
            deadline_s * self._testbed.patience,
        )

    def watch_on(self, seconds: float) -> None:
        """Go on observing: a zombie may write late. The one place where time itself is what is waited for."""
        self.doing = "watching on for late writes"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
