"""How a function answers: by its table of actions, in its context, and in no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from msfailover.request import BadRequest
from msfailover.runtime import observability
from msfailover.runtime.handler import Action, Context, Event, Handler, without_request
from msfailover.verdict import Verdict, yes


def _word_in(event: Event) -> str:
    if not isinstance(event.get("word"), str):
        raise BadRequest("word is missing.")
    return str(event["word"])


def _say(context: Context[str], word: str) -> Verdict:
    return yes(f"{context.settings}: {word}.")


def _count(context: Context[str]) -> dict[str, Any]:
    made = context.once("calls", list[int])
    made.append(1)
    return {"calls": len(made)}


def _when(context: Context[str]) -> dict[str, Any]:
    return {"now": context.clock.time()}


ACTIONS: Mapping[str, Action[str, Any]] = {
    "say": Action(_word_in, _say),
    "count": without_request(_count),
    "when": without_request(_when),
}


def made(*names: str) -> Handler[str]:
    actions = {name: ACTIONS[name] for name in names or ACTIONS}
    return Handler(observability.logger_for("test"), actions, Context("settings"))


def test_an_action_gets_its_request_parsed_and_its_context() -> None:
    assert made()({"action": "say", "word": "hello"}, None)["sentence"] == "settings: hello."


def test_what_is_no_request_of_the_action_is_refused_by_its_parser() -> None:
    with pytest.raises(BadRequest, match="word is missing"):
        made()({"action": "say"}, None)


@pytest.mark.parametrize(
    ("names", "needed"),
    [(("say",), "say"), (("say", "count"), "say or count"), (("say", "count", "when"), "one of say, count, when")],
)
@pytest.mark.parametrize("action", ["mend", None, ["say"], {"say": 1}])
def test_another_action_is_refused_with_the_names_of_those_there_are(
    names: tuple[str, ...], needed: str, action: Any
) -> None:
    with pytest.raises(BadRequest) as refused:
        made(*names)({"action": action}, None)
    assert str(refused.value) == f"action is {str(action)[:40]!r}, but {needed} is needed."


def test_an_action_that_only_an_event_asks_for_is_done_and_not_named_in_a_refusal() -> None:
    actions = {"count": ACTIONS["count"], "ended": replace(ACTIONS["count"], named=False)}
    handler = Handler(observability.logger_for("test"), actions, Context("settings"))
    assert handler({"action": "ended"}, None) == {"calls": 1}
    with pytest.raises(BadRequest, match=r"but count is needed\.$"):
        handler({"action": "mend"}, None)


def test_what_whoever_asks_gets_for_an_answer_can_be_changed_once_it_is_logged() -> None:
    did: list[str] = []

    def finish(event: Event, answer: dict[str, Any]) -> dict[str, Any]:
        did.append("finish")
        return {**answer, "asked": event["word"]}

    handler = replace(made(), log=lambda *_: did.append("log"), finish=finish)
    assert handler({"action": "say", "word": "hello"}, None)["asked"] == "hello"
    assert did == ["log", "finish"]


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest, match="a JSON object is needed"):
        made()(["say"], None)  # type: ignore[arg-type]


def test_a_process_remembers_from_call_to_call_and_a_context_of_its_own_remembers_nothing() -> None:
    handler = made()
    assert [handler({"action": "count"}, None)["calls"] for _ in range(2)] == [1, 2]
    assert handler.within()({"action": "count"}, None) == {"calls": 1}
    assert handler({"action": "count"}, None) == {"calls": 3}


def test_a_clock_that_is_handed_in_is_the_one_that_is_asked_and_waited_by() -> None:
    waited: list[float] = []
    clock = SimpleNamespace(time=lambda: 7.0, monotonic=lambda: sum(waited), sleep=waited.append)
    handler = made().within(clock=clock)
    assert handler({"action": "when"}, None) == {"now": 7.0}
    assert len(list(handler.context.attempts(3.0, first_s=1.0, most_s=1.0))) == 4
    assert waited == [1.0, 1.0, 1.0]
