"""The other functions of the stack, as their callers know them: asked by Lambda, answering in JSON or failing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from msfailover.verdict import Verdict

from tests.functions.wire import Failure, Wire

Asked = Mapping[str, Any]


class Raises(Exception):
    """The function ends with an error of that name."""

    def __init__(self, kind: str, message: str = "as the test wants it") -> None:
        super().__init__(kind, message)
        self.kind, self.message = kind, message


class Answers(Wire):
    """What each function answers to each action; an action that nobody prepared fails, as an unknown one does.

    `asked` holds every call in order: the function's short name and the payload.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(client, "lambda", {"Invoke": self.invoke})
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._prepared: dict[tuple[str, str], list[Any]] = {}

    def prepare(
        self, function: str, action: str, *answers: Verdict | dict[str, Any] | Exception | Callable[[Asked], Any]
    ) -> None:
        """Have `function` answer `action` with these in turn, and with the last one from then on."""
        self._prepared[function, action] = list(answers)

    def actions(self, function: str) -> list[str]:
        """The actions one function was asked for, in order."""
        return [str(payload.get("action")) for name, payload in self.asked if name == function]

    def invoke(self, call: Mapping[str, Any]) -> dict[str, Any]:
        function = str(call["FunctionName"]).rsplit(":", 1)[-1].removeprefix("ms-failover-")
        payload = json.loads(call["Payload"])
        self.asked.append((function, payload))
        waiting = self._prepared.get((function, payload["action"]))
        if waiting is None:
            return _failed("BadRequest", f"{function} has no answer to {payload['action']}")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if callable(answer):
            answer = answer(payload)
        if isinstance(answer, Raises):
            return _failed(answer.kind, answer.message)
        if isinstance(answer, Failure):
            raise answer
        body = answer.to_json() if isinstance(answer, Verdict) else answer
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(body).encode())}


def _failed(kind: str, message: str) -> dict[str, Any]:
    body = {"errorType": kind, "errorMessage": message, "stackTrace": []}
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
