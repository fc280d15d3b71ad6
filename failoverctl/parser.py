"""The command line: what can be asked, and how it is spelled."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from importlib import import_module
from typing import Any

from msfailover.history import Outcome

from failoverctl import acceptance, change_history, commands, pairs, setting_up, updating, watching, whatif
from failoverctl.completion import SHELLS, commands_of, man_page, script_for, version_line
from failoverctl.errors import MEANING, Exit

_CODES = "exit codes: " + " · ".join(f"{code:d} {meaning}" for code, meaning in MEANING.items())
LIMIT_AT_MOST_S = 86400
MOST_AT_MOST = 10_000

Adding = Callable[..., argparse.ArgumentParser]


@dataclass(frozen=True)
class OnDemand:
    """A command whose module is imported when it is asked for: `status` must be quick, and waits for none of them."""

    module: str
    name: str

    def find(self) -> Callable[[Any], Any]:
        found: Callable[[Any], Any] = getattr(import_module(f"failoverctl.{self.module}"), self.name)
        return found

    def __call__(self, given: Any) -> Any:
        return self.find()(given)


class Needs(Enum):
    """Which stack a command needs: one that is named, for what acts; the only one will do, to look; or none."""

    NAMED_STACK = auto()
    ANY_STACK = auto()
    NO_STACK = auto()


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="failoverctl", description="See and move a pair of servers.", epilog=_CODES, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=version_line())
    shared = _shared()
    known = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: str, run: object, alone: bool = False, **more: object) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = known.add_parser(
            name, help=does, description=does, parents=[] if alone else [shared], epilog=_CODES, allow_abbrev=False
        )
        found.set_defaults(**{"run": run, "alone": alone, "needs": Needs.NAMED_STACK, "first": None, **more})
        return found

    add("status", "how the pair is now, on one screen", commands.status, needs=Needs.ANY_STACK)
    every = add(
        "list", "every pair of the account, a line each, the worst first", pairs.show_list, needs=Needs.NO_STACK
    )
    every.add_argument("--all-regions", action="store_true", help="in all regions that the account has enabled")
    watch = add(
        "watch",
        "the same, live; in a pipe a line for each thing that changes",
        watching.watch,
        needs=Needs.ANY_STACK,
    )
    watch.add_argument(
        "--every", type=number(0.2, 3600), default=2.0, metavar="SECONDS", help="pause from one status to the next"
    )
    watch.add_argument("--for", dest="period", metavar="PERIOD", help="end after this long: 45s, 90m, 2h")
    _web(add)
    _verbs(add)
    _keepers(add)
    _past(add)
    ready = add("readiness", "could we fail over right now? Checks it", commands.readiness, needs=Needs.ANY_STACK)
    ready.add_argument("--last", action="store_true", help="show the last check in place of a new one")
    _init(add)
    _setting_up(add)
    completion = add("completion", "what a shell reads to complete command lines", _complete, alone=True, json=False)
    completion.add_argument("shell", choices=SHELLS)
    add("man", "the manual page, for `failoverctl man | man -l -`", _man, alone=True, json=False)
    about = add("help", "the commands, or what one of them takes", _help, alone=True, json=False)
    about.add_argument("about", nargs="?", metavar="COMMAND", choices=(*known.choices,))
    return parser


def _help(arguments: argparse.Namespace) -> Exit:
    parser = make_parser()
    asked = commands_of(parser)[arguments.about] if arguments.about else parser
    print(asked.format_help(), end="")  # noqa: T201 - the command's output
    return Exit.DONE


def _complete(arguments: argparse.Namespace) -> Exit:
    print(script_for(arguments.shell, make_parser()), end="")  # noqa: T201 - the command's output
    return Exit.DONE


def _man(_: argparse.Namespace) -> Exit:
    print(man_page(make_parser(), {int(code): meaning for code, meaning in MEANING.items()}), end="")  # noqa: T201 - the command's output
    return Exit.DONE


def number(least: float, most: float) -> Callable[[str], float]:
    """A number in a range, for an option. Raises ArgumentTypeError for anything else."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
        return found

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number in a range, for an option. Raises ArgumentTypeError for anything else."""

    def read(text: str) -> int:
        found = int(text) if text.isascii() and text.removeprefix("-").isdigit() else least - 1
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return found

    return read


def moment_of(text: str) -> str:
    """A day or a moment as ISO 8601 has it, or a period, for an option; UTC where it names no zone."""
    if commands.is_period(text):
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a period (90m, 2h, 3d) nor a day or moment (2026-11-26, 2026-11-26T03:00)"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def _web(add: Adding) -> None:
    # It listens before the account is asked: a socket stays in the network it was made in, also where --testbed then
    # enters another one.
    does = "a page on this machine with the account's pairs: who serves, the running change, the history"
    page = add(
        "web", does, OnDemand("web.command", "web"), needs=Needs.NO_STACK, first=OnDemand("web.command", "listen")
    )
    page.add_argument(
        "--all-regions", action="store_true", help="the pairs of all regions that the account has enabled"
    )
    page.add_argument("--port", type=whole(0, 65535), default=0, metavar="N", help="on 127.0.0.1; a free one otherwise")
    page.add_argument("--allow-actions", action="store_true", help="allow acting from the page; read-only otherwise")
    page.add_argument(
        "--every", type=number(0.2, 3600), default=2.0, metavar="SECONDS", help="pause from one status to the next"
    )
    page.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")


def _past(add: Adding) -> None:
    history = add(
        "history", "the changes of the pair, newest first", change_history.show_history, needs=Needs.ANY_STACK
    )
    history.add_argument(
        "--most", type=whole(1, MOST_AT_MOST), default=20, metavar="N", help="how many lines at most (20)"
    )
    history.add_argument(
        "--since", type=moment_of, metavar="WHEN", help="only what ended since then: 2h, 3d, 2026-11-26"
    )
    history.add_argument("--outcome", choices=[*(each.value for each in Outcome), "noted"], help="only what ended so")
    history.add_argument("--csv", action="store_true", help="for spreadsheets")
    history.add_argument("--verify", action="store_true", help="is it as it was written? Names the line that is not")
    explain = add(
        "explain",
        "what a change did, step by step, and where the seconds went",
        change_history.explain,
        needs=Needs.ANY_STACK,
    )
    explain.add_argument("execution", nargs="?", help="name or ARN; otherwise the halted change, or else the latest")
    explain.add_argument("--dry-run", action="store_true", help="the latest dry run in place of the latest change")
    does = "what happened in a change, as a page: what was observed, each step, the fence, where the seconds went"
    told = add("report", does, OnDemand("report.command", "show"), needs=Needs.ANY_STACK)
    told.add_argument("execution", nargs="?", help="name or ARN; otherwise the change that runs, or else the last one")
    told.add_argument("--output", metavar="FILE", help="where the page goes (report-EXECUTION.html)")
    told.add_argument(
        "--replay",
        action="store_true",
        help="run it once more on the local testbed, and say where today's code differs",
    )
    does = "which failovers there would have been, with the present settings and with others"
    past = add("whatif", does, OnDemand("whatif.command", "show"), needs=Needs.ANY_STACK)
    past.add_argument(
        "--since", type=moment_of, default="30d", metavar="WHEN", help="from when on: 90d, 2026-11-26 (30d)"
    )
    past.add_argument("--log-file", metavar="FILE", help="lines of the watchdog's log, in place of the log itself")
    past.add_argument("--plot", metavar="FILE", help="write a plot (SVG): seconds to detect, and needless takeovers")
    past.add_argument(
        "--takeover-seconds",
        type=number(0.1, 3600),
        default=whatif.TAKEOVER_S,
        metavar="SECONDS",
        help="a failover is needless where the server was back by itself within that time (60)",
    )


def matching(pattern: str, what: str) -> Callable[[str], str]:
    """A text of a certain form, for an option. Raises ArgumentTypeError for anything else."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return text

    return read


