"""`report`: what happened in a change of the pair, as a page that can be handed on."""

from __future__ import annotations

import re
from pathlib import Path

from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.report.change_page import headline, page
from failoverctl.report.read_change import read_change


def show(context: CommandContext) -> Exit:
    """Write the page, and say where it is and what it lacks; with --json print the record that it was made of."""
    given, stack = context.arguments, context.stack()
    change = read_change(context.account, stack, given.execution)
    path = Path(given.output or f"report-{re.sub('[^A-Za-z0-9_.-]', '-', change.name)[:90]}.html")
    try:
        path.write_text(page(change), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.", Exit.CANNOT_WRITE) from error
    lines = [f"{change.pair}: {headline(change)}: {change.outcome}.", *change.missing, f"The page: {path}"]
    context.show({**change.to_json(), "page": str(path)}, "\n".join(lines))
    return Exit.DONE
