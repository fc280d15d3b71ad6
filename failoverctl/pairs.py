"""`list`: every pair of the account, a line each, the worst first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from failoverctl.account import Account, Stack, find_stacks, list_regions
from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit
from failoverctl.serving import BAD, DOUBTFUL, GOOD
from failoverctl.status import read_status

REGIONS_AT_ONCE = 8
PAIRS_AT_ONCE = 4
"""Each is asked by a dozen threads of its own."""
_ORDER = (BAD, DOUBTFUL, GOOD)
_STYLES = {BAD: "bold red", DOUBTFUL: "bold yellow", GOOD: "green"}


@dataclass(frozen=True)
class Line:
    """A pair in the list.

    Args:
        pair: its name; empty where it could not be read.
        stack: the stack's name; empty for a region that could not be asked.
        region: where it is.
        how: as `serving.Headline` has it: bad, doubtful or good.
        well: whether nothing of it needs a person.
        sentence: who serves, or what else is the matter.
        next: the command that comes next; empty where there is none.
        active, epoch, mode: as the record has them; empty and zero where it could not be read.
    """

    pair: str
    stack: str
    region: str
    how: str
    well: bool
    sentence: str
    next: str = ""
    active: str = ""
    epoch: int = 0
    mode: str = ""


def show_list(context: CommandContext) -> Exit:
    """List the pairs of the region, or of all regions; what could not be asked is a line, too."""
    lines = read_list(context)
    shown: Any = Text("\n").join(_texts(lines)) if lines else _none(context)
    if context.arguments.json:
        context.show([asdict(each) for each in lines], "")
    else:
        context.console.print(shown, soft_wrap=True)
    return Exit.DONE if all(each.well for each in lines) else Exit.NOT_WELL


def read_list(context: CommandContext) -> list[Line]:
    """The pairs, the worst first. Raises CommandError where the one region that is asked does not answer."""
    if not context.arguments.all_regions:
        return _sorted(_in_region(context, context.account))
    with ThreadPoolExecutor(REGIONS_AT_ONCE) as threads:
        found = threads.map(lambda region: _in_region_or_why(context, region), list_regions(context.account))
        return _sorted([line for lines in found for line in lines])


def _in_region_or_why(context: CommandContext, region: str) -> list[Line]:
    try:
        return _in_region(context, context.account.in_region(region))
    except CommandError as error:
        return [Line("", "", region, DOUBTFUL, False, f"This region could not be asked: {error}")]


def _in_region(context: CommandContext, account: Account) -> list[Line]:
    deployed, others = find_stacks(account)
    region = account.client("cloudformation").meta.region_name
    with ThreadPoolExecutor(PAIRS_AT_ONCE) as threads:
        lines = [*threads.map(lambda stack: _line(context, account, stack, region), deployed)]
    for name, state in others.items():
        why = f"The stack is {state}, and not deployed as a whole: `sam deploy` says why."
        lines.append(Line("", name, region, DOUBTFUL, False, why))
    return lines


def _line(context: CommandContext, account: Account, stack: Stack, region: str) -> Line:
    try:
        status = read_status(account, stack, options_of(context, stack, region))
    except CommandError as error:
        return Line(stack.pair, stack.name, region, DOUBTFUL, False, str(error))
    head, record, problems = status["headline"], status["record"], status["problems"]
    first = problems[0] if problems else {"sentence": "", "command": ""}
    sentence = head["sentence"] if head["how"] != GOOD or not problems else f"{head['sentence']}; {first['sentence']}"
    return Line(
        stack.pair,
        stack.name,
        region,
        head["how"],
        status["well"],
        sentence,
        first["command"],
        str(record.get("active") or ""),
        int(record.get("epoch") or 0),
        str(record.get("mode") or ""),
    )


def options_of(context: CommandContext, stack: Stack, region: str) -> str:
    """The options that name that pair, in a region that may be another one than the environment's."""
    given = context.arguments
    if given.testbed:
        return " --testbed"
    profile = f" --profile {given.profile}" if given.profile else ""
    return f" --stack {stack.name}{profile} --region {region}"


def _sorted(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda each: (_ORDER.index(each.how), each.well, each.region, each.stack))


def _none(context: CommandContext) -> str:
    if context.arguments.all_regions:
        return "There is no stack of ms-failover in any region of this account."
    region = context.account.client("cloudformation").meta.region_name
    return f"There is no stack of ms-failover in {region}: --all-regions looks in the others."


def _texts(lines: list[Line]) -> list[Text]:
    pair, stack, region = (max(len(getattr(each, name)) for each in lines) for name in ("pair", "stack", "region"))
    shown = []
    for each in lines:
        text = Text(f"{each.pair or '-':{pair}}  {each.stack:{stack}}  {each.region:{region}}  ")
        text.append(each.sentence, style=_STYLES[each.how] if each.how != GOOD or each.well else "yellow")
        shown.append(text.append(f"  → {each.next}", style="bold") if each.next else text)
    return shown
