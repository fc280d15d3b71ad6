"""The faults, where they can strike, and how they are written down to be replayed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong. The first group happens to a call, the second to the world while a call or a state begins."""

    ERROR = "error"  # fails before it has done anything
    BROKEN = "broken"  # the function itself raises, before it has done anything; not retried
    LOST = "lost"  # is done, but the reply is lost and reads as an error
    TIMEOUT = "timeout"  # no answer in time, and not done
    LATE = "late"  # no answer in time, but done a while later
    DELAYED = "delayed"  # no answer in time, but done some seconds later
    THROTTLE = "throttle"  # refused for now
    HELD = "held"  # the function is held up before this call, given up, and goes on a while later; a write has failed
    HELD_LONG = "held-long"  # the same, a long while later
    STALE = "stale"  # a read answers what was so before the last change
    TWICE = "twice"  # is done twice
    AGAIN = "again"  # is done, and delivered once more a while later
    AGAIN_LATE = "again-late"  # the same, a long while later
    AGAIN_LAST = "again-last"  # the same, when everything else is over
    DIE = "die"  # the execution dies before this state
    DIE_AFTER = "die-after"  # the execution dies when this task is done, before it knows
    OVERTAKEN = "overtaken"  # while this call is on its way the execution is stopped, and a person resumes at once
    OVERTAKEN_BACK = "overtaken-back"  # the same, towards the server it came from

    BOOT = "boot"  # the first server's host comes back, and its autostart starts the service
    CRASH = "crash"  # the first server's service dies
    LOGIN = "login"  # a connection of the first server that had said nothing logs in
    MEND = "mend"  # the first server's host answers again (partition and hang are over)
    ALARM = "alarm"  # a second trigger, by the alarm
    WATCH = "watch"  # the watchdog probes, and starts what it thinks is due
    FORCE = "force"  # a person forces a failover
    RESUME = "resume"  # a person resumes
    BACK = "back"  # a person resumes towards the server it came from
    STANDBY_DIES = "standby-dies"  # the second server's host dies
    STANDBY_FREEZES = "standby-freezes"  # every process of the second server's host stands still
    STANDBY_WAKES = "standby-wakes"  # and continues with what it had in hand
    DATABASE_GONE = "database-gone"  # the database can't be reached by the functions any more
    DATABASE_BACK = "database-back"
    AUDIT = "audit"  # the audit runs, and puts out who must be out
    MANUAL = "manual"  # a person sets the mode to manual
    HAND = "hand"  # somebody calls the function of the record by hand, and says that the pair has moved
    ACK = "ack"  # a person acknowledges the last automatic failover
    OPENED = "opened"  # somebody opens the database to the whole network, in an owner's group


EVENTS = tuple(Kind)[list(Kind).index(Kind.BOOT) :]
"""What happens to the world. `opened` is never drawn: against an owner's hand on his own group nothing is proven."""

HELD = (Kind.HELD, Kind.HELD_LONG)
"""Struck in the function itself: whatever it does then, it may do only by what the record says by then."""
REPEATED = (Kind.AGAIN_LATE, Kind.AGAIN_LAST)
TRIGGERS = (Kind.ALARM, Kind.WATCH, Kind.FORCE, Kind.RESUME, Kind.BACK)
PEOPLE = (Kind.MANUAL, Kind.ACK)
OVERTAKEN = (Kind.OVERTAKEN, Kind.OVERTAKEN_BACK)
ONCE = (*EVENTS, *OVERTAKEN, Kind.DIE, Kind.DIE_AFTER)

