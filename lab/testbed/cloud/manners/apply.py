"""The dials put to the parts of a cloud that they are for."""

from __future__ import annotations

from collections.abc import Sequence

from lab.testbed.cloud.commands import Commands
from lab.testbed.cloud.event_sources import EventSources
from lab.testbed.cloud.functions import Functions
from lab.testbed.cloud.interpreter import Interpreter
from lab.testbed.cloud.manners.dials import Manners
from lab.testbed.cloud.network_rules import DatabaseFirewall
from lab.testbed.cloud.power import Power
from lab.testbed.cloud.route53 import Zones
from lab.testbed.cloud.sandbox import FunctionSpec
from lab.testbed.cloud.schedules import Schedules

FOR_EVER = float("inf")


def install(
    manners: Manners,
    *,
    zones: Zones,
    schedules: Schedules,
    event_sources: EventSources,
    commands: Commands,
    power: Power,
    firewall: DatabaseFirewall,
    functions: Functions,
    interpreter: Interpreter,
) -> None:
    """Have these parts of a cloud ask the dials. Before `manners.begin` that changes nothing."""

    def firings() -> Sequence[float]:
        late = manners.draw("schedules.late")
        return (late, max(late, manners.draw("schedules.late"))) if manners.happens("schedules.twice") else (late,)

    def deliveries() -> Sequence[float]:
        late = manners.draw("queue.late")
        return (late, late + manners.draw("queue.late")) if manners.happens("queue.twice") else (late,)

    def result_after(_document: str) -> float:
        return FOR_EVER if manners.happens("command.lost") else manners.draw("command.late")

    def stopping() -> float:
        return FOR_EVER if manners.happens("ec2.hangs") else manners.draw("ec2.stopping")

    def cold(spec: FunctionSpec) -> float:
        return manners.draw("lambda.cold-vpc" if spec.in_vpc else "lambda.cold")

    zones.pending_s = lambda: manners.draw("route53.pending")
    schedules.firings = firings
    event_sources.deliveries = deliveries
    commands.starts_after = lambda: manners.draw("command.starts")
    commands.result_after = result_after
    commands.runs_twice = lambda: manners.happens("command.twice")
    commands.adds_own_line = lambda: manners.happens("command.own-line")
    power.stopping_s = stopping
    power.is_protected = lambda instance_id: manners.holds_for("ec2.stop-protected", instance_id)
    power.refuses_skip = lambda instance_id: manners.holds_for("ec2.skip-refused", instance_id)
    firewall.effect_s = lambda: manners.draw("ec2.effect")
    functions.cold_s = cold
    functions.at_once = lambda: int(manners.draw("lambda.at-once"))
    interpreter.transition_s = lambda: manners.draw("states.transition")
