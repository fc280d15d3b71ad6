"""The pair's record against a real conditional write: two writers can't both win, and a lost reply is recognised."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ReadTimeoutError
from msfailover.adapters import clients
from msfailover.adapters.pair_table import WRITERS_AT_MOST, Ending, PairTable, RecordBusy, _attributes, key_of
from msfailover.decisions.transitions import conclude
from msfailover.freshness import Freshness
from msfailover.history import History, Note, Outcome
from msfailover.pair import PairState, Role
from msfailover.record import state_to_json

from tests.functions.record import Record
from tests.samples import NOW, OURS, THEIRS, lease, receipt, state

FULL = state(
    lease=lease(taken_at=NOW + 0.123456),
    receipt=receipt(verified_at=NOW + 0.987654),
    acknowledged=False,
    mode="manual",
    maintenance_until=NOW + 3600.5,
    halted="ms2 did not start – „Zeitüberschreitung“.",
)


@contextmanager
def before_each_write(act: Any) -> Iterator[None]:
    """Do something behind the writer's back, between its reading and its writing."""
    events = clients.dynamodb().meta.events
    busy: list[bool] = []

    def interfere(**_: Any) -> None:
        if not busy:  # what `act` writes itself is not interfered with
            busy.append(True)
            act()
            busy.clear()

    events.register("before-call.dynamodb.PutItem", interfere)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb.PutItem", interfere)


@contextmanager
def lost_reply() -> Iterator[list[int]]:
    """The first write arrives, but its reply does not: the client tries it again, as botocore does by itself."""
    events = clients.dynamodb().meta.events
    replies: list[int] = []

    def lose(response: Any, **_: Any) -> Any:
        replies.append(1)
        return 0.0 if len(replies) == 1 else None

    events.register_first("needs-retry.dynamodb.PutItem", lose)
    try:
        yield replies
    finally:
        events.unregister("needs-retry.dynamodb.PutItem", lose)


def test_nobody_has_written_yet(record: Record) -> None:
    assert record.table.read() == PairState()
    assert record.table.history() == []
    assert record.table.freshness() == Freshness()


@pytest.mark.parametrize("wanted", [PairState(epoch=1), state(), FULL])
def test_what_is_written_is_read_again_to_the_last_digit(record: Record, wanted: PairState) -> None:
    written = record.table.change(lambda _: replace(wanted, version=0))
    assert record.table.read() == written == replace(wanted, version=1)


def test_every_write_counts_the_version_up(record: Record) -> None:
    for epoch in range(1, 4):
        assert record.table.change(partial(replace, epoch=epoch)).version == epoch


def test_a_change_that_changes_nothing_writes_nothing(record: Record) -> None:
    record.put(state())
    before = record.table.read()
    assert record.table.change(lambda same: same) == before
    assert record.table.read() == before


def test_what_the_alteration_raises_is_passed_on_and_nothing_is_written(record: Record) -> None:
    record.put(state())
    before = record.table.read()

    def refuse(_: PairState) -> PairState:
        raise LookupError("not mine")

    with pytest.raises(LookupError):
        record.table.change(refuse)
    assert record.table.read() == before


@pytest.mark.parametrize("first", [True, False], ids=["the very first write", "a later write"])
def test_of_two_writers_one_wins_and_the_other_reads_again(record: Record, first: bool) -> None:
    if not first:
        record.put(state())
    theirs = iter([lease(execution=THEIRS)])
    seen: list[str | None] = []

    def somebody_else_is_faster() -> None:
        for each in theirs:
            PairTable(clients.dynamodb(), record.name, "management-server").change(
                lambda before, each=each: replace(before, active=Role.MS1, epoch=1, lease=each)  # type: ignore[misc]
            )

    def take(before: PairState) -> PairState:
        seen.append(before.lease.execution if before.lease else None)
        return before if before.lease else replace(before, lease=lease(execution=OURS))

    with before_each_write(somebody_else_is_faster):
        after = record.table.change(take)
    assert seen == [None, THEIRS]
    assert after.lease is not None
    assert after.lease.execution == THEIRS
    assert record.table.read() == after


