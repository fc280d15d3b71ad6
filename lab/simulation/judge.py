"""The judge: every invariant as a question to the world itself, never to what the functions believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from lab.simulation.faults import Kind
from lab.simulation.world import AHEAD, Violation, World

AUTOMATIC = ("watch", "alarm")
OUTCOMES = ("promoted", "stood-down", "refused", "blocked", "rolled-back", "halted")
UNTOUCHED = ("stood-down", "refused", "blocked")
DRY_RUN = "dry-run"
PERSON = "a person"
LONGEST_S = 7200.0
WITHOUT_THE_DEAD_S = 20.0
"""What an execution may last at most, and where the database can prove the fence, whatever the old server does."""

TRIES = 4
OTHER = {"ms1": "ms2", "ms2": "ms1"}


@dataclass
class Execution:
    """One execution, as it was seen from outside."""

    arn: str
    request: Mapping[str, Any]
    status: str = "RUNNING"
    outcome: str = ""
    sentence: str = ""
    notified: list[str] = field(default_factory=list)
    source: str = ""
    healthy_since: str = ""
    standby_unfit: bool = False
    probes_before: int = 0
    began: float = 0.0
    stopped_at: float = 0.0
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lasted(self) -> float:
        return self.stopped_at - self.began

    @property
    def is_dry_run(self) -> bool:
        return bool(self.request.get("dry_run"))


def record(world: World) -> dict[str, Any]:
    """The pair's record as plain values; empty before the first write."""
    item = world.state_item()
    if world.plain_record[0] is not item:
        deserializer = TypeDeserializer()
        world.plain_record = (item, {name: deserializer.deserialize(value) for name, value in item.items()})
    return world.plain_record[1]


