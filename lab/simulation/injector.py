"""The gate that every call goes through: counts it, lets the world go on, and lets go wrong what the schedule says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from lab.simulation.clock import Clock
from lab.simulation.faults import EVENTS, HELD, OVERTAKEN, WRITES, Fault, Kind
from lab.simulation.invocations import HeldUp, Invocation

T = TypeVar("T")

CALL_TAKES_S = 0.02
LATER, MUCH_LATER, LAST = 7, 90, 1_000_000
"""Boundaries after which what was late, or comes again, is delivered; the last is never come to before `silence`."""

COMES_AGAIN = {Kind.AGAIN: LATER, Kind.AGAIN_LATE: MUCH_LATER, Kind.AGAIN_LAST: LAST}

GOES_ON = {Kind.HELD: LATER, Kind.HELD_LONG: MUCH_LATER}

DELAYED_S = 4.0
"""Seconds after which what was delayed is done: a client waits as long for an answer, and has given up by then."""

BOUNDARIES_AT_MOST = 6000


class Died(BaseException):
    """The execution was ended from outside; nothing in it may catch this."""


class Endless(BaseException):
    """The schedule came to more boundaries than any should."""


class Injector:
    """The gate.

    Args:
        clock: virtual time; each call takes a little of it.
        faults: what goes wrong.
        happen: lets an event happen to the world; says whether the execution under way has ended by it.
        tick: lets the world go on by itself.
        note: takes a line for the story.
        owned: binds what is delivered later to the execution that asks for it now.
    """

    def __init__(
        self,
        clock: Clock,
        faults: Iterable[Fault],
        happen: Callable[[Kind], bool],
        tick: Callable[[], None],
        note: Callable[[str], None],
        owned: Callable[[Callable[[], object]], Callable[[], object]],
    ) -> None:
        self._clock, self._happen, self._tick, self._note, self._owned = clock, happen, tick, note, owned
        self.faults = tuple(faults)
        self.counts: Counter[str] = Counter()
        self.fired: list[Fault] = []
        self.boundaries = 0
        self.delivering = False
        self._later: list[tuple[int, str, Callable[[], object]]] = []
        self._delayed: list[tuple[float, str, Callable[[], object]]] = []
        self.depth = 0
        self._aside: list[tuple[int, int, Callable[[], None]]] = []
        self._held: list[Invocation] = []

    def invoke(self, work: Callable[[], T]) -> T:
        """Run a function's invocation, which can be held up at a call of it where a fault says so: then `HeldUp`."""
        if not any(fault.kind in HELD for fault in self.faults):
            return work()
        answer: T = Invocation(work).begin()
        return answer

    def give_up(self) -> None:
        """The schedule is over: end what is held up still."""
        while self._held:
            self._held.pop().give_up()

    def silence(self) -> None:
        """From here on nothing goes wrong any more; what was late is delivered now."""
        self.faults = ()
        waiting = [(place, effect) for _, place, effect in (*self._delayed, *self._later)]
        self._delayed, self._later = [], []
        for place, effect in waiting:
            self._deliver(place, effect)

    def come_to(self, place: str) -> list[Fault]:
        """Count a boundary and let happen what is due there; the faults that strike the call itself are returned."""
        self.boundaries += 1
        if self.boundaries > BOUNDARIES_AT_MOST:
            raise Endless(f"More than {BOUNDARIES_AT_MOST} boundaries; the last one is {place}.")
        self._clock.advance(CALL_TAKES_S)
        self._tick()
        self._run_aside()
        self._deliver_due()
        self.counts[place] += 1
        count = self.counts[place]
        striking = [fault for fault in self.faults if fault.strikes(place, count)]
        self.fired += striking
        for fault in striking:
            self._note(f"FAULT {fault.kind} at {place} ({count})")
            if fault.kind in EVENTS:
                self._happen(fault.kind)
        self._tick()
        return [fault for fault in striking if fault.kind not in EVENTS]

    def call(
        self,
        place: str,
        effect: Callable[[], T],
        failure: Callable[[Kind], Exception],
        stale: Callable[[], T] | None = None,
        dry: bool = False,
    ) -> T:
        """Make a call through the gate.

        Args:
            place: what is called.
            effect: does it.
            failure: the exception that a kind of fault looks like to the caller.
            stale: what a stale read answers.
            dry: whether it only asks for a right (DryRun): whenever it arrives, it changes nothing.
        """
        struck = self.come_to(place)
        kind = struck[0].kind if struck else None
        if kind is Kind.DIE:
            raise Died(place)
        if kind in (Kind.ERROR, Kind.BROKEN, Kind.THROTTLE, Kind.TIMEOUT):
            raise failure(kind)
        if kind in (Kind.DELAYED, Kind.LATE):
            self._put_off(kind, place, effect, dry)
            raise failure(Kind.TIMEOUT)
        if kind is Kind.STALE and stale is not None:
            return stale()
        if kind in GOES_ON:
            self._hold_up(place, GOES_ON[kind])
            if place in WRITES:
                raise failure(Kind.TIMEOUT)
        overtaken = kind is not None and kind in OVERTAKEN and self._happen(kind)
        answer = effect()
        self._tick()
        if kind is Kind.DIE_AFTER or overtaken:
            raise Died(place)
        if kind is Kind.LOST:
            raise failure(kind)
        if kind is Kind.TWICE:
            answer = effect()
            self._tick()
        if kind in COMES_AGAIN:
            self._later.append((self.boundaries + COMES_AGAIN[kind], place, self._owned(effect)))
        return answer

    def _put_off(self, kind: Kind, place: str, effect: Callable[[], object], dry: bool) -> None:
        if kind is Kind.LATE:
            self._later.append((self.boundaries + LATER, place, self._owned(effect)))
        elif not dry:
            self._delayed.append((self._clock.time() + DELAYED_S, place, self._owned(effect)))

    def _hold_up(self, place: str, boundaries: int) -> None:
        """Hold up the invocation that comes to a place, and let it go on after so many boundaries."""
        invocation = Invocation.current()
        if invocation is None or self.delivering:
            return
        self._held.append(invocation)

        def go_on() -> None:
            self._held.remove(invocation)
            with suppress(HeldUp):
                invocation.go_on()

        self._later.append((self.boundaries + boundaries, f"what is held up at {place}", self._owned(go_on)))
        invocation.hold_up()

    def send(self, place: str, effect: Callable[[], object], failure: Callable[[Kind], Exception]) -> None:
        """Order something that is not awaited: it is done a while later, or never."""
        struck = self.come_to(place)
        kind = struck[0].kind if struck else None
        if kind is Kind.DIE:
            raise Died(place)
        if kind in COMES_AGAIN:
            self._later.append((self.boundaries + COMES_AGAIN[kind], place, self._owned(effect)))
        elif kind is not None:
            raise failure(kind)
        self._later.append((self.boundaries + LATER, place, self._owned(effect)))

    def side_by_side(self, branches: list[Callable[[], None]], order: int) -> None:
        """Run the branches of a Parallel: the second one whole, somewhere in the first.

        Args:
            branches: two of them; more are run one after the other.
            order: after so many boundaries of the first one, and which of the two is the first one: the second if
                it is negative.
        """
        if len(branches) != 2:
            for branch in branches:
                branch()
            return
        first, second = branches[::-1] if order < 0 else branches
        entry = (self.depth, self.boundaries + abs(order), second)
        self._aside.append(entry)
        first()
        if entry in self._aside:
            self._aside.remove(entry)
            second()

    def _run_aside(self) -> None:
        if self._aside and self._aside[-1][0] == self.depth and self._aside[-1][1] <= self.boundaries:
            self._aside.pop()[2]()

    def _deliver_due(self) -> None:
        due = [each for each in self._later if each[0] <= self.boundaries]
        self._later = [each for each in self._later if each[0] > self.boundaries]
        now = self._clock.time()
        delayed = [each for each in self._delayed if each[0] <= now]
        self._delayed = [each for each in self._delayed if each[0] > now]
        for _, place, effect in (*delayed, *due):
            self._deliver(place, effect)

    def delayed(self) -> list[str]:
        """The calls that were given up and are done later, not done yet."""
        return [place for _, place, _ in self._delayed]

    def _deliver(self, place: str, effect: Callable[[], object]) -> None:
        self._note(f"LATE delivery of {place}")
        before, self.delivering = self.delivering, True
        try:
            effect()
        except Exception as error:
            self._note(f"  which came to nothing: {type(error).__name__}: {error}")
        finally:
            self.delivering = before
        self._tick()
