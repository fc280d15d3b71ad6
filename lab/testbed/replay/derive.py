"""From a change as `failoverctl report --json` writes it to a scenario of the same kind.

A record says what was observed, not what was the matter. What looks the same from outside is run as the harder case;
what the testbed has no scenario of is refused with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from failoverctl.report.change import NOTED_WITHIN_S, PastChange
from failoverctl.whatif.replay import pace_of
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import keep
from lab.testbed.scenarios.planned import switch_over
from lab.testbed.scenarios.proofs import WITHOUT_ACLS
from lab.testbed.scenarios.scenario import Scenario, Story
from lab.testbed.testbed import Testbed

RUNS_FOR_S = 240.0
"""Seconds that the workflow may take: it runs with the settings of the deployed pair."""
AGENTS = 5
OURS = ("DatabaseNetworkAclIds", "ReplicateSoftware", "RecoveryTargetSeconds")
"""Settings of the record that are not handed to the template as they are."""
_ENDS = ("promoted", "stood-down", "rolled-back", "halted")
_MUTE = ("silent", "unreachable")


class CannotReplay(Exception):
    """The testbed has no scenario of that kind; the sentence says why."""


@dataclass(frozen=True)
class Fault:
    """Something that is done to the active server, and how it is taken back; "ms1" or "ms2" is filled in."""

    sentence: str
    strike: Callable[[Testbed, str], object]
    undo: Callable[[Testbed, str], object]


KILLED = Fault(
    "the server process of {server} is killed",
    lambda testbed, server: testbed.hosts.kill_ms(server),
    lambda testbed, server: testbed.hosts.ms(server).start(),
)
HUNG = Fault(
    "the administration interface of {server} hangs",
    lambda testbed, server: testbed.hosts.hang_admin(server),
    lambda testbed, server: testbed.hosts.ms(server).recover_admin(),
)
CUT_OFF = Fault(
    "{server} is cut off from everything but the database",
    lambda testbed, server: testbed.hosts.ms(server).host.cut([DATABASE]),
    lambda testbed, server: testbed.hosts.ms(server).host.reconnect(),
)
SWITCHED_OFF = Fault(
    "the machine of {server} is switched off",
    lambda testbed, server: testbed.cloud.client("ec2").stop_instances(InstanceIds=[testbed.instances[server]]),
    lambda testbed, server: testbed.cloud.client("ec2").start_instances(InstanceIds=[testbed.instances[server]]),
)


def scenario_of(change: PastChange) -> Scenario:
    """The scenario of the same kind.

    Raises:
        CannotReplay: there is none.
    """
    _demand_kind(change)
    fault = fault_of(change)
    if change.is_automatic and fault is None:
        raise CannotReplay(
            f"{change.was_active} was healthy in the last probe before the failover, as the record has it: what led to"
            " it is not known."
        )
    what = fault.sentence.format(server=change.was_active) if fault else "nothing is the matter"
    return Scenario(
        "replay",
        f"{change.name}: {what}; {change.was_active} to {change.aimed_at}",
        change.outcome,
        partial(_run, change, fault),
        parameters=parameters_of(change),
        agents=AGENTS,
    )


def parameters_of(change: PastChange) -> dict[str, str]:
    """The template's parameters: those of the record that decide how a change goes."""
    given = {name: value for name, value in change.settings.items() if name not in OURS}
    if change.settings.get("DatabaseNetworkAclIds") == "":
        given |= WITHOUT_ACLS
    return given | ({"WatchStartsFailover": "no"} if change.requested_by == "alarm" else {})


def fault_of(change: PastChange) -> Fault | None:
    """What is done to the active server, by what the probes saw of it last; None where it was well.

    Raises:
        CannotReplay: it is not known, or the testbed can't make a server look so.
    """
    if change.action == "switchover":
        return None
    seen = None
    for run in change.probes:
        if run.active.value == change.was_active and run.from_s <= change.started_at + NOTED_WITHIN_S:
            seen = run
    if seen is None:
        raise CannotReplay("The record has no probe from before the change: what was the matter is not known.")
    ports = seen.ms1 if change.was_active == "ms1" else seen.ms2
    if seen.finding == "healthy":
        return None
    if seen.finding == "machine-off":
        return SWITCHED_OFF
    if ports is not None:
        admin, port = (each.value for each in ports)
        if admin == port == "refused":
            return KILLED
        if admin in _MUTE and port in _MUTE:
            return CUT_OFF
        if admin in _MUTE and port == "answers":
            return HUNG
    saw = "could not be asked" if ports is None else f"interface {ports[0].value}, port {ports[1].value}"
    raise CannotReplay(f"No fault of the testbed makes a server look as {change.was_active} did ({saw}).")


