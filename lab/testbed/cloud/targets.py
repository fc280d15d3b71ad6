"""Delivery to targets, at least once: Lambda functions, state machines, topics."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.functions import Functions

_ATTEMPTS = 12
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 30.0

Plan = Callable[[str, str, Mapping[str, Any] | str], Sequence[float]]


def normally(_rule: str, _target_arn: str, _payload: Mapping[str, Any] | str) -> Sequence[float]:
    """Deliver once, at once."""
    return (0.0,)


class UnsupportedTargetError(Exception):
    """A target that nothing here delivers to."""


class Targets:
    """Delivers payloads in the background.

    `plan` decides for each delivery (rule or schedule, target's ARN, payload) when it happens, in seconds from now:
    `()` loses it, `(0, 0)` doubles it, `(30,)` delays it. Tests of lost and doubled events set it.
    """

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="delivery")
        self._stopped = threading.Event()
        self.plan: Plan = normally
        self.failures: list[str] = []

    @staticmethod
    def supports(arn: str) -> bool:
        return arn.split(":")[2] in ("lambda", "states", "sns")

    def deliver(self, origin: str, arn: str, payload: str) -> None:
        """Deliver as planned, and again while it fails. `origin` names the rule, schedule or alarm."""
        for delay_s in self.plan(origin, arn, payload):
            if delay_s > 0:
                self._later(delay_s, origin, arn, payload, 0)
            else:
                self._submit(origin, arn, payload, 0)

    def stop(self) -> None:
        self._stopped.set()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _submit(self, origin: str, arn: str, payload: str, attempt: int) -> None:
        if not self._stopped.is_set():
            self._workers.submit(self._attempt, origin, arn, payload, attempt)

    def _later(self, delay_s: float, origin: str, arn: str, payload: str, attempt: int) -> None:
        timer = threading.Timer(delay_s, self._submit, (origin, arn, payload, attempt))
        timer.daemon = True
        timer.start()

    def _attempt(self, origin: str, arn: str, payload: str, attempt: int) -> None:
        try:
            self._send(arn, payload)
        except Exception as error:
            if self._stopped.is_set():
                return
            if attempt + 1 < _ATTEMPTS:
                delay_s = min(_FIRST_DELAY_S * 2**attempt, _LONGEST_DELAY_S)
                self._later(delay_s, origin, arn, payload, attempt + 1)
                return
            text = f"{origin} could not deliver to {arn} in {_ATTEMPTS} attempts: {type(error).__name__}: {error}"
            self.failures.append(text)
            print(text, file=sys.stderr)

    def _send(self, arn: str, payload: str) -> None:
        service = arn.split(":")[2]
        if service == "lambda":
            backend("lambda").get_function(arn)  # raises when it is not there
            self._functions.invoke_async(arn, payload.encode())
        elif service == "states":
            backend("stepfunctions").start_execution(arn, str(uuid.uuid4()), payload)
        elif service == "sns":
            backend("sns").publish(message=payload, arn=arn)
        else:
            raise UnsupportedTargetError(arn)
