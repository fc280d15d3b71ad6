"""What happened: the pair's history, and one change step by step."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.text import Text

from failoverctl import actions, render
from failoverctl.account import Stack, history, object_of, read_record
from failoverctl.commands import MOVED, CommandContext, since_of
from failoverctl.errors import CommandError, Exit, plainly
from failoverctl.recovery import in_words, target_of, trend
from failoverctl.steps import Step
from failoverctl.verifying import verify_history

COLUMNS = (
    "ended_at", "taken_at", "epoch", "action", "source", "target", "outcome", "sentence", "reason", "requested_by",
    "execution", "counts_from", "recovery_s",
)  # fmt: skip
"""Of the history for spreadsheets; moments are in UTC, as ISO 8601 has them."""
SEARCHED_AT_MOST = 1000
TREND_IN = 100
"""Lines that the trend is looked for in."""
EXECUTIONS_AT_MOST = 50
DRY_RUNS_PASSED_AT_MOST = 10


def show_history(context: CommandContext) -> Exit:
    """The changes and notes, newest first, as far as they are wanted."""
    given = context.arguments
    if given.csv and given.json:
        raise CommandError("--csv and --json are two formats: give one of them.", Exit.USAGE)
    if given.verify:
        return verify_history(context)
    wanted = given.since or given.outcome
    stack = context.stack()
    found = history(context.account, stack, max(given.most, SEARCHED_AT_MOST if wanted else TREND_IN))
    since = since_of(given.since) if given.since else 0.0
    lines = [
        each
        for each in found
        if float(each["ended_at"]) >= since and given.outcome in (None, each["outcome"])
    ][: given.most]  # fmt: skip
    if given.csv:
        context.console.print(as_csv(lines), soft_wrap=True, end="")
        return Exit.DONE
    none = "Nothing in the pair's history is like that." if wanted and found else "The pair has no history yet."
    target_s = target_of(stack)
    context.show(lines, render.history_list(lines, target_s, trend(found, target_s)) if lines else none)
    return Exit.DONE


def as_csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """The history as RFC 4180 has tables. A cell that a spreadsheet would take for a formula is quoted as text."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in lines:
        moments = [name for name in ("ended_at", "taken_at", "counts_from") if each.get(name)]
        about = {**each, **{name: _moment(each[name]) for name in moments}}
        rows.writerow([_cell(about.get(name)) for name in COLUMNS])
    return written.getvalue()


def _moment(at: Any) -> str:
    return datetime.fromtimestamp(float(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def explain(context: CommandContext) -> Exit:
    """What an execution did, step by step; without a name the halted change, or else the latest that was no dry run."""
    stack, given = context.stack(), context.arguments
    if given.execution and given.dry_run:
        raise CommandError("Name an execution, or ask for the latest dry run: not both.", Exit.USAGE)
    arn = _execution_named(context, stack, given.execution, given.dry_run)
    try:
        found = _as_it_ran(context, arn)
    except CommandError as error:
        found = _as_it_was_written(context, stack, arn, error)
    ended, asked, total = found
    context.show(
        {**ended.to_json(), "asked": asked, "began": ended.began, "took_s": round(total, 3)},
        Group(
            Text(f"{arn}\nasked for by {asked.get('requested_by', 'unnamed')}: {asked.get('reason', '')}"),
            render.steps_table(ended.steps, ended.began, time.time(), width=context.console.width),
            Text(render.longest(ended.steps, total)),
            render.ended_text(ended.outcome, ended.would, ended.sentence, context.where, total),
            *_served(context, stack, arn, ended),
        ),
    )
    return Exit.DONE


def _served(context: CommandContext, stack: Stack, arn: str, ended: actions.Ended) -> list[Text]:
    """How long the service was out by a change that has moved the pair, as the history has it; best effort."""
    if ended.outcome not in MOVED:
        return []
    try:
        lines = history(context.account, stack, SEARCHED_AT_MOST)
    except CommandError:
        return []
    found = [in_words(each, target_of(stack)) for each in lines if each["execution"] == arn]
    return [Text("Out: ").append_text(each) for each in found if each]


def _as_it_ran(context: CommandContext, arn: str) -> tuple[actions.Ended, dict[str, Any], float]:
    with plainly("read the execution"):
        answer = context.account.client("stepfunctions").describe_execution(executionArn=arn)
    ended, _ = actions.read_execution(context.account, arn)
    end = answer["stopDate"].timestamp() if "stopDate" in answer else time.time()
    return ended, object_of(answer.get("input")), end - ended.began


def _as_it_was_written(
    context: CommandContext, stack: Stack, arn: str, error: CommandError
) -> tuple[actions.Ended, dict[str, Any], float]:
    """From the pair's own history: Step Functions forgets an execution after 90 days."""
    for line in history(context.account, stack, SEARCHED_AT_MOST):
        if line["execution"] == arn:
            steps = [Step(each["name"], "Task", each["start"], each["end"]) for each in line.get("phases", [])]
            began = min([each.start for each in steps] or [float(line["taken_at"])])
            ended = actions.Ended(arn, line["outcome"], line["sentence"], steps, began)
            asked = {name: line[name] for name in ("action", "reason", "requested_by")}
            return ended, asked, float(line["ended_at"]) - began
    raise CommandError(f"{error} Nor is it in the pair's history: `failoverctl history{context.where}`.", error.code)


def _execution_named(context: CommandContext, stack: Stack, name: str | None, dry_run: bool) -> str:
    if name and name.startswith("arn:"):
        return name
    if name:
        return f"{stack.machine.replace(':stateMachine:', ':execution:')}:{name}"
    record = read_record(context.account, stack)
    if record.halted and record.lease and not dry_run:
        return record.lease.execution
    return _latest(context, stack, dry_run)


def _latest(context: CommandContext, stack: Stack, dry_run: bool) -> str:
    """The latest execution that was a dry run, or was none. Raises CommandError where there is no such one."""
    client = context.account.client("stepfunctions")
    with plainly("list the executions"):
        answer = client.list_executions(stateMachineArn=stack.machine, maxResults=EXECUTIONS_AT_MOST)
    asked = 0
    for each in sorted(answer["executions"], key=lambda each: each["startDate"], reverse=True):
        # failoverctl's own dry runs say so in their names; others are asked for their input, a few of them.
        dry = "-dry-run-" in each["name"]
        if not dry and asked < DRY_RUNS_PASSED_AT_MOST:
            asked += 1
            with plainly("read the execution"):
                about = client.describe_execution(executionArn=each["executionArn"])
            dry = object_of(about.get("input")).get("dry_run") is True
        if dry is dry_run:
            return str(each["executionArn"])
    raise CommandError(f"There is no {'dry run' if dry_run else 'execution'} to explain yet.", Exit.NOT_DONE)
