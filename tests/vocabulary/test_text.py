"""Errors of functions come as JSON with a stack trace; notifications carry their message."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from msfailover.runtime.observability import logger_for
from msfailover.text import clean, clean_all, clean_lines, escaped, plain_words
from msfailover.verdict import Verdict, no, unknown, yes

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


NASTY = {
    "a control sequence": "a\x1b[2Jb",
    "the window's title": "a\x1b]0;x\x07b",
    "a C1 control": "a\u009b31mb",
    "the direction of writing": "a\u202eb\u2066c",
    "invisible characters": "a\u200bb\u00adc",
    "ends of lines": "a\r\nb\u2028c\u2029d\x85e",
    "half a pair": "a\ud83db",
    "nothing but controls": "\x00\x1b",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_what_a_terminal_or_a_reader_would_be_misled_by_is_left_out(text: str) -> None:
    said = clean(text)
    assert said.isprintable()
    assert said.replace(" ", "") == "".join(each for each in text if each.isprintable() and each != " ")


@pytest.mark.parametrize("text", ["It said “no” — ü 試 🙂.", "two  spaces", "[bold]x[/] <b>&amp;"])
def test_words_of_any_language_are_left_as_they_are(text: str) -> None:
    assert clean(text) == text


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert clean("x" * 11, 10) == "x" * 9 + "…"
    assert clean("x" * 10, 10) == "x" * 10


def test_an_answer_is_cleaned_through_and_through_and_has_a_floor() -> None:
    assert clean_all({"a\x1b": ["b\x1b", {"c": ("d\x9b", 1, None, True)}]}) == {"a": ["b", {"c": ["d", 1, None, True]}]}
    deep: object = "\x1b"
    for _ in range(500):
        deep = [deep]
    assert "\x1b" not in json.dumps(clean_all(deep))


def test_a_text_of_several_lines_keeps_them() -> None:
    assert clean_lines("a\x1b\nb\r\nc") == "a\nb\nc"


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_a_line_of_a_log_has_nothing_that_a_terminal_obeys_and_loses_nothing(text: str) -> None:
    line = escaped(json.dumps({"said": text, "ü": "…"}, ensure_ascii=False))
    assert line.isprintable()
    assert json.loads(line) == {"said": text, "ü": "…"}
    assert "ü" in line


def test_a_function_s_log_has_lines_that_can_be_read_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logger_for("of this test alone").warning("a\u009bb", extra={"why": "c\u202ed", "fine": "ü"})
    line = capsys.readouterr().out.rstrip("\n")
    assert line.isprintable()
    assert json.loads(line)["why"] == "c\u202ed"


@pytest.mark.parametrize("make", [yes, no, unknown])
def test_no_verdict_has_a_sentence_that_is_not_clean(make: Callable[[str], Verdict]) -> None:
    for text in NASTY.values():
        assert make(text).sentence.isprintable()
    assert Verdict.from_json({"answer": "no", "sentence": "a\x1b[2Jb"}).sentence == "a [2Jb"
