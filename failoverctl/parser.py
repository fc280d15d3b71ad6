"""The command line: what can be asked, and how it is spelled."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from failoverctl import commands, setting_up
from failoverctl.trouble import MEANING

_CODES = "exit codes: " + " · ".join(f"{code:d} {meaning}" for code, meaning in MEANING.items())

Adding = Callable[..., argparse.ArgumentParser]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="failoverctl", description="See and move a pair of servers.", epilog=_CODES)
    shared = _shared()
    known = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: str, run: object, **more: object) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = known.add_parser(
            name, help=does, description=does, parents=[shared], epilog=_CODES
        )
        found.set_defaults(run=run, **more)
        return found

    add("status", "how the pair is now, on one screen", commands.status)
    watch = add("watch", "the same, live", commands.watch)
    watch.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="pause from one look to the next")
    watch.add_argument("--for", dest="period", metavar="PERIOD", help="end after this long: 45s, 90m, 2h")
    _verbs(add)
    _keepers(add)
    history = add("history", "the changes of the pair, newest first", commands.show_history)
    history.add_argument("--most", type=int, default=20, metavar="N")
    explain = add("explain", "what an execution did, step by step, and where the seconds went", commands.explain)
    explain.add_argument("execution", nargs="?", help="name or ARN; otherwise the halted one, or else the latest")
    ready = add("readiness", "could we fail over right now? Checks it", commands.readiness)
    ready.add_argument("--last", action="store_true", help="show the last check in place of a new one")
    _setting_up(add)
    return parser


def _setting_up(add: Adding) -> None:
    add("prepare", "make both hosts ends of the replication; can be run again", setting_up.prepare)
    undo = add("undo-prepare", "take away what prepare made on both hosts", setting_up.undo_prepare)
    undo.add_argument("--yes", action="store_true", help="do not ask")
    add("attach", "say what the stack's security group has to be attached to; changes nothing", setting_up.attach)
    replicate = add("replicate", "carry the active server's files to the standby now", setting_up.replicate)
    replicate.add_argument("--full", action="store_true", help="compare everything, not only what changed")
    replicate.add_argument("--no-wait", action="store_true", help="start it and return")
    replicate.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="wait for at most this long")
    add("verify-replication", "compare both copies by content and list what differs", setting_up.verify_replication)
    add("cost", "what the stack costs a month at rest, by service", setting_up.show_cost)


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    where = shared.add_argument_group("which pair")
    where.add_argument("--stack", default=os.environ.get("FAILOVER_STACK"), help="the stack (or FAILOVER_STACK)")
    where.add_argument("--profile", help="of the AWS command line (or AWS_PROFILE)")
    where.add_argument("--region", help="(or AWS_REGION)")
    where.add_argument("--stage", action="store_true", help="the local stage that `make stage` keeps up")
    where.add_argument("--endpoint", help=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="for programs")
    return shared


def _verbs(add: Adding) -> None:
    for name, does in (
        ("failover", "the active server is down: confirm it, fence it, promote the other"),
        ("switchover", "planned: stop the active server cleanly, carry its last files, promote the other"),
        ("force", "fence the active server whether or not it is down, and promote the other"),
        ("resume", "go on with a change that was halted or left half done"),
        ("adopt", "take an existing pair into care"),
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
        verb.add_argument("--no-wait", action="store_true", help="start it and return")
        verb.add_argument(
            "--limit", type=float, default=7200, metavar="SECONDS", help="follow it for at most this long"
        )


def _keepers(add: Adding) -> None:
    acknowledge = add("acknowledge", "I have looked at the last automatic failover: allow the next one", commands.keep)
    maintenance = add("maintenance", "hold automatic failovers back for a while: on --for 2h, off", commands.keep)
    maintenance.add_argument("switch", choices=("on", "off"))
    maintenance.add_argument("--for", dest="period", metavar="PERIOD", help="how long: 45s, 90m, 2h, 1h30m, 3d")
    mode = add("mode", "; ".join(f"{name}: {does}" for name, does in commands.MODES.items()), commands.keep)
    mode.add_argument("mode", choices=tuple(commands.MODES))
    for each in (acknowledge, maintenance, mode):
        each.add_argument("--by", metavar="NAME", help="who does it; your login name otherwise")
        each.add_argument("--yes", action="store_true", help="do not ask")
