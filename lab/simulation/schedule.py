"""A schedule: where the pair stands, what is asked, and what goes wrong; made from a seed, written as one line."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from lab.simulation.faults import ONCE, Fault, kinds_at

ACTIONS = ("failover", "switchover", "force", "adopt")
MS1 = ("crashed", "hung", "zombie", "partitioned", "dead", "off", "stopping", "hangs", "replaced", "healthy")
MS2 = ("healthy", "dead", "start-fails", "start-hangs", "ahead", "unprobed", "misreported")
DATABASE = ("up", "unseen", "hidden", "undying", "silent", "names", "standby", "moved")
ACCESS_KINDS = ("tidy", "broad", "prefix-list", "second-port")
NETWORKS = (
    "none", "acls", "unseen", "pooler", "standby-pooler", "local-pooler", "allowed", "uncovered", "elsewhere",
    "two-interfaces", "delegated", "any-source", "watched-pooler", "announced", "shared",
    "gateway",
)  # fmt: skip
PROBES = ("one", "cut-off", "failing", "blind", "astray")
RESUMES = ("same", "back")
CONTROLS = ("automatic", "manual", "shadow", "maintenance", "unacknowledged")
SWITCHES = ("no", "yes")
WORDS: Mapping[str, tuple[str, ...]] = {
    "action": ACTIONS,
    "ms1": MS1,
    "ms2": MS2,
    "database": DATABASE,
    "access": ACCESS_KINDS,
    "network": NETWORKS,
    "probe": PROBES,
    "controls": CONTROLS,
    "restart": SWITCHES,
    "dry_run": SWITCHES,
    "resume": RESUMES,
}
"""What each part of a schedule can be, `by`, `order` and the faults aside."""


@dataclass(frozen=True)
class Schedule:
    """One run of the simulation.

    Args:
        action: the verb the first execution is started with.
        by: who asks ("watch", "alarm", or a person).
        ms1: state of the active server at the beginning; `replaced` hangs under another instance's id than the
            configured one, which was terminated.
        ms2: state of the standby; one that is `unprobed` takes orders, and the probe can't reach it; of one that is
            `misreported` its host says that the service is stopped, whatever it does.
        database: `up`; `unseen` by the functions; origins `hidden`; sessions `undying` when ended; `silent` with a
            connection of the active server that has not logged in yet; `names` where it shows what clients call
            themselves in place of addresses, and the active server calls itself like the other one; `standby` where
            the functions reach a standby of it, which lists nobody of the pair; `moved` where its name leads to another
            database each time that the list is read.
        access: `tidy`, or somebody's `broad` rule or `prefix-list` in an owner's group, or one for a `second-port`.
        network: `none` of the database's network ACLs is given; with `acls`, further: the path was `unseen` in this
            epoch; the active server comes through a `pooler` on another host, or the standby will
            (`standby-pooler`); or through a `local-pooler` on the database's own, for which the owner vouches; an
            owner's entry `allowed` it before ours; one subnet, where the database is, is `uncovered`; the database's
            name leads `elsewhere`, where anybody gets in, or there as well (`two-interfaces`); a network is
            `delegated` to the active server's interface, and it connects from there, too; or it may use `any-source`
            and does; it comes through a pooler on another host and a port check of its host from its own address
            (`watched-pooler`), or through one that announces its address (`announced`); the ACLs are `shared` with
            another stack that denies a server of its own pair under the same rule numbers; or the active server comes
            from another VPC by a transit `gateway` with an interface in the database's subnet.
        probe: `one` that sees; or a first one that is `cut-off` from both servers or `failing` when it is asked, with a
            second one that sees; or two that are `blind`; or a first one that is cut off and a second one that went
            `astray`: it has never had a way to the active server.
        controls: what people have set: a mode, a maintenance, or an automatic failover that is not acknowledged.
        restart: whether a failover tries to restart the service in place first.
        dry_run: whether the request is made as a dry run first.
        resume: which way a person resumes what was left half done.
        order: which branch of a Parallel goes first, and after how many boundaries the other one goes in between.
        faults: what goes wrong.
    """

    action: str = "failover"
    by: str = "watch"
    ms1: str = "crashed"
    ms2: str = "healthy"
    database: str = "up"
    access: str = "tidy"
    network: str = "none"
    probe: str = "one"
    controls: str = "automatic"
    restart: str = "no"
    dry_run: str = "no"
    resume: str = "same"
    order: int = 0
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        own = [f"{each.name}={getattr(self, each.name)}" for each in fields(self) if each.name != "faults"]
        return " ".join([*own, *map(str, self.faults)])

    @staticmethod
    def parse(line: str) -> Schedule:
        """Read a schedule as it was printed; raises `ValueError` where it is none."""
        schedule, faults = Schedule(), []
        for word in line.split():
            name, _, value = word.partition("=")
            if not value:
                faults.append(Fault.parse(word))
            elif name == "order" and value.removeprefix("-").isdigit():
                schedule = replace(schedule, order=int(value))
            elif name == "by" or value in WORDS.get(name, ()):
                schedule = replace(schedule, **{name: value})  # type: ignore[arg-type]
            else:
                known = (
                    f"{name} is one of {', '.join(WORDS[name])}" if name in WORDS else f"known are {', '.join(WORDS)}"
                )
                raise ValueError(f"{word!r} is no part of a schedule: {known}")
        return replace(schedule, faults=tuple(faults))


BASES: tuple[Schedule, ...] = (
    Schedule(),
    Schedule(ms1="healthy"),
    Schedule(ms1="hung"),
    Schedule(ms1="zombie"),
    Schedule(ms1="partitioned", by="alarm"),
    Schedule(ms1="dead"),
    Schedule(ms1="partitioned", database="undying"),
    Schedule(ms1="partitioned", database="unseen"),
    Schedule(ms1="zombie", database="hidden"),
    Schedule(ms1="zombie", database="silent"),
    Schedule(ms1="zombie", database="names"),
    Schedule(ms1="zombie", database="standby"),
    Schedule(ms1="hung", access="broad"),
    Schedule(access="prefix-list"),
    Schedule(ms1="stopping", access="broad"),
    Schedule(ms1="replaced"),
    Schedule(ms1="replaced", access="broad"),
    Schedule(ms1="crashed", ms2="dead"),
    Schedule(ms1="partitioned", ms2="start-fails"),
    Schedule(action="switchover", by="erika", ms1="healthy"),
    Schedule(action="switchover", by="erika", ms1="healthy", ms2="start-fails"),
    Schedule(action="switchover", by="erika", ms1="zombie"),
    Schedule(action="switchover", by="erika", ms1="healthy", access="broad"),
    Schedule(action="switchover", by="erika", ms1="healthy", database="silent"),
    Schedule(action="force", by="erika", ms1="healthy"),
    Schedule(action="force", by="erika", ms1="partitioned", database="unseen"),
    Schedule(action="adopt", by="erika", ms1="healthy"),
    Schedule(action="adopt", by="erika", ms1="healthy", ms2="dead"),
    Schedule(restart="yes"),
    Schedule(ms1="hung", restart="yes"),
    Schedule(ms1="zombie", restart="yes"),
    Schedule(ms1="partitioned", restart="yes"),
    Schedule(dry_run="yes"),
    Schedule(action="switchover", by="erika", ms1="healthy", dry_run="yes"),
    Schedule(action="adopt", by="erika", ms1="healthy", dry_run="yes"),
    Schedule(network="acls"),
    Schedule(network="acls", ms1="hung", access="broad"),
    Schedule(network="acls", ms1="partitioned", database="undying"),
    Schedule(network="acls", action="switchover", by="erika", ms1="healthy"),
    Schedule(network="pooler", ms1="hung"),
    Schedule(network="local-pooler", ms1="hung"),
    Schedule(network="two-interfaces", ms1="hung"),
    Schedule(network="delegated", ms1="hung", access="broad"),
    Schedule(network="any-source", ms1="hung", access="broad"),
    Schedule(network="watched-pooler", ms1="hung"),
    Schedule(network="announced", ms1="hung"),
    Schedule(network="shared", ms1="hung"),
    Schedule(network="gateway", ms1="hung", access="broad"),
    Schedule(ms1="zombie", database="moved"),
    Schedule(network="standby-pooler", action="switchover", by="erika", ms1="healthy", ms2="misreported"),
    Schedule(network="standby-pooler", action="switchover", by="erika", ms1="healthy"),
    Schedule(ms2="unprobed"),
    Schedule(ms1="partitioned", probe="cut-off"),
    Schedule(ms1="hung", probe="failing"),
    Schedule(ms1="healthy", probe="blind"),
    Schedule(ms1="healthy", probe="astray"),
    Schedule(controls="manual"),
    Schedule(controls="shadow"),
    Schedule(controls="maintenance", by="alarm"),
    Schedule(controls="unacknowledged"),
    Schedule(controls="manual", by="erika"),
)
"""What the exhaustive run starts from; random schedules mix these freely."""


def drawn(chance: random.Random, places: Mapping[str, int]) -> Schedule:
    """Draw a schedule: a random beginning, and none to three faults at places that such runs are known to come to.

    Args:
        chance: the source of all that is random here.
        places: each place, and how often it is come to in a run.
    """
    action = chance.choices(ACTIONS, (5, 3, 2, 1))[0]
    automatic = action == "failover" and chance.random() < 0.8
    base = Schedule(
        action=action,
        by=chance.choice(("watch", "alarm")) if automatic else "erika",
        ms1=chance.choice(MS1),
        ms2=chance.choices(MS2, (8, 1, 1, 1, 1, 1, 1))[0],
        database=chance.choices(DATABASE, (7, 1, 1, 1, 1, 1, 1, 1))[0],
        access=chance.choices(ACCESS_KINDS, (8, 1, 1, 1))[0],
        network=chance.choices(NETWORKS, (6, 8, *(1,) * (len(NETWORKS) - 2)))[0],
        probe=chance.choices(PROBES, (12, 1, 1, 1, 1))[0],
        controls=chance.choices(CONTROLS, (16, 1, 1, 1, 1))[0],
        restart=chance.choices(SWITCHES, (3, 1))[0],
        dry_run=chance.choices(SWITCHES, (9, 1))[0],
        resume=chance.choices(RESUMES, (3, 1))[0],
        order=chance.randrange(-12, 12),
    )
    count = chance.choices((0, 1, 2, 3), (1, 4, 5, 2))[0]
    return replace(base, faults=tuple(_fault(chance, sorted(places), places) for _ in range(count)))


def _fault(chance: random.Random, names: Sequence[str], places: Mapping[str, int]) -> Fault:
    group = chance.choice(("task:", "ask:", "state:", ""))
    among = [name for name in names if (name.startswith(group) if group else ":" not in name)]
    place = chance.choice(among)
    kind = chance.choice(kinds_at(place))
    nth = chance.randint(1, places[place])
    often = 1 if kind in ONCE else chance.choice((1, 1, 1, 2, 3, 9))
    return Fault(kind, place, nth, often)
