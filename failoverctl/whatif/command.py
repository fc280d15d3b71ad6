"""`whatif`: which failovers there would have been, with the present settings and with a grid of others."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msfailover.decisions.slots import Pace
from msfailover.watching import Run
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from failoverctl.account import Account, Stack
from failoverctl.commands import CommandContext, since_of
from failoverctl.errors import CommandError, Exit, plainly
from failoverctl.recovery import median
from failoverctl.whatif.plot import Dot, scatter
from failoverctl.whatif.read_log import Log, read_account, read_file
from failoverctl.whatif.replay import Replayed, Takeover, pace_of, replay, replay_otherwise, stretches_of

THRESHOLDS = (1, 2, 3, 4, 6, 8, 12)
INTERVALS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
SHOWN_AT_MOST = 20


@dataclass(frozen=True)
class Setting:
    """A row of the table.

    Args:
        replayed: what came of it.
        needless: how many of its takeovers were for nothing.
        dollars: what the stack costs a month with it; None where its template can't be read.
        present: whether it is the stack's own.
    """

    replayed: Replayed
    needless: int
    dollars: float | None
    present: bool

    @property
    def name(self) -> str:
        return f"{self.replayed.pace.threshold} × {self.replayed.pace.interval_s:g} s"

    @property
    def detection_s(self) -> tuple[float, float] | None:
        """Seconds from the first failed probe to the decision, the median and the worst; None without a takeover."""
        took = [each.detection_s for each in self.replayed.takeovers]
        return (median(took), max(took)) if took else None

    def to_json(self, takeover_s: float) -> dict[str, Any]:
        middle, worst = self.detection_s or (None, None)
        return {
            "threshold": self.replayed.pace.threshold,
            "interval_s": self.replayed.pace.interval_s,
            "present": self.present,
            "takeovers": [_takeover_json(each, takeover_s) for each in self.replayed.takeovers],
            "needless": self.needless,
            "undecided": self.replayed.undecided,
            "detection_s": {"median": middle, "worst": worst},
            "dollars_a_month": self.dollars,
        }


def show(context: CommandContext) -> Exit:
    """Replay what the watchdog observed; shows a table, and writes a plot where one is asked for."""
    given, stack = context.arguments, context.stack()
    until = time.time()
    since = since_of(given.since)
    log = read_file(Path(given.log_file)) if given.log_file else read_account(context.account, stack, since, until)
    runs = [each for each in log.runs if each.to_s >= since]
    if not runs:
        raise CommandError(
            "The watchdog has logged no probes since then. It writes a line each ten minutes: a pair that was deployed,"
            " or updated, just now has none yet.",
            Exit.NOT_DONE,
        )
    settings = _settings(context.account, stack, runs, given.takeover_seconds)
    if given.plot:
        _write_plot(Path(given.plot), settings, runs)
    present = next(each for each in settings if each.present)
    context.show(
        {
            "from": runs[0].from_s,
            "to": runs[-1].to_s,
            "probes": sum(each.count for each in runs),
            "unread": log.unread,
            "otherwise": present.replayed.otherwise,
            "takeover_seconds": given.takeover_seconds,
            "settings": [each.to_json(given.takeover_seconds) for each in settings],
        },
        _screen(stack, log, runs, settings, given.takeover_seconds),
    )
    return Exit.DONE


def _settings(account: Account, stack: Stack, runs: Sequence[Run], takeover_s: float) -> list[Setting]:
    given = stack.parameters
    own = pace_of(given)
    stretches, template = stretches_of(runs, own), _template(account, stack)
    found = []
    intervals = sorted({own.interval_s, *(each for each in INTERVALS_S if each >= own.interval_s)})
    for interval in intervals:
        for threshold in sorted({own.threshold, *THRESHOLDS}):
            pace = Pace(interval, own.timeout_s, threshold)
            replayed = replay(runs, pace) if pace == own else replay_otherwise(stretches, pace)
            needless = sum(each.needless(takeover_s) for each in replayed.takeovers)
            found.append(Setting(replayed, needless, _dollars(template, given, pace), pace == own))
    return found


def _template(account: Account, stack: Stack) -> Mapping[str, Any] | None:
    """The stack's template; None where it can't be read: what settings cost is left out then."""
    try:
        with plainly("read the stack's template"):
            client = account.client("cloudformation")
            body = client.get_template(StackName=stack.name, TemplateStage="Processed")["TemplateBody"]
        return dict(json.loads(body) if isinstance(body, str) else body)
    except (CommandError, ValueError):
        return None


def _dollars(template: Mapping[str, Any] | None, given: Mapping[str, str], pace: Pace) -> float | None:
    from failoverctl import cost  # nothing else needs it, nor what it imports

    if template is None:
        return None
    try:
        lines = cost.bill(template, {**given, "ProbeIntervalSeconds": f"{pace.interval_s:g}"})
    except cost.NotCounted:
        return None
    return round(sum(each.dollars for each in lines), 2)


def _screen(
    stack: Stack, log: Log, runs: Sequence[Run], settings: Sequence[Setting], takeover_s: float
) -> RenderableType:
    present = next(each for each in settings if each.present)
    return Group(_head(stack, runs, log, present), Text(), _table(settings), Text(), _takeovers(present, takeover_s))


def _head(stack: Stack, runs: Sequence[Run], log: Log, present: Setting) -> Text:
    probes, longest = sum(each.count for each in runs), max(each.longest_gap_s for each in runs[1:] or runs)
    said = Text.assemble(
        (f"{stack.pair}: ", "bold"),
        f"{probes:,} probes from {_clock(runs[0].from_s)} to {_clock(runs[-1].to_s)}; the longest time from one to the"
        f" next was {longest:.1f} s.",
    )
    if log.unread:
        said.append(f"\n{log.unread} lines could not be read and are left out.", style="yellow")
    if present.replayed.otherwise:
        said.append(
            f"\n{present.replayed.otherwise:,} probes are named otherwise by this version than when they were taken.",
            style="yellow",
        )
    return said


def _table(settings: Sequence[Setting]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("setting", "takeovers", "needless", "detected after", "worst", "undecided", "$ a month"):
        table.add_column(title, justify="left" if title == "setting" else "right")
    for each in settings:
        middle, worst = (f"{value:.1f} s" for value in each.detection_s) if each.detection_s else ("-", "-")
        table.add_row(
            Text(f"{each.name}{'  now' if each.present else ''}", style="bold" if each.present else ""),
            str(len(each.replayed.takeovers)),
            Text(str(each.needless), style="yellow" if each.needless else ""),
            middle,
            worst,
            str(each.replayed.undecided),
            "-" if each.dollars is None else f"{each.dollars:.2f}",
        )
    return table


def _takeovers(present: Setting, takeover_s: float) -> Text:
    found = present.replayed.takeovers
    if not found:
        return Text("With the present settings there would have been no failover.")
    said = Text(f"With the present settings ({present.name}):")
    for each in found[-SHOWN_AT_MOST:]:
        needless = each.needless(takeover_s)
        said.append(f"\n{_clock(each.at)}  {each.active} {each.finding}, after {each.detection_s:.1f} s: {each.why}")
        lasted = f" {each.ended_at - each.at:.0f} s later" if each.ended_at else ""
        said.append(
            f"\n    {'needless: ' if needless else ''}the outage ended by: {each.ended}{lasted}",
            style="yellow" if needless else "dim",
        )
    left_out = len(found) - SHOWN_AT_MOST
    return said.append(f"\n{left_out} earlier ones: --json has them all.", style="dim") if left_out > 0 else said


def _takeover_json(each: Takeover, takeover_s: float) -> dict[str, Any]:
    return {
        "at": round(each.at, 3),
        "active": each.active.value,
        "finding": each.finding,
        "why": each.why,
        "detection_s": round(each.detection_s, 3),
        "ended": each.ended,
        "ended_at": round(each.ended_at, 3),
        "needless": each.needless(takeover_s),
    }


def _write_plot(path: Path, settings: Sequence[Setting], runs: Sequence[Run]) -> None:
    dots = [Dot(each.detection_s[0], each.needless, each.name, each.present) for each in settings if each.detection_s]
    title = f"Failovers there would have been, {_clock(runs[0].from_s)[:10]} to {_clock(runs[-1].to_s)[:10]}"
    try:
        path.write_text(scatter(dots, title), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.", Exit.CANNOT_WRITE) from error


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
