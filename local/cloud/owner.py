"""The account as its owner had it before this project came: network, two servers, a database, a zone, a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Addresses:
    """Who lives where on the stage's network."""

    network: str = "10.77.0.0/24"
    conductor: str = "10.77.0.1"
    functions: str = "10.77.0.20"
    primary: str = "10.77.0.11"
    standby: str = "10.77.0.12"
    database: str = "10.77.0.30"


@dataclass(frozen=True)
class Owner:
    """The ids of what the owner has; the template takes them as parameters."""

    vpc_id: str
    subnet_id: str
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

    The owner's group on the database lets in the functions and the owner's own tools, and neither server: letting a
    server in is for the group that the template brings (I1).
    """
    ec2 = client_of("ec2")
    vpc_id = ec2.create_vpc(CidrBlock=addresses.network)["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock=addresses.network)["Subnet"]["SubnetId"]
    servers = _group(ec2, vpc_id, "management-servers")
    database = _group(ec2, vpc_id, "database")
    for port in database_ports:
        sources = [{"CidrIp": f"{each}/32"} for each in (addresses.functions, addresses.conductor)]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": sources}
        ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[permission])
    interface_id = ec2.create_network_interface(
        SubnetId=subnet_id, PrivateIpAddress=addresses.database, Groups=[database], Description="the database"
    )["NetworkInterface"]["NetworkInterfaceId"]
    zone_id = client_of("route53").create_hosted_zone(Name=zone, CallerReference=zone)["HostedZone"]["Id"]
    secret_arn = client_of("secretsmanager").create_secret(
        Name="ms-database", SecretString=json.dumps(secret or {"username": "fence", "password": "fence"})
    )["ARN"]
    return Owner(
        vpc_id=vpc_id,
        subnet_id=subnet_id,
        primary_instance_id=_instance(ec2, "ms1", subnet_id, servers, addresses.primary),
        standby_instance_id=_instance(ec2, "ms2", subnet_id, servers, addresses.standby),
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


def _instance(ec2: Any, name: str, subnet_id: str, group_id: str, address: str) -> str:
    made = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.small",
        SubnetId=subnet_id,
        PrivateIpAddress=address,
        SecurityGroupIds=[group_id],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    )
    return str(made["Instances"][0]["InstanceId"])
