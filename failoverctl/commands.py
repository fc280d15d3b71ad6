"""What each command does. Each returns an exit code and prints either for people or, with --json, for programs."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msfailover.pair import PairState
from rich.console import Console

from failoverctl import actions, render
from failoverctl.account import Account, Identity, Stack, ask, ask_later, find_stack, identity_of, item, read_record
from failoverctl.errors import CommandError, Exit
from failoverctl.status import status_of

AUTOMATIC = ("watch", "alarm", "game-day")
MOVED = ("promoted", "rolled-back")
NAME_AT_MOST = 100
MAINTENANCE_AT_MOST_S = 30 * 86400
MODES = {
    "automatic": "fail over by itself",
    "manual": "notice and notify, and wait for a person",
    "shadow": "write down what would have been done, and do nothing",
}


@dataclass(frozen=True)
class CommandContext:
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
        """The options that name this pair, to be added to the commands that are suggested."""
        given = vars(self.arguments)
        if given.get("testbed"):
            return " --testbed"
        names = [name for name in ("stack", "profile", "region") if given.get(name)]
        return "".join(f" --{name} {given[name]}" for name in names)


def status(context: CommandContext) -> Exit:
    found = status_of(context.account, context.arguments.stack, context.where)
    context.show(found, render.status_screen(found))
    return Exit.DONE if found["well"] else Exit.NOT_WELL


def verb(context: CommandContext) -> Exit:
    """Any verb of the workflow."""
    given = context.arguments
    request, identity = request_of(given), identity_of(context.account)
    request["requested_by"] = signed(request["requested_by"], identity)
    stack = context.stack()
    by_name = given.verb == "force" and given.pair
    if by_name:
        actions.check_name(given.pair, stack.pair)
    if not (given.yes or given.dry_run or by_name):
        actions.consent(context.account, stack, request, context.questions, identity)
    execution = actions.start(context.account, stack, request)
    if context.arguments.no_wait:
        context.show({"execution": execution, "outcome": "running"}, f"Started: {execution}")
        return Exit.DONE
    name = execution.rsplit(":", 1)[-1]
    follow_with = (
        f"Follow it with: failoverctl watch{context.where}, or afterwards: failoverctl explain {name}{context.where}"
    )
    try:
        ended = actions.follow(context.account, execution, context.people, context.arguments.limit)
    except KeyboardInterrupt:
        raise CommandError(
            f"Not followed any further; it goes on: {execution} {follow_with}", Exit.INTERRUPTED
        ) from None
    except CommandError as error:
        raise CommandError(f"{error} {follow_with}", error.code) from error
    # The copy of the new direction is not waited for by its schedule. A switchover asks for it itself.
    wanted = ended.outcome in MOVED and given.verb != "switchover"
    copied = wanted and ask_later(context.account, stack, "replicate", {"action": "scheduled"})
    context.show(
        {**ended.to_json(), "replication_asked_for": copied},
        render.ended_text(ended.outcome, ended.would, ended.sentence, context.where, action=given.verb),
    )
    return ended.code


def request_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The execution's input. Raises CommandError for what the workflow would refuse anyway."""
    request = {"action": arguments.verb, "reason": arguments.reason, "requested_by": signature(arguments)}
    if arguments.target:
        request["target"] = arguments.target
    return {**request, "dry_run": True} if arguments.dry_run else request


def signed(by: str, identity: Identity) -> str:
    """Who asks, for the record: the name that was given, and whose credentials STS says these are."""
    return f"{by} ({identity.arn})" if identity.arn else f"{by} (whose credentials: not known)"


def signature(arguments: argparse.Namespace) -> str:
    """The name of who asks. Raises CommandError for one that the machinery signs with, or an invalid one."""
    by = _login_name() if arguments.by is None else arguments.by
    if by in AUTOMATIC:
        raise CommandError(f"--by {by} is how the machinery signs; give a person's name.", Exit.USAGE)
    if not by.isprintable() or not 0 < len(by) <= NAME_AT_MOST:
        raise CommandError(f"--by is a name of at most {NAME_AT_MOST} characters.", Exit.USAGE)
    return str(by)


def _login_name() -> str:
    """Raises CommandError where this user has none, as in a container whose user is only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise CommandError(
            "This login has no name: give --by NAME, for those who read the history.", Exit.USAGE
        ) from error


def keep(context: CommandContext) -> Exit:
    """What is changed in the record without moving the pair: acknowledge, maintenance, mode."""
    payload, by = _setting(context.arguments), signature(context.arguments)
    by = signed(by, identity_of(context.account))
    stack = context.stack()
    record = read_record(context.account, stack)
    if payload["action"] == "acknowledge" and record.acknowledged:
        sentence = "No acknowledgement is outstanding; nothing was done."
        context.show({"answer": "yes", "sentence": sentence}, sentence)
        return Exit.DONE
    if not context.arguments.yes:
        actions.agree(context.questions, f"{stack.pair}: {_what(payload)}?")
    answer = ask(context.account, stack, "pair", {**payload, **_as_read(payload, record), "requested_by": by})
    context.show(answer, str(answer["sentence"]))
    return Exit.DONE


def _as_read(payload: dict[str, Any], record: PairState) -> dict[str, Any]:
    """What was read before it is changed: it is changed only if it is still so."""
    if payload["action"] == "acknowledge":
        return {"epoch": record.epoch}
    return {"was": record.mode if payload["action"] == "set_mode" else record.maintenance_until}


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
    if arguments.switch == "off" and arguments.period:
        raise CommandError("Maintenance that ends now has no --for: leave it out.", Exit.USAGE)
    if arguments.switch == "off":
        return {"action": "maintenance", "seconds": 0}
    if not arguments.period:
        raise CommandError("Maintenance has an end: give --for, such as --for 2h.", Exit.USAGE)
    seconds = parse_period(arguments.period)
    if not 0 < seconds <= MAINTENANCE_AT_MOST_S:
        raise CommandError(f"Maintenance lasts from 1s to {MAINTENANCE_AT_MOST_S // 86400}d.", Exit.USAGE)
    return {"action": "maintenance", "seconds": seconds}


def is_period(text: str) -> bool:
    """Whether a text is a period, such as "90m" or "1h30m"."""
    return re.fullmatch(r"([0-9]{1,6}[dhms])+", text) is not None


def parse_period(text: str) -> int:
    """Seconds of "90m", "2h", "1h30m", "3d" or "45s". Raises CommandError for anything else."""
    if not is_period(text):
        raise CommandError(f"{text!r} is no period: 45s, 90m, 2h, 1h30m and 3d are.", Exit.USAGE)
    size = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * size[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def since_of(text: str) -> float:
    """Seconds since 1970 of a moment, or of so long ago: "2026-11-26", "2h"; as the option `--since` checked it."""
    if is_period(text):
        return time.time() - parse_period(text)
    return datetime.fromisoformat(text).timestamp()


def readiness(context: CommandContext) -> Exit:
    """Could we fail over right now? Asked now, or with --last as it was last checked."""
    stack = context.stack()
    if context.arguments.last:
        found = item(context.account, stack, "readiness")
        if not found:
            raise CommandError("Readiness was not checked yet; leave out --last to check it now.", Exit.NOT_WELL)
    else:
        found = ask(context.account, stack, "readiness", {"action": "check"})
    context.show(found, render.readiness_table(found))
    return Exit.DONE if found["answer"] == "yes" else Exit.NOT_WELL
