"""Runs one schedule from its beginning to a pair at rest, and says what became of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from local.campaign import judge, machine, wiring
from local.campaign.clock import Clock
from local.campaign.faults import Fault, Kind
from local.campaign.injector import Died, Endless
from local.campaign.judge import Execution, RecordJudge, record
from local.campaign.schedule import Schedule
from local.campaign.wiring import Current
from local.campaign.world import Violation, World
from local.cloud.patching import Patches

NESTED_AT_MOST = 2
RESUMES_AT_MOST = 2


@dataclass(frozen=True)
class Result:
    """What became of a schedule."""

    schedule: Schedule
    outcomes: tuple[str, ...]
    fired: tuple[Fault, ...]
    states: frozenset[str]
    places: Mapping[str, int]
    violation: str = ""
    invariant: str = ""
    story: tuple[str, ...] = field(default=(), compare=False)


class Runner:
    """Runs schedules, one after the other, in one process; `close` takes its changes back.

    Args:
        definition: the state machine; the project's own unless a test wants another.
    """

    def __init__(self, definition: str | None = None) -> None:
        self._patches, self._clock = Patches(), Clock()
        self._functions: Mapping[str, ModuleType] = wiring.install(self._patches, self._clock)
        self.definition = definition or wiring.definition()

    def close(self) -> None:
        self._patches.undo()

    def run(self, schedule: Schedule) -> Result:
        """Run one schedule; what it does depends on nothing but the schedule."""
        self._clock.reset()
        run = _Run(schedule, self._clock, self._functions, self.definition)
        violation: Violation | None = None
        try:
            run.whole()
        except Violation as broken:
            violation = broken
        except Endless as endless:
            violation = Violation("I4", str(endless))
        except Died as died:
            violation = Violation("campaign", f"the death at {died} was not of any execution")
        world = run.world
        return Result(
            schedule,
            tuple(execution.outcome or execution.status.lower() for execution in run.executions.values()),
            tuple(world.gate.fired),
            frozenset(run.states),
            dict(world.gate.counts),
            str(violation) if violation else "",
            violation.invariant if violation else "",
            tuple(f"{at:8.2f} s  {line}" for at, line in world.story),
        )


class _Run:
    """One schedule under way."""

    def __init__(self, schedule: Schedule, clock: Clock, functions: Mapping[str, ModuleType], definition: str) -> None:
        self.schedule, self._functions, self._definition = schedule, functions, definition
        self.executions: dict[str, Execution] = {}
        self.states: set[str] = set()
        self.world = world = World(schedule, clock)
        self._judge = RecordJudge(world, self.executions)
        self._watches = 0
        world.happen_trigger = self._trigger
        world.watched.append(self._judge.watch)
        Current.world = world
        Current.clients = wiring.clients_for(world, self._judge, self.executions, self._start, functions)
        self._tasks = wiring.Lambda(world, functions, "task")
        self._topic = wiring.Topic(world)
        machine.HOOKS.client_for = lambda service: self._topic if service == "sns" else self._tasks
        machine.HOOKS.entered = self._entered
        machine.HOOKS.branches = lambda branches: world.gate.side_by_side(branches, schedule.order)
        if schedule.action != "adopt":
            self._in_care()

    def _in_care(self) -> None:
        self.world.items[("campaign", "state")] = {
            "pair": {"S": "campaign"},
            "item": {"S": "state"},
            "active": {"S": "ms1"},
            "epoch": {"N": "1"},
            "acknowledged": {"BOOL": True},
            "mode": {"S": "automatic"},
            "maintenance_until": {"N": "0"},
            "halted": {"S": ""},
            "lease": {"NULL": True},
            "receipt": {"NULL": True},
            "version": {"N": "1"},
        }

    def whole(self) -> None:
        """The request, whatever goes wrong; then resumes; then all troubles end, and it must be possible to finish."""
        schedule = self.schedule
        self._start("first", {"action": schedule.action, "reason": "campaign", "requested_by": schedule.by})
        for number in range(RESUMES_AT_MOST):
            if not record(self.world).get("lease"):
                break
            back = schedule.resume == "back" and number == 0
            self._start(f"resume{number}", _resume(back))
        judge.untroubled(self.world)
        self.world.mend_everything()
        judge.at_rest(self.world, final=False)
        if record(self.world).get("lease"):
            self._start("last-resume", _resume(False))
            self._must_have_ended()
        judge.at_rest(self.world, final=True)
        self._late_alarm()
        self._second_outage()

    def _must_have_ended(self) -> None:
        if record(self.world).get("lease"):
            last = list(self.executions.values())[-1]
            raise Violation("I4", f"with all troubles over, resume still ends as {last.outcome}: {last.sentence}")

    def _late_alarm(self) -> None:
        """An alarm of long ago arrives when all is well: it must change nothing."""
        before = record(self.world)
        if before.get("active") is None:
            return
        active = self.world.hosts[str(before["active"])]
        if not active.serves:
            return
        self._start("late-alarm", {"action": "failover", "reason": "alarm of long ago", "requested_by": "alarm"})
        if record(self.world).get("active") != before["active"]:
            raise Violation("I6", "an alarm that came late moved a healthy pair")

    def _second_outage(self) -> None:
        """The active server dies after an automatic failover that nobody has looked at yet: nothing may move."""
        before = record(self.world)
        if before.get("active") is None or before.get("acknowledged", True):
            return
        active = self.world.hosts[str(before["active"])]
        active.runs = False
        self.world.database.leave(active.role, ghosts=False)
        self._start("second-alarm", {"action": "failover", "reason": "alarm", "requested_by": "alarm"})
        if record(self.world).get("active") != before["active"]:
            raise Violation("I7", "a second automatic failover did not wait for the first one's acknowledgement")

    # ---- executions

    def _start(self, name: str, request: Any) -> str:
        arn = f"{machine.ARN}:execution:failover:{name}"
        while arn in self.executions:
            arn += "x"
        execution = self.executions[arn] = Execution(arn, request)
        world = self.world
        world.tell(f"EXECUTION {arn.rsplit(':', 1)[-1]} begins: {request}")
        judge.note(world, execution)
        world.running.append(arn)
        world.gate.depth += 1
        try:
            ended = machine.execute(self._definition, arn, request)
        except Died as died:
            world.tell(f"EXECUTION {arn.rsplit(':', 1)[-1]} dies at {died}")
            execution.status = "ABORTED"
            return arn
        finally:
            world.gate.depth -= 1
            world.running.pop()
        self._conclude(execution, ended)
        return arn

    def _conclude(self, execution: Execution, ended: machine.Ended) -> None:
        world = self.world
        execution.status = ended.status
        execution.outcome = str(ended.output.get("outcome", "")) if ended.status == "SUCCEEDED" else ""
        execution.sentence = str(ended.output.get("sentence", "")) or ended.cause
        if ended.error == "Halted":
            execution.outcome = "halted"
        elif not execution.outcome:
            execution.sentence = f"{ended.error}: {ended.cause}"
        execution.told = [message for who, message in world.told if who == execution.arn]
        world.tell(f"EXECUTION {execution.arn.rsplit(':', 1)[-1]} ends: {execution.outcome}: {execution.sentence}")
        self._must_serve(execution)
        lines: list[Mapping[str, Any]] = [item for key, item in self.history().items() if key.startswith("history#")]
        judge.ended(world, execution, lines)
        if not world.running:
            judge.at_rest(world, final=False)

    def _must_serve(self, execution: Execution) -> None:
        """Who is called active must be: asked where nothing went wrong, since anything can die a moment later."""
        world = self.world
        active = record(world).get("active")
        if execution.outcome == "promoted" and not world.gate.fired and not world.hosts[str(active)].serves:
            raise Violation("I4", f"{active} was called active, but it does not answer")

    def history(self) -> dict[str, dict[str, Any]]:
        from local.campaign.clients_data import plain

        return {key: plain(item) for (_, key), item in self.world.items.items() if key.startswith("history#")}

    def _trigger(self, kind: Kind) -> None:
        """Something else wants to change the pair, at this very moment."""
        if len(self.world.running) > NESTED_AT_MOST:
            return
        if kind is Kind.WATCH:
            self._watches += 1
            for _ in range(3):
                self._functions["watch"].handler({"once": True}, None)
            return
        requests = {
            Kind.ALARM: {"action": "failover", "reason": "alarm", "requested_by": "alarm"},
            Kind.FORCE: {"action": "force", "reason": "now", "requested_by": "otto"},
            Kind.RESUME: _resume(False),
            Kind.BACK: _resume(True),
        }
        self._start(kind.value, requests[kind])

    def _entered(self, name: str) -> None:
        world = self.world
        world.tell(f"[{name}]")
        execution = self.executions[world.running[-1]]
        struck = world.gate.come_to(f"state:{name}")
        if any(fault.kind is Kind.DIE for fault in struck):
            raise Died(f"state:{name}")
        judge.recheck(world, execution)
        state = record(world)
        lease, receipt = state.get("lease"), state.get("receipt")
        seen = (
            name,
            sorted(world.database.writers()),
            world.in_door(),
            state.get("active"),
            (lease or {}).get("target"),
            (receipt or {}).get("by"),
            [(host.machine, host.runs) for host in world.hosts.values()],
            world.name["values"],
        )
        self.states.add(hashlib.sha1(repr(seen).encode(), usedforsecurity=False).hexdigest()[:12])


def _resume(back: bool) -> dict[str, Any]:
    request = {"action": "resume", "reason": "goes on", "requested_by": "erika"}
    return {**request, "target": "ms1"} if back else request


def tally(results: list[Result]) -> Counter[str]:
    """How often each outcome came up."""
    return Counter(outcome for result in results for outcome in result.outcomes)
