"""Who can get in to the database, by every rule of every group in front of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msfailover.decisions.access import can_get_in, not_expected
from msfailover.observations import Rule
from msfailover.pair import Role, Server
from msfailover.verdict import Answer, Verdict

from tests.samples import MS1

PORT = 5432
ACCESS_GROUP = Rule("sg-access group", "sgr-access group", "tcp", PORT, PORT, cidr="10.0.0.12/32")


def rule(**changes: Any) -> Rule:
    about = {"group_id": "sg-owner", "rule_id": "sgr-1", "protocol": "tcp", "from_port": PORT, "to_port": PORT}
    return Rule(**{**about, **changes})


def asked(*rules: Rule, groups: frozenset[str] | None = frozenset({"sg-ms1"}), more: tuple[str, ...] = ()) -> Verdict:
    return can_get_in(MS1, groups, more, (ACCESS_GROUP, *rules), (PORT,))


def test_a_server_that_no_rule_names_cannot_get_in() -> None:
    verdict = asked()
    assert verdict.answer is Answer.NO
    assert verdict.sentence == ("ms1 can't get in to the database: no rule of any group in front of it allows it.")


def test_no_rules_let_nobody_in() -> None:
    assert can_get_in(MS1, frozenset(), (), (), (PORT,)).answer is Answer.NO


@pytest.mark.parametrize(
    "cidr", ["10.0.0.11/32", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.9/24", "2001:db8::11/128", "::/0"]
)
def test_a_network_that_holds_one_of_its_addresses_lets_it_in(cidr: str) -> None:
    assert asked(rule(cidr=cidr)).answer is Answer.YES


@pytest.mark.parametrize("cidr", ["10.0.0.12/32", "10.0.1.0/24", "192.0.2.0/24", "2001:db8::12/128", "::/96"])
def test_a_network_that_holds_none_of_its_addresses_does_not(cidr: str) -> None:
    assert asked(rule(cidr=cidr)).answer is Answer.NO


def test_a_broad_rule_beside_the_managed_one_is_named() -> None:
    verdict = asked(rule(cidr="10.0.0.0/8"))
    assert verdict.sentence == ("ms1 can get in to the database by rule sgr-1 of sg-owner (10.0.0.0/8, tcp 5432-5432).")
    assert verdict.evidence == {"rule": "sgr-1 of sg-owner (10.0.0.0/8, tcp 5432-5432)", "group": "sg-owner"}


def test_an_address_that_only_ec2_knows_of_counts_too() -> None:
    assert asked(rule(cidr="10.9.9.9/32")).answer is Answer.NO
    assert asked(rule(cidr="10.9.9.9/32"), more=("10.9.9.9",)).answer is Answer.YES


@pytest.mark.parametrize(("group", "answer"), [("sg-ms1", Answer.YES), ("sg-else", Answer.NO)])
def test_a_reference_to_a_group_lets_its_members_in(group: str, answer: Answer) -> None:
    assert asked(rule(source_group=group)).answer is answer


def test_a_reference_to_a_group_is_unknown_where_the_servers_groups_are() -> None:
    verdict = asked(rule(source_group="sg-else"), groups=None)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == (
        "Whether ms1 can get in is not known: sgr-1 of sg-owner (sg-else, tcp 5432-5432) can't be read."
    )


@pytest.mark.parametrize(
    ("prefixes", "answer"),
    [
        (("192.0.2.0/24", "10.0.0.0/16"), Answer.YES),
        (("192.0.2.0/24", "2001:db8::/64"), Answer.YES),
        (("192.0.2.0/24",), Answer.NO),
        ((), Answer.NO),
        (None, Answer.UNKNOWN),
        (("192.0.2.0/24", "nonsense"), Answer.UNKNOWN),
        (("nonsense", "10.0.0.0/16"), Answer.YES),
    ],
)
def test_a_prefix_list_is_as_good_as_what_can_be_read_of_it(prefixes: tuple[str, ...] | None, answer: Answer) -> None:
    assert asked(rule(prefix_list="pl-1", prefixes=prefixes)).answer is answer


def test_an_unreadable_prefix_list_is_named() -> None:
    assert "sgr-1 of sg-owner (pl-1, tcp 5432-5432) can't be read" in asked(rule(prefix_list="pl-1")).sentence


@pytest.mark.parametrize("cidr", ["", None, "10.0.0.0/33", "10.0.0", "nonsense", "10.0.0.11/-1"])
def test_a_network_that_cannot_be_read_is_unknown_and_not_no(cidr: str | None) -> None:
    assert asked(rule(cidr=cidr)).answer is Answer.UNKNOWN


def test_one_open_rule_overrides_any_number_of_unreadable_ones() -> None:
    assert asked(rule(cidr="nonsense"), rule(cidr="10.0.0.0/8")).answer is Answer.YES


def test_many_unreadable_rules_make_no_long_sentence() -> None:
    assert len(asked(*(rule(rule_id=f"sgr-{number}", cidr="nonsense") for number in range(500))).sentence) < 400


ABOUT_THE_PORT = [
    ("tcp", PORT, PORT),
    ("TCP", PORT, PORT),
    ("6", PORT, PORT),
    ("tcp", 5000, 6000),
    ("tcp", 0, 65535),
    ("tcp", -1, -1),
    ("tcp", None, None),
    ("tcp", PORT, None),
    ("-1", None, None),
    ("-1", -1, -1),
    ("-1", 22, 22),
]
NOT_ABOUT_IT = [
    ("tcp", 22, 22),
    ("tcp", PORT + 1, 65535),
    ("tcp", 0, PORT - 1),
    ("6", 22, 22),
    ("udp", PORT, PORT),
    ("17", PORT, PORT),
    ("icmp", -1, -1),
    ("icmpv6", None, None),
    ("58", -1, -1),
]


@pytest.mark.parametrize(("protocol", "first", "last"), ABOUT_THE_PORT)
def test_a_rule_about_the_port_counts(protocol: str, first: int | None, last: int | None) -> None:
    assert asked(rule(protocol=protocol, from_port=first, to_port=last, cidr="0.0.0.0/0")).answer is Answer.YES


@pytest.mark.parametrize(("protocol", "first", "last"), NOT_ABOUT_IT)
def test_a_rule_about_something_else_does_not(protocol: str, first: int | None, last: int | None) -> None:
    assert asked(rule(protocol=protocol, from_port=first, to_port=last, cidr="0.0.0.0/0")).answer is Answer.NO
    assert asked(rule(protocol=protocol, from_port=first, to_port=last, cidr="nonsense")).answer is Answer.NO


@given(st.integers(0, 32), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_network_allows_exactly_the_addresses_that_share_its_prefix(length: int, network: int, address: int) -> None:
    def dotted(number: int) -> str:
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))

    server = Server(Role.MS1, "i-1", (dotted(address),))
    inside = network >> (32 - length) == address >> (32 - length)
    verdict = can_get_in(server, frozenset(), (), (rule(cidr=f"{dotted(network)}/{length}"),), (PORT,))
    assert verdict.is_yes == inside


# ---- which rules of the access group are to be taken out
# ---------------------------------------------------------------------


def test_an_owners_rule_for_a_second_port_of_the_database_lets_it_in() -> None:
    second = rule(cidr="10.0.0.0/24", from_port=2484, to_port=2484)
    assert can_get_in(MS1, frozenset(), (), (second,), (1521,)).is_no
    verdict = can_get_in(MS1, frozenset(), (), (second,), (1521, 2484))
    assert verdict.is_yes
    assert "tcp 2484-2484" in verdict.sentence


FUNCTIONS = rule(source_group="sg-functions")
EXPECTED = (FUNCTIONS, rule(cidr="10.0.0.12/32"), rule(cidr="10.9.9.9/32"))


@pytest.mark.parametrize(
    "stray",
    [
        rule(cidr="10.0.0.11/32"),
        rule(cidr="10.0.0.12/31"),
        rule(cidr="0.0.0.0/0"),
        rule(cidr="no network"),
        rule(source_group="sg-ms1"),
        rule(prefix_list="pl-1", prefixes=("192.0.2.0/24",)),
        rule(prefix_list="pl-1", prefixes=None),
        rule(source_group="sg-functions", protocol="-1", from_port=None, to_port=None),
        rule(source_group="sg-functions", from_port=0, to_port=65535),
        rule(source_group="sg-functions", protocol="udp"),
        rule(cidr="10.0.0.12/32", protocol="-1", from_port=None, to_port=None),
        rule(cidr="10.0.0.12/32", from_port=0, to_port=65535),
    ],
    ids=str,
)
def test_what_is_neither_the_functions_rule_nor_one_for_exactly_the_other_servers_address_is_not_expected(
    stray: Rule,
) -> None:
    assert not_expected((*EXPECTED, stray), "sg-functions", ("10.0.0.12", "10.9.9.9")) == [stray]


def test_a_wide_rule_stays_where_it_is_all_that_the_other_server_has() -> None:
    wide = rule(cidr="10.0.0.12/32", from_port=0, to_port=65535)
    assert not_expected((FUNCTIONS, wide), "sg-functions", ("10.0.0.12",)) == []


def test_while_a_stack_is_updated_the_functions_rule_may_be_of_another_port() -> None:
    before = rule(source_group="sg-functions", from_port=1521, to_port=1521)
    assert not_expected((before,), "sg-functions", ()) == []


@pytest.mark.parametrize(
    ("cidr", "expected"), [("10.0.3.17/32", Answer.YES), ("10.0.3.0/24", Answer.YES), ("10.0.3.32/32", Answer.NO)]
)
def test_a_network_that_is_delegated_to_the_server_counts_with_every_address(cidr: str, expected: Answer) -> None:
    assert asked(rule(cidr=cidr), more=("10.0.3.16/28",)).answer is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cidr": "10.99.0.0/24"}, Answer.UNKNOWN),
        ({"cidr": "2001:db8:99::/64"}, Answer.UNKNOWN),
        ({"prefix_list": "pl-1", "prefixes": ("10.99.0.0/24",)}, Answer.UNKNOWN),
        ({"cidr": "10.99.0.9/32"}, Answer.NO),
        ({"prefix_list": "pl-1", "prefixes": ("10.99.0.9/32",)}, Answer.NO),
        ({"source_group": "sg-desk"}, Answer.NO),
        ({"cidr": "10.99.0.0/24", "from_port": 22, "to_port": 22}, Answer.NO),
        ({"cidr": "10.0.0.0/24"}, Answer.YES),
    ],
    ids=["network", "IPv6", "list", "address", "list of addresses", "group", "other port", "its own network"],
)
def test_a_server_that_may_send_from_any_address_may_get_in_by_a_rule_for_a_network(
    changes: dict[str, Any], expected: Answer
) -> None:
    """EC2's source/destination check is off: what is routed to its machine it can use as its own address."""
    rules = (ACCESS_GROUP, rule(**changes))
    assert can_get_in(MS1, frozenset({"sg-ms1"}), (), rules, (PORT,), any_source=True).answer is expected
