"""A server is cut off by a network ACL of acceptance's own, and put back behind the one that was there."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from failoverctl.acceptance import network_cut
from failoverctl.acceptance.place import TAG, Place
from failoverctl.acceptance.polling import CannotTry
from tests.failoverctl.acceptance.made_place import REGION, made_place


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with mock_aws():
        yield made_place(monkeypatch)


def in_front_of(subnet: str) -> str:
    ec2 = boto3.client("ec2", region_name=REGION)
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
    (acl,) = found["NetworkAcls"]
    return str(acl["NetworkAclId"])


def own() -> list[str]:
    ec2 = boto3.client("ec2", region_name=REGION)
    found = ec2.describe_network_acls(Filters=[{"Name": f"tag:{TAG}", "Values": ["demo-pair"]}])["NetworkAcls"]
    return [str(each["NetworkAclId"]) for each in found]


def test_only_the_database_s_subnets_pass_and_then_all_is_as_it_was(place: Place) -> None:
    server = place.servers["ms1"]
    before = in_front_of(server.subnet)
    acl = network_cut.prepare(place, server)
    assert in_front_of(server.subnet) == before, "nothing is cut before the moment that is noted"
    network_cut.cut(place, server, acl)
    assert in_front_of(server.subnet) == acl
    (found,) = boto3.client("ec2", region_name=REGION).describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    allowed = {(each["CidrBlock"], each["Egress"]) for each in found["Entries"] if each["RuleAction"] == "allow"}
    networks = ("10.0.11.0/24", "10.0.12.0/24")
    assert allowed == {(cidr, egress) for cidr in networks for egress in (True, False)}
    network_cut.heal(place)
    assert in_front_of(server.subnet) == before
    assert own() == []


def test_what_a_killed_run_left_is_healed_by_the_next_one_and_twice_is_as_good(place: Place) -> None:
    server = place.servers["ms2"]
    before = in_front_of(server.subnet)
    network_cut.prepare(place, place.servers["ms1"])  # one that was killed before it cut anything off
    network_cut.cut(place, server, network_cut.prepare(place, server))
    for _ in range(2):
        network_cut.heal(place)
        assert (in_front_of(server.subnet), own()) == (before, [])


def test_another_pair_s_cut_is_let_alone(place: Place) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    tags = [{"ResourceType": "network-acl", "Tags": [{"Key": TAG, "Value": "another-pair"}]}]
    theirs = ec2.create_network_acl(VpcId=place.vpc, TagSpecifications=tags)["NetworkAcl"]["NetworkAclId"]
    network_cut.heal(place)
    assert ec2.describe_network_acls(NetworkAclIds=[theirs])["NetworkAcls"]


def test_a_server_whose_subnet_holds_more_is_not_cut_off(place: Place) -> None:
    server = place.servers["ms1"]
    ec2 = boto3.client("ec2", region_name=REGION)
    ec2.create_network_interface(SubnetId=server.subnet, Description="AWS Lambda VPC ENI-ms-failover-probe")
    with pytest.raises(CannotTry, match="holds more"):
        network_cut.prepare(place, server)
    assert own() == []
