"""What a person should look at, from what `status` read: each with a sentence and the command that comes next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Line = dict[str, str]


def attention(status: Mapping[str, Any], where: str = "") -> list[Line]:
    """Everything that is not as it should be, the worst first; empty when all is well.

    Unknown counts as not well: what could not be asked is said, never left out.

    Args:
        status: as `status.read_status` gathers it.
        where: the options that name this pair (" --stack demo"), for the commands.

    Returns:
        a line each: `{"sentence", "command", "see"}`; see names a section of docs/operate.md or is empty.
    """
    lines = [*_change(status), *_servers(status), *_around(status), *_modes(status), *_alarms(status)]
    return [{**line, "command": f"{line['command']}{where}" if line["command"] else ""} for line in lines]


def _line(sentence: str, command: str = "", see: str = "") -> Line:
    return {"sentence": sentence, "command": command, "see": see}


def _change(status: Mapping[str, Any]) -> Iterator[Line]:
    record, execution = status["record"], status["execution"]
    if record.get("trouble"):
        yield _line(f"The pair's record can't be read: {record['trouble']}")
        return
    if not record.get("active") and not record.get("lease"):
        yield _line("The pair has not been taken into care yet.", 'failoverctl adopt --reason "…"', "not-adopted")
    lease, runs = record.get("lease"), execution and not execution.get("trouble")
    if lease and record.get("halted"):
        why = f"{lease['action']} to {lease['target']} was halted: {record['halted']}"
        yield _line(why, 'failoverctl resume --reason "…"', "failover-halted")
    elif lease and not execution:
        why = f"{lease['action']} to {lease['target']} holds the lease, but no execution runs: it was left half done."
        yield _line(why, 'failoverctl resume --reason "…"', "failover-timed-out")
    elif lease and runs:
        yield _line(f"{lease['action']} to {lease['target']} is under way: {execution['step']}.", "failoverctl watch")


def _servers(status: Mapping[str, Any]) -> Iterator[Line]:
    # While a change runs both doors are shut for a moment, as they must be.
    if not status["record"].get("active") or status["record"].get("lease"):
        return
    for role, server in status["servers"].items():
        active = server["is"] == "active"
        look = server["look"]
        if active and look.get("admin") != "answers":
            why = look.get("trouble") or look.get("sentence")
            command = 'failoverctl failover --reason "…"'
            yield _line(f"The active server {role} does not answer: {why}", command, "active-server-down")
        for about in ("door", "sessions"):
            answer, wanted = server[about].get("answer", "unknown"), "yes" if active else "no"
            if answer != wanted:
                sentence = server[about].get("sentence") or server[about].get("trouble", "")
                see = "split-brain-risk" if answer == "yes" else "not-ready"
                yield _line(f"{role} is {server['is']}, but: {sentence}", "failoverctl readiness", see)


def _around(status: Mapping[str, Any]) -> Iterator[Line]:
    active, name = status["record"].get("active"), status["name"]
    if active and not status["record"].get("lease") and name["points_to"] != active:
        why = name.get("sentence") or name.get("trouble")
        yield _line(f"The name does not point to {active}: {why}", "failoverctl readiness", "name-elsewhere")
    copy = status["replication"]
    if copy.get("trouble"):
        yield _line(f"How fresh the standby's copy is can't be read: {copy['trouble']}")
    elif active and not copy.get("as_of"):
        yield _line("No whole set of files has reached the standby yet.", "failoverctl readiness", "replication-stale")
    elif copy.get("as_of") and copy["oldest_s"] and copy["age_s"] > copy["oldest_s"]:
        yield _line(f"The standby's copy is {copy['age_s']:.0f} s old.", "failoverctl readiness", "replication-stale")
    ready = status["readiness"]
    if ready.get("trouble"):
        yield _line(f"The last readiness check can't be read: {ready['trouble']}")
    elif ready and ready.get("answer") != "yes":
        yield _line(str(ready.get("sentence")), "failoverctl readiness", "not-ready")
    execution = status["execution"]
    if execution and execution.get("trouble"):
        yield _line(f"Whether an execution runs can't be asked: {execution['trouble']}")


def _modes(status: Mapping[str, Any]) -> Iterator[Line]:
    record = status["record"]
    if record.get("acknowledged") is False:
        why = "The last automatic failover has not been acknowledged: the next one waits."
        yield _line(why, "failoverctl acknowledge", "promoted")
    if record.get("held"):
        why = f"The watchdog found the active server down, and holds its failover back. {record['held']}"
        yield _line(why, 'failoverctl failover --reason "…"', "held-back")
    if record.get("mode", "automatic") != "automatic":
        yield _line(f"The mode is {record['mode']}: nothing fails over by itself.", "failoverctl mode automatic")
    until = float(record.get("maintenance_until") or 0)
    if until > status["at"]:
        end = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M UTC")
        yield _line(f"Maintenance until {end}: nothing fails over by itself.", "failoverctl maintenance off")


def _alarms(status: Mapping[str, Any]) -> Iterator[Line]:
    alarms = status["alarms"]
    if isinstance(alarms, Mapping):
        yield _line(f"The alarms can't be read: {alarms.get('trouble')}")
        return
    for each in alarms:
        if each["state"] == "MISSING":
            yield _line(f"The alarm {each['name']} is not there: nobody would hear of it. Deploy the stack again.")
        elif each["state"] == "ALARM":
            means = str(each["means"]).partition("\n")[0]
            yield _line(f"Alarm {each['name']}: {means}", "", _section_of(str(each["means"]), each["name"]))


def _section_of(means: str, name: str) -> str:
    """The section that an alarm's description names; its own name where it names none."""
    found = re.search(r"docs/operate\.md, ([a-z-]+)", means)
    return found[1] if found else name
