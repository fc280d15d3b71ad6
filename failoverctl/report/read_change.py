"""Reads a change from where AWS keeps its parts: the execution, the pair's history, and the watchdog's log.

Each is kept for a time of its own. What is gone, or may not be read, is left out of the change, and said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msfailover.pair import Role
from msfailover.watching import RUN_LASTS_S

from failoverctl.account import Account, Stack, history, object_of, read_record
from failoverctl.actions import outcome_of
from failoverctl.errors import CommandError, Exit, plainly
from failoverctl.recovery import seconds_of, target_of
from failoverctl.report.change import PastChange
from failoverctl.report.course import Step
from failoverctl.steps import read_steps
from failoverctl.whatif.read_log import read_account

SEARCHED_AT_MOST = 1000
BEFORE_S, AFTER_S = 60.0, 60.0
"""Seconds before and after a change of which the probes are read, too."""
SETTINGS = (
    "ProbeIntervalSeconds", "ProbeTimeoutSeconds", "FailureThreshold", "WatchStartsFailover", "WatchHoldsConnection",
    "AlarmPeriodSeconds", "AlarmPeriods", "RestartFirst", "AccessSettlesSeconds", "LateLoginSeconds",
    "PowerPauseSeconds", "RecordTtlSeconds", "StartLimitSeconds", "StatusLimitSeconds", "OldestCopySeconds",
    "ReplicateSoftware", "RecoveryTargetSeconds",
)  # fmt: skip
"""The stack's parameters that decide how a change goes; the others name what is the owner's."""


def read_change(account: Account, stack: Stack, named: str | None) -> PastChange:
    """Read a change of the pair.

    Args:
        named: the execution's name or ARN; None for the change that runs or was halted, or else the last one.

    Raises:
        CommandError: there is no such change, it is another pair's, or nothing of it can be read.
    """
    lines, unread = _history(account, stack, may_fail=named is not None)
    execution = _execution_of(stack, named) if named else _last(account, stack, lines)
    line = next((each for each in lines if each["execution"] == execution), None)
    change = PastChange(
        stack.pair, stack.name, stack.region, execution, time.time(), "", 0.0, target_of(stack),
        settings=_settings(stack), missing=unread,
    )  # fmt: skip
    try:
        change = _as_it_ran(account, change)
    except CommandError as error:
        if line is None:
            raise CommandError(
                f"{error} Nor is it in the pair's history: `failoverctl history` has what is.", error.code
            ) from error
        change = _as_it_was_written(change, line, error)
    change = _from_line(change, line) if line else _without_line(account, stack, change)
    return _with_probes(account, stack, change)


def _settings(stack: Stack) -> dict[str, str]:
    found = {name: stack.parameters[name] for name in SETTINGS if name in stack.parameters}
    given = stack.parameters.get("DatabaseNetworkAclIds")
    return found if given is None else {**found, "DatabaseNetworkAclIds": "given" if given else ""}


def _history(account: Account, stack: Stack, may_fail: bool) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The lines of the pair's history, and why they could not be read where that may be."""
    try:
        return history(account, stack, SEARCHED_AT_MOST), ()
    except CommandError as error:
        if not may_fail:
            raise
        return [], (str(error),)


def _execution_of(stack: Stack, named: str) -> str:
    mine = stack.machine.replace(":stateMachine:", ":execution:")
    if not named.startswith("arn:"):
        return f"{mine}:{named}"
    if named.rpartition(":")[0] != mine:
        raise CommandError(
            f"{named} is no execution of the pair {stack.pair} (stack {stack.name} in {stack.region}): name the stack"
            " that it belongs to with --stack and --region.",
            Exit.USAGE,
        )
    return named


def _last(account: Account, stack: Stack, lines: list[dict[str, Any]]) -> str:
    record = read_record(account, stack)
    if record.lease:
        return record.lease.execution
    found = next((each for each in lines if each["outcome"] != "noted"), None)
    if found is None:
        raise CommandError("There is no change in the pair's history yet: name an execution.", Exit.NOT_DONE)
    return str(found["execution"])


def _as_it_ran(account: Account, change: PastChange) -> PastChange:
    with plainly("read the execution"):
        answer = account.client("stepfunctions").describe_execution(executionArn=change.execution)
    outcome, sentence, output = outcome_of(answer)
    asked = object_of(answer.get("input"))
    source, target = _servers(output, outcome)
    return replace(
        change,
        outcome=outcome,
        source=source,
        target=target,
        sentence=sentence,
        would=str(output.get("would", "")),
        started_at=answer["startDate"].timestamp(),
        stopped_at=answer["stopDate"].timestamp() if "stopDate" in answer else None,
        action=str(asked.get("action", "")),
        reason=str(asked.get("reason", "")),
        requested_by=str(asked.get("requested_by", "")),
        dry_run=asked.get("dry_run") is True,
        counts_from=_moment(asked.get("first_failed_at")),
        epoch=output.get("epoch") or None,
        steps=tuple(map(Step.of, read_steps(account, change.execution))),
    )