def _demand_kind(change: PastChange) -> None:
    """Raises CannotReplay for a change of a kind that is not run."""
    why = ""
    if change.runs:
        why = "It still runs: replay it when it has ended."
    elif change.dry_run:
        why = "It was a dry run: it changed nothing."
    elif change.action == "adopt":
        why = "It was an adoption; every run of the testbed begins with one."
    elif change.action not in ("failover", "switchover", "force"):
        why = f"It was a {change.action or 'change'} that continued another change: replay that one."
    elif not change.was_active or not change.aimed_at:
        why = "The record does not say which server was active."
    elif change.outcome not in _ENDS:
        why = f"It ended as {change.outcome}, and the record does not say what the testbed would have to do for that."
    elif change.outcome in ("halted", "rolled-back") and not _start_failed(change):
        why = f"It ended as {change.outcome}, and not because the new server did not start: {change.sentence}"
    if why:
        raise CannotReplay(why)


def _start_failed(change: PastChange) -> bool:
    return any(each.name == "StartServer" and each.failed for each in change.steps)


def _run(change: PastChange, fault: Fault | None, testbed: Testbed, story: Story) -> None:
    old, new = change.was_active, change.aimed_at
    if old == "ms2":
        _begin_on_ms2(testbed, story)
    if _start_failed(change):
        testbed.hosts.ms(new).switch(start_fails=True)
        story.note(f"the server of {new} will not start")
    moves = change.outcome != "stood-down"
    if fault and not change.is_automatic:
        keep(testbed, story, "set_mode", mode="manual")  # or the watchdog would be the first to ask
    if fault:
        said = fault.sentence.format(server=old)
        story.fault(said, lambda: fault.strike(testbed, old), old=old if moves else None, new=new)
    execution = _asked(change, testbed, story, moves and fault is None)
    if change.outcome == "stood-down" and fault and not any(each.name == "RestartSource" for each in change.steps):
        fault.undo(testbed, old)
        story.note("it is well again")
    story.await_end(execution, RUNS_FOR_S)
    turned = next((step for step in testbed.steps(execution) if step.name == "TurnBack"), None)
    if turned is not None:
        story.change(turned.start, new, old)
    if fault is CUT_OFF and moves:
        fault.undo(testbed, old)
        story.note("the network heals")
    story.watch_on(1.5)


def _begin_on_ms2(testbed: Testbed, story: Story) -> None:
    switch_over(testbed, story, "ms1", "ms2")
    story.await_agents("ms2")
    wait_for("a copy from ms2 to ms1", lambda: int(testbed.freshness().get("epoch", 0)) == 2, 60 * testbed.patience)


def _asked(change: PastChange, testbed: Testbed, story: Story, is_cause: bool) -> str:
    """The execution that the same one asks for as then; `is_cause` notes the request as what the change is due to."""
    if change.is_automatic:
        return story.await_execution(_noticed_within_s(change))
    if is_cause:
        story.change(time.time(), change.was_active, change.aimed_at)
    request = {"action": change.action, "reason": "a replay", "requested_by": "Ann", "target": change.aimed_at}
    execution = testbed.start(request)
    story.follow(execution)
    story.note(f"Ann asks for a {change.action} to {change.aimed_at}")
    return execution


def _noticed_within_s(change: PastChange) -> float:
    """Seconds within which the watchdog or the alarm must have asked."""
    pace, settings = pace_of(change.settings), change.settings
    if change.requested_by == "alarm":
        periods = float(settings.get("AlarmPeriodSeconds") or 10) * (int(settings.get("AlarmPeriods") or 3) + 2)
        return periods + 60
    return (pace.interval_s + pace.timeout_s) * (pace.threshold + 2) + 30
