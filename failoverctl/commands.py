"""What each command does. Each returns an exit code and prints either for people or, with --json, for programs."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from failoverctl import screen, verbs
from failoverctl.account import Account, Stack, ask, find_stack, history, item
from failoverctl.status import read_status, status_of
from failoverctl.steps import read_steps
from failoverctl.trouble import Exit, Trouble, plainly

AUTOMATIC = ("watch", "alarm")


@dataclass(frozen=True)
class Desk:
    """What a command works with: the account, where it prints, and what was asked for."""

    account: Account
    console: Console
    arguments: argparse.Namespace

    def stack(self) -> Stack:
        return find_stack(self.account, self.arguments.stack)

    def show(self, found: Any, for_people: Any) -> None:
        if self.arguments.json:
            print(json.dumps(found, indent=2))  # noqa: T201 - the command's output
        else:
            self.console.print(for_people, highlight=False)

    @property
    def people(self) -> Console | None:
        return None if self.arguments.json else self.console


def status(desk: Desk) -> Exit:
    found = status_of(desk.account, desk.arguments.stack)
    desk.show(found, screen.status_screen(found))
    return Exit.DONE if found["well"] else Exit.NOT_WELL


def watch(desk: Desk) -> Exit:
    """Show the status again and again; --for ends it after a while."""
    stack, end = desk.stack(), time.monotonic() + (desk.arguments.period or float("inf"))
    if desk.arguments.json:
        while True:
            print(json.dumps(read_status(desk.account, stack)), flush=True)  # noqa: T201 - the command's output
            if time.monotonic() + desk.arguments.every > end:
                return Exit.DONE
            time.sleep(desk.arguments.every)
    with Live(console=desk.console, auto_refresh=False, screen=desk.console.is_terminal) as live:
        while True:
            found = read_status(desk.account, stack)
            shown = [screen.status_screen(found), Text(time.strftime("%H:%M:%S, Ctrl-C ends"), style="dim")]
            running = found["execution"]
            if running and not running.get("trouble"):
                steps = read_steps(desk.account, running["arn"])
                shown.insert(1, screen.steps_table(steps, running["since"], time.time()))
            live.update(Group(*shown), refresh=True)
            if time.monotonic() + desk.arguments.every > end:
                return Exit.DONE
            time.sleep(desk.arguments.every)


def verb(desk: Desk) -> Exit:
    """Any verb of the workflow."""
    stack, request = desk.stack(), request_of(desk.arguments)
    if not (desk.arguments.yes or desk.arguments.dry_run):
        verbs.consent(desk.account, stack, request, desk.console)
    execution = verbs.start(desk.account, stack, request)
    if desk.arguments.no_wait:
        desk.show({"execution": execution, "outcome": "running"}, f"Started: {execution}")
        return Exit.DONE
    try:
        ended = verbs.follow(desk.account, execution, desk.people, desk.arguments.limit)
    except KeyboardInterrupt:
        raise Trouble(f"Not followed any further; it goes on: {execution}", Exit.INTERRUPTED) from None
    desk.show(ended.to_json(), Text.assemble((ended.outcome, "bold"), f": {ended.sentence}"))
    return verbs.exit_code(ended.outcome)


def request_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The execution's input. Raises Trouble for what the workflow would refuse anyway."""
    by = arguments.by or getpass.getuser()
    if by in AUTOMATIC:
        raise Trouble(f"--by {by} is how the machinery signs; give a person's name.", Exit.USAGE)
    request = {"action": arguments.verb, "reason": arguments.reason, "requested_by": by}
    if arguments.target:
        request["target"] = arguments.target
    return {**request, "dry_run": True} if arguments.dry_run else request


def keep(desk: Desk) -> Exit:
    """What is changed in the record without moving the pair: acknowledge, maintenance, mode."""
    stack, payload = desk.stack(), _setting(desk.arguments)
    if not desk.arguments.yes:
        verbs.agree(desk.console, f"{stack.pair}: {payload['action'].replace('_', ' ')}{_what(payload)}?")
    by = desk.arguments.by or getpass.getuser()
    answer = ask(desk.account, stack, "pair", {**payload, "requested_by": by})
    desk.show(answer, str(answer["sentence"]))
    return Exit.DONE


def _what(payload: dict[str, Any]) -> str:
    if "mode" in payload:
        return f" {payload['mode']}"
    return f" for {payload['seconds']} s" if payload.get("seconds") else ""


def _setting(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.command == "mode":
        return {"action": "set_mode", "mode": arguments.mode}
    if arguments.command == "acknowledge":
        return {"action": "acknowledge"}
    seconds = parse_period(arguments.period) if arguments.switch == "on" else 0
    return {"action": "maintenance", "seconds": seconds}


def parse_period(text: str) -> int:
    """Seconds of "90m", "2h", "1h30m", "3d" or "45s". Raises Trouble for anything else."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise Trouble(f"{text!r} is no period: 45s, 90m, 2h, 1h30m and 3d are.", Exit.USAGE)
    size = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * size[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def show_history(desk: Desk) -> Exit:
    lines = history(desk.account, desk.stack(), desk.arguments.most)
    desk.show(lines, screen.history_table(lines) if lines else "The pair has no history yet.")
    return Exit.DONE


def explain(desk: Desk) -> Exit:
    """What an execution did, step by step; without a name, the latest."""
    stack, client = desk.stack(), desk.account.client("stepfunctions")
    arn = _execution_named(desk, stack, desk.arguments.execution)
    try:
        with plainly("read the execution"):
            answer = client.describe_execution(executionArn=arn)
        steps = read_steps(desk.account, arn)
    except Trouble as trouble:
        kept = "Step Functions keeps executions for 90 days; `failoverctl history` keeps more."
        raise Trouble(f"{trouble} {kept}") from None
    began, (outcome, sentence) = answer["startDate"].timestamp(), verbs.outcome_of(answer)
    asked = json.loads(answer.get("input") or "{}")
    ended = verbs.Ended(arn, outcome, sentence, steps, began)
    total = (answer.get("stopDate") or answer["startDate"]).timestamp() - began
    desk.show(
        {**ended.to_json(), "asked": asked, "began": began, "took_s": round(total, 3)},
        Group(
            Text(f"{arn}\nasked for by {asked.get('requested_by', 'unnamed')}: {asked.get('reason', '')}"),
            screen.steps_table(steps, began),
            Text.assemble((outcome, "bold"), f" after {total:.2f} s: {sentence}"),
        ),
    )
    return Exit.DONE


def _execution_named(desk: Desk, stack: Stack, name: str | None) -> str:
    if name and name.startswith("arn:"):
        return name
    if name:
        return f"{stack.machine.replace(':stateMachine:', ':execution:')}:{name}"
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
