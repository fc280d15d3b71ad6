"""Errors of functions come as JSON with a stack trace; people are told their message."""

from __future__ import annotations

import json

import pytest
from msfailover.words import plain_words

ERROR = json.dumps({"errorMessage": 'It said "no".', "errorType": "CommandFailed", "stackTrace": ["  File …\n"]})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"The new server could not be started. CommandFailed: {ERROR}",
         'The new server could not be started. CommandFailed: It said "no".'),
        (f"One: {ERROR} Two: {ERROR} So it is.", 'One: It said "no". Two: It said "no". So it is.'),
        ("Nothing of the kind.", "Nothing of the kind."),
        ("", ""),
        (ERROR[:-5], ERROR[:-5]),
    ],
)  # fmt: skip
def test_the_message_is_what_is_left_of_an_error(text: str, told: str) -> None:
    assert plain_words(text) == told


def test_an_error_that_was_cut_off_is_left_as_it_is() -> None:
    text = f"Why: {ERROR[:60]}"
    assert plain_words(text) == text
