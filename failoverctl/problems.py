"""What a person should look at, from what `status` read: each with a sentence and the command that comes next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any, NamedTuple

from failoverctl import game_days
from failoverctl.probes import in_words, only_second_sees
from failoverctl.serving import GOOD, ago, is_blocked, is_cut_off, red_step, serves

Line = dict[str, Any]
FOLLOWING = ("active-server-down", "failover-halted", "failover-timed-out", "failover-aborted", "not-ready")
"""Alarms that ring because of a change that waits, or because nobody serves: they are no problem of their own then."""

_OUTAGES = ("active down", "blocked", "certificate", "status", "cut off")
"""What the first line is about where others are only there because of it."""
TOLD_TO_STOP_S = 90.0
"""Seconds after a change in which a server that was left may still be at stopping: its time to stop, and an audit's."""
_NOBODY = tuple(product(("silent", "unreachable"), repeat=2))
"""What the two ports of a host show that is not there."""


def problems_of(status: Mapping[str, Any], where: str = "") -> list[Line]:
    """Everything that is not as it should be, the cause first; empty when all is well.

    Unknown counts as not well: what could not be asked is said, never left out.

    Args:
        status: as `status.read_status` gathers it.
        where: the options that name this pair (" --stack demo"), for the commands.

    Returns:
        a line each: `{"about", "sentence", "command", "verb", "target", "see", "follows", "alarm"}`; about says what it
        is about, the same from one status to the next whatever numbers are in the sentence; verb and target are the
        command's where it is one of failoverctl's; see and alarm name a section of docs/operate.md and an alarm that is
        on, or are empty; follows says that it is there because of the first line.
    """
    change, servers = [*_change(status)], [*_servers(status)]
    causes = [*change, *servers]
    lines = [*causes, *_around(status), *_modes(status), *_alarms(status)]
    if causes and (change or servers[0]["about"] in _OUTAGES):
        first, *others = lines
        lines = [first, *({**each, "follows": _follows(each)} for each in others)]
        lines.sort(key=lambda each: bool(each["follows"]))
    return [_at(each, where) for each in lines]


class Command(NamedTuple):
    """What comes next: a command of failoverctl, which has a verb, or one for a host's shell, which has none."""

    text: str = ""
    verb: str = ""
    target: str = ""


NOTHING, REASON = Command(), ' --reason "…"'


def _ctl(verb: str, options: str = "", target: str = "") -> Command:
    to = f" --target {target}" if target else ""
    return Command(f"failoverctl {verb}{to}{options}", verb, target)


READINESS, REPLICATE, WATCH = _ctl("readiness"), _ctl("replicate"), _ctl("watch")


_OF_ALARMS = {
    "audit-blind": READINESS,
    "not-ready": READINESS,
    "recovery-slow": _ctl("explain"),
    "replication-drift": _ctl("replicate", " --full"),
    "replication-stale": READINESS,
    "undelivered": READINESS,
}
"""The command that the runbook's section of an alarm gives; the others say what a person looks at."""


def _at(line: Line, where: str) -> Line:
    return {**line, "command": f"{line['command']}{where}"} if line["verb"] else line


def _line(about: str, sentence: str, command: Command = NOTHING, see: str = "", alarm: str = "") -> Line:
    what = {"about": about, "sentence": sentence, "see": see, "follows": False, "alarm": alarm}
    return {**what, "command": command.text, "verb": command.verb, "target": command.target}


def _follows(line: Line) -> bool:
    """Whether a line is only there because a change waits or nobody serves."""
    return line["alarm"] in FOLLOWING if line["alarm"] else line["see"] in ("not-ready", "held")


