"""Errors of functions, as people are told them."""

from __future__ import annotations

import json

_BEGINNING = '{"errorMessage"'


def plain_words(text: str) -> str:
    """A text in which the error of a function stands as Lambda hands it on (JSON, with a stack trace), in plain words.

    Step Functions gives that JSON as the cause of a failed step. What it says to people is its message; the rest is in
    the function's log.
    """
    found, rest = "", text
    while (at := rest.find(_BEGINNING)) >= 0:
        try:
            error, end = json.JSONDecoder().raw_decode(rest, at)
        except ValueError:
            break
        found, rest = f"{found}{rest[:at]}{error['errorMessage']}", rest[end:]
    return found + rest
