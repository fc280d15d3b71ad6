"""EC2's network ACLs, and its view of interfaces, where moto's own would mislead."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.testbed.host_interfaces import AclEntry, NetworkAcl
from lab.testbed.hosts.network_acl import ruleset
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually

MS1, MS2 = "10.77.0.11", "10.77.0.12"
SUBNETS = ("10.77.0.16/28",)
ALL = AclEntry(100, True, "-1", "0.0.0.0/0")


def deny(address: str, number: int = 10, protocol: str = "-1", ports: tuple[int, int] = (0, 65535)) -> AclEntry:
    return AclEntry(number, False, protocol, f"{address}/32", ports)


def entry(sky: Sky, number: int, egress: bool = False, action: str = "deny", **more: Any) -> dict[str, Any]:
    about = {"Protocol": "-1", "CidrBlock": f"{MS1}/32", **more}
    acl = sky.owner.database_network_acl_id
    return {"NetworkAclId": acl, "RuleNumber": number, "RuleAction": action, "Egress": egress, **about}


def test_the_border_follows_every_entry_at_once(sky: Sky) -> None:
    ec2, acl = sky.cloud.client("ec2"), sky.owner.database_network_acl_id
    assert sky.firewall.acl.subnets == SUBNETS
    assert sky.firewall.acl.passes(MS1, 5432)
    for egress in (False, True):
        ec2.create_network_acl_entry(**entry(sky, 10, egress))
        assert not sky.firewall.acl.passes(MS1, 5432)
        assert sky.firewall.acl.passes(MS2, 5432)
        ec2.replace_network_acl_entry(**entry(sky, 10, egress, CidrBlock=f"{MS2}/32"))
        assert [sky.firewall.acl.passes(each, 5432) for each in (MS1, MS2)] == [True, False]
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=10, Egress=egress)
        assert sky.firewall.acl.passes(MS2, 5432)
    by_port = entry(sky, 20, Protocol="6", PortRange={"From": 5000, "To": 5432}, CidrBlock="10.77.0.8/29")
    ec2.create_network_acl_entry(**by_port)
    assert AclEntry(20, False, "6", "10.77.0.8/29", (5000, 5432)) in sky.firewall.acl.ingress
    assert [sky.firewall.acl.passes(MS1, port) for port in (5432, 5433)] == [False, True]
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=20, Egress=False)
    sixth = {**entry(sky, 21), "Ipv6CidrBlock": "fd00::/8"}
    del sixth["CidrBlock"]
    ec2.create_network_acl_entry(**sixth)
    assert AclEntry(21, False, "-1", "fd00::/8") in sky.firewall.acl.ingress
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=21, Egress=False)


def test_the_border_is_that_of_the_acl_that_the_subnet_has_now(sky: Sky) -> None:
    ec2, acl = sky.cloud.client("ec2"), sky.owner.database_network_acl_id
    other = ec2.create_network_acl(VpcId=sky.owner.vpc_id)["NetworkAcl"]["NetworkAclId"]

    def associate(to: str) -> None:
        subnet = sky.owner.database_subnet_ids[0]
        wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
        found = ec2.describe_network_acls(Filters=wanted)["NetworkAcls"][0]["Associations"]
        (association,) = [each["NetworkAclAssociationId"] for each in found if each["SubnetId"] == subnet]
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=to)

    associate(other)
    assert not sky.firewall.acl.passes(MS1, 5432), "a new ACL denies everything"
    associate(acl)
    assert sky.firewall.acl.passes(MS1, 5432)
    ec2.delete_network_acl(NetworkAclId=other)


def test_what_ec2_refuses_is_refused(sky: Sky) -> None:
    ec2, acl = sky.cloud.client("ec2"), sky.owner.database_network_acl_id
    for number in (11, 32767):
        with pytest.raises(ClientError, match=r"InvalidNetworkAclEntry\.NotFound"):
            ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=False)
    with pytest.raises(ClientError, match=r"InvalidNetworkAclEntry\.NotFound"):
        ec2.replace_network_acl_entry(**entry(sky, 11))
    with pytest.raises(ClientError, match="NetworkAclEntryAlreadyExists"):
        ec2.create_network_acl_entry(**entry(sky, 100))
    for number in (0, 32768):
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            ec2.create_network_acl_entry(**entry(sky, number))
    for number in range(1, 20):  # with the owner's own, these are the twenty that there may be
        ec2.create_network_acl_entry(**entry(sky, number))
    with pytest.raises(ClientError, match="NetworkAclEntryLimitExceeded"):
        ec2.create_network_acl_entry(**entry(sky, 20))
    ec2.create_network_acl_entry(**entry(sky, 20, egress=True))
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=20, Egress=True)
    for number in range(1, 20):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=False)
    assert sky.firewall.acl.passes(MS1, 5432)


def test_what_is_only_tried_changes_nothing(sky: Sky) -> None:
    ec2, before = sky.cloud.client("ec2"), sky.firewall.acl
    tried = entry(sky, 30)
    for call in (ec2.create_network_acl_entry, ec2.replace_network_acl_entry):
        with pytest.raises(ClientError, match="DryRunOperation"):
            call(**tried, DryRun=True)
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.delete_network_acl_entry(NetworkAclId=tried["NetworkAclId"], RuleNumber=100, Egress=False, DryRun=True)
    assert sky.firewall.acl == before


def test_an_acl_that_somebody_makes_denies_in_the_end_in_both_directions(sky: Sky) -> None:
    wanted = [{"Name": "network-acl-id", "Values": [sky.owner.database_network_acl_id]}]
    found = sky.cloud.client("ec2").describe_network_acls(Filters=wanted)
    entries = {(each["RuleNumber"], each["Egress"]): each["RuleAction"] for each in found["NetworkAcls"][0]["Entries"]}
    assert entries == {(100, False): "allow", (100, True): "allow", (32767, False): "deny", (32767, True): "deny"}


def interfaces(sky: Sky, name: str, value: str) -> list[dict[str, Any]]:
    wanted = [{"Name": name, "Values": [value]}]
    found: list[dict[str, Any]] = sky.cloud.client("ec2").describe_network_interfaces(Filters=wanted)[
        "NetworkInterfaces"
    ]
    return found


def test_an_interface_is_found_by_instance_group_and_each_of_its_addresses(sky: Sky) -> None:
    ec2, owner = sky.cloud.client("ec2"), sky.owner
    (of_ms1,) = interfaces(sky, "attachment.instance-id", owner.primary_instance_id)
    assert (of_ms1["PrivateIpAddress"], of_ms1["SubnetId"]) == (MS1, owner.servers_subnet_id)
    assert {each["NetworkInterfaceId"] for each in interfaces(sky, "group-id", owner.servers_group_id)} == {
        of_ms1["NetworkInterfaceId"],
        interfaces(sky, "addresses.private-ip-address", MS2)[0]["NetworkInterfaceId"],
    }
    ec2.assign_private_ip_addresses(NetworkInterfaceId=of_ms1["NetworkInterfaceId"], PrivateIpAddresses=["10.77.0.13"])
    (by_second,) = interfaces(sky, "addresses.private-ip-address", "10.77.0.13")
    assert by_second["NetworkInterfaceId"] == of_ms1["NetworkInterfaceId"]
    ec2.unassign_private_ip_addresses(
        NetworkInterfaceId=of_ms1["NetworkInterfaceId"], PrivateIpAddresses=["10.77.0.13"]
    )
    (database,) = interfaces(sky, "group-id", owner.database_group_id)
    assert database["NetworkInterfaceId"] == owner.database_interface_id
    assert database["SubnetId"] == owner.database_subnet_ids[0]
    subnets = {owner.servers_subnet_id, owner.functions_subnet_id, *owner.database_subnet_ids}
    assert len(subnets) == 4


def test_a_terminated_instance_leaves_its_address_to_the_next_one(sky: Sky) -> None:
    ec2, owner = sky.cloud.client("ec2"), sky.owner
    asked = {
        "ImageId": "ami-12c6146b",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": owner.servers_subnet_id,
        "PrivateIpAddress": "10.77.0.14",
        "SecurityGroupIds": [owner.servers_group_id],
    }
    first = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    assert interfaces(sky, "addresses.private-ip-address", "10.77.0.14")
    ec2.terminate_instances(InstanceIds=[first])

    def seen(instance: str) -> dict[str, Any]:
        found: dict[str, Any] = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return found

    eventually(lambda: seen(first)["State"]["Name"] == "terminated")
    assert not seen(first).get("NetworkInterfaces")
    assert not seen(first).get("PrivateIpAddress")
    assert not interfaces(sky, "addresses.private-ip-address", "10.77.0.14")
    second = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    (its,) = interfaces(sky, "addresses.private-ip-address", "10.77.0.14")
    assert its["Attachment"]["InstanceId"] == second
    ec2.terminate_instances(InstanceIds=[second])
    eventually(lambda: seen(second)["State"]["Name"] == "terminated")


def test_an_acl_answers_for_an_address_as_its_entries_do() -> None:
    assert NetworkAcl(SUBNETS, (ALL,), (ALL,)).passes(MS1, 5432)
    for cut in (NetworkAcl(SUBNETS, (ALL, deny(MS1)), (ALL,)), NetworkAcl(SUBNETS, (ALL,), (ALL, deny(MS1)))):
        assert not cut.passes(MS1, 5432)
        assert cut.passes(MS2, 5432)
    for harmless in (deny(MS1, number=200), deny(MS1, protocol="6", ports=(1, 5431)), deny(MS1, protocol="17")):
        assert NetworkAcl(SUBNETS, (ALL, harmless), (ALL,)).passes(MS1, 5432)
    assert not NetworkAcl(SUBNETS, (), (ALL,)).passes(MS1, 5432)
    assert NetworkAcl(("10.77.0.0/28",), (), ()).passes(MS1, 5432), "what is inside crosses no border"


def test_an_acl_s_protocol_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="gre"):
        ruleset(NetworkAcl(SUBNETS, (deny(MS1, protocol="gre"),), ()))