def _servers(output: Mapping[str, Any], outcome: str) -> tuple[str, str]:
    """Source and target, of what the workflow says is active at its end; empty where it says nothing of it."""
    active = output.get("active")
    if active not in set(Role) or outcome not in ("promoted", "rolled-back", "stood-down", "blocked"):
        return "", ""
    role = Role(active)
    moved = outcome in ("promoted", "rolled-back")
    return (role.other.value, role.value) if moved else (role.value, role.other.value)


def _moment(value: object) -> float | None:
    """A moment as it is stored; None for what is none, or 0, which stands for not known."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _as_it_was_written(change: PastChange, line: Mapping[str, Any], error: CommandError) -> PastChange:
    """From the pair's history alone: Step Functions forgets an execution 90 days after its end."""
    steps = tuple(
        Step(str(each["name"]), float(each["start"]), float(each["end"])) for each in line.get("phases") or ()
    )
    return replace(
        change,
        started_at=min([each.start for each in steps] or [float(line["taken_at"])]),
        stopped_at=float(line["ended_at"]),
        steps=steps,
        has_answers=False,
        missing=(
            *change.missing,
            f"The execution can't be read, and Step Functions keeps one for 90 days after its end: the steps are those"
            f" that the pair's history kept, without what they said, and whether they failed. ({error})",
        ),
    )


def _from_line(change: PastChange, line: Mapping[str, Any]) -> PastChange:
    """With what the pair's history says of it, which is what counts where two say something."""
    receipt = line.get("receipt")
    return replace(
        change,
        action=str(line["action"]),
        reason=str(line["reason"]),
        requested_by=str(line["requested_by"]),
        source=str(line["source"]),
        target=str(line["target"]),
        sentence=str(line["sentence"]),
        outcome=change.outcome if change.runs else str(line["outcome"]),
        epoch=int(line["epoch"]),
        counts_from=_moment(line.get("counts_from")) or change.counts_from,
        recovery_s=seconds_of(line),
        files_as_of=_moment(line.get("files_as_of")),
        receipt=receipt if isinstance(receipt, Mapping) else None,
    )


def _without_line(account: Account, stack: Stack, change: PastChange) -> PastChange:
    """With what the record says of a change that runs; of an ended one nothing more is known."""
    lease = None
    if change.runs:
        record = read_record(account, stack)
        lease = record.lease if record.lease and record.lease.execution == change.execution else None
        if lease:
            receipt = record.receipt if record.receipt and record.receipt.epoch == lease.epoch else None
            return replace(
                change,
                action=lease.action,
                source=lease.target.other.value,
                target=lease.target.value,
                epoch=lease.epoch,
                counts_from=lease.counts_from or change.counts_from,
                receipt=receipt.to_json() if receipt else None,
            )
    if change.runs or change.dry_run or change.outcome == "refused":
        return change  # it has no line, or none yet
    kept = stack.parameters.get("HistoryDays") or "0"
    days = f" It is kept for {kept} days." if kept != "0" else ""
    return replace(
        change,
        missing=(
            *change.missing,
            f"The pair's history has no line of it: the fence receipt, the seconds until a server served and the age"
            f" of the copy are not known.{days}",
        ),
    )


def _with_probes(account: Account, stack: Stack, change: PastChange) -> PastChange:
    begin = min(change.zero, change.counts_from or change.zero) - BEFORE_S
    end = change.ended_at + AFTER_S
    try:
        # A run of probes is logged when it is over, which is ten minutes after its begin at the latest.
        log = read_account(account, stack, begin, end + RUN_LASTS_S + AFTER_S, windows=1)
    except CommandError as error:
        return replace(change, missing=(*change.missing, f"What the watchdog observed can't be read. {error}"))
    runs = tuple(each for each in log.runs if each.to_s >= begin and each.from_s <= end)
    lacks = list(change.missing)
    if log.unread:
        lacks.append(f"{log.unread} lines of the watchdog's log could not be read.")
    if not runs:
        days = stack.parameters.get("LogRetentionDays") or "365"
        lacks.append(
            f"The watchdog's log has no probe of that time: what it observed is not known. Logs are kept for {days}"
            " days, and a line is written when what is observed changes, or each ten minutes."
        )
    return replace(change, probes=runs, missing=tuple(lacks))
