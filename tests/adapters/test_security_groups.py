"""Every rule in front of the database, and the one group of ours that is edited: against EC2's own rules in moto."""

from __future__ import annotations

import ipaddress
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import security_groups
from msfailover.adapters.security_groups import AccessGroupNotAttached, TooManyRules
from msfailover.decisions.access import can_get_in
from msfailover.observations import Interface
from msfailover.pair import Role, Server
from msfailover.verdict import Answer

from tests.functions.network import PORT, Network
from tests.functions.wire import Failure, Wire


def ms1(network: Network) -> Server:
    return Server(Role.MS1, network.ms1, (network.ms1_address,))


def answer(network: Network) -> Answer:
    member = security_groups.membership(network.ec2, ms1(network))
    rules = security_groups.rules_in_front(network.ec2, network.access)
    return can_get_in(ms1(network), member.groups, member.addresses, rules, (PORT,)).answer


def test_every_inbound_rule_of_every_group_on_the_databases_interface_is_read(network: Network) -> None:
    network.allow(network.owners, cidr="10.0.0.0/8")
    network.allow(network.owners, cidr="2001:db8::/32", ports=(5000, 6000))
    network.allow(network.owners, protocol="-1", cidr="192.0.2.0/24")
    rules = security_groups.rules_in_front(network.ec2, network.access)
    assert {(rule.group_id, rule.cidr or rule.source_group, rule.protocol) for rule in rules} == {
        (network.access, network.functions, "tcp"),
        (network.owners, "10.0.0.0/8", "tcp"),
        (network.owners, "2001:db8::/32", "tcp"),
        (network.owners, "192.0.2.0/24", "-1"),
    }


def test_rules_of_groups_that_are_not_on_the_databases_interface_are_not(network: Network) -> None:
    network.allow(network.ms2_group, cidr="0.0.0.0/0")
    assert {rule.group_id for rule in security_groups.rules_in_front(network.ec2, network.access)} == {network.access}


def test_outbound_rules_let_nobody_in(network: Network) -> None:
    assert answer(network) is Answer.NO


def test_a_reference_to_the_servers_group_lets_it_in(network: Network) -> None:
    network.allow(network.owners, group=network.ms1_group)
    assert answer(network) is Answer.YES


def test_a_reference_to_the_other_servers_group_does_not(network: Network) -> None:
    network.allow(network.owners, group=network.ms2_group)
    assert answer(network) is Answer.NO


def test_an_address_that_nobody_configured_is_found_on_the_servers_interface(network: Network) -> None:
    network.allow(network.owners, cidr=f"{network.ms1_second}/32")
    assert answer(network) is Answer.YES


@pytest.mark.parametrize(("inside", "expected"), [(True, Answer.YES), (False, Answer.NO)])
def test_a_prefix_list_is_read_to_its_entries(network: Network, inside: bool, expected: Answer) -> None:
    entries = ("192.0.2.0/24", f"{network.ms1_address}/32" if inside else "198.51.100.0/24")
    network.allow(network.owners, prefix_list=network.prefix_list(*entries))
    assert answer(network) is expected


def test_a_prefix_list_that_may_not_be_read_leaves_it_unknown(network: Network) -> None:
    network.allow(network.owners, prefix_list=network.prefix_list("192.0.2.0/24"))

    def denied(_: Any) -> Any:
        raise Failure("UnauthorizedOperation")

    with Wire(network.ec2, "ec2", {"GetManagedPrefixListEntries": denied}):
        assert answer(network) is Answer.UNKNOWN


def test_an_access_group_that_guards_nothing_is_said_to_and_how_to_attach_it(network: Network) -> None:
    stray = network.ec2.create_security_group(GroupName="stray", Description="stray", VpcId=network.vpc)["GroupId"]
    with pytest.raises(AccessGroupNotAttached) as caught:
        security_groups.rules_in_front(network.ec2, stray)
    assert str(caught.value) == (
        f"The group {stray} is attached to no network interface: attach it to the database beside its own groups."
        " Nothing was changed."
    )


@pytest.mark.parametrize("operation", ["DescribeNetworkInterfaces", "DescribeSecurityGroupRules"])
def test_more_than_is_read_is_not_judged(network: Network, operation: str) -> None:
    key = {"DescribeNetworkInterfaces": "NetworkInterfaces", "DescribeSecurityGroupRules": "SecurityGroupRules"}
    pages: list[int] = []

    def endless(_: Any) -> dict[str, Any]:
        pages.append(1)
        return {key[operation]: [], "NextToken": f"page {len(pages)}"}

    with Wire(network.ec2, "ec2", {operation: endless}), pytest.raises(TooManyRules):
        security_groups.rules_in_front(network.ec2, network.access)
    assert len(pages) == security_groups.PAGES_AT_MOST + 1


