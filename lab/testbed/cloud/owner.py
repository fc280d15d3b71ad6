"""The account as its owner had it before this project came: network, two servers, a database, a zone, a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.testbed.cloud.account import REGION


@dataclass(frozen=True)
class Addresses:
    """Who lives where on the testbed's network."""

    network: str = "10.77.0.0/24"
    servers_subnet: str = "10.77.0.0/28"
    database_subnets: tuple[str, ...] = ("10.77.0.16/28", "10.77.0.96/28")
    functions_subnet: str = "10.77.0.64/28"
    second_functions_subnet: str = "10.77.0.112/28"
    conductor: str = "10.77.0.1"
    functions: str = "10.77.0.68"
    primary: str = "10.77.0.11"
    standby: str = "10.77.0.12"
    database: str = "10.77.0.30"


@dataclass(frozen=True)
class Owner:
    """The ids of what the owner has; the template takes them as parameters."""

    vpc_id: str
    servers_subnet_id: str
    functions_subnet_id: str
    second_functions_subnet_id: str
    database_subnet_ids: tuple[str, ...]
    database_network_acl_id: str
    primary_instance_id: str
    standby_instance_id: str
    servers_group_id: str
    database_group_id: str
    database_interface_id: str
    zone_id: str
    zone_name: str
    secret_arn: str
    addresses: Addresses


def furnish(
    client_of: Callable[[str], Any],
    addresses: Addresses,
    *,
    zone: str = "corp.example",
    secret: dict[str, Any] | None = None,
    database_ports: Sequence[int] = (5432, 3306),
) -> Owner:
    """Make the owner's account through the API.

    The owner's group on the database allows the functions and the owner's own tools, and neither server: allowing a
    server in is for the group that the template brings (I1).
    """
    ec2 = client_of("ec2")
    vpc_id = ec2.create_vpc(CidrBlock=addresses.network)["Vpc"]["VpcId"]
    servers_subnet_id = _subnet(ec2, vpc_id, addresses.servers_subnet)
    functions_subnet_id = _subnet(ec2, vpc_id, addresses.functions_subnet)
    # As a database's subnet group has them: in two zones, and it may be in either.
    database_subnet_ids = tuple(
        _subnet(ec2, vpc_id, network, zone) for network, zone in zip(addresses.database_subnets, "ab", strict=True)
    )
    network_acl_id = _network_acl(ec2, vpc_id, database_subnet_ids)
    servers = _group(ec2, vpc_id, "management-servers")
    database = _group(ec2, vpc_id, "database")
    for port in database_ports:
        sources = [{"CidrIp": f"{each}/32"} for each in (addresses.functions, addresses.conductor)]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": sources}
        ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[permission])
    interface_id = ec2.create_network_interface(
        SubnetId=database_subnet_ids[0],
        PrivateIpAddress=addresses.database,
        Groups=[database],
        Description="the database",
    )["NetworkInterface"]["NetworkInterfaceId"]
    zone_id = client_of("route53").create_hosted_zone(Name=zone, CallerReference=zone)["HostedZone"]["Id"]
    secret_arn = client_of("secretsmanager").create_secret(
        Name="ms-database", SecretString=json.dumps(secret or {"username": "fence", "password": "fence"})
    )["ARN"]
    return Owner(
        vpc_id=vpc_id,
        servers_subnet_id=servers_subnet_id,
        functions_subnet_id=functions_subnet_id,
        second_functions_subnet_id=_subnet(ec2, vpc_id, addresses.second_functions_subnet, "b"),
        database_subnet_ids=database_subnet_ids,
        database_network_acl_id=network_acl_id,
        primary_instance_id=run_instance(ec2, "ms1", servers_subnet_id, servers, addresses.primary),
        standby_instance_id=run_instance(ec2, "ms2", servers_subnet_id, servers, addresses.standby),
        servers_group_id=servers,
        database_group_id=database,
        database_interface_id=interface_id,
        zone_id=zone_id.removeprefix("/hostedzone/"),
        zone_name=zone,
        secret_arn=secret_arn,
        addresses=addresses,
    )


def _group(ec2: Any, vpc_id: str, name: str) -> str:
    made = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)
    return str(made["GroupId"])


def _subnet(ec2: Any, vpc_id: str, network: str, zone: str = "a") -> str:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=network, AvailabilityZone=f"{REGION}{zone}")
    return str(made["Subnet"]["SubnetId"])


def _network_acl(ec2: Any, vpc_id: str, subnet_ids: Sequence[str]) -> str:
    """An ACL of the database's own, in front of all its subnets, that lets everything pass."""
    acl_id = str(ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"])
    for egress in (False, True):
        ec2.create_network_acl_entry(
            NetworkAclId=acl_id, RuleNumber=100, Protocol="-1", RuleAction="allow", Egress=egress, CidrBlock="0.0.0.0/0"
        )
    for acl in ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["NetworkAcls"]:
        for association in acl["Associations"]:
            if association["SubnetId"] in subnet_ids:
                ec2.replace_network_acl_association(
                    AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
                )
    return acl_id


def run_instance(ec2: Any, name: str, subnet_id: str, group_id: str, address: str) -> str:
    """Launch a server of the pair, at an address of its subnet; returns the instance's id."""
    made = ec2.run_instances(
        ImageId="ami-bb9a6bc2",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.small",
        SubnetId=subnet_id,
        PrivateIpAddress=address,
        SecurityGroupIds=[group_id],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    )
    return str(made["Instances"][0]["InstanceId"])