class RecordJudge:
    """Watches what is written to the record, and every step that grants access or starts a server."""

    def __init__(self, world: World, executions: Mapping[str, Execution]) -> None:
        self._world, self._executions = world, executions
        self._used: dict[int, str] = {}
        self.last_off: dict[str, float] = {}

    def watch(self) -> None:
        """Remember when a machine was last seen off; asked at every tick."""
        for role, host in self._world.hosts.items():
            if host.machine == "stopped":
                self.last_off[role] = self._world.clock.time()

    def written(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Judge a write of the record: lease, epoch, receipt, who is active, and what is people's to set."""
        held, holds = before.get("lease"), after.get("lease")
        self._may_write()
        self._people_only(before, after)
        if after.get("epoch", 0) < before.get("epoch", 0):
            raise Violation("I4", f"the epoch goes back from {before['epoch']} to {after['epoch']}")
        if held and holds and held["execution"] != holds["execution"] and self._runs(held["execution"]):
            raise Violation("I4", f"{holds['execution']} takes the lease from {held['execution']}, which still runs")
        if holds and not held and holds["requested_by"] in AUTOMATIC:
            self._may_act_by_itself(before)
        if holds and holds["execution"] not in self._executions:
            raise Violation("I4", f"the lease is held by {holds['execution']}, which is no execution of the machine")
        if holds and holds != held and holds["epoch"] <= after.get("epoch", 0):
            raise Violation("I4", f"a change begins in epoch {holds['epoch']}, which is not new")
        receipt = after.get("receipt")
        if receipt and receipt != before.get("receipt"):
            self._receipt(receipt, holds)
        if after.get("active") != before.get("active"):
            self._moved(before, after, held or holds)
        self._world.note(f"RECORD {_short(after)}")

    def _may_write(self) -> None:
        execution = self._executions.get(self._world.running[-1]) if self._world.running else None
        if execution is not None and execution.is_dry_run:
            raise Violation("I4", f"{execution.arn} is a dry run, but it writes to the record")

    def _people_only(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if not before or (self._world.running and self._world.running[-1] == PERSON):
            return
        for name in ("mode", "maintenance_until"):
            if name in before and after.get(name) != before[name]:
                raise Violation("I7", f"{name} was {before[name]}, and nobody set it to {after.get(name)}")
        if before.get("acknowledged") is False and after.get("acknowledged"):
            raise Violation("I7", "an automatic failover is acknowledged by nobody")

    def _may_act_by_itself(self, state: Mapping[str, Any]) -> None:
        if state.get("mode", "automatic") != "automatic":
            raise Violation("I7", f"a failover begins by itself in {state['mode']} mode")
        if float(state.get("maintenance_until", 0)) > self._world.clock.time():
            raise Violation("I7", "a failover begins by itself during a maintenance")
        if not state.get("acknowledged", True):
            raise Violation("I7", "a second automatic failover does not wait for the first one's acknowledgement")

    def _runs(self, arn: str) -> bool:
        execution = self._executions.get(arn)
        return execution is not None and execution.status == "RUNNING"

    def _receipt(self, receipt: Mapping[str, Any], lease: Mapping[str, Any] | None) -> None:
        world, server = self._world, str(receipt["server"])
        host = world.hosts[server]
        if server in world.database.writers():
            raise Violation("I2", f"a receipt says that {server} is out, but it holds sessions")
        if lease is None or receipt["epoch"] != lease["epoch"]:
            raise Violation("I2", "a receipt is written for an epoch that is not the change's")
        if receipt["by"] != "power" and world.gate.delayed():
            raise Violation(
                "I2", f"a receipt says that {server} is out while {world.gate.delayed()[0]} of before is on its way"
            )
        self._no_hidden_way(receipt)
        if receipt["by"] == "database":
            if any(world.database.allows(address) for address in host.every_address):
                raise Violation("I2", f"a receipt by database says that {server} is out, but it can get in")
            if world.database.may_come(server):
                raise Violation(
                    "I2", f"a receipt by database says that {server} is out, but a connection of it is open"
                )
            if len(receipt["sessions"]) < 3 or any(receipt["sessions"]):
                raise Violation("I2", f"a receipt rests on {receipt['sessions']}, not on three reads of zero")
        elif receipt["by"] == "network":
            ways = [address for address in host.every_address if any(world.database.ways(address))]
            # Of a standby that has never served nobody can know by which way it would come (docs/safety.md).
            hidden = world.database.hides(server) and (server == "ms1" or host.runs)
            if ways or hidden:
                raise Violation(
                    "I2", f"a receipt by network says that {server} is cut off, but it reaches the database"
                )
        elif self.last_off.get(server, 0.0) < float(lease["taken_at"]) - 1:
            raise Violation("I2", f"a receipt by power says that {server} is off, but its machine is {host.machine}")

    def _no_hidden_way(self, receipt: Mapping[str, Any]) -> None:
        """A server that was seen to serve, and whose sessions no list showed, is proven to be out by power only."""
        state, vouched = record(self._world), self._world.schedule.network == "local-pooler"
        epoch, active = int(state.get("epoch", 0)), state.get("active")
        # Each change that is turned round, or resumed the other way, has the next epoch: so it tells whose it was.
        own = {
            name: int(state.get(name, -1))
            for name in ("path_seen_epoch", "path_hidden_epoch")
            if active is None or (receipt["server"] != active) == bool((int(state.get(name, -1)) - epoch) % 2)
        }
        hidden = own.get("path_hidden_epoch", -1) > max(epoch, own.get("path_seen_epoch", -1))
        if hidden and receipt["by"] != "power" and not vouched:
            raise Violation("I2", f"a receipt by {receipt['by']} for {receipt['server']}, which served unseen")

    def _moved(self, before: Mapping[str, Any], after: Mapping[str, Any], lease: Mapping[str, Any] | None) -> None:
        automatic = bool(lease) and lease is not None and lease["requested_by"] in AUTOMATIC
        if before.get("active") is None:
            return
        if automatic and after.get("acknowledged", True):
            raise Violation("I7", "an automatic failover does not ask to be acknowledged")
        receipt = before.get("receipt")
        if (
            lease is None
            or not receipt
            or (receipt["server"], receipt["epoch"]) != (OTHER[after["active"]], lease["epoch"])
        ):
            raise Violation("I2", f"{after['active']} becomes active without a receipt for {OTHER[after['active']]}")
        if lease is not None and lease["target"] != after["active"]:
            raise Violation("I7", f"{after['active']} becomes active, but {lease['target']} was asked for")

    def starts(self, role: str) -> None:
        """Judge an order to start a server: the active one may be restarted in place while nothing has been touched."""
        world, state = self._world, record(self._world)
        lease, other = state.get("lease"), OTHER[role]
        in_place = lease and lease["target"] == other and state.get("active") == role and not state.get("receipt")
        if not in_place:
            self.grants(role, "started")
        elif other in world.database.writers() or other in world.in_access_group():
            raise Violation("I2", f"{role} is restarted in place while {other} can use the database")

    def carries_out(self, role: str, epoch: int) -> None:
        """Judge a host that starts its server: an order that the pair has gone past must be dead by then."""
        state = record(self._world)
        lease = state.get("lease")
        current = lease["epoch"] if lease else state.get("epoch")
        restarted = lease and lease["target"] != role and not state.get("receipt") and epoch == state.get("epoch")
        if epoch != current and not restarted:
            raise Violation("I4", f"{role} carries out a start of epoch {epoch}, and the pair is in epoch {current}")

    def names(self, role: str) -> None:
        """Judge an order to update the record: to the target of a proven change, or to the active server at rest."""
        state = record(self._world)
        if state.get("lease"):
            self.grants(role, "named")
        elif state.get("active") != role:
            raise Violation("I4", f"the DNS record is updated to {role} while {state.get('active')} is active")

    def ends_sessions(self, role: str) -> None:
        """Judge that sessions of a server are ended: never those of one that is active, or is to be."""
        state = record(self._world)
        lease = state.get("lease")
        if role == (lease["target"] if lease else state.get("active")):
            raise Violation("I4", f"sessions of {role} are ended, though it is {'to be ' if lease else ''}active")

    def grants(self, role: str, how: str) -> None:
        """Judge a step that grants a server access or starts it: a valid receipt must be there, and be true."""
        world, state = self._world, record(self._world)
        lease, receipt, other = state.get("lease"), state.get("receipt"), OTHER[role]
        if not lease or lease["target"] != role:
            raise Violation("I2", f"{role} is {how} though no change to it is under way")
        if not receipt or receipt["server"] != other or receipt["epoch"] != lease["epoch"]:
            raise Violation("I2", f"{role} is {how} without a receipt of epoch {lease['epoch']} for {other}")
        # Who is only named is granted nothing by it: a machine that was off may be on again.
        if other in world.database.writers() and (how, receipt["by"]) != ("named", "power"):
            raise Violation("I2", f"{role} is {how} while {other} holds sessions")
        if self._used.setdefault(int(lease["epoch"]), role) != role:
            raise Violation("I4", f"epoch {lease['epoch']} grants access to {role}, and granted it to {other} before")


def at_rest(world: World, *, final: bool) -> None:
    """Judge the pair between executions: at rest the access group allows the active server alone."""
    state = record(world)
    active = state.get("active")
    if active is None or state.get("lease"):
        return
    if world.in_access_group() != [active]:
        raise Violation(
            "I1", f"at rest {active} is active, but the access group allows {world.in_access_group() or 'nobody'}"
        )
    if world.database.writers() - {active}:
        raise Violation("I1", f"at rest {active} is active, but {world.database.writers()} hold sessions")
    if final and not all(all(world.database.ways(each)) for each in world.hosts[str(active)].addresses):
        raise Violation("I4", f"at rest {active} is active, but the network denies it")
    if final and world.name["values"] != (world.hosts[str(active)].addresses[0],):
        raise Violation("I4", f"at rest {active} is active, but the name points to {world.name['values']}")


def ended(world: World, execution: Execution, lines: list[Mapping[str, Any]]) -> None:
    """Judge an execution that has ended by itself: a defined outcome, recorded with its reason, and true."""
    outcome = execution.outcome
    if execution.lasted > LONGEST_S:
        raise Violation("I4", f"{execution.arn} lasted {execution.lasted:.0f} s")
    if execution.is_dry_run:
        _dry_run(world, execution, lines)
        return
    if outcome not in OUTCOMES:
        raise Violation("I4", f"{execution.arn} ended as {execution.status}, {outcome!r}: {execution.sentence}")
    if not execution.sentence.strip():
        raise Violation("I4", f"{execution.arn} ended as {outcome} without a reason")
    own = {str(line["outcome"]) for line in lines if line["execution"] == execution.arn}
    if len(own) > 1:
        raise Violation("I4", f"the history says of {execution.arn} that it ended as {', '.join(sorted(own))}")
    recorded = bool(own) or outcome == "refused"
    troubled = any(fault.place.split(".")[0] in ("dynamodb", "task:pair", "task:topic") for fault in world.gate.fired)
    if not recorded and not troubled:
        raise Violation("I4", f"{execution.arn} ended as {outcome}, which is not in the history")
    # An end is written with three tries more: less than four troubles on its way are no excuse for another one.
    troubles = [fault for fault in world.gate.fired if fault.place.startswith(("dynamodb", "task:pair.conclude"))]
    unrecorded = outcome == "halted" and len(troubles) >= TRIES
    if own and outcome not in own and not unrecorded:
        raise Violation("I4", f"{execution.arn} ended as {outcome}, but the history says {own.pop()}")
    touched = [each for each in world.touched if each.who == execution.arn]
    in_place = outcome == "stood-down" and world.schedule.restart == "yes"
    if in_place:  # a restart in place touches the service of the active server, and nothing else
        touched = [each for each in touched if each.service_of != execution.source]
    if outcome in UNTOUCHED and touched:
        raise Violation("I4", f"{execution.arn} ended as {outcome}, but {touched[0].what}")
    if execution.standby_unfit and touched and execution.request["action"] in ("failover", "switchover", "force"):
        raise Violation("I4", f"{execution.arn} touched something ({touched[0].what}) though the standby never was fit")
    probes = world.probes[execution.probes_before :]
    if outcome == "promoted" and execution.healthy_since and (all(probes) or not any(probes)):
        raise Violation(
            "I3", f"{execution.arn} failed over from {execution.healthy_since}, which answered all the time"
        )


def _dry_run(world: World, execution: Execution, lines: list[Mapping[str, Any]]) -> None:
    """A dry run says what would happen, and why; it touches nothing, records nothing, and notifies nobody."""
    if execution.outcome not in (DRY_RUN, "halted"):
        raise Violation("I4", f"{execution.arn} is a dry run, but ended as {execution.outcome!r}: {execution.sentence}")
    if any(each.who == execution.arn for each in world.touched):
        raise Violation("I4", f"{execution.arn} is a dry run, but touched something")
    if any(line["execution"] == execution.arn for line in lines):
        raise Violation("I4", f"{execution.arn} is a dry run, but is in the history")
    if execution.outcome == DRY_RUN and not (execution.sentence.strip() and execution.output.get("would")):
        raise Violation("I4", f"{execution.arn} does not say what would happen, and why")


def foretold(world: World, executions: Sequence[Execution]) -> None:
    """Where nothing goes wrong on the way, and nothing is hidden, what the dry run said is what happens."""
    schedule = world.schedule
    plain = schedule.database == "up" and schedule.access == "tidy" and schedule.restart == "no"
    plain = plain and schedule.network in ("none", "acls")
    silent = schedule.action in ("switchover", "adopt") and schedule.ms1 not in ("healthy", "crashed")
    unforeseeable = silent or schedule.ms1 == "zombie" or schedule.ms2 in ("start-fails", "start-hangs", "misreported")
    if world.gate.fired or not plain or unforeseeable:
        return
    if len(executions) > 1 and executions[0].is_dry_run and executions[0].output.get("would") != executions[1].outcome:
        would = executions[0].output.get("would")
        raise Violation("I4", f"the dry run said {would}, but it ended as {executions[1].outcome}")


def kept(world: World) -> None:
    """What a person set must still be so, whatever was written beside it."""
    mode = world.settings.get("mode")
    if mode and record(world).get("mode") != mode:
        raise Violation("I7", f"a person set the mode to {mode}, but it is {record(world).get('mode')}")


def note(world: World, execution: Execution) -> None:
    """Note at an execution's beginning what may not be held against it later."""
    execution.probes_before = len(world.probes)
    execution.began = world.clock.time()
    state = record(world)
    active = state.get("active")
    if active is None:
        return
    execution.source = str(active)
    target = execution.request.get("target") or OTHER[str(active)]
    if execution.request["action"] == "failover" and world.hosts[str(active)].serves:
        execution.healthy_since = str(active)
    execution.standby_unfit = not _fit(world, str(target))


def _fit(world: World, target: str) -> bool:
    host = world.hosts[target]
    return host.reachable and host.probed and host.epoch != AHEAD


def recheck(world: World, execution: Execution) -> None:
    """At every state: is what was noted still so?"""
    active = execution.healthy_since
    untouched = all(each.who != execution.arn for each in world.touched)  # what it did itself is no excuse
    if active and untouched and not world.hosts[active].serves:
        execution.healthy_since = ""
    state = record(world)
    target = (state.get("lease") or {}).get("target")
    if target and _fit(world, str(target)):
        execution.standby_unfit = False


def _short(state: Mapping[str, Any]) -> str:
    lease, receipt = state.get("lease"), state.get("receipt")
    return (
        f"active {state.get('active')} epoch {state.get('epoch')}"
        + (
            f", lease of {lease['execution'].rsplit(':', 1)[-1]} to {lease['target']} ({lease['epoch']})"
            if lease
            else ""
        )
        + (f", receipt by {receipt['by']} for {receipt['server']} ({receipt['epoch']})" if receipt else "")
        + (", halted" if state.get("halted") else "")
    )


def untroubled(world: World, executions: Sequence[Execution]) -> None:
    """Judge a schedule in which nothing went wrong on the way: what is easy must be done the easy way."""
    schedule = world.schedule
    kinds = {fault.kind for fault in world.gate.fired}
    if schedule.ms1 == "hangs" and kinds == {Kind.DATABASE_GONE, Kind.DATABASE_BACK} and schedule.access == "tidy":
        stuck = [each.arn for each in executions if each.outcome == "halted"]
        if stuck:
            raise Violation("I5", f"{stuck[0]} waited for a machine that hangs in stopping while the database was back")
    if world.gate.fired or schedule.database != "up" or schedule.access != "tidy":
        return
    if schedule.network not in ("none", "acls", "allowed", "uncovered") or schedule.ms2 == "misreported":
        return
    if world.ordered_off and schedule.action in ("failover", "force"):
        raise Violation("I4", "a machine was switched off though the database could have proven the fence")
    proofs, fences = world.gate.counts["state:VerifyFence"], world.gate.counts["state:Fence"]
    if proofs > fences:
        raise Violation("I4", f"{proofs} proofs were needed for {fences} fences: ended sessions came back")
    if schedule.probe != "one":
        return  # what is asked side by side goes one by one here: a probe that sees nothing takes four times its time
    for each in executions:
        if each.outcome == "promoted" and schedule.restart == "no" and each.lasted > WITHOUT_THE_DEAD_S:
            raise Violation("I5", f"{each.arn} lasted {each.lasted:.0f} s: it waited for {schedule.ms1} {each.source}")
