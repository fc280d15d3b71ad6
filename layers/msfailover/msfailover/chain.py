"""The chain of the history: each line carries the digest of the line before it, and the record that of the last one.

Whoever changes a line, takes one out, puts one in or exchanges two breaks a digest that another line or the record
holds. Who can write the whole table can compute a new chain: what shows that is a signature (see signatures.py), or a
digest that was noted elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeGuard

from msfailover.text import clean
from msfailover.verdict import Verdict, no, unknown, yes

Line = Mapping[str, Any]
"""A line of the history with every field as it is stored, `pair` and `item` (its key) among them."""


@dataclass(frozen=True)
class ChainHead:
    """The end of a chain, as the pair's record keeps it.

    Args:
        number: of the last line, counted from 1; 0 before the first.
        digest: of the last line, in 64 hexadecimal digits; empty before the first.
        expires_at: from when on DynamoDB may delete that line, in seconds since 1970; 0 for never.
    """

    number: int = 0
    digest: str = ""
    expires_at: int = 0

    def to_json(self) -> dict[str, Any] | None:
        if not self.number:
            return None
        return {"number": self.number, "digest": self.digest, "expires_at": self.expires_at}

    @staticmethod
    def from_json(data: object) -> ChainHead:
        """Read a stored head. An unreadable one begins a new chain: no failover is to fail for it."""
        found = data if isinstance(data, Mapping) else {}
        number, digest, expires_at = (found.get(name) for name in ("number", "digest", "expires_at"))
        if _is_count(number) and _is_count(expires_at) and isinstance(digest, str) and _DIGEST.fullmatch(digest):
            return ChainHead(int(number), digest, int(expires_at))
        return ChainHead()


_DIGEST = re.compile("[0-9a-f]{64}")
_MOST = 10**12
"""What no number of a line and no time in seconds comes to; DynamoDB keeps whole numbers of 38 digits at most."""


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def linked(line: Line, head: ChainHead) -> tuple[dict[str, Any], ChainHead]:
    """The line with its place in the chain, and the chain's head after it."""
    place = {"number": head.number + 1, "previous": head.digest, "previous_expires_at": head.expires_at}
    placed = {**line, "chain": place}
    return placed, ChainHead(head.number + 1, digest_of(placed), int(line.get("expires_at", 0)))


def digest_of(line: Line) -> str:
    """SHA-256 over a line's canonical JSON, in hexadecimal digits.

    Canonical is: all fields, keys sorted, no blanks, ASCII with escapes, whole numbers without a fraction (DynamoDB
    keeps 2.0 as 2), other numbers in the shortest form that reads back as the same double.
    """
    text = json.dumps(_canonical(line), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))  # as it is stored: above 2**53 the double itself has other digits
    if isinstance(value, Mapping):
        return {str(name): _canonical(each) for name, each in value.items()}
    return [_canonical(each) for each in value] if isinstance(value, list | tuple) else value


def verify(lines: Sequence[Line], head: ChainHead, now: float) -> Verdict:
    """Is the history as it was written? From the record's head back to the oldest line.

    Args:
        lines: all of the pair's lines, in any order.
        head: as the record has it.
        now: seconds since 1970.

    Returns:
        *yes* where the chain is unbroken; *no*, naming the line, where one was edited, dropped, moved or inserted;
        *unknown* where there are lines and none carries a digest. Evidence: `digests` (by number) of the chain's lines.
    """
    walk = _Walk(lines, head, now)
    earlier = [each for each in lines if "chain" not in each]
    if not head.number and not walk.rest:
        said = f"Nothing can be verified: {_count(earlier)} no digest." if earlier else "There is no history yet."
        return unknown(said) if earlier else yes(said, digests={})
    trouble = walk.to_the_oldest() or walk.left_over(earlier)
    if trouble:
        return no(f"The history is not as it was written. {trouble}", digests=walk.digests)
    return yes(walk.sentence(earlier), digests=walk.digests)


def _count(earlier: Sequence[Line]) -> str:
    return f"{len(earlier)} earlier {'line carries' if len(earlier) == 1 else 'lines carry'}"


def lines_of(lines: Sequence[Line], verified: Verdict) -> list[Line]:
    """The lines that a verified chain is made of, the oldest first."""
    digests = set(verified.evidence["digests"].values())
    return sorted((each for each in lines if "chain" in each and digest_of(each) in digests), key=number_of)


