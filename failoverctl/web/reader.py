"""The one reader behind all browsers: a status each few seconds while somebody is looking, and no call otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from failoverctl import actions, render
from failoverctl.account import Stack, ask_later, find_stack, find_stacks
from failoverctl.commands import MOVED, CommandContext
from failoverctl.errors import CommandError
from failoverctl.pairs import options_of
from failoverctl.status import read_status
from failoverctl.steps import Step
from failoverctl.watching import steps_of
from failoverctl.web.view import View, pair_view

IDLE_S = 10.0
"""Seconds after the last request in which somebody is still taken to be looking."""
FOLLOWED_AT_MOST_S = 7200.0
"""Seconds for which an execution that was started here is read, though nobody looks."""
_OTHERS_TURN = 5
"""With several pairs, each fifth status is of one that nobody looks at: its line in the list is to be true, too."""


@dataclass
class Pair:
    """A pair as it was read last.

    Args:
        line: how the list shows it.
        view: what the page shows of it; None before the first status.
        steps, execution: of the execution that ran last, as far as they were read, and its ARN.
        read_at, visited_at: moments by the monotonic clock; 0 for never.
        followed: the execution that was started here and has not ended, and its request.
        done: how the last one ended that was started here.
    """

    stack: Stack
    line: dict[str, Any]
    view: View | None = None
    steps: list[Step] = field(default_factory=list)
    execution: str = ""
    read_at: float = 0.0
    visited_at: float = 0.0
    followed: tuple[str, dict[str, Any], float] | None = None
    done: dict[str, Any] | None = None


class Reader:
    """Reads the pairs in turn and wakes those who wait for news.

    One status at a time with the same pause as `watch`, whatever the number of browsers and of pairs: so it makes no
    more calls than `watch` does. A pair that was not read yet is read without a pause.

    Args:
        every: seconds from the end of a status to the next one.
    """

    def __init__(self, context: CommandContext, every: float) -> None:
        self._context, self._every = context, every
        self._news = threading.Condition()
        self._pairs: dict[str, Pair] = {}
        self._error, self._version, self._turn = "", 0, 0
        self._waiting, self._visited_at, self._ended = 0, float("-inf"), False
        self._found_for = float("-inf")
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the reader end, and those who wait return; a status that is being read is not awaited."""
        with self._news:
            self._ended = True
            self._news.notify_all()

    def state(self, stack: str, after: int, wait_s: float) -> dict[str, Any]:
        """What is known, as soon as it is newer than that, or when the time is over.

        Args:
            stack: the pair that is looked at; empty for the list, or the only one.
            after: the version that the browser has.
            wait_s: seconds to wait for a newer one.
        """
        with self._news:
            self._waiting += 1
            self._visited(stack)
            self._news.notify_all()
            self._news.wait_for(lambda: self._version != after or self._ended, wait_s)
            self._waiting -= 1
            self._visited_at = time.monotonic()
            pair = self._visited(stack)
            return {
                "version": self._version,
                "error": self._error,
                "pairs": [each.line for each in self._pairs.values()],
                "pair": pair.view if pair else None,
                "done": pair.done if pair else None,
                "following": bool(pair and pair.followed),
            }

    def stack(self, name: str) -> Stack:
        """The stack of that name, as it was found. Raises CommandError where it is none of those on the page."""
        with self._news:
            if name not in self._pairs:
                raise CommandError(f"There is no pair of the stack {name!r} on this page. Nothing was done.")
            return self._pairs[name].stack

    def follow(self, stack: str, execution: str, request: Mapping[str, Any]) -> None:
        """Read an execution that was started here to its end, whether or not somebody is looking."""
        with self._news:
            pair = self._pairs[stack]
            pair.followed, pair.done = (execution, dict(request), time.monotonic() + FOLLOWED_AT_MOST_S), None
            self._news.notify_all()

    # ---- the thread that reads ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ended or self._is_wanted())
                if self._ended:
                    return
            try:
                self._round()
            except CommandError as error:
                self._publish(str(error))
            except Exception as error:  # the page says so, and the next round tries again
                self._publish(f"failoverctl itself failed ({type(error).__name__}: {error}). What runs in AWS goes on.")
            with self._news:
                unread = any(not each.read_at for each in self._pairs.values()) and not self._error
                self._news.wait_for(lambda: self._ended, 0 if unread else self._every)

    def _is_wanted(self) -> bool:
        return (
            self._waiting > 0
            or time.monotonic() - self._visited_at < IDLE_S
            or any(each.followed for each in self._pairs.values())
        )

    def _visited(self, stack: str) -> Pair | None:
        pair = self._pairs.get(stack) or (next(iter(self._pairs.values())) if len(self._pairs) == 1 else None)
        if pair:
            pair.visited_at = time.monotonic()
        return pair

    def _publish(self, error: str = "") -> None:
        with self._news:
            self._error, self._version = error, self._version + 1
            self._news.notify_all()

    def _round(self) -> None:
        """Read one pair. Stacks are looked for when somebody begins to look, as a command does when it starts."""
        now = time.monotonic()
        if not self._pairs or now - self._found_for > IDLE_S + self._every:
            self._find()
        self._found_for = now
        pair = self._next()
        if pair:
            self._read(pair)
        self._publish("" if self._pairs else "There is no stack of ms-failover in this region.")
        self._found_for = time.monotonic()

    def _find(self) -> None:
        account, name = self._context.account, self._context.arguments.stack
        deployed, others = ([find_stack(account, name)], {}) if name else find_stacks(account)
        if others and not deployed:
            raise CommandError(f"No stack of this region is deployed as a whole: {', '.join(sorted(others))}.")
        with self._news:
            kept = self._pairs
            self._pairs = {each.name: kept.get(each.name) or Pair(each, _unread(each)) for each in deployed}
            for each in deployed:
                self._pairs[each.name].stack = each

    def _next(self) -> Pair | None:
        """Whose turn it is: one that was not read yet, then those that are looked at, each fifth time another one."""
        with self._news:
            self._turn += 1
            oldest = sorted(self._pairs.values(), key=lambda each: each.read_at)
            if not oldest or not oldest[0].read_at or self._turn % _OTHERS_TURN == 0:
                return oldest[0] if oldest else None
            now = time.monotonic()
            wanted = [each for each in oldest if each.followed or now - each.visited_at < IDLE_S]
            return (wanted or oldest)[0]

    def _read(self, pair: Pair) -> None:
        account = self._context.account
        where = options_of(self._context, pair.stack, pair.stack.region)
        status = read_status(account, pair.stack, where, with_history=True)
        steps = steps_of(account, status["execution"])
        done = self._ended_of(pair, where)
        with self._news:
            if steps:
                pair.steps, pair.execution = steps, str(status["execution"]["arn"])
            pair.view = {**pair_view(status, pair.steps, pair.execution), "warnings": _warnings(status)}
            pair.line = _line(pair)
            pair.read_at = time.monotonic()
            if done:
                pair.followed, pair.done = None, done

    def _ended_of(self, pair: Pair, where: str) -> dict[str, Any] | None:
        """How the execution ended that was started here; None while it runs, or where there is none."""
        if not pair.followed:
            return None
        execution, request, until = pair.followed
        name = execution.rsplit(":", 1)[-1]
        try:
            ended, runs = actions.read_execution(self._context.account, execution)
        except CommandError as error:
            sentence = f"{error} Its outcome is not known here: failoverctl explain {name}{where}"
            return {"execution": name, "sentence": sentence} if time.monotonic() > until else None
        if runs:
            sentence = f"It has not ended, and goes on: failoverctl watch{where}"
            return {"execution": name, "sentence": sentence} if time.monotonic() > until else None
        # The copy of the new direction is not waited for by its schedule. A switchover asks for it itself.
        if ended.outcome in MOVED and request["action"] != "switchover":
            ask_later(self._context.account, pair.stack, "replicate", {"action": "scheduled"})
        said = render.ended_text(ended.outcome, ended.would, ended.sentence, where)
        return {"execution": name, "sentence": f"{request['action']}: {said.plain}"}


def _unread(stack: Stack) -> dict[str, Any]:
    return {"stack": stack.name, "pair": stack.pair, "region": stack.region, "how": "", "well": False, "sentence": ""}


def _line(pair: Pair) -> dict[str, Any]:
    view = pair.view or {}
    known = {"how": view["how"], "well": view["well"], "sentence": view["headline"], "at": view["at"]}
    return {**_unread(pair.stack), **known}


def _warnings(status: Mapping[str, Any]) -> dict[str, str]:
    """What each action is about to do, as the command line says it before it asks."""
    record = status["record"]
    lease = record.get("lease") or {}
    active = str(record.get("active") or "nobody")
    other = {"ms1": "ms2", "ms2": "ms1"}.get(active, "the one found active")
    other_of = {"resume": str(lease.get("target") or other)}
    return {
        verb: warning.format(active=active, other=other_of.get(verb, other))
        for verb, warning in actions.WARNINGS.items()
    }
