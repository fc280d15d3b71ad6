"""What each command does. Each returns an exit code and prints either for people or, with --json, for programs."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from failoverctl import screen, verbs
from failoverctl.account import Account, Identity, Stack, ask, find_stack, history, identity_of, item, object_of
from failoverctl.status import read_status, status_of
from failoverctl.steps import Step, read_steps
from failoverctl.trouble import Exit, Trouble, plainly

AUTOMATIC = ("watch", "alarm")
NAME_AT_MOST = 100
MAINTENANCE_AT_MOST_S = 30 * 86400
MODES = {
    "automatic": "fail over by itself",
    "manual": "notice and tell, and wait for a person",
    "shadow": "write down what would have been done, and do nothing",
}


@dataclass(frozen=True)
class Desk:
    """What a command works with: the account, where it prints and where it asks, and what was asked for."""

    account: Account
    console: Console
    questions: Console
    arguments: argparse.Namespace

    def stack(self) -> Stack:
        return find_stack(self.account, self.arguments.stack)

    def show(self, found: Any, for_people: Any) -> None:
        if self.arguments.json:
            print(json.dumps(found, indent=2))  # noqa: T201 - the command's output
        else:
            # Words are left to the terminal to fold: a command that is to be copied stays in one piece.
            self.console.print(for_people, soft_wrap=isinstance(for_people, str))

    @property
    def people(self) -> Console | None:
        return None if self.arguments.json else self.console

    @property
    def where(self) -> str:
        """The options that name this pair, to be added to the commands that people are told."""
        given = vars(self.arguments)
        if given.get("stage"):
            return " --stage"
        names = [name for name in ("stack", "profile", "region") if given.get(name)]
        return "".join(f" --{name} {given[name]}" for name in names)


def status(desk: Desk) -> Exit:
    found = status_of(desk.account, desk.arguments.stack, desk.where)
    desk.show(found, screen.status_screen(found))
    return Exit.DONE if found["well"] else Exit.NOT_WELL


def watch(desk: Desk) -> Exit:
    """Show the status again and again; --for ends it after a while."""
    lasts = parse_period(desk.arguments.period) if desk.arguments.period else float("inf")
    stack, end = desk.stack(), time.monotonic() + lasts
    if desk.arguments.json:
        while True:
            print(json.dumps(read_status(desk.account, stack, desk.where)), flush=True)  # noqa: T201 - the command's output
            if time.monotonic() + desk.arguments.every > end:
                return Exit.DONE
            time.sleep(desk.arguments.every)
    with Live(console=desk.console, auto_refresh=False, screen=desk.console.is_terminal) as live:
        while True:
            found = read_status(desk.account, stack, desk.where)
            running = found["execution"]
            steps = _progress(desk, running) if running and not running.get("trouble") else None
            clock = Text(time.strftime("%H:%M:%S, Ctrl-C ends"), style="dim")
            live.update(Group(screen.status_screen(found, steps), clock), refresh=True)
            if time.monotonic() + desk.arguments.every > end:
                return Exit.DONE
            time.sleep(desk.arguments.every)


def _progress(desk: Desk, running: dict[str, Any]) -> RenderableType:
    try:
        steps = read_steps(desk.account, running["arn"])
    except Trouble as trouble:
        return Text(str(trouble), style="yellow")
    width, rows = desk.console.width, max(5, desk.console.height - 13)
    return screen.steps_table(steps, running["since"], time.time(), width=width, rows=rows)


def verb(desk: Desk) -> Exit:
    """Any verb of the workflow."""
    given = desk.arguments
    request, identity = request_of(given), identity_of(desk.account)
    request["requested_by"] = signed(request["requested_by"], identity)
    stack = desk.stack()
    by_name = given.verb == "force" and given.pair
    if by_name:
        verbs.check_name(given.pair, stack.pair)
    if not (given.yes or given.dry_run or by_name):
        verbs.consent(desk.account, stack, request, desk.questions, identity)
    execution = verbs.start(desk.account, stack, request)
    if desk.arguments.no_wait:
        desk.show({"execution": execution, "outcome": "running"}, f"Started: {execution}")
        return Exit.DONE
    try:
        ended = verbs.follow(desk.account, execution, desk.people, desk.arguments.limit)
    except KeyboardInterrupt:
        raise Trouble(f"Not followed any further; it goes on: {execution}", Exit.INTERRUPTED) from None
    desk.show(ended.to_json(), screen.ended_text(ended.outcome, ended.would, ended.sentence, desk.where))
    return ended.code


def request_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The execution's input. Raises Trouble for what the workflow would refuse anyway."""
    request = {"action": arguments.verb, "reason": arguments.reason, "requested_by": _signature(arguments)}
    if arguments.target:
        request["target"] = arguments.target
    return {**request, "dry_run": True} if arguments.dry_run else request


def signed(by: str, identity: Identity) -> str:
    """Who asks, for the record: the name that was given, and whose credentials STS says these are."""
    return f"{by} ({identity.arn})" if identity.arn else f"{by} (whose credentials: not known)"


def _signature(arguments: argparse.Namespace) -> str:
    by = arguments.by or getpass.getuser()
    if by in AUTOMATIC:
        raise Trouble(f"--by {by} is how the machinery signs; give a person's name.", Exit.USAGE)
    if not by.isprintable() or not 0 < len(by) <= NAME_AT_MOST:
        raise Trouble(f"--by is a name of at most {NAME_AT_MOST} characters.", Exit.USAGE)
    return str(by)


