"""Reading settings from an environment: every bad variable named, in one sentence, before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msfailover.pair import Pair
from msfailover.runtime.environment import (
    BadSettings,
    addresses,
    anything,
    arn,
    choice,
    flag,
    function_name,
    host_name,
    host_names,
    instance_id,
    number,
    optional_addresses,
    port,
    read,
    setting,
    text,
    whole,
)

from tests.environments import PAIR
from tests.samples import PAIR as SAMPLE

GOOD: list[tuple[Callable[[str], Any], str, Any]] = [
    (number(0.2, 30, "seconds"), "0.2", 0.2),
    (number(0.2, 30, "seconds"), "30", 30.0),
    (whole(1, 10, "reads"), "10", 10),
    (port, "65535", 65535),
    (choice("verify", "off"), "off", "off"),
    (flag, "yes", True),
    (flag, "no", False),
    (addresses, "10.0.0.11", ("10.0.0.11",)),
    (addresses, " 10.0.0.11, 2001:DB8:0::11 ,", ("10.0.0.11", "2001:db8::11")),
    (optional_addresses, "", ()),
    (optional_addresses, "10.0.0.2", ("10.0.0.2",)),
    (host_names, "", ()),
    (host_names, "MS1, ms1.corp.example", ("ms1", "ms1.corp.example")),
    (instance_id, "i-0123456789abcdef0", "i-0123456789abcdef0"),
    (instance_id, "mi-0123456789abcdef0", "mi-0123456789abcdef0"),
    (host_name, "ms.corp.example.", "ms.corp.example."),
    (arn, "arn:aws-cn:states:cn-north-1:1:stateMachine:x", "arn:aws-cn:states:cn-north-1:1:stateMachine:x"),
    (function_name, "stack-probe", "stack-probe"),
    (anything, "/a /b", "/a /b"),
    (text("[a-z]+", "letters"), "abc", "abc"),
]
BAD: list[tuple[Callable[[str], Any], list[str], str]] = [
    (
        number(0.2, 30, "seconds"),
        ["", "x", "0.1", "30.01", "-1", "nan", "inf", "1,5"],
        "seconds from 0.2 to 30 is needed",
    ),
    (whole(1, 10, "reads"), ["", "0", "11", "1.0", "-1", "+1", " 1", "١", "9" * 30], "reads from 1 to 10 is needed"),
    (port, ["0", "65536", "https"], "a port from 1 to 65535 is needed"),
    (choice("verify", "off"), ["", "OFF", "no"], "one of verify, off is needed"),
    (flag, ["", "true", "1", "Yes"], "yes or no is needed"),
    (
        addresses,
        ["", ",", "ms1", "10.0.0.256", "10.0.0.0/24", "10.0.0.1,ms1"],
        "one or more IP addresses, separated by commas, are needed",
    ),
    (
        optional_addresses,
        ["dns.example", "10.0.0.2 10.0.0.3"],
        "one or more IP addresses, separated by commas, are needed",
    ),
    (host_names, ["ms 1", "-ms1", "ms1;", "m/s"], "host names, separated by commas, are needed"),
    (
        instance_id,
        ["", "i-1", "i-0123456789ABCDEF0", "mi-01234567", "x"],
        "an instance id (i-… or mi-…) is needed",
    ),
    (host_name, ["", "-x", "a b", "a/b", "x\n", "a" * 300], "a host name is needed"),
    (arn, ["", "stack-machine", "arn:aws:", "arn:aws:x y"], "an ARN is needed"),
    (function_name, ["", "a b", "x" * 171], "the name or ARN of a function is needed"),
    (anything, ["", "two\nlines", "x" * 501], "a line of text of at most 500 characters is needed"),
    (text("[a-z]+", "letters"), ["abc\n", "aBc"], "letters is needed"),
]


@pytest.mark.parametrize(("parse", "value", "parsed"), GOOD)
def test_a_good_value_is_taken(parse: Callable[[str], Any], value: str, parsed: Any) -> None:
    assert parse(value) == parsed


@pytest.mark.parametrize(
    ("parse", "value", "needed"), [(parse, value, needed) for parse, values, needed in BAD for value in values]
)
def test_a_bad_value_is_refused_with_what_is_needed(parse: Callable[[str], Any], value: str, needed: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(value)
    assert str(caught.value) == needed


@dataclass(frozen=True)
class Sample:
    """Settings with and without a default."""

    table: str = setting("TABLE_NAME", text("[a-z-]+", "a table's name"))
    threshold: int = setting("FAILURE_THRESHOLD", whole(2, 20, "a number of failures"), 3)


@dataclass(frozen=True)
class OfAPair:
    """Settings with the pair among them."""

    pair: Pair
    table: str = setting("TABLE_NAME", text("[a-z-]+", "a table's name"))


def refusal(kind: type[Any], env: dict[str, str]) -> str:
    with pytest.raises(BadSettings) as caught:
        read(kind, env)
    return str(caught.value)


def test_what_has_a_default_may_be_missing_or_empty() -> None:
    assert read(Sample, {"TABLE_NAME": "pairs"}) == Sample("pairs", 3)
    assert read(Sample, {"TABLE_NAME": "pairs", "FAILURE_THRESHOLD": ""}) == Sample("pairs", 3)
    assert read(Sample, {"TABLE_NAME": "pairs", "FAILURE_THRESHOLD": "5"}) == Sample("pairs", 5)


def test_every_bad_variable_is_named_in_one_sentence_with_what_is_allowed() -> None:
    assert refusal(Sample, {"TABLE_NAME": "Pairs!", "FAILURE_THRESHOLD": "one"}) == (
        "Sample can't be read, nothing was done: TABLE_NAME is 'Pairs!', but a table's name is needed;"
        " FAILURE_THRESHOLD is 'one', but a number of failures from 2 to 20 is needed."
    )


def test_a_variable_that_must_be_there_is_missed() -> None:
    assert refusal(Sample, {}) == "Sample can't be read, nothing was done: TABLE_NAME is missing."


def test_a_variable_that_must_be_there_may_not_be_empty() -> None:
    assert "TABLE_NAME is '', but a table's name is needed" in refusal(Sample, {"TABLE_NAME": ""})


def test_a_huge_value_makes_no_long_sentence() -> None:
    assert len(refusal(Sample, {"TABLE_NAME": "X" * 100_000})) < 300


def test_the_pair_is_read_from_the_variables_of_both_servers() -> None:
    env = {**PAIR, "MS1_ADDRESSES": "10.0.0.11,2001:db8::11", "TABLE_NAME": "pairs"}
    assert read(OfAPair, env) == OfAPair(SAMPLE, "pairs")


def test_every_variable_of_the_pair_that_is_missing_is_named() -> None:
    sentence = refusal(OfAPair, {"TABLE_NAME": "pairs"})
    assert sentence == (
        "OfAPair can't be read, nothing was done: " + "; ".join(f"{name} is missing" for name in PAIR) + "."
    )


@pytest.mark.parametrize(
    ("variable", "value", "needed"),
    [
        ("PAIR_NAME", "1st", "a pair's name is needed"),
        ("PAIR_NAME", "a#b", "a pair's name is needed"),
        ("MS1_INSTANCE_ID", "ms1", "an instance id (i-… or mi-…) is needed"),
        ("MS2_ADDRESSES", "ms2", "one or more IP addresses, separated by commas, are needed"),
        ("MS2_HOST_NAMES", "m s", "host names, separated by commas, are needed"),
    ],
)
def test_a_bad_variable_of_the_pair_is_named_with_what_is_needed(variable: str, value: str, needed: str) -> None:
    sentence = refusal(OfAPair, {**PAIR, "TABLE_NAME": "pairs", variable: value})
    assert sentence == f"OfAPair can't be read, nothing was done: {variable} is {value!r}, but {needed}."


@pytest.mark.parametrize(
    "twice",
    [
        {"MS2_INSTANCE_ID": PAIR["MS1_INSTANCE_ID"]},
        {"MS2_ADDRESSES": PAIR["MS1_ADDRESSES"]},
        {"MS2_HOST_NAMES": "other,MS1"},
        {"MS1_ADDRESSES": "10.0.0.11,2001:db8::1", "MS2_ADDRESSES": "10.0.0.12,2001:DB8:0::1"},
    ],
)
def test_the_same_server_twice_is_no_pair(twice: dict[str, str]) -> None:
    assert refusal(OfAPair, {**PAIR, "TABLE_NAME": "pairs", **twice}) == (
        "OfAPair can't be read, nothing was done: MS1_… and MS2_… name the same server, but two different ones are"
        " needed."
    )


def test_servers_that_are_asked_by_different_kinds_of_address_are_refused() -> None:
    assert refusal(OfAPair, {**PAIR, "TABLE_NAME": "pairs", "MS2_ADDRESSES": "2001:db8::12,10.0.0.12"}) == (
        "OfAPair can't be read, nothing was done: the first addresses of MS1_ADDRESSES and MS2_ADDRESSES are of"
        " different kinds, but both IPv4 or both IPv6 are needed: the name has one kind of record."
    )