def _change(status: Mapping[str, Any]) -> Iterator[Line]:
    record, execution, last = status["record"], status["execution"], status["last_change"] or {}
    if record.get("error"):
        yield _line("record", record["error"])
        return
    if not record.get("active") and not record.get("lease"):
        yield _not_adopted(status)
    lease, runs = record.get("lease"), execution and not execution.get("error")
    if lease and record.get("halted"):
        step = red_step(last) if last.get("execution") == lease["execution"] else ""
        at = f" at {step}" if step else ""
        why = f"{lease['action']} to {lease['target']} was halted{at}: {record['halted']}"
        yield _line("halted", why, _resume(status, lease["target"]), "failover-halted")
    elif lease and not execution:
        why = f"{lease['action']} to {lease['target']} holds the lease, but no execution runs: it was left half done."
        how, wait_s = _resume(status, lease["target"]), status.get("resumable_in_s")
        if wait_s:
            why, how = f"{why} What it called last may be under way still; it can be resumed in {wait_s} s.", WATCH
        yield _line("left half done", why, how, "failover-timed-out")
    elif lease and runs:
        why, see = f"{lease['action']} to {lease['target']} is under way: {execution['step']}.", ""
        how = WATCH
        if is_blocked(status):  # the watchdog tries again and again, and most of the time a try is under way
            why, see = f"{why} The one before it was blocked: {last['sentence']}", "blocked"
            active = record.get("active")
            if active and _start_of(status, active) and not by_a_person(status):
                why = f"{why} A person may start the service of {active}: hold the next try back first."
                how = _ctl("maintenance", " on --for 10m")
        yield _line(f"under way {execution['step']}", why, how, see)


def _not_adopted(status: Mapping[str, Any]) -> Line:
    """An adoption is refused where both servers run, and where neither does unless a person names one."""
    seen = [server["observation"].get("admin") for server in status["servers"].values()]
    why, how = "The pair has not been adopted yet.", _ctl("adopt", REASON)
    if seen == ["answers", "answers"]:
        why = f"{why} Both servers run: stop the one that is to be the standby, then adopt the pair."
        how = Command(f"on that one's host: systemctl stop {status['service']}")
    elif seen == ["refused", "refused"]:
        why, how = f"{why} Neither server runs: name the one that is to be active.", _ctl("adopt", REASON, "ms1")
    return _line("adoption", why, how, "not-adopted")


def _resume(status: Mapping[str, Any], target: str) -> Command:
    """The command that goes on: to the other server where nothing of the change's own target comes back."""
    gone = {
        role: (server["observation"].get("admin"), server["observation"].get("port")) in _NOBODY
        for role, server in status["servers"].items()
    }
    other = next((role for role in gone if role != target), "")
    instead = (
        gone.get(target) and other and not gone[other] and not status["servers"][other]["observation"].get("error")
    )
    return _ctl("resume", REASON, other if instead else "")


def _servers(status: Mapping[str, Any]) -> Iterator[Line]:
    # While a change runs neither server has access for a moment, as they must be.
    record = status["record"]
    if not record.get("active") or record.get("lease"):
        return
    for role, server in sorted(status["servers"].items(), key=lambda each: each[1]["is"] != "active"):
        active = server["is"] == "active"
        yield from _active(status, role, server) if active else _standby(status, role, server)
        for about in ("access", "sessions"):
            answer, wanted = server[about].get("answer", "unknown"), "yes" if active else "no"
            if answer != wanted:
                sentence = server[about].get("sentence") or server[about].get("error", "")
                if about == "access" and answer == "yes" and is_cut_off(server[about]):
                    sentence = f"{sentence} The network ACLs cut it off all the same."
                see = "split-brain-risk" if answer == "yes" else "not-ready"
                how = _without_rule(server[about]) if answer == "yes" else READINESS
                yield _line(f"{about} {role}", f"{role} is {server['is']}, but: {sentence}", how, see)


def _without_rule(access: Mapping[str, Any]) -> Command:
    """What takes away the rule that allows a server, as the access group's own goes with the next audit."""
    evidence = access.get("evidence") or {}
    rule = re.match(r"sgr-[0-9a-f]+", str(evidence.get("rule", "")))
    if not rule:
        return READINESS
    group = f"--group-id {evidence['group']} --security-group-rule-ids {rule[0]}"
    return Command(f"aws ec2 revoke-security-group-ingress {group}")


