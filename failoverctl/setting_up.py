"""What an operator does with a stack besides moving the pair: prepare hosts, attach, replicate, count the cost."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msfailover.freshness import Freshness
from rich.console import Group
from rich.text import Text

from failoverctl.account import Stack, ask, read_freshness
from failoverctl.actions import agree
from failoverctl.attaching import describe
from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit, plainly
from failoverctl.preparing import NotPrepared, prepare_hosts, undo_hosts

ROLES = ("ms1", "ms2")
POLL_EVERY_S = 1.0
VERIFY_WITHIN_S = 900
"""Seconds that a function may run at most on Lambda; comparing by content takes as long as the files need."""


def prepare(context: CommandContext) -> Exit:
    """Make both hosts ends of the replication. Can be run again."""
    stack = context.stack()
    given = stack.parameters
    instances, addresses = _hosts(stack)
    settings = {
        "Service": given["ServiceName"],
        "Package": given["PackageName"],
        "Paths": f"{given['SoftwarePaths']} {given['ConfigPath']}",
        "Pair": stack.pair,
        "Region": stack.region,
    }
    with _by_hosts("prepare the hosts"):
        told = prepare_hosts(context.account.client("ssm"), stack.name, instances, addresses, settings)
    lines = [f"{role} ({instances[role]}) is prepared; autostart is {told[role].get('autostart')}." for role in told]
    context.show({role: {"instance": instances[role], **told[role]} for role in told}, "\n".join(lines))
    return Exit.DONE


def undo_prepare(context: CommandContext) -> Exit:
    """Take away what prepare made on both hosts; autostart stays off."""
    stack = context.stack()
    if not context.arguments.yes:
        agree(context.questions, f"{stack.pair}: take away what prepare made on both hosts?")
    with _by_hosts("take away what was prepared"):
        undo_hosts(context.account.client("ssm"), stack.name, *_hosts(stack))
    sentence = "Both hosts are as they were, but for autostart, which stays off: turn it on on one of them only."
    context.show({"sentence": sentence}, sentence)
    return Exit.DONE


def attach(context: CommandContext) -> Exit:
    """Say what the stack's group in front of the database has to be attached to; changes nothing."""
    stack = context.stack()
    with plainly("look at the database's network interfaces"):
        said = describe(context.account.client("ec2"), stack.group, stack.parameters)
    context.show({"sentence": said}, said)
    return Exit.DONE


def show_cost(context: CommandContext) -> Exit:
    """What the stack costs a month at rest, counted from its own template and parameters."""
    from failoverctl import cost, price_list  # nothing else needs them, nor what they import

    stack = context.stack()
    with plainly("read the stack's template"):
        answer = context.account.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
    body = answer["TemplateBody"]
    try:
        template = json.loads(body) if isinstance(body, str) else body
        prices = price_list.read(context.account, stack.region)
        lines = cost.bill(template, stack.parameters, prices)
    except (ValueError, cost.NotCounted) as error:
        raise CommandError(f"The template of {stack.name} can't be counted: {error}") from error
    context.show(cost.for_programs(lines, prices), f"{cost.heading(stack.pair, prices)}\n\n{cost.table(lines)}")
    return Exit.DONE


def replicate(context: CommandContext) -> Exit:
    """Have the active server's files carried now, and wait until the standby holds them."""
    stack = context.stack()
    asked = _replication_asked_for(context, stack)
    end = time.monotonic() + context.arguments.limit
    _await_end(context, stack, end)  # of a run that is under way: it may have begun before what is to be carried
    answer = ask(context.account, stack, "replicate", asked)
    sent = answer.get("answer") == "yes"
    if not sent or context.arguments.no_wait:
        context.show(answer, str(answer.get("sentence")))
        return Exit.DONE if sent else Exit.NOT_DONE
    known = _await_end(context, stack, end)
    last = known.last or {}
    whole = last.get("complete") is True
    said = f"Not complete: {last.get('reason') or 'the host gave no reason'}"
    if whole:
        target = {"ms1": "ms2", "ms2": "ms1"}.get(known.server, "the standby")
        said = f"{target} holds all of {known.server}'s files ({last.get('files', 'no')} of them)."
    context.show({**answer, "complete": whole, "result": dict(last)}, said)
    return Exit.DONE if whole else Exit.NOT_WELL


def _replication_asked_for(context: CommandContext, stack: Stack) -> dict[str, str]:
    """The event for `replicate`. Raises CommandError where a removal is accepted for a pair of another name."""
    accepted = context.arguments.accept_removal
    if not accepted:
        return {"action": "scheduled", "mode": "full" if context.arguments.full else "changes"}
    if accepted != stack.pair:
        raise CommandError(
            f"The pair's name is {stack.pair!r}, not {accepted!r}: nothing was sent. See `failoverctl status`.",
            Exit.USAGE,
        )
    return {"action": "accept_removal", "confirm": accepted}


def _await_end(context: CommandContext, stack: Stack, end: float) -> Freshness:
    """What is known of the copy once no run is under way. Raises CommandError where that takes too long."""
    while True:
        known = read_freshness(context.account, stack)
        if known.ended:
            return known
        if time.monotonic() > end:
            raise CommandError(
                f"The run has not ended after {context.arguments.limit:g} s; it goes on (`failoverctl status`).",
                Exit.UNFOLLOWED,
            )
        time.sleep(POLL_EVERY_S)


def verify_replication(context: CommandContext) -> Exit:
    """Compare both copies by content, and list what differs."""
    found = ask(context.account, context.stack(), "replicate", {"action": "verify"}, wait_s=VERIFY_WITHIN_S)
    drift = (found.get("evidence") or {}).get("drift") or []
    lines = [Text(str(found.get("sentence")), style="" if found.get("answer") == "yes" else "red")]
    lines += [Text(f"  {each.get('name')}: {each.get('differs')}") for each in drift if isinstance(each, Mapping)]
    context.show(found, Group(*lines))
    return Exit.DONE if found.get("answer") == "yes" else Exit.NOT_WELL


def _hosts(stack: Stack) -> tuple[dict[str, str], dict[str, str]]:
    """Instances and addresses of the stack's servers."""
    given = stack.parameters
    instances = {role: given[f"{role.capitalize()}InstanceId"] for role in ROLES}
    # AWS gives a list as it was typed, moto as Python writes it; the first address is the one that counts.
    listed = {role: re.findall(r"[0-9A-Fa-f.:]{2,}", given[f"{role.capitalize()}Addresses"]) for role in ROLES}
    return instances, {role: each[0] for role, each in listed.items()}


@contextmanager
def _by_hosts(doing: str) -> Iterator[None]:
    """What a host refuses is said in its own words; it can be run again. Raises CommandError."""
    try:
        with plainly(doing):
            yield
    except NotPrepared as problem:
        raise CommandError(f"{problem} It can be run again when that is mended.", Exit.NOT_DONE) from problem
