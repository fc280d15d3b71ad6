"""The scenarios that AWS's own means can cause, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from failoverctl.acceptance import network_cut, scenarios
from failoverctl.acceptance.driver_on_aws import DriverOnAws
from failoverctl.acceptance.story import Story

AUDITED_WITHIN_S = 20.0
"""Before patience: the audit runs each minute."""
ENDED_WITHIN_S = 600.0


@dataclass(frozen=True)
class Trial:
    """A scenario on AWS.

    Args:
        name: on the command line.
        about: what happens, in a line; {old} is the active server, {new} the standby.
        expected: the outcome it must have.
        run: does it, with the active server and the standby.
        excused: invariants of the report that the scenario itself breaks.
        why_not: why it can't be run on this pair; empty where it can.
    """

    name: str
    about: str
    expected: str
    run: Callable[[DriverOnAws, Story, str, str], object]
    excused: tuple[str, ...] = ()
    why_not: Callable[[DriverOnAws, str], str] = lambda _driver, _old: ""


def reboot(driver: DriverOnAws, story: Story, old: str, new: str) -> None:
    """The host is away for as long as it takes to boot, and comes back without the service, whose autostart is off."""
    story.fault(f"{old} is rebooted; its service does not start by itself", lambda: driver.reboot(old), old, new)
    story.await_outcome()
    driver.await_online(old)
    story.note(f"{old}'s host is back")
    story.watch_on(1.5)


def duplicate(driver: DriverOnAws, story: Story, old: str, new: str) -> None:
    scenarios.duplicate(driver, story, old, new, ENDED_WITHIN_S)


def wrong_hand(driver: DriverOnAws, story: Story, _old: str, new: str) -> None:
    """Somebody allows the standby by hand and starts it. The audit takes the rule back; that the standby wrote nothing
    meanwhile is the network fence's work."""

    def strike() -> float:
        at = driver.grant(new)
        driver.start_service(new)
        return at

    story.fault(f"somebody allows {new} by hand, and starts its service", strike, old=None)
    story.wait(
        f"the audit takes the rule for {new} back",
        lambda: not any(driver.allows(each, new) for each in driver.rules()),
        AUDITED_WITHIN_S,
    )
    story.outcome = "put-out"
    story.note(f"the audit has taken the rule for {new} back")
    kept_away, seen = driver.tried(new)
    story.check("The wrong server is kept from the database", kept_away, seen)
    story.watch_on(3)


TRIALS = (
    Trial("switchover", "A person moves the service from {old} to {new}", "promoted", scenarios.switch_over),
    Trial("crash", "{old}'s server process is killed", "promoted", scenarios.crash),
    Trial("hang", "{old}'s administration interface hangs, and it writes on", "promoted", scenarios.hang),
    Trial(
        "partition", "{old} is cut off from everything but the database", "promoted", scenarios.partition,
        why_not=lambda driver, old: network_cut.why_not(driver.place, driver.place.servers[old]),
    ),
    Trial("reboot", "{old}'s instance is rebooted", "promoted", reboot),
    Trial("stop", "{old}'s instance is stopped, and comes back with autostart", "promoted", scenarios.comes_back),
    Trial("duplicate", "Five triggers at once make one failover", "promoted", duplicate),
    Trial(
        "wrong-hand", "Somebody allows {new} in the access group by hand, and starts it", "put-out", wrong_hand,
        excused=("The access group allowed one at most",),
    ),
)  # fmt: skip
