"""Words from outside, made fit to be shown to people: what hosts, servers, databases, name servers and AWS say.

Whoever answers us may be in the hands of somebody else. A terminal obeys control characters, a reader is misled by
characters that turn the direction of writing, and a mail holds only so much. So everything that is said to us goes
through `clean` where it enters, and what is made of it is text: no program here takes markup from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SENTENCE_AT_MOST = 2_000
"""Characters of one sentence; what is longer is cut, and ends with an ellipsis."""
VALUE_AT_MOST = 20_000
"""Characters of one text inside an answer."""
DEPTH_AT_MOST = 20
"""Levels of an answer; what lies deeper is left out."""

_BEGINNING = '{"errorMessage"'


def clean(text: object, at_most: int = SENTENCE_AT_MOST) -> str:
    """One printable line of at most `at_most` characters.

    What Unicode counts as not printable is left out: control characters of both sets (C0, C1), those that turn the
    direction of writing, invisible ones, separators of lines, halves of pairs. A space stands in their place.
    """
    line = str(text)
    if not line.isprintable():
        line = " ".join("".join(each if each.isprintable() else " " for each in line).split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def clean_lines(text: object, at_most: int = VALUE_AT_MOST) -> str:
    """A text of several lines, each of them as `clean` makes it."""
    return "\n".join(clean(line) for line in str(text)[:at_most].split("\n"))


def clean_all(value: Any, depth: int = 0) -> Any:
    """An answer as JSON has it, with every text in it cleaned, the names of fields too."""
    if isinstance(value, str):
        return clean(value, VALUE_AT_MOST)
    if depth >= DEPTH_AT_MOST and isinstance(value, Mapping | list | tuple):
        return "…"
    if isinstance(value, Mapping):
        return {clean(name, 200): clean_all(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean_all(each, depth + 1) for each in value]
    return value


def escaped(document: str) -> str:
    """A JSON document in which every character that a terminal might obey is written as JSON's escape.

    JSON itself escapes only the oldest control characters; nothing is lost, a reader of JSON gets the same.
    """
    if document.isprintable():
        return document
    return "".join(each if each.isprintable() or each in "\n\t" else json.dumps(each)[1:-1] for each in document)


def plain_words(text: str) -> str:
    """A text in which the error of a function stands as Lambda hands it on (JSON, with a stack trace), in plain words.

    Step Functions gives that JSON as the cause of a failed step. What it says to people is its message; the rest is in
    the function's log.
    """
    found, rest = "", text
    while (at := rest.find(_BEGINNING)) >= 0:
        try:
            error, end = json.JSONDecoder().raw_decode(rest, at)
        except (ValueError, RecursionError):
            break
        found, rest = f"{found}{rest[:at]}{error['errorMessage']}", rest[end:]
    return clean(found + rest)


def moment(at: float) -> str:
    """A time in seconds since 1970 as people read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
