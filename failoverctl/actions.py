"""The verbs of the workflow: asked for, confirmed by the person, started, and followed to their outcome."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msfailover.text import plain_words
from rich.console import Console
from rich.live import Live
from rich.text import Text

from failoverctl.account import Account, Identity, Stack, object_of, read_record
from failoverctl.errors import CommandError, Exit, plainly
from failoverctl.render import steps_table
from failoverctl.steps import Step, read_steps

POLL_S = 0.4
UNANSWERED_AT_MOST_S = 60.0
"""Seconds that AWS may leave the questions of somebody who follows an execution unanswered."""
EXIT_OF = {
    "promoted": Exit.DONE,
    "stood-down": Exit.NOT_DONE,
    "refused": Exit.NOT_DONE,
    "blocked": Exit.NOT_DONE,
    "rolled-back": Exit.ROLLED_BACK,
    "halted": Exit.HALTED,
}
WARNINGS = {
    "failover": "The active server is asked once more; if it is down it is fenced and the other one is promoted.",
    "switchover": "{active} is stopped cleanly, its last files are carried, and {other} is promoted. The service is"
    " away for some seconds.",
    "force": "{active} is fenced WHETHER OR NOT IT IS DOWN, by power if need be, and {other} is promoted. What was not"
    " replicated yet is lost.",
    "resume": "Resumes at the fencing step and promotes {other}.",
    "adopt": "Detects the active server and grants access to the database only to it. A server that runs keeps"
    " running.",
}
"""What each verb is about to do, said before a person agrees to it."""


@dataclass(frozen=True)
class Ended:
    """How an execution ended, as far as it was followed."""

    execution: str
    outcome: str
    sentence: str
    steps: list[Step]
    began: float
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def would(self) -> str:
        """What a dry run says would come of it; empty where it was none."""
        return str(self.output.get("would", ""))

    @property
    def code(self) -> Exit:
        """A dry run is good where the real thing would be done."""
        if self.outcome == "dry-run":
            return Exit.DONE if self.would == "promoted" else Exit.NOT_DONE
        return EXIT_OF.get(self.outcome, Exit.UNFOLLOWED)

    def to_json(self) -> dict[str, Any]:
        dry = {"would": self.would, "checks": self.output.get("checks", [])} if self.would else {}
        return {
            "execution": self.execution,
            "outcome": self.outcome,
            **dry,
            "sentence": self.sentence,
            "steps": [each.to_json(self.began) for each in self.steps if each.kind in ("Task", "Wait")],
        }


def consent(account: Account, stack: Stack, request: Mapping[str, Any], console: Console, identity: Identity) -> None:
    """Say where and what is about to happen and let the person agree; to force, by typing the pair's name.

    Raises:
        CommandError: they did not, or there is nobody at the terminal to ask.
    """
    record = read_record(account, stack)
    active = str(record.active or "nobody")
    other = str(request.get("target") or (record.active.other if record.active else "the one found active"))
    console.print(f"{stack.pair}: {active} is active, epoch {record.epoch}.", highlight=False)
    lease = record.lease
    if request["action"] == "resume" and lease:
        change = f"{lease.action} to {lease.target}, epoch {lease.epoch}"
        console.print(f"Left half done: {change}. {record.halted}", highlight=False, markup=False)
        other = str(request.get("target") or lease.target)
    console.print(WARNINGS[str(request["action"])].format(active=active, other=other), highlight=False)
    if request["action"] == "force":
        console.print(place_of(stack, identity), soft_wrap=True)
        agree_by_name(console, stack.pair)
    else:
        agree(console, f"{request['action']} now?")


def place_of(stack: Stack, identity: Identity) -> str:
    """Where something is about to be done, and with whose credentials."""
    who = identity.arn or f"somebody unknown ({identity.error})"
    where = f"Account {identity.account or stack.account}, region {stack.region}, stack {stack.name}"
    return f"{where}, pair {stack.pair}; as {who}."


def agree_by_name(console: Console, pair: str) -> None:
    """Have the person type the pair's name. Raises CommandError where it is another one, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise CommandError(
            f"Nobody is at the terminal to ask: give --pair {pair} if you mean that pair.", Exit.DECLINED
        )
    check_name(console.input(Text("Type the pair's name to go on: ", style="bold")), pair)


def check_name(given: str, pair: str) -> None:
    """Raises CommandError where the name that was given is not the pair's."""
    if given.strip() != pair:
        raise CommandError(
            f"This is the pair {pair}, and {given.strip()!r} was given. Nothing was done.", Exit.DECLINED
        )