_TASK = (
    Kind.ERROR,
    Kind.BROKEN,
    Kind.LOST,
    Kind.TIMEOUT,
    Kind.LATE,
    Kind.THROTTLE,
    Kind.TWICE,
    Kind.AGAIN,
    Kind.AGAIN_LATE,
    Kind.AGAIN_LAST,
    Kind.DIE,
    Kind.DIE_AFTER,
)
_ASK = (Kind.ERROR, Kind.BROKEN, Kind.LOST, Kind.TIMEOUT)
_ACTS = ("ask:database_access.keep_out", "ask:pair.end_sessions")
_READ = (Kind.ERROR, Kind.TIMEOUT, Kind.THROTTLE)
_WRITE = (Kind.ERROR, Kind.LOST, Kind.TIMEOUT, Kind.THROTTLE)
_STALE = (
    "ec2.describe_instances",
    "ec2.describe_security_group_rules",
    "ec2.describe_network_acls",
    "ssm.get_command_invocation",
    "route53.list_resource_record_sets",
)
GRANTS = ("ec2.authorize_security_group_ingress", "ec2.delete_network_acl_entry")
"""What grants a server access, and may be done when it is no longer awaited."""
WRITES = (
    "dynamodb.put_item",
    "dynamodb.transact_write_items",
    "ec2.stop_instances",
    "ec2.authorize_security_group_ingress",
    "ec2.revoke_security_group_ingress",
    "ec2.create_network_acl_entry",
    "ec2.delete_network_acl_entry",
    "ssm.send_command",
    "route53.change_resource_record_sets",
    "database.terminate",
)


_HELD = (*_STALE, *GRANTS, "ec2.revoke_security_group_ingress", "ec2.create_network_acl_entry", "ec2.stop_instances")


def kinds_at(place: str) -> tuple[Kind, ...]:
    """What can go wrong at a place: "task:…" of the workflow, "ask:…" from function to function, a call, "state:…"."""
    if place.startswith("task:topic"):
        return (Kind.ERROR, Kind.LOST, Kind.TIMEOUT, Kind.DIE)
    if place.startswith("task:"):
        return _TASK
    if place.startswith("ask:"):
        # Between the audit's read and its act anything can have begun, and an order can be delivered once more.
        return (*_ASK, *REPEATED, *TRIGGERS) if place in _ACTS else _ASK
    if place.startswith("state:"):
        return (Kind.DIE, *EVENTS[:-1])
    kinds = (*_WRITE, *OVERTAKEN) if place in WRITES else _READ
    if place in _HELD:
        kinds = (*kinds, *HELD)
    if place in GRANTS:
        return (*kinds, Kind.DELAYED)
    if place == "ssm.send_command":
        return (*kinds, Kind.LATE)
    if place in ("dynamodb.put_item", "dynamodb.transact_write_items"):
        return (*kinds, *TRIGGERS, *PEOPLE)  # between reading the record and writing it
    return (*kinds, Kind.STALE) if place in _STALE else kinds


_WRITTEN = re.compile(r"(?P<kind>[a-z-]+)@(?P<place>[A-Za-z0-9_.:-]+)#(?P<nth>[0-9]+)(?:\*(?P<times>[0-9]+))?")


@dataclass(frozen=True)
class Fault:
    """One fault: at the `nth` time that a place is come to (from 1), and so many `times` in a row."""

    kind: Kind
    place: str
    nth: int = 1
    times: int = 1

    def __str__(self) -> str:
        often = f"*{self.times}" if self.times > 1 else ""
        return f"{self.kind}@{self.place}#{self.nth}{often}"

    @staticmethod
    def parse(text: str) -> Fault:
        """Read a fault as it was printed; raises `ValueError` where it is none."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no fault; one reads like lost@task:pair.begin#1 or error@ec2.stop_instances#1*3"
            )
        if found["kind"] not in list(Kind):
            raise ValueError(f"{found['kind']!r} is no kind of fault; one of {', '.join(Kind)} is needed")
        return Fault(Kind(found["kind"]), found["place"], int(found["nth"]), int(found["times"] or 1))

    def strikes(self, place: str, count: int) -> bool:
        return place == self.place and self.nth <= count < self.nth + self.times
