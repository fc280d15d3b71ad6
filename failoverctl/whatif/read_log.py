"""What the watchdog observed, read back from its log: the lines "probes", each of which stands for many probes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from msfailover.decisions.detection import Evidence
from msfailover.verdict import Answer
from msfailover.watching import RUN_LASTS_S, Run

from failoverctl.account import Account, Stack, item
from failoverctl.errors import CommandError, Exit, plainly

PATTERN = '{ $.message = "probes" }'
WINDOWS = 12
"""Parts of the time that are read side by side: CloudWatch gives a megabyte an answer, whatever it is asked."""
SHORTEST_GAP_S = 0.02
"""Seconds from one probe to the next, at least, by far: the shortest interval is 0.2, and a suspicion halves it."""
LATEST_S = 1e11
"""Seconds since 1970 that are no time any more."""
PAGES_AT_MOST = 2000
"""Answers that are read of one part; a year of probes is some thirty in all."""


@dataclass(frozen=True)
class Log:
    """What was read.

    Args:
        runs: in order of time.
        unread: how many lines could not be read.
    """

    runs: list[Run]
    unread: int


def read_account(account: Account, stack: Stack, since_s: float, until_s: float, windows: int = WINDOWS) -> Log:
    """Read the watchdog's log group, and the run that is not logged yet from the table.

    Args:
        since_s, until_s: seconds since 1970.
        windows: parts of that time that are read side by side.

    Raises:
        CommandError: the log could not be read.
    """
    edges = [since_s + (until_s - since_s) * part / windows for part in range(windows + 1)]
    account.client("logs")  # made here: it is used by threads
    with ThreadPoolExecutor(windows) as threads:
        parts = threads.map(lambda window: _read_window(account, stack, *window), pairwise(edges))
        lines = [line for part in parts for line in part]
    open_run = item(account, stack, "watch").get("run")
    if isinstance(open_run, str):
        lines.append(open_run)
    return log_of(lines)


def _read_window(account: Account, stack: Stack, since_s: float, until_s: float) -> list[str]:
    lines, more = list[str](), dict[str, str]()
    for _ in range(PAGES_AT_MOST):
        with plainly("read the watchdog's log"):
            answer = account.client("logs").filter_log_events(
                logGroupName=f"/aws/lambda/{stack.function('watch')}",
                startTime=round(since_s * 1000),
                endTime=round(until_s * 1000) - 1,  # it is included
                filterPattern=PATTERN,
                **more,
            )
        lines += [line for each in answer["events"] if '"probes"' in (line := str(each["message"]))]
        if "nextToken" not in answer:
            return lines
        more = {"nextToken": answer["nextToken"]}
    raise CommandError(f"The log is longer than {PAGES_AT_MOST} answers: ask for a shorter time with --since.")


def read_file(path: Path) -> Log:
    """Read lines of JSON from a file, as they stand in the log.

    Raises:
        CommandError: it can't be read, or holds no line of the watchdog's.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            found = log_of(line for line in file if '"probes"' in line)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.", Exit.USAGE) from error
    if not found.runs:
        raise CommandError(f"{path} has no line of the watchdog's that says what it observed.", Exit.USAGE)
    return found


def log_of(lines: Iterable[str]) -> Log:
    """The runs in some lines, each once and in order of time; what is no run is counted."""
    runs: dict[float, Run] = {}
    unread = 0
    for line in lines:
        try:
            run = Run.from_json(next(_objects(line)))
            _demand_possible(run)
        except (ValueError, StopIteration, RecursionError):
            unread += 1
            continue
        # A run that was read while it went on is the beginning of the one that was logged.
        if run.from_s not in runs or runs[run.from_s].count < run.count:
            runs[run.from_s] = run
    return Log(sorted(runs.values(), key=lambda each: each.from_s), unread)


def _demand_possible(run: Run) -> None:
    """Raise `ValueError` for a run that no watchdog can have logged: each probe of it is gone through one by one."""
    lasted_s = run.to_s - run.from_s
    possible = (
        0 < run.from_s < LATEST_S
        and 0 <= lasted_s <= 2 * RUN_LASTS_S
        and 1 <= run.count <= 1 + lasted_s / SHORTEST_GAP_S
        and 0 <= run.longest_gap_s < LATEST_S
        and (run.asked == "" or (run.asked in set(Evidence) and run.answer in set(Answer)))
    )
    if not possible:
        raise ValueError("No watchdog can have observed that.")


def _objects(line: str) -> Iterator[dict[str, object]]:
    found = json.loads(line)
    if isinstance(found, dict):
        yield found
