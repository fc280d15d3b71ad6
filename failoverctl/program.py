"""The program: a command line in, an exit code out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from failoverctl import terminal
from failoverctl.account import Account
from failoverctl.commands import Desk
from failoverctl.parser import make_parser
from failoverctl.trouble import Exit, Trouble


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what went wrong is said on standard error, in a sentence or two."""
    arguments = make_parser().parse_args(argv)
    complaints = terminal.console(stderr=True, soft_wrap=True)
    try:
        endpoint = arguments.endpoint
        if arguments.stage:
            endpoint = _join_stage(arguments)
        if not arguments.stack:
            raise Trouble("Which pair? Give --stack NAME, set FAILOVER_STACK, or --stage.", Exit.USAGE)
        account = Account(arguments.profile, arguments.region, endpoint)
        return int(arguments.run(Desk(account, terminal.console(), terminal.console(stderr=True), arguments)))
    except Trouble as trouble:
        complaints.print(str(trouble))
        if arguments.json:
            print(json.dumps({"trouble": str(trouble), "exit": int(trouble.code)}))  # noqa: T201 - the command's output
        return int(trouble.code)
    except KeyboardInterrupt:
        complaints.print("Stopped. What runs in AWS goes on.")
        return int(Exit.INTERRUPTED)


def _join_stage(arguments: object) -> str:
    """Enter the network of the local stage. Raises Trouble where there is none, or this is no checkout."""
    try:
        from local.beside import CannotJoin, join
    except ImportError as error:
        raise Trouble("--stage needs the project's checkout: run it from there (`make ctl ARGS=…`).") from error
    try:
        stage = join()
    except CannotJoin as error:
        raise Trouble(str(error)) from error
    arguments.stack, arguments.region = stage["stack"], stage["region"]  # type: ignore[attr-defined]
    return str(stage["endpoint"])