class _Walk:
    def __init__(self, lines: Sequence[Line], head: ChainHead, now: float) -> None:
        self._head, self._now, self._expired = head, now, False
        self._chain: list[Line] = []  # newest first
        self.rest = {digest_of(each): each for each in lines if "chain" in each}
        self.digests: dict[str, str] = {}

    def to_the_oldest(self) -> str:
        """Follow the digests; returns what is wrong, or an empty text."""
        number, digest, expires_at = self._head.number, self._head.digest, self._head.expires_at
        while number > 0:
            line = self.rest.pop(digest, None)
            if line is None:
                self._expired = 0 < expires_at <= self._now and not self._numbered(number)
                return "" if self._expired else self._amiss(number, digest)
            self._chain.append(line)
            self.digests[str(number)] = digest
            before = _before(line)
            if number_of(line) != number or before is None:
                return f"Inserted: {name_of(line)} stands as number {number}, and does not say legibly what was before."
            number, (digest, expires_at) = number - 1, before
        return ""

    def _numbered(self, number: int) -> list[Line]:
        return [each for each in self.rest.values() if number_of(each) == number]

    def _amiss(self, number: int, digest: str) -> str:
        """What became of the line of that number and digest."""
        later = f" before {name_of(self._chain[-1])}" if self._chain else ", the last one by the record,"
        for there in self._numbered(number):
            for each in self.rest.values():
                by_key, by_place = {**there, "item": each.get("item")}, {**each, "chain": there["chain"]}
                if digest in (digest_of(by_key), digest_of(by_place)):
                    moved = there if digest == digest_of(by_key) else each
                    return f"Reordered: {name_of(moved)} was written as number {number}{later}."
            return f"Edited: {name_of(there)}."
        return f"Dropped: number {number}{later} is missing."

    def left_over(self, earlier: Sequence[Line]) -> str:
        """The lines that the chain does not lead to; returns what is wrong with them, or an empty text."""
        first = self._head.number - len(self._chain) + 1
        for each in self.rest.values():
            if not (self._expired and 0 < number_of(each) < first):
                return f"Inserted: {name_of(each)}: no line after it and no record carries its digest."
        oldest = ended_at(self._chain[-1]) if self._chain else self._now
        for each in earlier:
            if ended_at(each) > oldest:
                return f"Inserted: {name_of(each)} carries no digest, but the lines of before it do."
        return ""

    def sentence(self, earlier: Sequence[Line]) -> str:
        if not self._chain:
            said = [f"No line is left: the last one, number {self._head.number}, has expired."]
        else:
            newest, oldest, number = self._chain[0], self._chain[-1], len(self._chain)
            lines = "1 line" if number == 1 else f"{number} lines"
            said = [f"Unbroken from {name_of(oldest)} to {name_of(newest)} ({lines})."]
        if self._expired and self._chain:
            said.append("The lines before have expired.")
        if self.rest:
            said.append(f"{len(self.rest)} older than those are left, and not covered any more.")
        return " ".join([*said, *([f"{_count(earlier)} no digest."] if earlier else [])])


def number_of(line: Line) -> int:
    """A line's place in its chain, by its own word; -1 where it says nothing legible."""
    place = line["chain"]
    number = place.get("number") if isinstance(place, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else -1


def _before(line: Line) -> tuple[str, int] | None:
    """The digest of the line before, and from when on that one may be deleted; None where it says nothing legible."""
    place = line["chain"]
    digest, expires_at = (place.get(name) if isinstance(place, Mapping) else None for name in _BEFORE)
    return (digest, expires_at) if isinstance(digest, str) and _is_count(expires_at) else None


_BEFORE = ("previous", "previous_expires_at")


def ended_at(line: Line) -> float:
    """When it was written, by its own word; one that says nothing legible is later than all."""
    at = line.get("ended_at")
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else float("inf")


def name_of(line: Line) -> str:
    """A line as people find it again."""
    try:
        when = datetime.fromtimestamp(ended_at(line), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        when = "no legible time"
    about = f"{line.get('action')}, {line.get('outcome')}"
    return clean(f"line {number_of(line)} ({when}, {about})" if "chain" in line else f"a line ({when}, {about})", 200)
