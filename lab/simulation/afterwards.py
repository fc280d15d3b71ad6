"""What is tried once a schedule is over and the pair at rest: the audit, hands of people, and messages of long ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lab.simulation import judge
from lab.simulation.hosts import ACCESS_GROUP
from lab.simulation.judge import record
from lab.simulation.machine import ARN
from lab.simulation.world import PAIR, Violation, World

LATE = "a late message"


class Afterwards:
    """The trials.

    Args:
        world: the world at rest.
        audit: the audit's handler in this world.
        call: calls a function as somebody: who, its name, the event.
    """

    def __init__(
        self,
        world: World,
        audit: Callable[[Any, Any], dict[str, Any]],
        call: Callable[[str, str, Mapping[str, Any]], None],
    ) -> None:
        self._world, self._audit, self._call = world, audit, call

    def audit_is_content(self) -> None:
        """The audit at rest: it must see what the world sees, that nothing is wrong, and leave everybody alone."""
        if record(self._world).get("active") is None:
            return
        for host in self._world.hosts.values():  # where the last resume proved by power, an owner switches it on again
            if host.machine != "running" or not host.alive:
                host.machine, host.alive, host.seen, host.runs = "running", True, True, False
        with self._world.acting("audit"):
            # What a dead machine left behind is there to be found, and a service to be stopped for good; a read in
            # which the record changes (the path that was seen) leaves it to the next one.
            for _ in range(2):
                base = self._world.database  # what is cut off can say nothing, and is listed until it is ended
                ghosts = any(each.ghost or not base.ways(each.address)[0] for each in base.sessions)
                # A deny entry whose writing was lost on the way to a promotion that another proof bore is written now.
                due = ("stop_again", *(() if self._denies_are_whole() else ("keep_out",)))
                first = self._audit({}, None)
                if not ghosts and any(each["act"] not in due for each in first["done"]):
                    raise Violation("audit", f"all is well, but the audit has done {first['done']}")
            found = self._audit({}, None)
        wrong = [each["sentence"] for each in found["findings"].values() if each["answer"] != "no"]
        if wrong or found["done"]:
            raise Violation("audit", f"all is well, but the audit says: {wrong} {found['done']}")

    def hand_is_undone(self) -> None:
        """At rest somebody adds a rule for the inactive server to the access group, then removes one of its deny
        entries: each is mended by the next audit, also where the other one keeps the server out."""
        active = record(self._world).get("active")
        if active is None or self._world.hosts[judge.OTHER[str(active)]].runs:
            return
        base, address = self._world.database, self._world.hosts[judge.OTHER[str(active)]].addresses[0]
        base.add_rule(ACCESS_GROUP, f"{address}/32")
        self._world.meddled = True
        self._call("audit", "audit", {})
        self._world.meddled = False
        if self._world.in_access_group() != [active]:
            raise Violation("audit", f"a rule for {address} was added by hand, and the audit left it there")
        if self._world.schedule.network != "none":
            base.borders.lose(address)
            self._call("audit", "audit", {})
            if not self._denies_are_whole():
                raise Violation("audit", f"a deny entry for {address} was removed by hand, and not written again")

    def _denies_are_whole(self) -> bool:
        """Whether each ACL has a deny entry for every address of the server that is not active, both ways."""
        active = record(self._world).get("active")
        kept_out = [address for role, host in self._world.hosts.items() if role != active for address in host.addresses]
        return all(self._world.database.borders.denies(address) for address in kept_out)

    def another_way_is_noticed(self) -> None:
        """At rest a pooler on another host is put in between: what was seen of the way is not believed any more."""
        base, active = self._world.database, self._world.hosts["ms1"]
        if record(self._world).get("active") != "ms1" or not active.serves or self._world.schedule.network == "none":
            return
        self._lead_through("another", "ms1")
        self._call("audit", "audit", {})
        believed = record(self._world).get("path_seen_by")
        self._lead_through("", "ms1")
        self._call("audit", "audit", {})
        if believed == "address" and base.seen:
            raise Violation("audit", "ms1 comes through a pooler now, and its way is believed to be a direct one still")

    def _lead_through(self, pooler: str, role: str) -> None:
        base = self._world.database
        base.pooler = pooler
        base.sessions = [each for each in base.sessions if each.role != role]
        self._world.note(f"{role} comes through {pooler or 'no'} pooler from now on")
        self._world.tick()

    def late_messages_change_nothing(self) -> None:
        """What people and functions sent before, and what is delivered only now, undoes nothing of what came after."""
        state = record(self._world)
        if state.get("active") is None:
            return
        now, epoch = self._world.clock.time(), int(state["epoch"])
        before = epoch - 1 or 99
        self._call(LATE, "pair", {"action": "hold", "epoch": epoch, "sentence": "It is held.", "requested_by": "watch"})
        kept = {name: record(self._world).get(name) for name in ("mode", "maintenance_until", "acknowledged", "held")}
        readiness = {"answer": "yes", "sentence": "", "checks": []}
        self._call("readiness", "pair", {"action": "keep_readiness", "readiness": {**readiness, "at": now}})
        for late in (
            {"action": "acknowledge", "epoch": before, "requested_by": "otto"},
            {"action": "set_mode", "mode": _another(kept["mode"]), "was": "nobody's", "requested_by": "otto"},
            {"action": "maintenance", "seconds": 60, "was": -1, "requested_by": "otto"},
            {"action": "release", "epoch": before},
            {"action": "keep_readiness", "readiness": {**readiness, "at": now - 60}},
            _begins_late(now),
        ):
            self._call(LATE, "pair", late)
        if record(self._world).get("lease"):
            raise Violation("I10", "an execution that has ended takes the lease")
        changed = [name for name, each in kept.items() if record(self._world).get(name) != each]
        self._call("watch", "pair", {"action": "release", "epoch": epoch})
        if changed:
            raise Violation("I6", f"a message of before has changed {', '.join(changed)}")
        item = self._world.items.get((PAIR, "readiness"), {})
        if float(item["at"]["N"]) < now:
            raise Violation("I6", "a readiness check of before has undone a newer one")


def _begins_late(now: float) -> dict[str, Any]:
    """The call with which an execution begins, delivered a minute later: it has ended by then."""
    entered = datetime.fromtimestamp(now - 60, UTC).isoformat()
    request = {"action": "force", "reason": "a minute ago", "requested_by": "otto"}
    return {"action": "begin", "execution": f"{ARN}:execution:failover:first", "request": request, "entered": entered}


def _another(mode: object) -> str:
    return "shadow" if mode != "shadow" else "manual"
