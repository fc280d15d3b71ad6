"""The audit puts on the event bus what is new, at least once, and nothing hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.verdict import no, yes

from lab.testbed.cloud.event_schemas import faults
from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import state


class Bus(Wire):
    """EventBridge: what it was given, and whether it takes it."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, "events", {"PutEvents": self._put})
        self.given: list[dict[str, Any]] = []
        self.how = "takes"

    def _put(self, call: Any) -> dict[str, Any]:
        if self.how == "fails":
            raise Failure("InternalException")
        if self.how == "refuses one":
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
        self.given += call["Entries"]
        assert len(call["Entries"]) <= 10
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in call["Entries"]]}

    def take(self) -> list[str]:
        import json

        found, self.given = self.given, []
        for each in found:
            assert each["Source"] == "ms-failover"
            assert faults(each["DetailType"], json.loads(each["Detail"])) == []
        return [each["DetailType"] for each in found]


@pytest.fixture
def bus(cloud: None) -> Iterator[Bus]:
    with Bus(clients.events()) as made:
        yield made


@pytest.fixture
def audit(run: Start, record: Record, answers: Answers) -> ModuleType:
    """The function, in front of a pair of which nothing but the name is known to be well."""
    record.put(state())
    for function in ("database-access", "database-sessions"):
        answers.prepare(function, "status", lambda asked: yes("In.") if asked["server"] == "ms1" else no("Out."))
    answers.prepare("dns", "status", yes("It points to 10.0.0.11.", values=["10.0.0.11"]))
    return run("audit", TABLE_NAME=record.name, STACK_NAME="demo")


def test_what_was_before_the_first_time_is_no_news_and_what_comes_later_is(
    audit: ModuleType, record: Record, bus: Bus
) -> None:
    record.note(1)
    audit.handler({}, None)
    assert "Failover Held" not in bus.take()
    audit.handler({}, None)
    assert bus.take() == []
    for number in range(2, 14):
        record.note(number)
    audit.handler({}, None)
    assert bus.take() == ["Failover Held"] * 12
    audit.handler({}, None)
    assert bus.take() == []


def test_a_finding_is_announced_when_it_comes_and_when_it_goes(
    audit: ModuleType, record: Record, answers: Answers, bus: Bus
) -> None:
    audit.handler({}, None)
    bus.take()
    answers.prepare("dns", "status", yes("It points to 10.0.0.12.", values=["10.0.0.12"]))
    audit.handler({}, None)
    audit.handler({}, None)
    assert bus.take() == ["Finding Changed"]
    answers.prepare("dns", "status", yes("It points to 10.0.0.11.", values=["10.0.0.11"]))
    audit.handler({}, None)
    assert bus.take() == ["Finding Changed"]
    record.table.put_readiness({"at": 1.0, "checks": [{"name": "clocks agree", "answer": "no", "sentence": "+9 s."}]})
    audit.handler({}, None)
    assert bus.take() == ["Finding Changed"]


@pytest.mark.parametrize("how", ["fails", "refuses one"])
def test_what_the_bus_does_not_take_fails_no_audit_and_comes_again(
    audit: ModuleType, record: Record, bus: Bus, how: str
) -> None:
    audit.handler({}, None)
    bus.take()
    record.note(1)
    bus.how = how
    assert audit.handler({}, None)["risk"]
    bus.how = "takes"
    audit.handler({}, None)
    assert bus.take() == ["Failover Held"]


def test_a_chain_that_begins_anew_is_followed_from_there(audit: ModuleType, record: Record, bus: Bus) -> None:
    record.note(1)
    record.table.put_announced(7, {})
    audit.handler({}, None)
    bus.take()
    record.note(2)
    audit.handler({}, None)
    assert bus.take() == ["Failover Held"]
