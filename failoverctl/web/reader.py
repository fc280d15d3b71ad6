"""The one reader behind all browsers: a status each few seconds while somebody is looking, and no call otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from failoverctl import actions, render
from failoverctl.account import ask_later
from failoverctl.commands import MOVED, CommandContext
from failoverctl.errors import CommandError
from failoverctl.pairs import options_of
from failoverctl.serving import DOUBTFUL
from failoverctl.status import read_status
from failoverctl.steps import Step
from failoverctl.watching import steps_of
from failoverctl.web.regions import Place, Regions, one_region
from failoverctl.web.view import View, pair_view

IDLE_S = 10.0
"""Seconds after the last request in which somebody is still taken to be looking."""
FOLLOWED_AT_MOST_S = 7200.0
"""Seconds for which an execution that was started here is read, though nobody looks."""
PATIENCE_S = 10.0
"""Seconds that one status may hold up those of the other pairs: a region that hangs is left to answer when it does."""
_OTHERS_TURN = 5
"""With several pairs, each fifth status is of one that nobody looks at: its line in the list is to be true, too."""


@dataclass
class Pair:
    """A pair as it was read last.

    Args:
        place: where it is.
        line: how the list shows it.
        view: what the page shows of it; None before the first status.
        steps, execution: of the execution that ran last, as far as they were read, and its ARN.
        read_at, visited_at: moments by the monotonic clock; 0 for never.
        asked_at: since when a status of it is awaited, by the monotonic clock; 0 where none is.
        error: why the last status could not be read, or that it does not come; empty otherwise.
        followed: the execution that was started here and has not ended, and its request.
        done: how the last one ended that was started here.
    """

    place: Place
    line: dict[str, Any]
    view: View | None = None
    steps: list[Step] = field(default_factory=list)
    execution: str = ""
    read_at: float = 0.0
    visited_at: float = 0.0
    asked_at: float = 0.0
    error: str = ""
    followed: tuple[str, dict[str, Any], float] | None = None
    done: dict[str, Any] | None = None


class Reader:
    """Reads the pairs in turn and wakes those who wait for news.

    One status at a time with the same pause as `watch`, whatever the number of browsers and of pairs: so it makes no
    more calls than `watch` does. A pair that was not read yet is read without a pause. A status that does not come is
    awaited beside the others, and that pair not asked again before it came.

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
        self._notes: list[str] = []
        self._regions = Regions(context.account, self._found) if context.arguments.all_regions else None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the reader end, and those who wait return; a status that is being read is not awaited."""
        with self._news:
            self._ended = True
            self._news.notify_all()

    def state(self, chosen: str, after: int, wait_s: float) -> dict[str, Any]:
        """What is known, as soon as it is newer than that, or when the time is over.

        Args:
            chosen: the pair that is looked at, by its place's id; empty for the list, or the only one.
            after: the version that the browser has.
            wait_s: seconds to wait for a newer one.
        """
        with self._news:
            self._waiting += 1
            self._visited(chosen)
            self._news.notify_all()
            self._news.wait_for(lambda: self._version != after or self._ended, wait_s)
            self._waiting -= 1
            self._visited_at = time.monotonic()
            pair = self._visited(chosen)
            return {
                "version": self._version,
                "error": self._error or (pair.error if pair else ""),
                "notes": self._notes,
                "pairs": [each.line for each in self._pairs.values()],
                "pair": _shown(pair) if pair else None,
                "done": pair.done if pair else None,
                "following": bool(pair and pair.followed),
            }

    def place(self, chosen: str) -> Place:
        """The place with that id, as it was found. Raises CommandError where it is none of those on the page."""
        with self._news:
            if chosen not in self._pairs:
                raise CommandError(f"There is no pair of the stack {chosen!r} on this page. Nothing was done.")
            return self._pairs[chosen].place

    def follow(self, place: Place, execution: str, request: Mapping[str, Any]) -> None:
        """Read an execution that was started here to its end, whether or not somebody is looking."""
        with self._news:
            pair = self._pairs[place.id]
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
                self._news.wait_for(lambda: self._ended or self._has_unread(), self._every)

    def _is_wanted(self) -> bool:
        return (
            self._waiting > 0
            or time.monotonic() - self._visited_at < IDLE_S
            or any(each.followed for each in self._pairs.values())
        )

    def _has_unread(self) -> bool:
        return not self._error and any(not each.read_at and not each.asked_at for each in self._pairs.values())

    def _visited(self, chosen: str) -> Pair | None:
        alone = len(self._pairs) == 1 and (self._regions is None or self._regions.all_answered())
        pair = self._pairs.get(chosen) or (next(iter(self._pairs.values())) if alone else None)
        if pair:
            pair.visited_at = time.monotonic()
        return pair

    def _publish(self, error: str = "") -> None:
        with self._news:
            self._error, self._version = error, self._version + 1
            self._news.notify_all()

    def _round(self) -> None:
        """Read one pair. Stacks are looked for when somebody begins to look, as a command does when it starts."""
        begins = time.monotonic() - self._found_for > IDLE_S + self._every
        if self._regions:
            self._regions.ask(anew=begins)
            self._found()
        elif begins or not self._pairs:
            self._take_in(*one_region(self._context.account, self._context.arguments.stack))
        self._found_for = time.monotonic()
        pair = self._next()
        if pair:
            self._read_or_leave(pair)
        self._publish(self._why_none())
        self._found_for = time.monotonic()

    def _why_none(self) -> str:
        if self._pairs or (self._regions and not self._regions.all_answered()):
            return ""
        where = "in this region" if not self._regions else "in any region of this account"
        return f"There is no stack of ms-failover {'in the regions that answered' if self._notes else where}."

    def _found(self) -> None:
        """A region has answered: its pairs are on the page from now on."""
        if self._regions:
            self._take_in(self._regions.places(), self._regions.notes())

    def _take_in(self, places: Sequence[Place], notes: Sequence[str]) -> None:
        with self._news:
            kept = self._pairs
            self._pairs = {each.id: kept.get(each.id) or Pair(each, _unread(each)) for each in places}
            for each in places:
                self._pairs[each.id].place = each
            if [*kept] != [*self._pairs] or self._notes != [*notes]:
                self._notes, self._version = [*notes], self._version + 1
                self._news.notify_all()

    def _next(self) -> Pair | None:
        """Whose turn it is: one that was not read yet, then those that are looked at, each fifth time another one."""
        with self._news:
            self._turn += 1
            free = [each for each in self._pairs.values() if not each.asked_at]
            oldest = sorted(free, key=lambda each: each.read_at)
            if not oldest or not oldest[0].read_at or self._turn % _OTHERS_TURN == 0:
                return oldest[0] if oldest else None
            now = time.monotonic()
            wanted = [each for each in oldest if each.followed or now - each.visited_at < IDLE_S]
            return (wanted or oldest)[0]

    def _read_or_leave(self, pair: Pair) -> None:
        """Have a pair read, and say so where that takes longer than the others can wait."""
        come = threading.Event()
        pair.asked_at = time.monotonic()
        threading.Thread(target=self._read_apart, args=(pair, come), name=pair.place.id, daemon=True).start()
        if come.wait(PATIENCE_S):
            return
        since = time.strftime("%H:%M:%S UTC", time.gmtime(time.time() - PATIENCE_S))
        with self._news:
            if pair.asked_at:
                pair.error = f"No answer from {pair.place.region} since {since}."
                pair.line = _line(pair)

    def _read_apart(self, pair: Pair, come: threading.Event) -> None:
        error = ""
        try:
            self._read(pair)
        except CommandError as failed:
            error = str(failed)
        except Exception as failed:  # the page says so, and the next turn tries again
            error = f"failoverctl itself failed ({type(failed).__name__}: {failed}). What runs in AWS goes on."
        with self._news:
            left = time.monotonic() - pair.asked_at > PATIENCE_S
            pair.error, pair.asked_at, pair.read_at = error, 0.0, time.monotonic()
            pair.line = _line(pair)
        come.set()
        if left:  # otherwise the round publishes it
            self._publish(self._error)

    def _read(self, pair: Pair) -> None:
        account = pair.place.account
        where = options_of(self._context, pair.place.stack, pair.place.region)
        status = read_status(account, pair.place.stack, where, with_history=True)
        steps = steps_of(account, status["execution"])
        done = self._ended_of(pair, where)
        with self._news:
            if steps:
                pair.steps, pair.execution = steps, str(status["execution"]["arn"])
            shown = pair_view(status, pair.steps, pair.execution)
            pair.view = {**shown, "id": pair.place.id, "region": pair.place.region, "warnings": _warnings(status)}
            if done:
                pair.followed, pair.done = None, done

    def _ended_of(self, pair: Pair, where: str) -> dict[str, Any] | None:
        """How the execution ended that was started here; None while it runs, or where there is none."""
        if not pair.followed:
            return None
        execution, request, until = pair.followed
        name = execution.rsplit(":", 1)[-1]
        try:
            ended, runs = actions.read_execution(pair.place.account, execution)
        except CommandError as error:
            sentence = f"{error} Its outcome is not known here: failoverctl explain {name}{where}"
            return {"execution": name, "sentence": sentence} if time.monotonic() > until else None
        if runs:
            sentence = f"It has not ended, and goes on: failoverctl watch{where}"
            return {"execution": name, "sentence": sentence} if time.monotonic() > until else None
        # The copy of the new direction is not waited for by its schedule. A switchover asks for it itself.
        if ended.outcome in MOVED and request["action"] != "switchover":
            ask_later(pair.place.account, pair.place.stack, "replicate", {"action": "scheduled"})
        said = render.ended_text(ended.outcome, ended.would, ended.sentence, where, action=str(request["action"]))
        return {"execution": name, "sentence": f"{request['action']}: {said.plain}"}


def _shown(pair: Pair) -> View | None:
    """The view; what could not be seen since is shown, and not called good."""
    return {**pair.view, "how": DOUBTFUL} if pair.view and pair.error else pair.view


def _unread(place: Place) -> dict[str, Any]:
    about = {"id": place.id, "stack": place.stack.name, "pair": place.stack.pair, "region": place.region}
    return {**about, "how": "", "well": False, "sentence": ""}


def _line(pair: Pair) -> dict[str, Any]:
    """The pair's line in the list: what was seen last is no more than that where it could not be seen since."""
    view = pair.view
    known = {"how": view["how"], "well": view["well"], "sentence": view["headline"], "at": view["at"]} if view else {}
    if pair.error:
        last = f" Seen last: {view['headline']}" if view else ""
        known |= {"how": DOUBTFUL, "well": False, "sentence": f"{pair.error}{last}"}
    return {**_unread(pair.place), **known}


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
