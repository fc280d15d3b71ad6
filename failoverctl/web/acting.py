"""What the page asks for: checked here, whatever the page checked, and started as the command line starts it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from failoverctl import actions
from failoverctl.account import Stack, identity_of
from failoverctl.commands import CommandContext, request_of, signed
from failoverctl.errors import CommandError, Exit

VERBS = ("failover", "switchover", "resume", "force")
"""Those that a person may need at once; `adopt` and the record's settings are the command line's."""
ROLES = ("", "ms1", "ms2")
REASON_AT_MOST = 500
READ_ONLY = (
    "This page only reads: nothing was done. Start it with `failoverctl web --allow-actions`, or use the command line."
)


def act(context: CommandContext, stack: Stack, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Start what was asked for.

    Args:
        context: with the account's clients of the pair's region.
        stack: the pair's that is meant.
        asked: `action`, `reason`, and `pair`, the pair's name as it was typed; as one likes `by`, `target`, `dry_run`.

    Returns:
        the execution's ARN and the request.

    Raises:
        CommandError: it was not started; DECLINED where the page only reads or the name is another pair's, USAGE where
            what was asked for can't be.
    """
    if not context.arguments.allow_actions:
        raise CommandError(READ_ONLY, Exit.DECLINED)
    request = request_of(_as_typed(asked))
    actions.check_name(_text(asked, "pair"), stack.pair)
    request["requested_by"] = signed(request["requested_by"], identity_of(context.account))
    return actions.start(context.account, stack, request), request


def _as_typed(asked: Mapping[str, Any]) -> argparse.Namespace:
    """The request as the command line's parser would have it. Raises CommandError for what that would not accept."""
    verb, reason, by, target = (_text(asked, name) for name in ("action", "reason", "by", "target"))
    if verb not in VERBS:
        raise CommandError(f"The page can do {', '.join(VERBS)}; nothing was done.", Exit.USAGE)
    if not reason or len(reason) > REASON_AT_MOST:
        raise CommandError(
            f"Say why, in at most {REASON_AT_MOST} characters: those who read the history want to know.", Exit.USAGE
        )
    if target not in ROLES:
        raise CommandError("The target is ms1 or ms2.", Exit.USAGE)
    if verb == "force" and not by:
        raise CommandError("To force, give your name: it stays in the history.", Exit.USAGE)
    return argparse.Namespace(verb=verb, reason=reason, by=by, target=target, dry_run=asked.get("dry_run") is True)


def _text(asked: Mapping[str, Any], name: str) -> str:
    found = asked.get(name, "")
    if not isinstance(found, str):
        raise CommandError(f"{name} is a text.", Exit.USAGE)
    return found.strip()
