"""Is a server cut off by network ACLs? EC2's own order of evaluation, every subnet, both directions, every address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msfailover.decisions.network_fence import (
    RDS,
    Ground,
    NoRoomForEntries,
    could_be_cut,
    denials,
    denied_by_others,
    is_cut,
    missing,
    numbers_of,
    useless,
)
from msfailover.observations import AclEntry, Interface, NetworkAcl, Subnet
from msfailover.pair import Role, Server
from msfailover.verdict import Answer

FIRST = 10
NUMBERS = numbers_of(Role.MS1, FIRST)
SERVER = Server(Role.MS1, "i-00000000000000001", ("10.0.1.11",))
OWN = Interface(
    "eni-ms1", "subnet-servers", frozenset({"sg-ms1"}), ("10.0.1.11", "10.0.1.111"), instance_id=SERVER.instance_id
)
DATABASE = Interface("eni-db", "subnet-a", frozenset({"sg-access group"}), ("10.0.2.30",))
SUBNETS = (Subnet("subnet-a", ("10.0.2.0/24",)), Subnet("subnet-b", ("10.0.3.0/24", "fd00:3::/64")))


def entry(number: int, cidr: str, *, egress: bool, allows: bool = False, protocol: str = "-1") -> AclEntry:
    return AclEntry(number, egress, allows, protocol, cidr)


def both(number: int, cidr: str, *, allows: bool = False, protocol: str = "-1") -> tuple[AclEntry, ...]:
    return tuple(entry(number, cidr, egress=each, allows=allows, protocol=protocol) for each in (False, True))


USUAL = (*both(100, "0.0.0.0/0", allows=True), *both(32767, "0.0.0.0/0"))
DENIED = (*both(10, "10.0.1.11/32"), *both(11, "10.0.1.111/32"))


def acl(name: str, subnet: str, *entries: AclEntry) -> NetworkAcl:
    return NetworkAcl(name, frozenset({subnet}), entries)


def ground(*, first: tuple[AclEntry, ...] = DENIED, second: tuple[AclEntry, ...] = DENIED) -> Ground:
    """The database may be in two subnets, each with an ACL of its own."""
    acls = (acl("acl-a", "subnet-a", *USUAL, *first), acl("acl-b", "subnet-b", *USUAL, *second))
    return Ground(SERVER, (OWN,), (DATABASE,), ("subnet-a", "subnet-b"), SUBNETS, acls)


def test_what_every_subnet_denies_in_both_directions_before_it_allows_is_cut_off() -> None:
    verdict = is_cut(ground())
    assert verdict.is_yes
    assert verdict.evidence == {
        "acls": ["acl-a", "acl-b"],
        "addresses": ["10.0.1.11", "10.0.1.111"],
        "subnets": ["subnet-a", "subnet-b"],
    }


@pytest.mark.parametrize(
    "left",
    [
        tuple(each for each in DENIED if not each.egress),
        tuple(each for each in DENIED if each.egress),
        both(10, "10.0.1.11/32"),
        both(10, "10.0.1.111/32"),
        (),
        (*DENIED, entry(5, "10.0.0.0/8", egress=True, allows=True)),
        (*DENIED, entry(5, "10.0.1.111/32", egress=False, allows=True, protocol="6")),
        (*both(110, "10.0.1.11/32"), *both(111, "10.0.1.111/32")),
        (*both(10, "10.0.1.11/32", protocol="6"), *both(11, "10.0.1.111/32", protocol="6")),
    ],
    ids=[
        "inbound only",
        "outbound only",
        "one address",
        "the other address",
        "nothing",
        "allowed before, outbound",
        "one protocol allowed before",
        "after the entry that allows",
        "one protocol only",
    ],
)
@pytest.mark.parametrize("where", ["first", "second"])
def test_what_may_pass_one_subnet_in_one_direction_is_not_cut_off(where: str, left: tuple[AclEntry, ...]) -> None:
    verdict = is_cut(ground(**{where: left}))
    assert verdict.answer is Answer.NO
    assert ("acl-a" if where == "first" else "acl-b") in verdict.sentence


def test_entries_count_in_the_order_of_their_numbers_and_not_of_the_answer() -> None:
    shuffled = tuple(sorted((*USUAL, *DENIED), key=lambda each: -each.number))
    acls = (acl("acl-a", "subnet-a", *shuffled), acl("acl-b", "subnet-b", *shuffled))
    assert is_cut(replace(ground(), acls=acls)).is_yes


def test_what_no_entry_matches_is_denied() -> None:
    acls = (acl("acl-a", "subnet-a", *both(100, "172.16.0.0/12", allows=True)), acl("acl-b", "subnet-b"))
    assert is_cut(replace(ground(), acls=acls)).is_yes


@pytest.mark.parametrize(
    ("changes", "answer", "says"),
    [
        ({"guarded": ()}, Answer.UNKNOWN, "no network interface carries the access group"),
        ({"wanted": ("subnet-b",)}, Answer.UNKNOWN, "subnet-a, which is not among DatabaseSubnetIds"),
        (
            {"guarded": (replace(DATABASE, requester=RDS),), "wanted": ()},
            Answer.UNKNOWN,
            "DatabaseSubnetIds has to name",
        ),
        ({"subnets": SUBNETS[:1]}, Answer.UNKNOWN, "EC2 does not say of subnet-b"),
        ({"acls": ()}, Answer.NO, "stands behind none of DatabaseNetworkAclIds"),
        ({"own": ()}, Answer.UNKNOWN, "10.0.1.11 is on no network interface of i-00000000000000001"),
        ({"own": (replace(OWN, private=("10.0.1.99",)),)}, Answer.UNKNOWN, "is on no network interface"),
        ({"own": (replace(OWN, instance_id="i-00000000000000009"),)}, Answer.UNKNOWN, "is on no network interface"),
        ({"own": (replace(OWN, subnet_id="subnet-b"),)}, Answer.NO, "stands in subnet-b, a subnet of the database's"),
        ({"own": (replace(OWN, private=(*OWN.private, "10.0.3.9")),)}, Answer.NO, "10.0.3.9 lies in subnet-b"),
        ({"subnets": (SUBNETS[0], Subnet("subnet-b", ()))}, Answer.UNKNOWN, "unreadable"),
    ],
)
def test_ground_that_is_not_known_or_not_right_proves_nothing(
    changes: dict[str, Any], answer: Answer, says: str
) -> None:
    verdict = is_cut(replace(ground(), **changes))
    assert verdict.answer is answer
    assert says in verdict.sentence


def test_an_entry_that_can_not_be_read_leaves_it_unknown() -> None:
    assert is_cut(ground(first=(*DENIED, *both(3, "")))).answer is Answer.UNKNOWN


def test_a_managed_instance_has_the_addresses_that_are_configured() -> None:
    managed = replace(SERVER, instance_id="mi-00000000000000001")
    assert is_cut(replace(ground(), server=managed, own=())).is_yes


def test_a_public_address_of_the_server_has_to_be_denied_too() -> None:
    public = replace(OWN, public=("198.51.100.7",))
    assert is_cut(replace(ground(), own=(public,))).is_no
    denied = (*DENIED, *both(12, "198.51.100.7/32"))
    assert is_cut(replace(ground(first=denied, second=denied), own=(public,))).is_yes


def test_what_is_missing_is_written_under_free_numbers_of_the_servers_own_and_then_nothing_is() -> None:
    bare = acl("acl-a", "subnet-a", *USUAL, entry(10, "10.0.1.11/32", egress=False))
    writes = missing([bare], ("10.0.1.11", "fd00:1::11"), NUMBERS)
    assert [(each.entry.number, each.entry.egress, each.entry.cidr, each.replaces) for each in writes] == [
        (11, False, "fd00:1::11/128", False),
        (10, True, "10.0.1.11/32", False),
        (11, True, "fd00:1::11/128", False),
    ]
    written = replace(bare, entries=(*bare.entries, *(each.entry for each in writes)))
    assert missing([written], ("10.0.1.11", "fd00:1::11"), NUMBERS) == []


def test_an_entry_for_an_address_that_is_the_servers_no_more_gives_its_place() -> None:
    old = acl("acl-a", "subnet-a", *USUAL, *both(10, "10.0.1.77/32"))
    assert [str(each) for each in useless([old], SERVER.addresses, NUMBERS)] == [
        "inbound entry 10 (deny 10.0.1.77/32) of acl-a",
        "outbound entry 10 (deny 10.0.1.77/32) of acl-a",
    ]
    # Not before it has to: it may be another stack's, that has the same numbers in this ACL.
    assert {(each.entry.number, each.replaces) for each in missing([old], SERVER.addresses, NUMBERS)} == {(11, False)}
    full = replace(old, entries=(*old.entries, *(e for n in NUMBERS[1:] for e in both(n, "192.0.2.0/24"))))
    assert {(each.entry.number, each.replaces) for each in missing([full], SERVER.addresses, NUMBERS)} == {(10, True)}


def test_an_entry_that_is_not_of_our_kind_keeps_its_number_and_is_never_taken_out() -> None:
    owners = acl("acl-a", "subnet-a", *both(10, "10.0.0.0/8"), *both(11, "10.0.1.11/32", allows=True))
    assert {each.entry.number for each in missing([owners], SERVER.addresses, NUMBERS)} == {12}
    assert denials([owners], NUMBERS) == []


def test_the_two_servers_have_numbers_apart() -> None:
    assert set(NUMBERS).isdisjoint(numbers_of(Role.MS2, FIRST))
    mine = acl("acl-a", "subnet-a", *both(10, "10.0.1.11/32"), *both(30, "10.0.1.12/32"))
    assert {each.entry.cidr for each in denials([mine], numbers_of(Role.MS2, FIRST))} == {"10.0.1.12/32"}


def test_more_addresses_than_numbers_are_refused() -> None:
    with pytest.raises(NoRoomForEntries, match="acl-a has no room"):
        missing([acl("acl-a", "subnet-a")], [f"10.0.9.{each}" for each in range(21)], NUMBERS)


def test_a_server_could_be_cut_off_where_our_entries_would_come_first() -> None:
    assert could_be_cut(ground(first=(), second=()), NUMBERS).is_yes
    before = could_be_cut(ground(first=both(5, "0.0.0.0/0", allows=True)), NUMBERS)
    assert before.is_no
    assert "entry 5" in before.sentence


def test_an_acl_that_would_have_more_entries_than_ec2_usually_takes_leaves_it_unknown() -> None:
    full = tuple(entry(200 + each, "192.0.2.0/24", egress=True, allows=True) for each in range(17))
    verdict = could_be_cut(ground(first=full), NUMBERS)
    assert verdict.answer is Answer.UNKNOWN
    assert "acl-a would have more than 20 entries" in verdict.sentence


def test_a_denial_that_is_not_ours_is_named() -> None:
    others = acl("acl-a", "subnet-a", *USUAL, *both(7, "10.0.0.0/8"))
    assert denied_by_others([others], SERVER.address, NUMBERS) == "inbound entry 7 (deny 10.0.0.0/8) of acl-a"
    assert denied_by_others([acl("acl-a", "subnet-a", *USUAL, *DENIED)], SERVER.address, NUMBERS) == ""


def test_whether_a_server_with_a_delegated_network_is_cut_off_is_not_known() -> None:
    delegated = replace(ground(), own=(replace(OWN, prefixes=("10.0.1.96/28",)),))
    assert is_cut(delegated).answer is Answer.UNKNOWN
    assert could_be_cut(delegated, NUMBERS).answer is Answer.UNKNOWN


def test_whether_a_server_that_may_send_from_any_address_is_cut_off_is_not_known() -> None:
    unchecked = replace(ground(), own=(replace(OWN, any_source=True),))
    assert is_cut(unchecked).answer is Answer.UNKNOWN
    assert "source/destination check is off" in is_cut(unchecked).sentence
    assert could_be_cut(unchecked, NUMBERS).answer is Answer.UNKNOWN


def test_while_a_subnet_is_shown_behind_two_acls_each_of_them_has_to_deny() -> None:
    """An ACL takes another one's place: EC2 may show the association with both for a moment."""
    there = ground()
    other = acl("acl-c", "subnet-a", *USUAL)
    for order in ((*there.acls, other), (other, *there.acls)):
        found = is_cut(replace(there, acls=order))
        assert (found.answer, "acl-c" in found.sentence) == (Answer.NO, True)
    assert is_cut(replace(there, acls=(*there.acls, acl("acl-c", "subnet-a", *USUAL, *DENIED)))).is_yes


def test_whether_a_server_is_cut_off_is_not_known_with_a_transit_gateway_in_the_databases_subnet() -> None:
    """For what it sends to the subnet that it stands in EC2 evaluates no rule of a network ACL."""
    gateway = Interface("eni-tgw", "subnet-b", frozenset(), (), kind="transit_gateway")
    by_gateway = replace(ground(), gateways=(gateway,))
    assert is_cut(by_gateway).answer is Answer.UNKNOWN
    assert "eni-tgw stands in subnet-b" in is_cut(by_gateway).sentence
    assert could_be_cut(by_gateway, NUMBERS).answer is Answer.UNKNOWN
