"""The world of memory: the pair, its database and name, what can happen to them, and the judge who watches it all.

The judge checks after every call. What must never be is raised at once (`Violation`), past anything that catches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.simulation.clock import Clock
from lab.simulation.faults import Kind
from lab.simulation.hosts import (
    ACCESS_GROUP,
    DELEGATED,
    OWNERS,
    PORTS,
    PREFIX_LIST,
    STOPPING_TAKES_S,
    Base,
    Host,
)
from lab.simulation.injector import Injector
from lab.simulation.schedule import Schedule
from lab.simulation.subnet_borders import ACLS, NEIGHBOUR, OWNERS_ACL, SUBNETS, Borders

PAIR = "simulation"
RECORD = "ms.corp.example."


AHEAD = 999
"""An epoch that a host remembers of a pair that was before this one."""


class Violation(BaseException):
    """An invariant is broken; `invariant` names which."""

    def __init__(self, invariant: str, sentence: str) -> None:
        super().__init__(f"{invariant}: {sentence}")
        self.invariant, self.sentence = invariant, sentence


@dataclass(frozen=True)
class Touched:
    """Something that was changed, and by which execution; `service_of` names the server whose service it was."""

    who: str
    what: str
    service_of: str


class World:
    """Everything outside the functions, as it really is.

    Args:
        schedule: how it begins, and what goes wrong.
        clock: virtual time.
    """

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self.schedule, self.clock = schedule, clock
        self.story: list[tuple[float, str]] = []
        self.hosts = {
            "ms1": Host("ms1", "i-00000000000000001", ("10.77.0.11", "10.77.1.11")),
            "ms2": Host("ms2", "i-00000000000000002", ("10.77.0.12", "10.77.1.12")),
        }
        self.gone: list[Host] = []
        self.neighbours: list[Host] = []
        self.database = Base(borders=Borders(clock.time))
        self.name: dict[str, Any] = {"values": ("10.77.0.11",), "ttl": 5}
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.plain_record: tuple[Any, dict[str, Any]] = (None, {})
        self.touched: list[Touched] = []
        self.ordered_off = False
        self.meddled = False  # somebody has added a rule to the access group by hand, and the audit has not run yet
        self.probes: list[bool] = []
        self.probe, self.asked_probe = schedule.probe, "probe"
        self.settings: dict[str, Any] = {}
        self.notified: list[tuple[str, str]] = []
        self.running: list[str] = []
        self.happen_trigger: Callable[[Kind], bool] = lambda _kind: False
        self.watched: list[Callable[[], None]] = []
        self.deliver_commands: Callable[[], None] = lambda: None
        self.gate = Injector(clock, schedule.faults, self.happen, self.tick, self.note, self._owned)
        self._begin(schedule)

    # ---- how it begins

    def _begin(self, schedule: Schedule) -> None:
        first, second = self.hosts["ms1"], self.hosts["ms2"]
        first.runs = True
        self.database.add_rule(OWNERS, "10.99.0.0/24")
        self.database.add_rule(ACCESS_GROUP, "10.77.0.11/32")
        self._network(schedule.network)
        # Long ago the access group allowed its other addresses, too; a rule that goes away cuts no session.
        old = [self.database.add_rule(ACCESS_GROUP, f"{each}/32") for each in first.every_address[1:]]
        self.database.connect(first)
        self.database.keep_rules(lambda rule: rule not in old)
        if schedule.access == "broad":
            self.database.add_rule(OWNERS, "10.0.0.0/8")
        elif schedule.access == "second-port":
            self.database.add_rule(OWNERS, "10.77.0.0/16", PORTS[1])
        elif schedule.access == "prefix-list":
            self.database.prefixes = ("10.77.0.0/16",)
            self.database.add_rule(OWNERS, PREFIX_LIST)
        self._condition(first, schedule.ms1)
        second.alive, second.probed = schedule.ms2 != "dead", schedule.ms2 != "unprobed"
        second.epoch = AHEAD if schedule.ms2 == "ahead" else 0
        starts = {"start-fails": "fails", "start-hangs": "hangs", "misreported": "misreported"}
        second.start = starts.get(schedule.ms2, "")
        self.database.seen = schedule.database != "unseen"
        self.database.hidden = schedule.database == "hidden"
        self.database.undying = schedule.database == "undying"
        self.database.names = schedule.database == "names"
        self.database.standby = schedule.database == "standby"
        self.database.moved = schedule.database == "moved"
        if schedule.database == "silent" and first.on:
            self.database.connect_in_silence(first)

    @property
    def leads_to(self) -> tuple[str, ...]:
        """Where the database's name leads to."""
        behind, beside = "10.77.0.30", "10.77.0.40"
        if self.schedule.network == "two-interfaces" and self.database.elsewhere:
            return behind, beside
        return (beside,) if self.database.elsewhere else (behind,)

    def _network(self, word: str) -> None:
        base, borders = self.database, self.database.borders
        another = ("pooler", "standby-pooler", "watched-pooler", "announced")
        base.pooler = "local" if word == "local-pooler" else "another" if word in another else ""
        base.watched, base.announced, base.gateway = word == "watched-pooler", word == "announced", word == "gateway"
        base.pooled = "ms2" if word == "standby-pooler" else "ms1"
        base.elsewhere = word in ("elsewhere", "two-interfaces")
        self.hosts["ms1"].prefixes = (DELEGATED,) if word == "delegated" else ()
        self.hosts["ms1"].any_source = word == "any-source"
        if word == "shared":
            borders.share()
            self.neighbours = [Host("a neighbour", "i-00000000000000008", (NEIGHBOUR,))]
        if word != "none":
            borders.deny_at_rest(self.hosts["ms2"].addresses)
        if word == "allowed":
            borders.write(ACLS[0], borders.entry(3, True, "allow", "10.0.0.0/8", at=0.0))
            borders.write(ACLS[0], borders.entry(3, False, "allow", "10.0.0.0/8", at=0.0))
        elif word == "uncovered":
            borders.standing[SUBNETS[1]], borders.at = OWNERS_ACL, SUBNETS[1]

    def _condition(self, host: Host, word: str) -> None:
        if word == "crashed":
            host.runs = False
            self.database.leave(host.role, ghosts=False)
        elif word in ("hung", "zombie"):
            host.answers = False
            host.stubborn = word == "zombie"
        elif word == "partitioned":
            host.seen = False
        elif word == "replaced":
            # The machine that has the addresses goes on under another id; the configured one was terminated.
            self.gone.append(Host("nobody", host.instance_id, (), "terminated", alive=False))
            host.answers, host.instance_id = False, "i-00000000000000009"
        elif word == "hangs":
            host.answers, host.never_stops = False, True
        elif word == "stopping":
            host.answers, host.machine = False, "stopping"
            host.stopped_at = self.clock.time() + STOPPING_TAKES_S
        elif word in ("dead", "off"):
            host.runs = host.alive = False
            host.machine = "stopped" if word == "off" else "running"
            self.database.leave(host.role, ghosts=True)

    def is_hidden_from_probe(self, host: Host) -> bool:
        """Whether the probe that is asked has no way to a host, however well that one is."""
        if self.asked_probe == "probe":
            return self.probe not in ("one", "failing")
        return self.probe == "blind" or (self.probe == "astray" and host.role == "ms1")

    def machines(self) -> list[Host]:
        """Every machine that EC2 knows: the servers', those that have been, and another pair's."""
        return [*self.hosts.values(), *self.gone, *self.neighbours]

    # ---- what goes on by itself

    def tick(self) -> None:
        """Let what has to happen happen, and check that all is still well."""
        for host in self.hosts.values():
            if host.machine == "stopping" and self.clock.time() >= host.stopped_at:
                self._off(host)
        self.deliver_commands()
        for watch in self.watched:
            watch()
        self._connect()
        self._judge()

    def _connect(self) -> None:
        for host in self.hosts.values():
            for session in self.database.connect(host):
                self.note(f"{host.role} connects to the database from {session.address}")

    def _judge(self) -> None:
        if self.database.writers() >= {"ms1", "ms2"}:
            raise Violation("I1", "both servers hold sessions on the database")
        if len(self.in_access_group()) == 2 and not self.meddled:
            raise Violation("I1", "the access group allows both servers")
        if self.neighbours and not self.database.borders.denies(NEIGHBOUR):
            raise Violation("I1", "a server of another pair, which its stack denies, is denied no more")

    def _off(self, host: Host) -> None:
        host.machine, host.runs, host.stubborn = "stopped", False, False
        self.database.leave(host.role, ghosts=not host.seen)
        if host.seen:
            self.database.hang_up(host.role)
        self.note(f"the machine of {host.role} is off")

    # ---- who does something to it

    @contextmanager
    def acting(self, who: str) -> Iterator[None]:
        """While this lasts, what is done is done by `who`: an execution, the watchdog, the audit, a person."""
        self.running.append(who)
        self.gate.depth += 1
        try:
            yield
        finally:
            self.gate.depth -= 1
            self.running.pop()

    def _owned(self, effect: Callable[[], object]) -> Callable[[], object]:
        who = self.running[-1] if self.running else ""

        def later() -> object:
            with self.acting(who):
                return effect()

        return later

    # ---- what the project does to it

    def touch(self, what: str, service_of: str = "") -> None:
        """Note that something was changed that people would notice, and by which execution.

        Args:
            service_of: the server whose service it was; empty where it was none.
        """
        who = self.running[-1] if self.running else ""
        self.touched.append(Touched(who, what, service_of))
        self.note(what)

    def order_off(self, host: Host) -> None:
        if host.machine == "running":
            self.ordered_off = True
            takes_s = float("inf") if host.never_stops else STOPPING_TAKES_S
            host.machine, host.stopped_at = "stopping", self.clock.time() + takes_s
            self.touch(f"the machine of {host.role} is ordered off")

    def start_service(self, host: Host) -> bool:
        if host.start == "fails":
            return False
        says_so = host.start != "misreported"
        if not host.runs:
            host.runs = host.answers = True
            self.touch(f"the service of {host.role} starts", service_of=host.role)
        if host.start == "hangs":
            host.answers = False
        return says_so

    def stop_service(self, host: Host) -> bool:
        host.autostart = False
        if host.stubborn:
            return False
        if host.start == "misreported":
            return True  # its host takes it for stopped
        if host.runs:
            host.runs = False
            self.database.leave(host.role, ghosts=False)
            self.touch(f"the service of {host.role} stops", service_of=host.role)
        return True

    # ---- what happens to it

    def happen(self, kind: Kind) -> bool:
        """One of the events of a schedule. Says whether the execution under way has ended by it."""
        first, second = self.hosts["ms1"], self.hosts["ms2"]
        if kind is Kind.BOOT:
            self.boot(first)
        elif kind is Kind.CRASH:
            if first.runs:
                first.runs = False
                self.database.leave("ms1", ghosts=False)
        elif kind is Kind.LOGIN:
            if self.database.log_in("ms1"):
                self.note("ms1 logs in over a connection that had said nothing")
        elif kind is Kind.MEND:
            first.seen = first.answers = True
        elif kind is Kind.STANDBY_DIES:
            second.alive = second.runs = False
            self.database.leave("ms2", ghosts=True)
        elif kind in (Kind.STANDBY_FREEZES, Kind.STANDBY_WAKES):
            second.frozen = kind is Kind.STANDBY_FREEZES
            self.tick()
        elif kind is Kind.OPENED:
            self.database.add_rule(OWNERS, "10.0.0.0/8")
        elif kind in (Kind.DATABASE_GONE, Kind.DATABASE_BACK):
            self.database.seen = kind is Kind.DATABASE_BACK
        else:
            return self.happen_trigger(kind)
        return False

    def boot(self, host: Host) -> None:
        """The machine comes (back) up, whatever it was before, and autostart starts the service."""
        allowed = any(self.database.allows(each, OWNERS) for each in host.addresses)
        beside = self.database.elsewhere or self.database.pooler
        if host.machine == "stopped" and (allowed or beside) and self.in_access_group() != []:
            # An owner's rule allows it and an owner's hand switches it on again: nothing here can stop that, once the
            # other one has been granted access.
            self.note(f"{host.role} stays off")
            return
        if host.machine == "stopping":
            self._off(host)
        self.database.leave(host.role, ghosts=True)
        host.machine, host.alive, host.seen, host.stubborn = "running", True, True, False
        host.runs = host.answers = True
        host.autostart = True
        self.note(f"{host.role} boots, and its autostart starts the service")

    def mend_everything(self) -> None:
        """All troubles end: what was left half done must now be able to be finished."""
        self.gate.silence()
        self.database.borders.mend()
        self.database.elsewhere, self.database.pooler, self.database.pooled = False, "", "ms1"
        self.hosts["ms1"].prefixes, self.hosts["ms1"].any_source, self.neighbours = (), False, []
        own = {address for host in self.hosts.values() for address in host.addresses}
        self.database.sessions = [each for each in self.database.sessions if each.address in own]
        self.database.seen, self.database.hidden, self.database.undying = True, False, False
        self.database.names = self.database.standby = self.database.moved = False
        self.database.watched = self.database.announced = self.database.gateway = False
        self.probe = "one"
        self.database.keep_rules(lambda rule: rule["GroupId"] == ACCESS_GROUP or rule.get("CidrIpv4") == "10.99.0.0/24")
        for host in self.hosts.values():
            self.database.hang_up(host.role)
            host.start = ""
            if not host.alive or host.machine != "running":
                host.machine, host.alive, host.runs = "running", True, False
            host.seen, host.probed, host.stubborn, host.frozen, host.never_stops = True, True, False, False, False
            host.epoch = 0 if host.epoch == AHEAD else host.epoch  # a person repairs it
            host.answers = True
        for gone in self.gone:  # somebody updates the stack's parameter
            self.hosts["ms1"].instance_id = gone.instance_id
        self.gone.clear()
        if not self.state_item().get("active", {}).get("S") and not any(host.runs for host in self.hosts.values()):
            self.hosts["ms1"].runs = True  # an owner brings a server that works: without one no pair is adopted
        self.note("all troubles end")
        self.tick()

    # ---- what is remembered of it

    def note(self, line: str) -> None:
        self.story.append((self.clock.elapsed, line))

    def state_item(self) -> Mapping[str, Any]:
        """The pair's record as it is stored, in DynamoDB's own form."""
        return self.items.get((PAIR, "state"), {})

    def in_access_group(self) -> list[str]:
        """The servers that the access group itself allows."""
        return [
            role
            for role, host in self.hosts.items()
            if any(self.database.allows(address, ACCESS_GROUP) for address in host.addresses)
        ]