def test_a_writer_who_is_never_fast_enough_gives_up_and_says_so(record: Record) -> None:
    record.put(state())
    times: list[int] = []

    def somebody_else_is_faster() -> None:
        times.append(1)
        record.table.change(lambda before: replace(before, epoch=before.epoch + 1))

    with before_each_write(somebody_else_is_faster), pytest.raises(RecordBusy) as caught:
        record.table.change(lambda before: replace(before, mode="manual"))
    assert len(times) == WRITERS_AT_MOST
    assert str(caught.value) == (
        f"The record of management-server was written by others {WRITERS_AT_MOST} times; try again."
    )
    assert record.table.read().mode == "automatic"


@pytest.mark.parametrize("before", [None, state()], ids=["the very first write", "a later write"])
def test_a_write_whose_reply_was_lost_is_recognised_as_our_own(record: Record, before: PairState | None) -> None:
    if before:
        record.put(before)
    calls: list[int] = []

    def alter(found: PairState) -> PairState:
        calls.append(1)
        return replace(FULL, version=found.version)

    with lost_reply() as replies:
        after = record.table.change(alter)
    assert len(replies) == 2, "the client tried it twice"
    assert len(calls) == 1, "and nobody took it for somebody else's write"
    assert record.table.read() == after


def test_a_lost_reply_does_not_hide_that_somebody_else_won(record: Record) -> None:
    record.put(state())
    record.table.change(lambda before: replace(before, lease=lease(execution=THEIRS)))
    stale = replace(state(), version=1)
    body = {"active": "ms1", "epoch": 1, "lease": None, "version": 2}
    assert record.table._put("state", body, stale.version) is False


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


def test_a_record_that_a_transaction_holds_is_written_when_that_is_through(record: Record) -> None:
    record.put(state())
    events, refused = clients.dynamodb().meta.events, iter(["TransactionConflictException"])

    def refuse(**_: Any) -> Any:
        for code in refused:
            body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "held"}
            return AWSResponse("memory", 400, HTTPHeaders(), Raw(json.dumps(body).encode()))
        return None

    events.register("before-send.dynamodb.PutItem", refuse)
    try:
        assert record.table.change(lambda before: replace(before, mode="manual")).mode == "manual"
    finally:
        events.unregister("before-send.dynamodb.PutItem", refuse)
    assert next(refused, None) is None


def test_any_other_error_of_the_table_is_not_swallowed(cloud: None) -> None:
    nowhere = PairTable(clients.dynamodb(), "no-such-table", "management-server")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        nowhere.read()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        nowhere.end_change(partial(ended, Outcome.HALTED))


def test_pairs_in_one_table_know_nothing_of_each_other(record: Record) -> None:
    record.put(state())
    other = PairTable(clients.dynamodb(), record.name, "another-pair")
    assert other.read() == PairState()
    other.change(lambda before: replace(before, mode="manual"))
    assert record.table.read().mode == "automatic"


# ---- the history -----------------------------------------------------------------------------------------------------


def ended(outcome: Outcome, before: PairState) -> Ending:
    return Ending(*conclude(before, OURS, outcome, "So it ended.", NOW + 9.5), [{"name": "Begin"}])


def returned(end: Ending, _before: PairState) -> Ending:
    return end


def test_an_end_is_written_to_history_and_record_at_once(record: Record) -> None:
    record.put(FULL)
    record.table.end_change(partial(ended, Outcome.PROMOTED))
    (found,) = record.table.history()
    assert History.from_json(found) == ended(Outcome.PROMOTED, FULL).line
    assert found["phases"] == [{"name": "Begin"}]
    assert record.get() == replace(ended(Outcome.PROMOTED, FULL).state, version=0)


def test_of_two_ends_of_one_execution_the_first_wins(record: Record) -> None:
    record.put(FULL)
    record.table.end_change(partial(ended, Outcome.HALTED))
    with pytest.raises(RecordBusy):
        record.table.end_change(partial(ended, Outcome.PROMOTED))
    assert record.outcomes == ["halted"]
    assert record.get().active is FULL.active


