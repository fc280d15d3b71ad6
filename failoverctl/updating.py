"""May the stack be updated now? Not while a change of the pair runs: its next steps would be of another version.

The workflow calls its functions by their names, so an update takes effect in the middle of an execution. Automatic
failovers are held for as long as an update usually takes; a change that began just before that is found after it.
"""

from __future__ import annotations

import time

from msfailover.pair import PairState

from failoverctl import actions
from failoverctl.account import Stack, ask, identity_of, read_record
from failoverctl.commands import CommandContext, signature, signed
from failoverctl.errors import CommandError, Exit

HELD_S = 900
"""Seconds for which automatic failovers are held."""


def may_update(context: CommandContext) -> Exit:
    """Hold automatic failovers for a quarter of an hour, and say whether the stack may be updated."""
    by = signed(signature(context.arguments), identity_of(context.account))
    stack = context.stack()
    record = read_record(context.account, stack)
    _demand_no_change(record, stack)
    if not context.arguments.yes:
        actions.agree(context.questions, f"{stack.pair}: hold automatic failovers for {HELD_S // 60} minutes?")
    if record.maintenance_until < time.time() + HELD_S:  # a longer one of somebody's stays
        ask(context.account, stack, "pair", {"action": "maintenance", "seconds": HELD_S, "requested_by": by})
    _demand_no_change(read_record(context.account, stack), stack)
    sentence = (
        f"{stack.name} may be updated: no change of {stack.pair} is under way, and automatic failovers are held for"
        f" {HELD_S // 60} minutes at least. `failoverctl maintenance off{context.where}` ends that."
    )
    context.show({"answer": "yes", "sentence": sentence}, sentence)
    return Exit.DONE


def _demand_no_change(record: PairState, stack: Stack) -> None:
    """Raises CommandError where a change holds the lease, also one that was halted."""
    lease = record.lease
    if lease is None:
        return
    halted = bool(record.halted)
    first = "resume it first (failoverctl resume)" if halted else "wait for its end (failoverctl watch)"
    raise CommandError(
        f"{stack.name} must not be updated now: {lease.action} to {lease.target}"
        f" {'was halted and ' if halted else ''}holds the lease; {first}. The stack is as it was.",
        Exit.NOT_DONE,
    )
