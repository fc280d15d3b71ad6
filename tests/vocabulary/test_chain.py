"""The chain of the history: whatever is done to a line is found, and what nobody did is not."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.chain import ChainHead, digest_of, linked, verify
from msfailover.verdict import Answer, Verdict

NOW = 1_790_000_000.0
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(TEXTS, st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), st.booleans(), st.none())
BODIES = st.dictionaries(TEXTS.filter(lambda name: name not in ("chain", "expires_at", "ended_at")), VALUES, max_size=4)


def chain_of(bodies: list[dict[str, Any]], days: int = 0) -> tuple[list[dict[str, Any]], ChainHead]:
    """Lines an hour apart, up to now, each kept for some days."""
    lines, head = [], ChainHead()
    for number, body in enumerate(bodies):
        at = NOW - 3600 * (len(bodies) - number)
        about = {**body, "pair": "p", "item": f"history#{number:03d}", "ended_at": at, "action": "failover"}
        expiry = {"expires_at": int(at) + days * 86400} if days else {}
        line, head = linked({**about, **expiry}, head)
        lines.append(line)
    return lines, head


def of(number: int, days: int = 0) -> tuple[list[dict[str, Any]], ChainHead]:
    return chain_of([{"sentence": f"It was {each}."} for each in range(number)], days)


def check(lines: list[dict[str, Any]], head: ChainHead, now: float = NOW) -> Verdict:
    return verify(lines, head, now)


@given(st.lists(BODIES, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_what_nobody_touched_is_unbroken_in_whatever_order_it_is_read(bodies: list[dict[str, Any]], by: Any) -> None:
    lines, head = chain_of(bodies)
    by.shuffle(lines)
    found = check(lines, head)
    assert found.is_yes, found.sentence
    assert len(found.evidence["digests"]) == len(bodies)


@given(st.lists(BODIES, min_size=1, max_size=8), st.data())
def test_any_edit_of_any_field_is_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    lines, head = chain_of(bodies)
    line = data.draw(st.sampled_from(lines))
    name = data.draw(st.sampled_from([*line, "a new field"]))
    value = data.draw(VALUES.filter(lambda value: digest_of({**line, name: value}) != digest_of(line)))
    if data.draw(st.booleans()) and name in line:
        del line[name]
    else:
        line[name] = value
    assert check(lines, head).is_no


@given(st.lists(BODIES, min_size=1, max_size=8), st.data())
def test_any_line_that_is_dropped_is_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    lines, head = chain_of(bodies)
    dropped = data.draw(st.sets(st.sampled_from(range(len(lines))), min_size=1))
    found = check([line for number, line in enumerate(lines) if number not in dropped], head)
    assert found.is_no
    assert f"number {max(dropped) + 1}" in found.sentence


@given(st.lists(BODIES, min_size=2, max_size=8), st.sampled_from(["chain", "item", "both"]), st.data())
def test_any_two_lines_that_change_places_are_found(
    bodies: list[dict[str, Any]], what: str, data: st.DataObject
) -> None:
    lines, head = chain_of(bodies)
    one, two = data.draw(st.lists(st.sampled_from(lines), min_size=2, max_size=2, unique_by=lambda line: line["item"]))
    for name in ("chain", "item") if what == "both" else (what,):
        one[name], two[name] = two[name], one[name]
    assert check(lines, head).is_no


@given(st.lists(BODIES, min_size=1, max_size=6), BODIES, st.integers(-1, 9))
def test_any_line_that_is_put_in_is_found(bodies: list[dict[str, Any]], body: dict[str, Any], number: int) -> None:
    lines, head = chain_of(bodies)
    place = {"number": number, "previous": "0" * 64, "previous_expires_at": 0}
    found = check([*lines, {**body, "pair": "p", "item": "history#x", "chain": place, "ended_at": NOW}], head)
    assert found.is_no
    assert "Inserted" in found.sentence


def test_the_line_is_named() -> None:
    lines, head = of(4)
    edited = [lines[0], {**lines[1], "sentence": "It was somebody else."}, *lines[2:]]
    assert "Edited: line 2 (2026-09-21 " in check(edited, head).sentence
    gone = check([lines[0], *lines[2:]], head).sentence
    assert "Dropped: number 2 before line 3 (" in gone
    swapped = [lines[0], {**lines[1], "chain": lines[2]["chain"]}, {**lines[2], "chain": lines[1]["chain"]}, lines[3]]
    assert "Reordered: line 2 (" in check(swapped, head).sentence
    moved = [lines[0], {**lines[1], "item": lines[2]["item"]}, {**lines[2], "item": lines[1]["item"]}, lines[3]]
    assert "Reordered: line 3 (" in check(moved, head).sentence
    assert "Inserted: line 4 (" in check(lines, replace(head, number=3, digest=digest_of(lines[2]))).sentence


def test_the_last_line_is_vouched_for_by_the_record() -> None:
    lines, head = of(2)
    assert "Dropped: number 2, the last one by the record, is missing." in check(lines[:1], head).sentence
    assert "Edited: line 2" in check([lines[0], {**lines[1], "reason": "none"}], head).sentence
    assert check(lines, ChainHead()).is_no, "a record that has lost its head vouches for nothing"


def test_lines_of_before_the_chain_are_said_to_carry_no_digest() -> None:
    old = [{"item": f"history#o{number}", "ended_at": NOW - 10**6 + number} for number in range(2)]
    lines, head = of(2)
    assert check([*old, *lines], head).sentence.endswith("(2 lines). 2 earlier lines carry no digest.")
    assert check(old, ChainHead()).answer is Answer.UNKNOWN
    assert check([], ChainHead()).is_yes
    later = {"item": "history#later", "ended_at": NOW - 1, "action": "failover", "outcome": "promoted"}
    assert "Inserted: a line (" in check([*lines, later], head).sentence
    assert check([*lines, {**later, "ended_at": "long ago"}], head).is_no


@pytest.mark.parametrize("left", range(5))
def test_a_chain_whose_beginning_has_expired_begins_at_the_oldest_line_left(left: int) -> None:
    lines, head = of(4, days=1)
    late = NOW + 2 * 86400
    found = check(lines[4 - left :], head, late)
    assert found.is_yes, found.sentence
    if left < 4:
        assert "expired" in found.sentence
        assert check(lines[4 - left :], head).is_no, "it was to be kept until tomorrow"


def test_a_line_is_not_covered_where_the_one_after_it_has_expired_before_it() -> None:
    lines, head = of(3, days=1)
    found = check([lines[0], lines[2]], head, NOW + 2 * 86400)
    assert found.is_yes
    assert "1 older than those are left, and not covered any more." in found.sentence
    assert "Edited: line 2" in check([lines[0], {**lines[1], "x": 1}, lines[2]], head, NOW + 2 * 86400).sentence


@given(st.dictionaries(TEXTS, st.one_of(VALUES, st.lists(VALUES), st.dictionaries(TEXTS, VALUES))))
def test_a_digest_is_the_same_after_a_way_through_dynamodb(line: dict[str, Any]) -> None:
    text = json.dumps(line, ensure_ascii=False)
    exact = json.loads(text, parse_float=lambda digits: float(Decimal(digits).normalize()))
    assert digest_of(exact) == digest_of(line)
    assert len(digest_of(line)) == 64


@pytest.mark.parametrize("torn", [None, "x", {}, {"number": "x", "digest": "", "expires_at": 0}, {"number": 1}, [1]])
def test_a_torn_head_holds_nothing_up(torn: object) -> None:
    assert ChainHead.from_json(torn) == ChainHead()


@pytest.mark.parametrize(
    "place",
    [
        "moved",
        {},
        {"number": 2, "previous": ["a"], "previous_expires_at": 0},
        {"number": 2, "previous": "", "previous_expires_at": "soon"},
        {"number": 7, "previous": "", "previous_expires_at": 0},
        {"number": 2, "previous": None, "previous_expires_at": None},
    ],
)
def test_a_line_put_in_with_its_digest_in_the_record_is_named_whatever_it_says(place: object) -> None:
    lines, _ = of(2)
    lines[1] = {**lines[1], "chain": place}
    found = check(lines, ChainHead(2, digest_of(lines[1])))
    assert found.is_no
    assert "Inserted: line" in found.sentence or "Dropped" in found.sentence


@pytest.mark.parametrize(
    "head",
    [
        {"number": 10**100, "digest": "a" * 64, "expires_at": 0},
        {"number": -1, "digest": "a" * 64, "expires_at": 0},
        {"number": True, "digest": "a" * 64, "expires_at": 0},
        {"number": 3, "digest": "a" * 100_000, "expires_at": 0},
        {"number": 3, "digest": "a" * 64, "expires_at": 10**100},
        {"number": 1.5, "digest": "a" * 64, "expires_at": 0},
        {"number": 3, "digest": None, "expires_at": 0},
    ],
    ids=lambda each: str(each)[:60],
)
def test_a_head_that_nobody_writes_begins_a_new_chain(head: dict[str, Any]) -> None:
    assert ChainHead.from_json(head) == ChainHead()


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-100, max_value=1e100))
def test_a_number_has_the_digest_of_what_is_read_back_of_it(number: float) -> None:
    stored = Decimal(json.dumps(number))
    read = int(stored) if stored == stored.to_integral_value() else float(stored)
    assert digest_of({"it": number}) == digest_of({"it": read})