def agree(console: Console, question: str) -> None:
    """Ask a yes-or-no question at the terminal. Raises CommandError on a no, or where nobody can be asked."""
    if not sys.stdin.isatty():
        raise CommandError("Nobody is at the terminal to ask: give --yes if you mean it.", Exit.DECLINED)
    if console.input(Text(f"{question} [y/N] ", style="bold")).strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.", Exit.DECLINED)


def start(account: Account, stack: Stack, request: Mapping[str, Any]) -> str:
    """Start an execution with the request; returns its ARN."""
    # A name of our own: an order that is sent again because its answer was lost starts no second execution.
    suffix = "-dry-run" if request.get("dry_run") else ""
    name = f"{request['action']}{suffix}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    with plainly("start an execution of the workflow"):
        answer = account.client("stepfunctions").start_execution(
            stateMachineArn=stack.machine, name=name, input=json.dumps(dict(request))
        )
    return str(answer["executionArn"])


def follow(account: Account, execution: str, console: Console | None, limit_s: float) -> Ended:
    """Follow an execution to its end, showing its steps.

    Args:
        console: where the steps are shown; None for nowhere.
        limit_s: seconds after which it is left to itself.

    Raises:
        CommandError: it had not ended by then, or AWS answered no question about it for a minute; it goes on.
    """
    if console is None or not console.is_terminal:
        return _follow(account, execution, _Lines(console), limit_s)
    shown = _Screen(console)
    try:
        with shown.live:
            return _follow(account, execution, shown, limit_s)
    finally:
        shown.keep()  # however following ends, by Ctrl-C or by its limit too


class _Screen:
    """Shows the steps as a table that grows in place, the latest where not all have room."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.live = Live(console=console, refresh_per_second=4, transient=True)
        self._steps: list[Step] = []
        self._began = 0.0

    def show(self, steps: list[Step], began: float) -> None:
        self._steps, self._began = steps, began
        height, width = self._console.height - 2, self._console.width
        self.live.update(steps_table(steps, began, time.time(), width=width, rows=height))

    def keep(self) -> None:
        """Leave on the terminal what was seen last, every step of it."""
        if self._steps:
            table = steps_table(self._steps, self._began, time.time(), width=self._console.width)
            self._console.print(table, highlight=False)


class _Lines:
    """Prints each step as it ends: for logs and pipes."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._shown: set[tuple[str, float, int]] = set()

    def show(self, steps: list[Step], began: float) -> None:
        ended = sorted((each for each in steps if each.end and each.kind in ("Task", "Fail")), key=lambda s: s.end or 0)
        for each in ended if self._console else ():
            # By what it is and not by how many there were: a step that is tried again has no end for a while.
            if (each.name, each.start, each.tries) in self._shown:
                continue
            self._shown.add((each.name, each.start, each.tries))
            took = (each.end or each.start) - each.start
            line = f"{each.start - began:7.2f} s  {took:6.2f} s  {each.name:18} {each.said}"
            assert self._console is not None
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _follow(account: Account, execution: str, shown: _Screen | _Lines, limit_s: float) -> Ended:
    end = time.monotonic() + limit_s
    answered = time.monotonic()
    while True:
        try:
            found, running = read_execution(account, execution)
            answered = time.monotonic()
        except CommandError as error:
            # A minute without an answer is no reason to stop following a failover.
            if time.monotonic() - answered > UNANSWERED_AT_MOST_S:
                raise CommandError(f"{error} The execution goes on: {execution}", Exit.UNFOLLOWED) from error
        else:
            shown.show(found.steps, found.began)
            if not running:
                return found
        if time.monotonic() > end:
            raise CommandError(
                f"The execution has not ended after {limit_s:g} s; it goes on: {execution}",
                Exit.UNFOLLOWED,
            )
        time.sleep(POLL_S)


def read_execution(account: Account, execution: str) -> tuple[Ended, bool]:
    """An execution as far as it has come, and whether it still runs."""
    with plainly("read the execution"):
        answer = account.client("stepfunctions").describe_execution(executionArn=execution)
    outcome, sentence, output = outcome_of(answer)
    began = answer["startDate"].timestamp()
    ended = Ended(execution, outcome, sentence, read_steps(account, execution), began, output)
    return ended, answer["status"] == "RUNNING"


def outcome_of(answer: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The outcome, its sentence and the whole output, from what Step Functions tells of an execution."""
    if answer["status"] == "SUCCEEDED":
        output = object_of(answer.get("output"))
        return str(output.get("outcome")), str(output.get("sentence", "")), output
    if answer.get("error") == "Halted":
        return "halted", plain_words(str(answer.get("cause", ""))), {}
    if answer["status"] == "RUNNING":
        return "running", "", {}
    why = plain_words(str(answer.get("cause") or answer.get("error") or ""))
    return str(answer["status"]).lower().replace("_", "-"), why, {}