def _init(add: Adding) -> None:
    does = "find a new pair's parameters in the account, name the obstacles, and write samconfig.toml"
    init = add("init", does, OnDemand("initializing", "init"), needs=Needs.NO_STACK)
    server = matching(r"(i-[0-9a-f]{8,17}|mi-[0-9a-f]{17})", "the id of an instance (i-…, mi-…)")
    host = matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", "a host name")
    init.add_argument("--ms1", type=server, metavar="ID", help="the first server's instance; otherwise as in the file")
    init.add_argument("--ms2", type=server, metavar="ID", help="the second server's instance; otherwise as in the file")
    init.add_argument("--database", metavar="NAME", help="an RDS instance or cluster, or i-…:PORT for one on EC2")
    init.add_argument("--record", type=host, metavar="NAME", help="the DNS record's name")
    init.add_argument("--admin-tls-name", type=host, metavar="NAME", help="whom the interface's certificate is for")
    init.add_argument("--database-name", metavar="NAME", help="the database, or Oracle's service name")
    init.add_argument("--engine", choices=("postgresql", "mysql", "oracle"), help="of a database on EC2")
    login = init.add_mutually_exclusive_group()
    login.add_argument("--secret", metavar="NAME", help="name or ARN of the monitoring role's secret")
    login.add_argument("--iam-user", metavar="NAME", help="database user of RDS IAM authentication, for no secret")
    init.add_argument("--config-file", default="samconfig.toml", metavar="FILE", help="of sam (samconfig.toml)")
    init.add_argument("--config-env", default="default", metavar="NAME", help="of sam (default)")
    how = init.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="say what has drifted; write nothing")
    how.add_argument("--update", action="store_true", help="write what has drifted, too: the file's values give way")