def test_a_change_that_has_its_line_is_not_ended_again(record: Record) -> None:
    record.put(FULL)
    before = record.get()
    record.table.end_change(lambda _: None)
    assert (record.outcomes, record.get()) == ([], before)


@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.HALTED])
def test_an_end_is_read_again_where_somebody_wrote_between(record: Record, outcome: Outcome) -> None:
    record.put(FULL)
    modes = iter(["shadow"])

    def end(before: PairState) -> Ending:
        for mode in modes:
            record.table.change(partial(replace, mode=mode))
        return ended(outcome, before)

    record.table.end_change(end)
    assert (record.outcomes, record.get().mode) == ([outcome], "shadow")


def test_the_history_is_told_from_the_newest_on(record: Record) -> None:
    for epoch in (2, 10, 9, 100):
        about = state(lease=lease(epoch=epoch, taken_at=NOW + epoch))
        record.put(about)
        record.table.end_change(partial(ended, Outcome.BLOCKED))
    assert [line["epoch"] for line in record.table.history()] == [100, 10, 9, 2]
    assert [line["epoch"] for line in record.table.history(2)] == [100, 10]


def test_several_tries_of_one_epoch_are_told_from_the_latest_on(record: Record) -> None:
    for taken_at in (NOW, NOW + 30.25, NOW + 4):
        record.put(about := state(lease=lease(taken_at=taken_at)))
        end = Ending(*conclude(about, OURS, Outcome.STOOD_DOWN, "It answers.", taken_at + 1))
        record.table.end_change(partial(returned, end))
    assert [line["taken_at"] for line in record.table.history()] == [NOW + 30.25, NOW + 4, NOW]


def noted(number: int, before: PairState) -> Ending:
    return Ending(before, Note(before.epoch, "held", before.active, "It is down.", "watch", NOW + number / 8))


def test_every_line_takes_its_place_in_the_chain_whoever_writes_between(record: Record) -> None:
    record.put(FULL)
    others = iter(range(3))

    def end(before: PairState) -> Ending:
        for number in others:
            record.table.end_change(partial(noted, number))
        return ended(Outcome.PROMOTED, before)

    record.table.end_change(end, 30)
    record.table.end_change(partial(noted, 9))
    found = record.verified()
    assert found.is_yes, found.sentence
    assert list(found.evidence["digests"]) == ["5", "4", "3", "2", "1"]
    assert record.table.read().chain.number == 5
    last = next(line for line in record.table.history() if line["chain"]["number"] == 5)
    assert last["chain"]["previous_expires_at"] == int(NOW + 9.5) + 30 * 86400


def test_a_torn_head_of_the_chain_fails_no_end(record: Record) -> None:
    record.put(FULL)
    record.table.end_change(partial(noted, 0))
    item = {**key_of("management-server", "state"), **_attributes(state_to_json(record.table.read()) | {"chain": [1]})}
    clients.dynamodb().put_item(TableName=record.name, Item=item)
    record.table.end_change(partial(ended, Outcome.PROMOTED))
    assert record.outcomes == ["promoted", "noted"]
    assert record.verified().is_no


# ---- the standby's copy ----------------------------------------------------------------------------------------------


def test_what_is_known_of_the_copy_is_kept_beside_the_record(record: Record) -> None:
    record.put(state())
    written = record.table.change_freshness(lambda before: replace(before, as_of=NOW + 0.25, digest="ab"))
    assert record.table.freshness().as_of == written.as_of == NOW + 0.25
    assert record.get() == state(version=0)


def test_of_two_results_of_a_copy_neither_is_lost(record: Record) -> None:
    others = iter([1])

    def somebody_else_is_faster() -> None:
        for _ in others:
            record.table.change_freshness(lambda before: replace(before, epoch=7))

    with before_each_write(somebody_else_is_faster):
        record.table.change_freshness(lambda before: replace(before, digest="ab"))
    found = record.table.freshness()
    assert (found.epoch, found.digest) == (7, "ab")


def test_a_table_that_does_not_answer_in_time_is_not_taken_for_an_empty_one(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="dynamodb")

    record.put(state())
    monkeypatch.setattr(clients.dynamodb(), "get_item", silent)
    with pytest.raises(ReadTimeoutError):
        record.table.read()
