"""Runs one schedule from its beginning to a pair at rest, and says what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lab.simulation import bootstrap, judge, judge_history, machine
from lab.simulation.afterwards import Afterwards
from lab.simulation.bootstrap import Current
from lab.simulation.clock import Clock
from lab.simulation.faults import OVERTAKEN, Fault, Kind
from lab.simulation.injector import Died, Endless
from lab.simulation.judge import Execution, RecordJudge, record
from lab.simulation.schedule import Schedule
from lab.simulation.world import Violation, World
from lab.testbed.cloud.patching import Patches

if TYPE_CHECKING:
    from lab.simulation.defects import Defect

WATCHED = ("watched-pooler", "announced")
"""Where the audit has looked at rest at what seems to be the active server's own way, and is not."""
UNSEEN = ("unseen", "pooler", "local-pooler", *WATCHED)
"""Where no session of the active server has been seen as its own in this epoch."""

NESTED_AT_MOST = 2
RESUMES_AT_MOST = 2
PROBES_UNTIL_DOWN = 3
PEOPLE_TAKE_S = 30
"""Seconds until a person resumes what was left half done. Within a schedule they are faster, and are refused."""


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
    """Runs schedules, one after the other, in one process; `close` takes its changes back. One at a time can be open.

    Args:
        defect: something to be done wrong on purpose.
    """

    _open = False

    def __init__(self, defect: Defect | None = None) -> None:
        if Runner._open:
            raise RuntimeError("another runner is open in this process; close it first")
        Runner._open = True
        self._patches, self._clock = Patches(), Clock()
        try:
            self.functions: Mapping[str, ModuleType] = bootstrap.install(self._patches, self._clock)
            self.definition = bootstrap.definition()
            if defect is not None:
                self.definition = defect.put(self._patches, self.functions, self.definition)
        except BaseException:
            self.close()  # a defect that does not fit any more must not leave the world of memory behind
            raise

    def close(self) -> None:
        self._patches.undo()
        Runner._open = False

    def run(self, schedule: Schedule) -> Result:
        """Run one schedule; what it does depends on nothing but the schedule."""
        self._clock.reset()
        run = _Run(schedule, self._clock, self.functions, self.definition)
        violation: Violation | None = None
        try:
            run.whole()
        except Violation as broken:
            violation = broken
        except Endless as endless:
            violation = Violation("I4", str(endless))
        except Died as died:
            violation = Violation("simulation", f"the death at {died} was not of any execution")
        finally:
            run.world.gate.give_up()
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

    def at_rest(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Call functions of a healthy pair at rest, one after the other; what they raise is noted in its story.

        Args:
            asked: a function's name and its event, each.
        """
        self._clock.reset()
        run = _Run(Schedule(ms1="healthy"), self._clock, self.functions, self.definition)
        for name, event in asked:
            run.call(name, name, event)


class _Run:
    """One schedule under way."""

    def __init__(self, schedule: Schedule, clock: Clock, functions: Mapping[str, ModuleType], definition: str) -> None:
        self.schedule, self._definition = schedule, definition
        self.executions: dict[str, Execution] = {}
        self.states: set[str] = set()
        self.world = world = World(schedule, clock)
        self._judge = RecordJudge(world, self.executions)
        world.happen_trigger = self._trigger
        world.watched.append(self._judge.watch)
        Current.world = world
        Current.clients = bootstrap.clients_for(world, self._judge, self.executions, self._start)
        self._tasks = bootstrap.Lambda(world, "task")
        self._topic = bootstrap.Topic(world, "task:topic")
        machine.HOOKS.client_for = lambda service: self._topic if service == "sns" else self._tasks
        machine.HOOKS.entered = self._entered
        machine.HOOKS.branches = lambda branches: world.gate.side_by_side(branches, schedule.order)
        bootstrap.begin_anew(functions, schedule)
        if schedule.action != "adopt":
            self._adopt_with(schedule.controls)

    def _adopt_with(self, controls: str) -> None:
        until = int(self.world.clock.time()) + 86400 if controls == "maintenance" else 0
        self.world.items[("simulation", "state")] = {
            "pair": {"S": "simulation"},
            "item": {"S": "state"},
            "active": {"S": "ms1"},
            "epoch": {"N": "1"},
            "acknowledged": {"BOOL": controls != "unacknowledged"},
            "mode": {"S": controls if controls in ("manual", "shadow") else "automatic"},
            "maintenance_until": {"N": str(until)},
            "halted": {"S": ""},
            "lease": {"NULL": True},
            "receipt": {"NULL": True},
            "path_seen_epoch": {"N": "-1" if self.schedule.network in UNSEEN else "1"},
            "path_seen_by": {"S": "address"},
            "second_probe_epoch": {"N": "1" if self.schedule.probe in ("cut-off", "failing", "blind") else "-1"},
            "version": {"N": "1"},
        }

    def whole(self) -> None:
        """The request, whatever goes wrong; then resumes; then all troubles end, and it must be possible to finish."""
        schedule = self.schedule
        request = {"action": schedule.action, "reason": "simulation", "requested_by": schedule.by}
        if schedule.dry_run == "yes":
            self._start("dry-run", {**request, "dry_run": True})
        if schedule.network in WATCHED:
            self.call("audit", "audit", {})
        self._start("first", request)
        judge.foretold(self.world, list(self.executions.values()))
        for number in range(RESUMES_AT_MOST):
            if not record(self.world).get("lease"):
                break
            self.world.clock.sleep(PEOPLE_TAKE_S)
            back = schedule.resume == "back" and number == 0
            self._start(f"resume{number}", _resume(back))
        judge.untroubled(self.world, list(self.executions.values()))
        self.world.mend_everything()
        judge.at_rest(self.world, final=False)
        if record(self.world).get("lease"):
            self.world.clock.sleep(PEOPLE_TAKE_S)
            self._start("last-resume", _resume(False))
            self._must_have_ended()
        judge.at_rest(self.world, final=True)
        judge.kept(self.world)
        afterwards = Afterwards(self.world, Current.handlers["audit"], self.call)
        afterwards.audit_is_content()
        afterwards.hand_is_undone()
        afterwards.late_messages_change_nothing()
        afterwards.another_way_is_noticed()
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
        """The active server dies after an automatic failover that nobody has acknowledged yet: nothing may move."""
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
        world.note(f"EXECUTION {_short(arn)} begins: {request}")
        judge.note(world, execution)
        with world.acting(arn):
            try:
                ended = machine.execute(self._definition, arn, request)
            except Died as died:
                world.note(f"EXECUTION {_short(arn)} dies at {died}")
                execution.status, execution.stopped_at = "ABORTED", world.clock.time()
                return arn
        if execution.status != "RUNNING":  # it was stopped while its last call was on its way
            return arn
        self._conclude(execution, ended)
        return arn

    def _conclude(self, execution: Execution, ended: machine.Ended) -> None:
        world = self.world
        execution.output, execution.stopped_at = ended.output, world.clock.time()
        execution.status = ended.status
        execution.outcome = str(ended.output.get("outcome", "")) if ended.status == "SUCCEEDED" else ""
        execution.sentence = str(ended.output.get("sentence", "")) or ended.cause
        if ended.error == "Halted":
            execution.outcome = "halted"
        elif not execution.outcome:
            execution.sentence = f"{ended.error}: {ended.cause}"
        execution.notified = [message for who, message in world.notified if who == execution.arn]
        world.note(f"EXECUTION {_short(execution.arn)} ends: {execution.outcome}: {execution.sentence}")
        self._must_serve(execution)
        lines: list[Mapping[str, Any]] = [item for key, item in self.history().items() if key.startswith("history#")]
        judge.ended(world, execution, lines)
        judge_history.chained(world, lines)
        if not world.running:
            judge.at_rest(world, final=False)

    def _must_serve(self, execution: Execution) -> None:
        """Who is called active must be: asked where nothing went wrong, since anything can die a moment later."""
        world = self.world
        active = record(world).get("active")
        if execution.outcome == "promoted" and not world.gate.fired and not world.hosts[str(active)].serves:
            raise Violation("I4", f"{active} was called active, but it does not answer")

    def history(self) -> dict[str, dict[str, Any]]:
        from lab.simulation.clients_data import plain

        return {key: plain(item) for (_, key), item in self.world.items.items() if key.startswith("history#")}

    def _trigger(self, kind: Kind) -> bool:
        """Somebody else wants something of the pair, at this very moment. Says whether the execution ended by it."""
        if len(self.world.running) > NESTED_AT_MOST:
            return False
        if kind in OVERTAKEN:
            return self._overtake(kind)
        if kind is Kind.WATCH:
            for _ in range(PROBES_UNTIL_DOWN):
                self.call("watch", "watch", {"once": True})
        elif kind is Kind.AUDIT:
            self.call("audit", "audit", {})
        elif kind is Kind.MANUAL:
            self.world.settings["mode"] = "manual"
            self.call(judge.PERSON, "pair", {"action": "set_mode", "mode": "manual", "requested_by": "otto"})
        elif kind is Kind.HAND:
            self._by_hand()
        elif kind is Kind.ACK:
            epoch = int(record(self.world).get("epoch", 0))
            self.call(judge.PERSON, "pair", {"action": "acknowledge", "epoch": epoch, "requested_by": "otto"})
        else:
            self._start(kind.value, _request_of(kind))
        return False

    def _by_hand(self) -> None:
        """Somebody begins a change under a made-up name, and concludes that and the one under way as he likes."""
        request = {"action": "force", "reason": "by hand", "requested_by": "otto"}
        self.call("a hand", "pair", {"action": "begin", "execution": "x", "request": request, "entered": self._stamp()})
        lease, receipt = (record(self.world).get(name) or {} for name in ("lease", "receipt"))
        proven = receipt.get("epoch") == lease.get("epoch")
        for execution in ("x", *(() if proven or not lease else (lease["execution"],))):
            conclusion = {"action": "conclude", "outcome": "promoted", "sentence": "Done.", "execution": execution}
            self.call("a hand", "pair", conclusion)

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self.world.clock.time(), UTC).isoformat()

    def call(self, who: str, function: str, event: Mapping[str, Any]) -> None:
        """Call a function from outside the workflow; what it raises is its own affair, as on AWS."""
        with self.world.acting(who):
            self.world.note(f"{who}: {event}")
            try:
                Current.handlers[function](event, None)
            except Exception as error:
                self.world.note(f"  {function} raises {type(error).__name__}: {str(error)[:160]}")
                if who == judge.PERSON:
                    self.world.settings.clear()  # the person was warned that it may not have been done

    def _overtake(self, kind: Kind) -> bool:
        execution = self.executions.get(self.world.running[-1]) if self.world.running else None
        if execution is None or execution.status != "RUNNING" or self.world.gate.delivering:
            return False
        self.world.note(f"EXECUTION {_short(execution.arn)} is stopped while a call of it is on its way")
        execution.status, execution.stopped_at = "ABORTED", self.world.clock.time()
        self._start(kind.value, _resume(kind is Kind.OVERTAKEN_BACK))
        return True

    def _entered(self, name: str) -> None:
        world = self.world
        world.note(f"[{name}]")
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
            world.in_access_group(),
            state.get("active"),
            (lease or {}).get("target"),
            (receipt or {}).get("by"),
            [(host.machine, host.runs) for host in world.hosts.values()],
            world.name["values"],
        )
        self.states.add(hashlib.sha1(repr(seen).encode(), usedforsecurity=False).hexdigest()[:12])


def _request_of(kind: Kind) -> dict[str, Any]:
    if kind is Kind.ALARM:
        return {"action": "failover", "reason": "alarm", "requested_by": "alarm"}
    if kind is Kind.FORCE:
        return {"action": "force", "reason": "now", "requested_by": "otto"}
    return _resume(kind is Kind.BACK)


def _short(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def _resume(back: bool) -> dict[str, Any]:
    request = {"action": "resume", "reason": "goes on", "requested_by": "erika"}
    return {**request, "target": "ms1"} if back else request