def _setting_up(add: Adding) -> None:
    add("prepare", "make both hosts ends of the replication; can be run again", setting_up.prepare)
    undo = add("undo-prepare", "take away what prepare made on both hosts", setting_up.undo_prepare)
    undo.add_argument("--yes", action="store_true", help="do not ask")
    add("attach", "say what the stack's security group has to be attached to; changes nothing", setting_up.attach)
    replicate = add("replicate", "carry the active server's files to the standby now", setting_up.replicate)
    how = replicate.add_mutually_exclusive_group()
    how.add_argument("--full", action="store_true", help="compare everything, not only what changed")
    how.add_argument(
        "--accept-removal",
        metavar="PAIR",
        default="",
        help="carry what was removed, however much it is, in this one run; PAIR is the pair's name, typed",
    )
    _waiting(replicate, 900)
    add("verify-replication", "compare both copies by content and list what differs", setting_up.verify_replication)
    add("cost", "what the stack costs a month at rest, by service", setting_up.show_cost, needs=Needs.ANY_STACK)
    does = "break a demo pair in every way that AWS can, and say by the journal what came of it"
    accept = add("acceptance", does, OnDemand("acceptance.command", "accept"))
    accept.add_argument(
        "--only", action="append", choices=acceptance.NAMES, metavar="SCENARIO", default=[],
        help=f"only this scenario; can be given again ({', '.join(acceptance.NAMES)})",
    )  # fmt: skip
    accept.add_argument("--output", default="acceptance", metavar="DIRECTORY", help="takes the reports (acceptance)")
    accept.add_argument("--pair", default="", metavar="NAME", help="the pair's name, typed, for one that is no demo")
    accept.add_argument("--yes", action="store_true", help="do not ask")


def _waiting(command: argparse.ArgumentParser, limit_s: float) -> None:
    waits = command.add_mutually_exclusive_group()
    waits.add_argument("--no-wait", action="store_true", help="start it and return")
    waits.add_argument(
        "--limit", type=number(0.1, LIMIT_AT_MOST_S), default=limit_s, metavar="SECONDS",
        help="wait for its end for at most this long",
    )  # fmt: skip


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    where = shared.add_argument_group("which pair")
    where.add_argument("--stack", help="the stack (or FAILOVER_STACK)")
    where.add_argument("--profile", help="of the AWS command line (or AWS_PROFILE)")
    where.add_argument("--region", help="(or AWS_REGION)")
    where.add_argument("--testbed", action="store_true", help="the local testbed that `make testbed` keeps up")
    where.add_argument("--stage", dest="testbed", action="store_true", help=argparse.SUPPRESS)  # its name until 0.1
    where.add_argument("--endpoint", help=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="for programs")
    return shared


def _verbs(add: Adding) -> None:
    for name, does in (
        ("failover", "the active server is down: confirm it, fence it, promote the other"),
        ("switchover", "planned: stop the active server cleanly, carry its last files, promote the other"),
        ("force", "fence the active server whether or not it is down, and promote the other"),
        ("resume", "resume a change that was halted or left half done"),
        ("adopt", "register an existing pair"),
    ):
        verb = add(name, does, commands.verb, verb=name)
        verb.add_argument("--reason", required=True, help="why, for those who read the history")
        verb.add_argument("--by", required=name == "force", metavar="NAME", help="who asks; your login name otherwise")
        verb.add_argument("--target", choices=("ms1", "ms2"), help="who is to be active afterwards")
        verb.add_argument("--dry-run", action="store_true", help="say what would happen and why; change nothing")
        if name == "force":
            verb.add_argument("--pair", metavar="NAME", help="the pair's name, in place of typing it when asked")
            verb.set_defaults(yes=False)
        else:
            verb.add_argument("--yes", action="store_true", help="do not ask")
        _waiting(verb, 7200)


def _keepers(add: Adding) -> None:
    acknowledge = add("acknowledge", "I have looked at the last automatic failover: allow the next one", commands.keep)
    maintenance = add("maintenance", "hold automatic failovers back for a while: on --for 2h, off", commands.keep)
    maintenance.add_argument("switch", choices=("on", "off"))
    maintenance.add_argument("--for", dest="period", metavar="PERIOD", help="how long: 45s, 90m, 2h, 1h30m, 3d")
    mode = add("mode", "; ".join(f"{name}: {does}" for name, does in commands.MODES.items()), commands.keep)
    mode.add_argument("mode", choices=tuple(commands.MODES))
    update = add("may-update", "may the stack be updated now? Holds automatic failovers first", updating.may_update)
    for each in (acknowledge, maintenance, mode, update):
        each.add_argument("--by", metavar="NAME", help="who does it; your login name otherwise")
        each.add_argument("--yes", action="store_true", help="do not ask")
