"""What happens in a scenario, once for the testbed's hosts and for AWS: each has a driver of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from failoverctl.acceptance.story import Story

TRIGGERS = ("watch", "alarm", "Ann", "Ben", "Cem")
SWITCHOVER = {"action": "switchover", "reason": "planned", "requested_by": "Ann"}


class Driver(Protocol):
    """What a scenario does to the servers of a pair, and asks of its workflow.

    A fault may return when it struck, in seconds since 1970, where the driver knows that better than who asked for it.
    """

    def kill(self, server: str) -> float | None:
        """Kill the server's process."""

    def hang(self, server: str) -> float | None:
        """Hang its administration interface, while its database writer goes on."""

    def cut_off(self, server: str) -> float | None:
        """Cut its host off from everything but the database."""

    def reconnect(self, server: str) -> None:
        """Undo that."""

    def enable_autostart(self, server: str) -> None:
        """Have its service start with its host, as an upgrade of the package may do."""

    def power_off(self, server: str) -> float | None:
        """Take its host down."""

    def power_on(self, server: str) -> None:
        """Bring its host back."""

    def tried(self, server: str) -> tuple[bool, str]:
        """Wait until a server that came back had its chance to reach the database, or was stopped before.

        Returns:
            whether it was kept away, and what was seen.
        """
        ...

    def start(self, request: Mapping[str, Any]) -> str:
        """Start an execution with a request; returns its ARN."""
        ...

    def outcome(self, execution: str, deadline_s: float) -> str:
        """Wait for an execution's end and return its outcome."""
        ...


def crash(driver: Driver, story: Story, old: str, new: str) -> None:
    """The server's process is killed. Its host lives on, the listener refuses, the sessions go with it."""
    story.fault(f"{old}'s server process is killed", lambda: driver.kill(old), old, new)
    _taken_over(story, new, 1.5)


def hang(driver: Driver, story: Story, old: str, new: str) -> None:
    """The zombie that the manual warns of. Nothing about its connection to the database looks wrong."""
    story.fault(f"{old}'s administration interface hangs; it writes on", lambda: driver.hang(old), old, new)
    _taken_over(story, new, 1.5)


def partition(driver: Driver, story: Story, old: str, new: str) -> None:
    """No order reaches the old server, so nothing but the fence ends its work. When the network heals it finds its
    access revoked."""
    story.fault(f"{old} is cut off from all but the database; it writes on", lambda: driver.cut_off(old), old, new)
    _taken_over(story, new, 0)
    driver.reconnect(old)
    story.note(f"the network heals; {old} can be reached again")
    story.watch_on(2)


def comes_back(driver: Driver, story: Story, old: str, new: str) -> None:
    """The host goes down, and is back after the failover with its service started by itself: it is the revoked access,
    not the autostart switch, that keeps it away from the database."""
    driver.enable_autostart(old)
    story.note(f"an upgrade of the package turns autostart on again on {old}")
    story.fault(f"{old}'s host goes down", lambda: driver.power_off(old), old, new)
    story.await_outcome()
    driver.power_on(old)
    story.note(f"{old}'s host is back, and starts its server by itself")
    kept_away, seen = driver.tried(old)
    story.check("The server that came back had no access to the database", kept_away, seen)
    story.watch_on(1.5)


def switch_over(driver: Driver, story: Story, old: str, new: str) -> float:
    """A person moves the service; what it comes to is the story's outcome.

    Returns:
        when it was asked for, in seconds since 1970.
    """
    at = time.time()
    story.change(at, old, new)
    execution = driver.start(SWITCHOVER)
    story.follow(execution)
    story.note(f"Ann asks for a switchover to {new}")
    story.await_end(execution)
    return at


def duplicate(driver: Driver, story: Story, old: str, new: str, within_s: float = 60) -> None:
    """Five triggers at once: the watchdog, the alarm, and three people who saw the same page go dark. The lease makes
    one of them."""
    story.fault(f"{old}'s server process is killed", lambda: driver.kill(old), old, new)

    def trigger(who: str) -> str:
        return driver.start({"action": "failover", "reason": f"{old} does not answer", "requested_by": who})

    with ThreadPoolExecutor(len(TRIGGERS)) as threads:
        executions = list(threads.map(trigger, TRIGGERS))
    story.note("five triggers at once")
    with ThreadPoolExecutor(len(TRIGGERS)) as threads:
        ends = threads.map(lambda each: driver.outcome(each, within_s), executions)
        outcomes = dict(zip(executions, ends, strict=True))
    # The one that ran is the story's; where none or several did, the check below says so.
    story.follow(next((each for each in executions if outcomes[each] != "refused"), executions[0]))
    story.await_end(story.executions[0])
    counted = sorted(outcomes.values())
    story.check(
        "One ran, four were refused",
        counted == ["promoted", *["refused"] * 4],
        f"The five ended as {', '.join(counted)}.",
    )
    story.watch_on(1)


def _taken_over(story: Story, new: str, seconds: float) -> None:
    story.await_outcome()
    story.await_agents(new)
    story.watch_on(seconds)