def _active(status: Mapping[str, Any], role: str, server: Mapping[str, Any]) -> Iterator[Line]:
    observation = server["observation"]
    if observation.get("admin") == "answers":
        return
    if observation.get("error"):
        why = f"Whether the active server {role} answers is not known: {observation['error']}"
        yield _line("active not known", why, READINESS, "not-ready")
        return
    if observation.get("admin") in ("wrong certificate", "wrong status"):
        yield _of_a_misconfigured(status, role, observation)
        return
    if observation.get("cut_off") and serves(server) is None:
        seen = f"The probe sees neither server ({observation['sentence']}): it, or the network, may be what is cut off."
        yield _line("cut off", seen, READINESS, "active-server-down")
        return
    if only_second_sees(status["probes"], role):
        return  # `_around` says it
    why = f"The active server {role} does not answer: {observation.get('sentence')}"
    if observation.get("port") == "answers":
        why += "; its host accepts connections on the agents' port still, so the service or the whole host hangs"
    if not is_blocked(status):
        alone = by_a_person(status)
        told = f"{why}. Nothing fails over by itself: {alone}." if alone else why
        other, gone = _other_is_gone(status, role)
        if gone:
            how, see = _start_of(status, role) or READINESS, "blocked"
            told = f"{told.rstrip('.')}. Nothing of {other} comes back: a failover would be blocked."
            yield _line("active down", told, how, see)
            return
        yield _line("active down", told, _ctl("failover", REASON), "held" if alone else "active-server-down")
        return
    last = status["last_change"]
    blocked = f"{last['action']} to {last['target']} was blocked: {last['sentence']} {why}"
    if start := _start_of(status, role):
        why = f"{blocked}; its machine does, so its service can be started there."
        yield _line("blocked", why, start, "blocked")
    else:
        yield _line("blocked", blocked, READINESS, "blocked")


def _start_of(status: Mapping[str, Any], role: str) -> Command | None:
    """The active server's service started by a person; None where that is not allowed."""
    start = Command(f"on the host of {role}: systemctl start {status['service']}")
    return start if _may_be_started(status, role) else None


def _other_is_gone(status: Mapping[str, Any], role: str) -> tuple[str, bool]:
    """The other server, and whether nothing of it comes back."""
    other = next(each for each in status["servers"] if each != role)
    seen = status["servers"][other]["observation"]
    comes_back = status["probes"] and only_second_sees(status["probes"], other, seen=("answers", "refused"))
    return other, (seen.get("admin"), seen.get("port")) in _NOBODY and not comes_back


def _of_a_misconfigured(status: Mapping[str, Any], role: str, observation: Mapping[str, Any]) -> Line:
    """A server that runs and shows people what is wrong is not taken for down: a failover would stand down."""
    runs, service = f"{role} runs, but {observation.get('sentence')}", status["service"]
    if observation.get("admin") == "wrong status":
        log = Command(f"on the host of {role}: journalctl -u {service}")
        return _line("status", f"{runs}: its own log says why.", log, "active-server-down")
    if float(status["record"].get("maintenance_until") or 0) > status["at"]:
        restart = Command(f"on the host of {role}: systemctl restart {service}")
        return _line("certificate", f"{runs}: once it is renewed on its host, restart it.", restart, "certificate")
    begin = _ctl("maintenance", " on --for 10m")
    return _line("certificate", f"{runs}: renew it on its host, in a maintenance.", begin, "certificate")


