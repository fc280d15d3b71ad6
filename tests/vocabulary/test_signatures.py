"""Signatures of the history: of which line, by which key, and whether soon after it was written."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.chain import ChainHead, digest_of, linked
from msfailover.signatures import SIGNED_WITHIN_S, Signature, verify
from msfailover.verdict import Answer, Verdict

T0 = 1_790_000_000.0
DAY = 86400.0


def chain_of(number: int) -> list[dict[str, Any]]:
    """Lines a day apart."""
    lines, head = list[dict[str, Any]](), ChainHead()
    for each in range(number):
        line, head = linked({"item": f"history#{each}", "ended_at": T0 + each * DAY, "action": "failover"}, head)
        lines.append(line)
    return lines


def of(line: dict[str, Any], after_s: float = 30.0) -> Signature:
    return Signature("tectia", line["chain"]["number"], digest_of(line), line["ended_at"] + after_s)


def check(lines: list[dict[str, Any]], made: list[Signature], now: float | None = None) -> Verdict:
    return verify(lines, len(lines), made, lambda _: True, lines[-1]["ended_at"] + 60 if now is None else now)


def test_a_history_whose_lines_were_signed_as_they_were_written_is_vouched_for() -> None:
    lines = chain_of(4)
    found = check(lines, [of(each) for each in reversed(lines)])
    assert found.is_yes
    assert found.sentence.startswith("Signed from line 1 (")
    assert check(lines, [of(each) for each in lines[2:]]).sentence.startswith("Signed from line 3 (")


def test_the_latest_line_may_wait_for_its_signature_and_not_for_long() -> None:
    lines = chain_of(3)
    made = [of(each) for each in lines[:2]]
    assert check(lines, made).sentence.endswith("1 not signed yet.")
    late = check(lines, made, lines[-1]["ended_at"] + SIGNED_WITHIN_S + 1)
    assert late.is_no
    assert "line 3 (" in late.sentence


def test_a_history_that_was_replaced_has_no_signature_from_then() -> None:
    lines = chain_of(4)
    kept = [of(lines[0]), of(lines[3])]
    found = check(lines, kept)
    assert found.is_no
    assert found.sentence.startswith("line 2 (")
    assert "was signed late" in found.sentence
    assert check(lines, [of(lines[3], 5 * DAY)], T0 + 9 * DAY).is_no


def test_a_signature_of_another_line_or_key_is_none() -> None:
    lines = chain_of(2)
    other = Signature("tectia", 1, "0" * 64, T0)
    assert "of another line" in check(lines, [other]).sentence
    assert "not made with the key" in verify(lines, 2, [of(lines[0])], lambda _: False, T0).sentence
    assert check(lines, []).answer is Answer.UNKNOWN


def test_a_signature_of_a_line_after_the_last_shows_that_the_history_was_cut_off() -> None:
    lines = chain_of(4)
    made = [of(each) for each in lines]
    for left in (3, 1, 0):
        found = verify(lines[:left], left, made, lambda _: True, lines[-1]["ended_at"] + 60)
        assert found.is_no
        assert "cut off" in found.sentence
        assert f"now is number {left}." in found.sentence
    assert "not made with the key" in verify(lines[:3], 3, made[3:], lambda _: False, T0).sentence


def test_what_is_signed_names_pair_line_digest_and_time() -> None:
    message = Signature("tectia", 7, "ab", 1.5).message
    assert message == b'{"at":"1.500","digest":"ab","number":7,"pair":"tectia"}'


@pytest.mark.parametrize("torn", [{}, {"number": 1, "digest": "", "at": 0, "signature": "?"}, {"number": "x"}])
def test_a_torn_signature_is_said_to_be_none(torn: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no signature"):
        Signature.from_json("tectia", torn)


def test_a_signature_is_read_again_as_it_was_kept() -> None:
    made = Signature("tectia", 7, "ab", 1.5, b"signed")
    assert Signature.from_json("tectia", made.to_json()) == made
