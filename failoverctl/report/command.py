"""`report`: what happened in a change of the pair, as a page that can be handed on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.report.change_page import headline, page
from failoverctl.report.read_change import read_change

CHECKOUT = Path(__file__).resolve().parents[2]
_CAN_NOT = 2
"""How the testbed's program ends where it can't do what it is asked for; 1 where something is not as expected."""


def show(context: CommandContext) -> Exit:
    """Write the page, and say where it is and what it lacks; with --json print the record that it was made of."""
    given = context.arguments
    if given.replay:
        _demand_checkout(context)
    change = read_change(context.account, context.stack(), given.execution)
    path = Path(given.output or f"report-{re.sub('[^A-Za-z0-9_.-]', '-', change.name)[:90]}.html")
    _write(path, page(change))
    lines = [f"{change.pair}: {headline(change)}: {change.outcome}.", *change.missing, f"The page: {path}"]
    context.show({**change.to_json(), "page": str(path)}, "\n".join(lines))
    if not given.replay:
        return Exit.DONE
    record = path.with_name(f"{path.stem}-record.json")
    _write(record, json.dumps(change.to_json(), indent=2))
    context.console.print(f"The record: {record}\n", soft_wrap=True)
    return _replay(record)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.", Exit.CANNOT_WRITE) from error


def _demand_checkout(context: CommandContext) -> None:
    """Raises CommandError where the testbed is not there, or is not to be had by these options."""
    if context.arguments.json or context.arguments.testbed:
        raise CommandError(
            "--replay builds a testbed of its own and shows it: leave out --json and --testbed. What --json prints can"
            " be replayed by `python -m lab.testbed replay FILE` in the project's checkout.",
            Exit.USAGE,
        )
    if not (CHECKOUT / "lab/testbed/__main__.py").is_file():
        raise CommandError(
            "--replay needs the project's checkout, on Linux and as root: there run `bin/failoverctl report --replay`,"
            " or `python -m lab.testbed replay FILE` with what `failoverctl report --json` has printed here."
        )


def _replay(record: Path) -> Exit:
    """Run the change once more on the testbed, which shows it and says what differs."""
    sys.stdout.flush()
    path = os.pathsep.join(str(CHECKOUT / each) for each in ("layers/msfailover", ""))
    done = subprocess.run(
        [sys.executable, "-m", "lab.testbed", "replay", str(record.resolve())],
        cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    if done.returncode == _CAN_NOT:
        return Exit.NOT_DONE
    return Exit.DONE if done.returncode == 0 else Exit.NOT_WELL