def by_a_person(status: Mapping[str, Any]) -> str:
    """Why nothing fails over by itself now; empty where the watchdog does."""
    record = status["record"]
    if float(record.get("maintenance_until") or 0) > status["at"]:
        return f"maintenance until {_moment(record['maintenance_until'])}"
    if record.get("mode", "automatic") != "automatic":
        return f"the mode is {record['mode']}"
    if record.get("acknowledged") is False:
        return "the last automatic failover has not been acknowledged"
    return "automatic failover is held" if record.get("held") else ""


def _moment(at: Any) -> str:
    return datetime.fromtimestamp(float(at), UTC).strftime("%Y-%m-%d %H:%M UTC")


def _may_be_started(status: Mapping[str, Any], active: str) -> bool:
    """Whether a person may start the active server's service: its machine answers, it has access, nobody else has."""
    server = status["servers"][active]
    other = next(each for role, each in status["servers"].items() if role != active)
    return (
        server["observation"].get("admin") == "refused"
        and server["access"].get("answer") == "yes"
        and (other["access"].get("answer"), other["sessions"].get("answer")) == ("no", "no")
        and not serves(other)
    )


def _standby(status: Mapping[str, Any], role: str, server: Mapping[str, Any]) -> Iterator[Line]:
    observation = server["observation"]
    signals = (observation.get("admin"), observation.get("port"))
    if "answers" in signals:
        yield _of_a_standby_that_runs(status, role, server)
    elif signals[0] in ("silent", "unreachable"):
        said = observation.get("sentence")
        why = f"The standby {role} does not answer at all ({said}): its machine is off, or cut off."
        yield _line("standby away", why, READINESS, "not-ready")
    elif signals[0] not in ("refused",):
        why = observation.get("error") or observation.get("sentence")
        why = f"Whether the standby {role} is stopped is not known: {why}"
        yield _line("standby not known", why, READINESS, "not-ready")


def _of_a_standby_that_runs(status: Mapping[str, Any], role: str, server: Mapping[str, Any]) -> Line:
    out = (server["access"].get("answer"), server["sessions"].get("answer")) == ("no", "no")
    see = "two-services" if out else "split-brain-risk"
    if out and server["observation"].get("admin") != "answers":
        why = (
            f"The host of {role} accepts connections on the agents' port, and nothing answers them: its service or the"
            f" whole host hangs. It is out of the database, and is told to stop each minute. Where its host does not"
            f" answer, restart the machine of {role}."
        )
        return _line("standby hangs", why, Command(f"in EC2: stop the machine of {role}, then start it"), see)
    last = status["last_change"] or {}
    if out and not last.get("error") and status["at"] - float(last.get("ended_at") or 0) < TOLD_TO_STOP_S:
        why = f"The service of {role} runs still; it is out of the database, and was told to stop a moment ago."
        return _line("standby runs", why, WATCH, see)
    how = Command(f"on the host of {role}: systemctl stop {status['service']}")
    todo = "the audit has its host stop it each minute; if it stays, stop it" if out else "stop it"
    why = f"The service of {role} runs, and {role} is not the active server: {todo}."
    return _line("standby runs", why, how, see)


def _around(status: Mapping[str, Any]) -> Iterator[Line]:
    if status["probes"] and (differ := in_words(status["probes"])):
        how, active = READINESS, status["record"].get("active")
        if active and only_second_sees(status["probes"], active):
            differ = f"{differ} {active} is well: hold automatic failovers while that network is mended."
            how = NOTHING if by_a_person(status) else _ctl("maintenance", " on --for 1h")
        yield _line("probes", differ, how, "second-probe")
    record = status["record"]
    active, name = record.get("active"), status["name"]
    if active and not record.get("lease") and name["points_to"] != active:
        why, home = name.get("sentence") or name.get("error"), name["home"].get(active)
        back = Command(f"in Route 53: set {name['record']} back to {home}") if name["values"] and home else READINESS
        yield _line("name", f"The name does not point to {active}: {why}", back, "name-elsewhere")
    yield from _game_day(status)
    yield from _copy(status)
    ready = status["readiness"]
    if ready.get("error"):
        yield _line("readiness", f"The last readiness check can't be read: {ready['error']}")
    elif ready and ready.get("answer") != "yes" and not (ready.get("outdated") or ready.get("waits")):
        yield _line("readiness", str(ready.get("sentence")), READINESS, "not-ready")
    execution = status["execution"]
    if execution and execution.get("error"):
        yield _line("execution", f"Whether an execution runs can't be asked: {execution['error']}")
    last = status["last_change"]
    if last and last.get("error"):
        yield _line("last change", f"What the last change came to is not known: {last['error']}")


