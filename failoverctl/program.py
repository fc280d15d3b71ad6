"""The program: a command line in, an exit code out, and never a traceback."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from failoverctl import terminal
from failoverctl.account import Account, only_stack
from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.parser import Needs, make_parser

DEBUG = "FAILOVERCTL_DEBUG"
"""Set to anything, it lets a fault of failoverctl's own show where it happened."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what went wrong is said on standard error, in a sentence or two."""
    terminal.prepare_streams()
    try:
        try:
            return int(_run(argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # as `| head` does; it has what it wanted
        terminal.give_up_output()
        return int(Exit.CLOSED)
    except OSError as error:
        if not terminal.is_full(error):
            return _own_fault(error)
        terminal.give_up_output()
        _complain(f"The output can't be written: {error.strerror}.")
        return int(Exit.CANNOT_WRITE)
    except Exception as error:
        return _own_fault(error)


def _run(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    try:
        if arguments.first:
            arguments.first(arguments)
        if arguments.alone:
            return int(arguments.run(arguments))
        account = _account(arguments)
        return int(arguments.run(CommandContext(account, terminal.console(), terminal.console(stderr=True), arguments)))
    except CommandError as error:
        _complain(str(error))
        if arguments.json:
            print(json.dumps({"error": str(error), "exit": int(error.code)}))  # noqa: T201 - the command's output
        return int(error.code)
    except KeyboardInterrupt:
        _complain("Stopped. What runs in AWS goes on.")
        return int(Exit.INTERRUPTED)


def _account(arguments: argparse.Namespace) -> Account:
    """The account that the options name. Raises CommandError where they name none, or two."""
    endpoint = arguments.endpoint
    if arguments.testbed:
        both = [f"--{name}" for name in ("stack", "profile", "region", "endpoint") if getattr(arguments, name)]
        if both:
            raise CommandError(
                f"--testbed is a pair of its own: leave out {' and '.join(both)}, or --testbed.", Exit.USAGE
            )
        endpoint = _join_testbed(arguments)
    elif arguments.stack and arguments.command == "list":
        raise CommandError("list shows every pair: leave out --stack, or ask for its status.", Exit.USAGE)
    elif arguments.stack and vars(arguments).get("all_regions"):
        raise CommandError("--all-regions shows every pair: leave it out, or --stack.", Exit.USAGE)
    account = Account(arguments.profile, arguments.region, endpoint)
    arguments.stack = arguments.stack or os.environ.get("FAILOVER_STACK")
    if not arguments.stack and arguments.needs is Needs.NAMED_STACK:
        raise CommandError("Which pair? Give --stack NAME, set FAILOVER_STACK, or --testbed.", Exit.USAGE)
    if not arguments.stack and arguments.needs is Needs.ANY_STACK:
        arguments.stack = only_stack(account).name  # from here on named, also in the commands that are proposed
    return account


def _own_fault(error: Exception) -> int:
    if os.environ.get(DEBUG):
        raise error
    _complain(
        f"failoverctl itself failed ({type(error).__name__}: {error}). What runs in AWS goes on."
        f" With {DEBUG}=1 it shows where; please report that."
    )
    return int(Exit.FAULT)


def _complain(sentence: str) -> None:
    terminal.console(stderr=True, soft_wrap=True).print(sentence)


def _join_testbed(arguments: argparse.Namespace) -> str:
    """Enter the network of the local testbed. Raises CommandError where there is none, or this is no checkout."""
    try:
        from lab.testbed.join_network import CannotJoin, join
    except ImportError as error:
        raise CommandError("--testbed needs the project's checkout: run it from there (`make ctl ARGS=…`).") from error
    try:
        testbed = join()
    except CannotJoin as error:
        raise CommandError(str(error)) from error
    arguments.stack, arguments.region = testbed["stack"], testbed["region"]
    return str(testbed["endpoint"])