def test_every_page_is_read(network: Network) -> None:
    row = {"GroupId": network.owners, "IsEgress": False, "IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT}
    pages = {
        None: {
            "SecurityGroupRules": [{**row, "SecurityGroupRuleId": "a", "CidrIpv4": "192.0.2.0/24"}],
            "NextToken": "2",
        },
        "2": {"SecurityGroupRules": [{**row, "SecurityGroupRuleId": "b", "CidrIpv4": "10.0.0.0/8"}]},
    }
    with Wire(network.ec2, "ec2", {"DescribeSecurityGroupRules": lambda call: pages[call.get("NextToken")]}):
        assert answer(network) is Answer.YES


# ---- whose interfaces are whose --------------------------------------------------------------------------------------


def test_a_server_is_known_by_the_groups_and_addresses_of_its_interfaces(network: Network) -> None:
    found = security_groups.membership(network.ec2, ms1(network))
    assert found.groups == frozenset({network.ms1_group})
    assert set(found.addresses) == {network.ms1_address, network.ms1_second}


def test_whoever_has_the_servers_address_is_the_server_whatever_its_instance_is_called(network: Network) -> None:
    """MS1 was replaced under its address: the new machine may be a member of a group that the database allows."""
    network.ec2.terminate_instances(InstanceIds=[network.ms1])
    network.instance(network.ms1_address, network.ms2_group)
    assert security_groups.membership(network.ec2, ms1(network)).groups == frozenset({network.ms2_group})
    network.allow(network.owners, group=network.ms2_group)
    assert answer(network) is Answer.YES


def test_an_instance_without_interfaces_may_be_in_any_group(network: Network) -> None:
    gone = Server(Role.MS1, "i-0123456789abcdef0", ("10.0.0.11",))
    assert security_groups.membership(network.ec2, gone) == security_groups.Membership(None, ())


def test_a_managed_instance_outside_ec2_is_in_no_group(network: Network) -> None:
    outside = Server(Role.MS1, "mi-0123456789abcdef0", ("192.0.2.11",))
    assert security_groups.membership(network.ec2, outside) == security_groups.Membership(frozenset(), ())


def test_a_machine_of_ec2s_that_is_registered_as_a_managed_instance_is_in_its_groups(network: Network) -> None:
    """A hybrid activation can be run on an EC2 instance, too; its interface is a member of groups."""
    managed = Server(Role.MS1, "mi-0123456789abcdef0", (network.ms1_address,))
    network.allow(network.owners, group=network.ms1_group)
    found = security_groups.membership(network.ec2, managed)
    rules = security_groups.rules_in_front(network.ec2, network.access)
    assert can_get_in(managed, found.groups, found.addresses, rules, (PORT,)).answer is Answer.YES
    assert found.interfaces == (), "an address of another network's may be the same"


@pytest.mark.parametrize("checked", [True, False])
def test_whether_ec2_lets_a_server_send_from_any_address_is_read(network: Network, checked: bool) -> None:
    network.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=network.interface(network.ms1), SourceDestCheck={"Value": checked}
    )
    assert security_groups.membership(network.ec2, ms1(network)).any_source is not checked


# ---- editing the access group
# ------------------------------------------------------------------------------------------------


def test_opening_lets_one_address_in_on_one_port_and_says_why(network: Network) -> None:
    security_groups.grant(network.ec2, network.access, network.ms2_address, PORT, "ms2, epoch 2")
    (rule,) = [each for each in security_groups.rules_of_access_group(network.ec2, network.access) if each.cidr]
    assert (rule.cidr, rule.protocol, rule.from_port, rule.to_port, rule.description) == (
        f"{network.ms2_address}/32",
        "tcp",
        PORT,
        PORT,
        "ms2, epoch 2",
    )


def test_opening_for_an_ipv6_address_makes_a_rule_for_exactly_that(network: Network) -> None:
    security_groups.grant(network.ec2, network.access, "2001:db8::12", PORT, "ms2, epoch 2")
    assert "2001:db8::12/128" in [
        rule.cidr for rule in security_groups.rules_of_access_group(network.ec2, network.access)
    ]


def test_opening_twice_is_opening_once_even_in_another_epoch(network: Network) -> None:
    for epoch in (2, 2, 4):
        security_groups.grant(network.ec2, network.access, network.ms2_address, PORT, f"ms2, epoch {epoch}")
    assert network.admitted() == [f"{network.ms2_address}/32"]