def keep(desk: Desk) -> Exit:
    """What is changed in the record without moving the pair: acknowledge, maintenance, mode."""
    payload, by = _setting(desk.arguments), _signature(desk.arguments)
    by = signed(by, identity_of(desk.account))
    stack = desk.stack()
    if not desk.arguments.yes:
        verbs.agree(desk.questions, f"{stack.pair}: {_what(payload)}?")
    answer = ask(desk.account, stack, "pair", {**payload, "requested_by": by})
    desk.show(answer, str(answer["sentence"]))
    return Exit.DONE


def _what(payload: dict[str, Any]) -> str:
    if payload["action"] == "set_mode":
        return f"mode {payload['mode']}, {MODES[payload['mode']]}, from now on"
    if payload["action"] == "acknowledge":
        return "acknowledge the last automatic failover, so that the next one may happen by itself"
    return f"maintenance for {payload['seconds']} s from now" if payload["seconds"] else "end the maintenance"


def _setting(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.command == "mode":
        return {"action": "set_mode", "mode": arguments.mode}
    if arguments.command == "acknowledge":
        return {"action": "acknowledge"}
    if arguments.switch == "off":
        return {"action": "maintenance", "seconds": 0}
    if not arguments.period:
        raise Trouble("Maintenance has an end: give --for, such as --for 2h.", Exit.USAGE)
    seconds = parse_period(arguments.period)
    if not 0 < seconds <= MAINTENANCE_AT_MOST_S:
        raise Trouble(f"Maintenance lasts from 1s to {MAINTENANCE_AT_MOST_S // 86400}d.", Exit.USAGE)
    return {"action": "maintenance", "seconds": seconds}


def parse_period(text: str) -> int:
    """Seconds of "90m", "2h", "1h30m", "3d" or "45s". Raises Trouble for anything else."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise Trouble(f"{text!r} is no period: 45s, 90m, 2h, 1h30m and 3d are.", Exit.USAGE)
    size = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * size[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def show_history(desk: Desk) -> Exit:
    lines = history(desk.account, desk.stack(), desk.arguments.most)
    desk.show(lines, screen.history_list(lines) if lines else "The pair has no history yet.")
    return Exit.DONE


def explain(desk: Desk) -> Exit:
    """What an execution did, step by step; without a name the halted change, or else the latest execution."""
    stack = desk.stack()
    arn = _execution_named(desk, stack, desk.arguments.execution)
    try:
        found = _as_it_ran(desk, arn)
    except Trouble as trouble:
        found = _as_it_was_written(desk, stack, arn, trouble)
    ended, asked, total = found
    desk.show(
        {**ended.to_json(), "asked": asked, "began": ended.began, "took_s": round(total, 3)},
        Group(
            Text(f"{arn}\nasked for by {asked.get('requested_by', 'unnamed')}: {asked.get('reason', '')}"),
            screen.steps_table(ended.steps, ended.began, time.time(), width=desk.console.width),
            Text(screen.longest(ended.steps, total)),
            screen.ended_text(ended.outcome, ended.would, ended.sentence, desk.where, total),
        ),
    )
    return Exit.DONE


def _as_it_ran(desk: Desk, arn: str) -> tuple[verbs.Ended, dict[str, Any], float]:
    with plainly("read the execution"):
        answer = desk.account.client("stepfunctions").describe_execution(executionArn=arn)
    ended, _ = verbs.read_execution(desk.account, arn)
    end = answer["stopDate"].timestamp() if "stopDate" in answer else time.time()
    return ended, object_of(answer.get("input")), end - ended.began


def _as_it_was_written(
    desk: Desk, stack: Stack, arn: str, trouble: Trouble
) -> tuple[verbs.Ended, dict[str, Any], float]:
    """From the pair's own history: Step Functions forgets an execution after 90 days."""
    for line in history(desk.account, stack, 1000):
        if line["execution"] == arn:
            steps = [Step(each["name"], "Task", each["start"], each["end"]) for each in line.get("phases", [])]
            began = min([each.start for each in steps] or [float(line["taken_at"])])
            ended = verbs.Ended(arn, line["outcome"], line["sentence"], steps, began)
            asked = {name: line[name] for name in ("action", "reason", "requested_by")}
            return ended, asked, float(line["ended_at"]) - began
    raise Trouble(f"{trouble} Nor is it in the pair's history: `failoverctl history{desk.where}`.", trouble.code)


def _execution_named(desk: Desk, stack: Stack, name: str | None) -> str:
    if name and name.startswith("arn:"):
        return name
    if name:
        return f"{stack.machine.replace(':stateMachine:', ':execution:')}:{name}"
    record = item(desk.account, stack, "state")
    if record.get("halted") and record.get("lease"):
        return str(record["lease"]["execution"])
    with plainly("list the executions"):
        answer = desk.account.client("stepfunctions").list_executions(stateMachineArn=stack.machine, maxResults=50)
    if not answer["executions"]:
        raise Trouble("There is no execution to explain yet.", Exit.NOT_DONE)
    return str(max(answer["executions"], key=lambda each: each["startDate"])["executionArn"])


def readiness(desk: Desk) -> Exit:
    """Could we fail over right now? Asked now, or with --last as it was last checked."""
    stack = desk.stack()
    if desk.arguments.last:
        found = item(desk.account, stack, "readiness")
        if not found:
            raise Trouble("Readiness was not checked yet; leave out --last to check it now.", Exit.NOT_WELL)
    else:
        found = ask(desk.account, stack, "readiness", {"action": "check"})
    desk.show(found, screen.readiness_table(found))
    return Exit.DONE if found["answer"] == "yes" else Exit.NOT_WELL