def _game_day(status: Mapping[str, Any]) -> Iterator[Line]:
    for said, away in game_days.problems(status):
        yield _line("game day", said, _ctl("switchover", REASON) if away else NOTHING, "game-day")


def _copy(status: Mapping[str, Any]) -> Iterator[Line]:
    copy, active = status["replication"], status["record"].get("active")
    see = "replication-stale"
    if copy.get("error"):
        yield _line("copy", copy["error"])
    elif copy.get("refused"):
        why = f"Replication is refused until this is mended: {copy['failed']}"
        yield _line("copy refused", why, see=see)
    elif copy.get("failed"):
        yield _line("copy failed", f"The last replication run came to nothing: {copy['failed']}", REPLICATE, see)
    elif copy.get("on_its_way"):
        return
    elif active and not copy.get("as_of"):
        yield _line("copy", "No whole set of files has reached the standby yet.", REPLICATE, see)
    elif copy.get("of_before"):
        why = f"The standby's copy is of before the last change: {copy['of_before']}."
        yield _line("copy of before", why, REPLICATE, see)
    elif copy.get("as_of") and copy["oldest_s"] and copy["age_s"] > copy["oldest_s"]:
        yield _line("copy old", f"The standby's copy is {ago(copy['age_s'])} old.", REPLICATE, see)
    if copy.get("config_withheld"):
        why = f"The active server's configuration is withheld from the standby: {copy['config_withheld']}."
        yield _line("configuration", why, see=see)


def _modes(status: Mapping[str, Any]) -> Iterator[Line]:
    record = status["record"]
    if record.get("acknowledged") is False:
        why = "The last automatic failover has not been acknowledged: the next one waits."
        yield _line("acknowledgement", why, _ctl("acknowledge"), "promoted")
    if record.get("held"):
        why = f"The watchdog found the active server down, and its failover is held. {record['held']}"
        yield _line("held", why, _ctl("failover", REASON), "held")
    if record.get("mode", "automatic") != "automatic":
        why = f"The mode is {record['mode']}: nothing fails over by itself."
        yield _line("mode", why, _ctl("mode", " automatic"))
    until = float(record.get("maintenance_until") or 0)
    if until > status["at"]:
        why, how = f"Maintenance until {_moment(until)}: nothing fails over by itself.", _ctl("maintenance", " off")
        if status["headline"]["how"] != GOOD:  # it may be what keeps the watchdog from whoever starts the service
            why, how = f"{why} End it when the active server serves again.", NOTHING
        yield _line("maintenance", why, how)


def _alarms(status: Mapping[str, Any]) -> Iterator[Line]:
    alarms = status["alarms"]
    if isinstance(alarms, Mapping):
        yield _line("alarms", f"The alarms can't be read: {alarms.get('error')}")
        return
    for each in alarms:
        if each["state"] == "MISSING":
            why = f"The alarm {each['name']} is not there: nobody would hear of it. Deploy the stack again."
            yield _line(f"missing {each['name']}", why)
        elif each["state"] == "ALARM" and not (each.get("waiting") or each.get("over")):
            means = str(each["means"]).partition("\n")[0]
            # The runbook has a section under the name of each alarm.
            name, how = each["name"], _OF_ALARMS.get(each["name"], NOTHING)
            yield _line(f"alarm {name}", f"Alarm {name}: {means}", how, see=name, alarm=name)
