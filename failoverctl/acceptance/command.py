"""`acceptance`: breaks a demo pair on AWS in every way that AWS can, and says what came of it."""

from __future__ import annotations

from pathlib import Path

from failoverctl import actions
from failoverctl.acceptance.place import demand_demo, find_place
from failoverctl.acceptance.polling import NotSo
from failoverctl.acceptance.result import Result
from failoverctl.acceptance.run_script import ScriptFailed
from failoverctl.acceptance.running import Acceptance
from failoverctl.acceptance.trials import TRIALS
from failoverctl.account import identity_of
from failoverctl.commands import CommandContext
from failoverctl.errors import CommandError, Exit

ABOUT_MINUTES_EACH = 3


def accept(context: CommandContext) -> Exit:
    """Run the scenarios, and show and write the result."""
    given, stack = context.arguments, context.stack()
    place = find_place(context.account, stack)
    demand_demo(place, given.pair)
    trials = [each for each in TRIALS if not given.only or each.name in given.only]
    where = actions.place_of(stack, identity_of(context.account))
    if not given.yes:
        context.questions.print(where, soft_wrap=True)
        context.questions.print(
            f"Both servers are killed, cut off, rebooted and stopped: {', '.join(each.name for each in trials)}. It"
            f" takes about {ABOUT_MINUTES_EACH * len(trials)} minutes; Ctrl-C takes back what was caused.",
            soft_wrap=True,
        )
        actions.agree(context.questions, f"Break {stack.pair}?")
    say = context.questions if given.json else context.console
    run = Acceptance(place, trials, Path(given.output), lambda line: say.print(line, highlight=False, markup=False))
    try:
        result = run.run(where)
    except (NotSo, ScriptFailed) as error:
        raise CommandError(
            f"{error} Nothing more was tried; run it again when that is mended.", Exit.NOT_DONE
        ) from error
    return _show(context, result)


def _show(context: CommandContext, result: Result) -> Exit:
    page = result.write(Path(context.arguments.output))
    whole = {
        "answer": result.answer,
        "headline": result.headline,
        "scenarios": [vars(each) for each in result.scenarios],
        "untried": [vars(each) for each in result.untried],
        "left": list(result.left),
        "page": str(page),
    }
    context.show(whole, result.table())
    if not context.arguments.json:
        said = " ".join(each for each in (result.headline, result.advice, f"The whole of it: {page}") if each)
        context.console.print(f"\n{said}", highlight=False, markup=False, soft_wrap=True)
    return Exit.DONE if result.answer == "yes" else Exit.NOT_WELL
