"""Signatures over the history's chain: what a KMS key has vouched for, and when.

A signature covers its line and, by the digests, every line before. It says when it was made, and nobody can make one of
an earlier time: a history that was replaced has no signature from the time at which its lines say they were written.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msfailover.chain import Line, digest_of, ended_at, name_of, number_of
from msfailover.verdict import Verdict, no, unknown, yes

ALGORITHM = "ECDSA_SHA_256"
"""Of a key of the kind ECC_NIST_P256, which KMS signs with by this algorithm alone (KMS API reference, Sign)."""

SIGNED_WITHIN_S = 3600.0
"""Seconds after a line was written within which it is signed, where all is well; the audit signs each minute."""


@dataclass(frozen=True)
class Signature:
    """One signature.

    Args:
        pair: the pair's name.
        number, digest: of the line that was the last one then.
        at: when it was made, in seconds since 1970.
        signature: as KMS gives it.
    """

    pair: str
    number: int
    digest: str
    at: float
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """What is signed."""
        about = {"pair": self.pair, "number": self.number, "digest": self.digest, "at": f"{self.at:.3f}"}
        return json.dumps(about, sort_keys=True, separators=(",", ":")).encode()

    @property
    def key(self) -> str:
        return f"signature#{self.number:09d}"

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "digest": self.digest,
            "at": self.at,
            "signature": base64.b64encode(self.signature).decode(),
        }

    @staticmethod
    def from_json(pair: str, data: Mapping[str, Any]) -> Signature:
        """Read a stored one; raises `ValueError` where it is none."""
        try:
            made = base64.b64decode(str(data["signature"]), validate=True)
            return Signature(pair, int(data["number"]), str(data["digest"]), float(data["at"]), made)
        except (KeyError, TypeError, OverflowError, binascii.Error) as error:
            raise ValueError(f"{str(data)[:80]!r} is no signature: {error!r}") from error


def verify(
    chain: Sequence[Line], last: int, made: Sequence[Signature], is_genuine: Callable[[Signature], bool], now: float
) -> Verdict:
    """Was each line of the chain signed soon after it was written, and is the last line that was signed still there?

    Args:
        chain: the lines of the verified chain, the oldest first.
        last: the number of the last line, as the record has it.
        made: the signatures that are kept, in any order; read before the chain was.
        is_genuine: asks KMS whether the key has made it.
        now: seconds since 1970.

    Returns:
        *yes*, saying from which line on; *no* where a signature is not genuine, is about another line, or came late;
        *unknown* where there is none. *No*, too, where one is of a line after the last: what was put back in the place
        of a later history, with its record, is unbroken, and only such a signature shows what is missing.
    """
    for each in made:
        if each.number > last and not is_genuine(each):
            return no(f"The signature of number {each.number} was not made with the key.")
        if each.number > last:
            return no(
                f"The history was cut off: number {each.number} was signed {_moment(each.at)}, and the last line now is"
                f" number {last}."
            )
    digests = {str(number_of(each)): digest_of(each) for each in chain}
    ours = sorted((each for each in made if str(each.number) in digests), key=lambda each: each.number)
    for each in ours:
        if digests[str(each.number)] != each.digest:
            return no(f"The signature of number {each.number} is of another line than the one there is now.")
        if not is_genuine(each):
            return no(f"The signature of number {each.number} was not made with the key.")
    if not ours:
        return unknown("No line is signed.")
    return _in_time(chain, ours, now)


def _in_time(chain: Sequence[Line], ours: Sequence[Signature], now: float) -> Verdict:
    first = next((each for each in chain if ended_at(each) + SIGNED_WITHIN_S >= ours[0].at), None)
    if first is None:
        return no(f"The first signature was made {_moment(ours[0].at)}, long after the last line it could be of.")
    begun, last = number_of(first), ours[-1].number
    for line in (each for each in chain if begun <= number_of(each) <= last):
        cover = next(each for each in ours if each.number >= number_of(line))
        if cover.at - ended_at(line) > SIGNED_WITHIN_S:
            return no(f"{name_of(line)} was signed late: {_moment(cover.at)}. It may have been replaced by then.")
    waiting = [each for each in chain if number_of(each) > last]
    if waiting and now - ended_at(waiting[0]) > SIGNED_WITHIN_S:
        return no(f"{name_of(waiting[0])} is not signed, and was written more than an hour ago.")
    more = f" {len(waiting)} not signed yet." if waiting else ""
    return yes(f"Signed from {name_of(first)} on.{more}")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
