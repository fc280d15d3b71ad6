"""The answer every check gives: yes, no or unknown, with the sentence an operator reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from msfailover.text import clean


class Answer(StrEnum):
    """Three values, because *unknown* is neither of the other two and never moves a failover forward (I3)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """An answer, why it is so, and what it was read from.

    `evidence` holds plain JSON values: it is stored with the receipt and shown to people. The sentence is one printable
    line: much of it is what hosts, servers and databases say, and it is shown to people in terminals and mails.
    """

    answer: Answer
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", clean(self.sentence))

    @property
    def is_yes(self) -> bool:
        return self.answer is Answer.YES

    @property
    def is_no(self) -> bool:
        return self.answer is Answer.NO

    def having(self, **evidence: Any) -> Verdict:
        """The same answer with more evidence."""
        return replace(self, evidence={**self.evidence, **evidence})

    def to_json(self) -> dict[str, Any]:
        return {"answer": self.answer.value, "sentence": self.sentence, "evidence": dict(self.evidence)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Verdict:
        """Read a verdict back from a function's answer; raises `ValueError` where it is not one."""
        evidence = data.get("evidence", {})
        if not isinstance(evidence, Mapping):
            raise ValueError(f"{str(evidence)[:60]!r} is no evidence: an object is needed")
        return Verdict(Answer(data["answer"]), str(data["sentence"]), dict(evidence))


def yes(sentence: str, /, **evidence: Any) -> Verdict:
    return Verdict(Answer.YES, sentence, evidence)


def no(sentence: str, /, **evidence: Any) -> Verdict:
    return Verdict(Answer.NO, sentence, evidence)


def unknown(sentence: str, /, **evidence: Any) -> Verdict:
    return Verdict(Answer.UNKNOWN, sentence, evidence)
