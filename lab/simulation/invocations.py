"""Invocations that can be held up in the middle of a function, while the workflow gives them up and goes on.

Each runs in a thread of its own, but never two at a time: who hands over waits until it is handed back. So the same run
gives the same run again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

TURN_LASTS_S = 120.0
"""Seconds of real time after which an invocation that neither ends nor hands over is taken for stuck."""


class HeldUp(Exception):
    """The invocation has not ended; it is held up at a call."""


class _GivenUp(BaseException):
    """The schedule is over; what is held up still ends here."""


class Invocation:
    """A function's invocation.

    Args:
        work: what it does.
    """

    _here = threading.local()

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._its_turn, self._our_turn = threading.Semaphore(0), threading.Semaphore(0)
        self._ended, self._given_up = False, False
        self._answer: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def current() -> Invocation | None:
        """The one that the caller runs in; None where there is none."""
        return getattr(Invocation._here, "invocation", None)

    def begin(self) -> Any:
        """Run it until it ends: returns what it does, and raises what it does; or until it is held up: `HeldUp`."""
        self._thread.start()
        return self._await()

    def go_on(self) -> None:
        """Let it go on from where it is held up. Nobody hears what it returns; raises what it does.

        Raises:
            HeldUp: it is held up again.
        """
        self._its_turn.release()
        self._await()

    def give_up(self) -> None:
        """End it where it is held up."""
        self._given_up = True
        self._its_turn.release()
        self._thread.join(timeout=10)

    def hold_up(self) -> None:
        """Called in it: hand over to whoever waits for it, until it is to go on."""
        self._our_turn.release()
        self._its_turn.acquire()
        if self._given_up:
            raise _GivenUp

    def _await(self) -> Any:
        if not self._our_turn.acquire(timeout=TURN_LASTS_S):
            raise RuntimeError(f"an invocation has not handed over for {TURN_LASTS_S:g} s")
        if not self._ended:
            raise HeldUp
        if self._error is not None:
            raise self._error
        return self._answer

    def _run(self) -> None:
        Invocation._here.invocation = self
        try:
            self._answer = self._work()
        except _GivenUp:
            return
        except BaseException as error:
            self._error = error
        self._ended = True
        self._our_turn.release()