def test_an_order_that_ec2_turns_down_is_not_taken_for_done(network: Network) -> None:
    with pytest.raises(ClientError):
        security_groups.grant(network.ec2, "sg-0123456789abcdef0", network.ms2_address, PORT, "ms2, epoch 2")


def test_revoking_takes_out_the_rules_that_were_named_and_no_others(network: Network) -> None:
    for address in (network.ms1_address, network.ms2_address):
        security_groups.grant(network.ec2, network.access, address, PORT, "granted")
    rules = security_groups.rules_of_access_group(network.ec2, network.access)
    security_groups.revoke(network.ec2, network.access, [r for r in rules if r.cidr == f"{network.ms1_address}/32"])
    assert network.admitted() == [f"{network.ms2_address}/32"]
    assert len(network.rules_of_access_group()) == 2, "the functions' own way in stays"


def test_revoking_twice_is_revoking_once(network: Network) -> None:
    security_groups.grant(network.ec2, network.access, network.ms1_address, PORT, "granted")
    rules = [rule for rule in security_groups.rules_of_access_group(network.ec2, network.access) if rule.cidr]
    security_groups.revoke(network.ec2, network.access, rules)
    security_groups.revoke(network.ec2, network.access, rules)
    assert network.admitted() == []


def test_a_rule_that_may_not_be_taken_out_is_not_taken_for_gone(network: Network) -> None:
    rules = security_groups.rules_of_access_group(network.ec2, network.access)

    def denied(_: Any) -> Any:
        raise Failure("UnauthorizedOperation")

    with (
        Wire(network.ec2, "ec2", {"RevokeSecurityGroupIngress": denied}),
        pytest.raises(ClientError, match="UnauthorizedOperation"),
    ):
        security_groups.revoke(network.ec2, network.access, rules)


class Delegating:
    """EC2 with one interface to which networks are delegated; moto keeps none."""

    def get_paginator(self, _operation: str) -> Delegating:
        return self

    def paginate(self, **_request: Any) -> list[Any]:
        prefixes = {"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.96/28"}], "Ipv6Prefixes": [{"Ipv6Prefix": "fd00:1::/80"}]}
        return [{"NetworkInterfaces": [{"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.11"}], **prefixes}]}]


def test_networks_that_are_delegated_to_the_servers_interface_are_its_addresses() -> None:
    member = security_groups.membership(Delegating(), Server(Role.MS1, "i-1", ("10.0.1.11",)))  # type: ignore[arg-type]
    assert member.addresses == ("10.0.1.11", "10.0.1.96/28", "fd00:1::/80")


def test_another_interface_of_the_databases_machine_is_the_databases_too(network: Network) -> None:
    """The access group stands at one of its two interfaces, and the owner's rule at the other allows ms1."""
    machine = network.instance(str(ipaddress.ip_address(network.ms1_address) + 10), network.ms2_group)
    network.ec2.attach_network_interface(NetworkInterfaceId=network.database, InstanceId=machine, DeviceIndex=1)
    assert answer(network) is Answer.NO
    network.allow(network.ms2_group, cidr=f"{network.ms1_address}/32")
    assert answer(network) is Answer.YES
    front = security_groups.interfaces_in_front(network.ec2, network.access)
    assert {each.subnet_id for each in front} == {network.subnet, network.database_subnets[0]}
    assert security_groups.guarded(front, network.access) == [network.database_address]


@pytest.mark.parametrize(
    ("own", "expected"),
    [(("vpc-1",), 0), (("vpc-2",), 1), (("vpc-1", "vpc-2"), 1), ((), 1)],
    ids=["the database's VPC", "another VPC", "both", "outside EC2"],
)
def test_transit_gateways_in_the_databases_subnets_are_seen_for_whoever_may_come_by_them(
    own: tuple[str, ...], expected: int
) -> None:
    told = [
        {"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "InterfaceType": "transit_gateway", "VpcId": "vpc-1"},
        {"NetworkInterfaceId": "eni-2", "SubnetId": "subnet-1", "InterfaceType": "interface", "VpcId": "vpc-1"},
    ]
    client: Any = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"NetworkInterfaces": told}])
    )
    front = [Interface("eni-db", "subnet-1", frozenset(), (), vpc_id="vpc-1")]
    servers = [Interface("eni-ms", "subnet-9", frozenset(), (), vpc_id=each) for each in own]
    found = security_groups.gateways_to(client, servers, front, ["subnet-1"])
    assert [each.interface_id for each in found] == ["eni-1"] * expected
