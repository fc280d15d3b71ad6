"""Requests of people, alarms and functions: admitted as what they say, or refused in a sentence and nothing changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.adapters import clients, lambda_invoke
from msfailover.adapters.pair_table import NewerIsKept, NotStorable, PairTable
from msfailover.decisions import controls, transitions
from msfailover.decisions.audit import NotToBeKeptOut
from msfailover.history import Outcome
from msfailover.pair import PairState, Role
from msfailover.record import state_to_json
from msfailover.request import Action, BadRequest, Request, parse_request
from msfailover.verdict import unknown

from tests.environments import OWN, complete, settings_in, start
from tests.fuzz.inputs import ANYTHING, fuzzed, nearly

LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30).filter(str.strip)
REQUESTS = nearly(
    {
        "action": st.sampled_from([each.value for each in Action]),
        "target": st.sampled_from(["ms1", "ms2", None]),
        "reason": LINE,
        "requested_by": st.one_of(LINE, st.sampled_from(["watch", "alarm"])),
        "dry_run": st.booleans(),
    }
)
FUNCTIONS = tuple(OWN)


def one_line(sentence: str) -> bool:
    return bool(sentence) and len(sentence) < 2000 and "\n" not in sentence and "\x00" not in sentence


@fuzzed(2500)
@given(REQUESTS)
def test_an_input_is_a_request_of_bounded_lines_or_is_refused_in_a_sentence(data: Any) -> None:
    try:
        request = parse_request(data)
    except BadRequest as error:
        assert one_line(str(error))
        return
    assert isinstance(request, Request)
    for text in (request.reason, request.requested_by):
        assert 0 < len(text) <= 500
        assert text.isprintable()


class Memory:
    """DynamoDB as the record needs it: items in memory, conditions on the version that was read."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Any] = {}

    def get_item(self, *, Key: Any, **_: Any) -> Any:  # noqa: N803
        found = self.items.get((Key["pair"]["S"], Key["item"]["S"]))
        return {"Item": copy.deepcopy(found)} if found else {}

    def put_item(self, *, Item: Any, **_: Any) -> Any:  # noqa: N803
        self.items[Item["pair"]["S"], Item["item"]["S"]] = copy.deepcopy(Item)

    def transact_write_items(self, *, TransactItems: Any, **_: Any) -> Any:  # noqa: N803
        for each in TransactItems:
            self.put_item(Item=each["Put"]["Item"])

    def query(self, **_: Any) -> Any:
        return {"Items": [item for (_, name), item in self.items.items() if name.startswith("history#")]}


@pytest.fixture(scope="module")
def pair() -> Iterator[ModuleType]:
    """The function that keeps the record; whatever it asks of others is not known."""
    app = start("pair", complete("pair"))
    with (
        mock.patch.object(app, "SERVER_WAIT_S", 0.0),
        mock.patch.object(app, "put", lambda *_: unknown("Nobody answers.")),
        mock.patch.object(lambda_invoke, "ask", lambda *_: unknown("Nobody answers.").to_json()),
        mock.patch.object(app.step_functions, "phases", lambda *_: []),
        mock.patch.object(app.step_functions, "running", lambda *_: unknown("Step Functions does not say.")),
        mock.patch.object(app.clients, "stepfunctions", lambda: None),
    ):
        yield app


EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:ms-failover-failover:one"
STATES = st.sampled_from(
    [
        PairState(),
        PairState(Role.MS1, 3),
        PairState(Role.MS2, 4, acknowledged=False, mode="manual", maintenance_until=2e9),
    ]
)


@pytest.fixture(scope="module", autouse=True)
def clients_are_put_back() -> Iterator[None]:
    """The tables of memory are for this module only."""
    real = clients.dynamodb
    yield
    clients.dynamodb = real


def record(app: ModuleType, state: PairState) -> Memory:
    memory = Memory()
    app.clients.dynamodb = lambda: memory
    PairTable(memory, settings_in(app).table, settings_in(app).pair.name).change(lambda _: state)  # type: ignore[arg-type]
    return memory


