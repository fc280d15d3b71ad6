"""A database instance has a network interface where the testbed's database is, and its groups are on that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lab.testbed.cloud.account import REGION
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.rds import Databases

HERE = "10.77.0.30"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The interfaces that were made."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    patches, found = Patches(), list[str]()
    with mock_aws():
        Databases(HERE, found.append).install(patches)
        yield found
        patches.undo()


def interfaces() -> list[Any]:
    wanted = [{"Name": "description", "Values": ["RDSNetworkInterface"]}]
    found: list[Any] = boto3.client("ec2", region_name=REGION).describe_network_interfaces(Filters=wanted)[
        "NetworkInterfaces"
    ]
    return found


def test_it_stands_in_the_subnet_of_its_group_that_holds_the_database(made: list[str]) -> None:
    ec2, rds = (boto3.client(service, region_name=REGION) for service in ("ec2", "rds"))
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
    far, near = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        for cidr in ("10.77.0.96/28", "10.77.0.16/28")
    )
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("own", "access")
    ]
    for name, subnets in (("elsewhere", [far]), ("here", [far, near])):
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=subnets)
        rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
            MasterUsername="owner", MasterUserPassword="a-password", DBSubnetGroupName=name,
            VpcSecurityGroupIds=groups[:1],
        )  # fmt: skip
    (interface,) = interfaces()
    assert (interface["PrivateIpAddress"], interface["SubnetId"]) == (HERE, near)
    assert made == [interface["NetworkInterfaceId"]]
    rds.modify_db_instance(DBInstanceIdentifier="here", VpcSecurityGroupIds=groups)
    assert [each["GroupId"] for each in interfaces()[0]["Groups"]] == groups