@fuzzed(800)
@given(state=STATES, request=REQUESTS)
def test_a_refused_request_leaves_the_record_as_it_was(pair: ModuleType, state: PairState, request: Any) -> None:
    memory = record(pair, state)
    before = copy.deepcopy(memory.items)
    event = {"action": "begin", "execution": EXECUTION, "request": request, "entered": datetime.now(UTC).isoformat()}
    answer = pair.handler(event, None)
    assert one_line(answer["sentence"])
    if not answer["admitted"] or (isinstance(request, dict) and request.get("dry_run")):
        assert memory.items == before
    else:
        assert answer["plan"]["epoch"] == state.epoch + 1


NAMED = (
    BadRequest,
    transitions.LeaseLost,
    transitions.TooLate,
    NotToBeKeptOut,
    controls.Outdated,
    NewerIsKept,
    NotStorable,
)
EVENTS = nearly(
    {
        "action": st.sampled_from(
            ["begin", "dry_run", "survey", "verify_fence", "verify_promotion", "turn_back", "conclude", "refuse",
             "set_mode", "maintenance", "acknowledge", "hold", "release", "keep_readiness", "may_restart",
             "verify_power", "end_sessions"]
        ),
        "execution": st.just(EXECUTION),
        "entered": st.just("2026-01-31T12:00:00Z"),
        "request": REQUESTS,
        "server": st.sampled_from(["ms1", "ms2"]),
        "outcome": st.sampled_from([each.value for each in Outcome]),
        "sentence": LINE,
        "mode": st.sampled_from(["automatic", "manual", "shadow"]),
        "seconds": st.integers(0, 3600),
        "requested_by": LINE,
        "readiness": ANYTHING,
        "epoch": st.integers(1, 9),
    }
)  # fmt: skip


@fuzzed(800)
@given(state=STATES, event=EVENTS)
def test_what_the_keeper_of_the_record_is_asked_it_answers_or_refuses_by_name(
    pair: ModuleType, state: PairState, event: Any
) -> None:
    memory = record(pair, state)
    before = copy.deepcopy(memory.items)
    try:
        answer = pair.handler(event, None)
    except NAMED as error:
        assert one_line(str(error))
        assert memory.items == before
        return
    assert isinstance(answer, dict)
    after = PairTable(memory, settings_in(pair).table, settings_in(pair).pair.name).read()  # type: ignore[arg-type]
    assert after.active == state.active
    assert after.epoch == state.epoch, "no input makes a server active by itself"
    assert after.receipt is None
    state_to_json(after)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_event_without_a_known_action_gets_further_than_a_refusal(function: str) -> None:
    app = start(function, complete(function))
    if function in ("watch", "audit"):
        app.probe_once = lambda _context: None  # type: ignore[attr-defined]
        app.observe = lambda _context: (None, ())  # type: ignore[attr-defined]
    nobody = mock.Mock(side_effect=AssertionError("an event of no action reached AWS"))
    with (
        mock.patch.multiple(app.clients, **dict.fromkeys(("dynamodb", "ec2", "ssm", "functions"), nobody))
        if hasattr(app, "clients")
        else mock.MagicMock()
    ):

        @fuzzed(60)
        @given(nearly({"detail-type": st.just("EC2 Command Status-change Notification"), "server": st.just("ms1")}))
        def ask(event: Any) -> None:
            if isinstance(event, dict):
                event = {**event, "once": True, "detail": event.get("detail", "none")}
            try:
                assert isinstance(app.handler(event, None), dict)
            except BadRequest as error:
                assert one_line(str(error))

        ask()


def test_an_event_that_is_no_object_is_refused() -> None:
    app = start("dns", complete("dns"))
    event: Any
    for event in ([], "", None, 7):
        with pytest.raises(BadRequest, match="a JSON object is needed"):
            app.handler(event, None)


@pytest.mark.parametrize("reason", ["a\u2028b", "a\x85b", "\u202eabc", "a\ud800"])
def test_a_reason_is_printable_to_the_last_character(reason: str) -> None:
    with pytest.raises(BadRequest, match="not one line of at most 500 characters"):
        parse_request({"action": "failover", "reason": reason})
