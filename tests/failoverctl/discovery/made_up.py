"""Accounts made up by tests, in moto: a pair's servers, database, network, record and secret, and what may be wrong.

What moto lacks (the SSM agents, Lambda's limits) is answered at the wire, in the shapes of botocore's own models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

from failoverctl.account import Account
from tests.functions.wire import Failure, Wire

REGION = "eu-central-1"
RECORD = "ms.corp.example"
IMAGE = "ami-bb9a6bc2"
"""A Linux, among those that moto knows."""
NAMES = {"ms1": "tectia-a", "ms2": "tectia-b"}


class MadeUp:
    """An account in which a pair is to be deployed, with nothing in the way; tests change what is in it.

    Its fields: `vpc`, `subnets` (by name: servers-a, servers-b, database-a, database-b), `groups` (servers, database),
    `servers` (instance ids by role), `agents` (by instance id, as Systems Manager shows them), `limit` (of functions
    that run at once), `denied` (operations that these credentials may not use), `zone`, `called` (operations that
    were called, as service:Operation).
    """

    def __init__(self) -> None:
        self.ec2 = boto3.client("ec2", region_name=REGION)
        self.rds = boto3.client("rds", region_name=REGION)
        self.route53 = boto3.client("route53", region_name=REGION)
        self.secrets = boto3.client("secretsmanager", region_name=REGION)
        self.called: list[str] = []
        self.agents: dict[str, dict[str, Any]] = {}
        self.limit = 1000
        self.denied: set[str] = set()
        self.vpc = self.network("10.0.0.0/16")
        self.subnets = {
            "servers-a": self.subnet("10.0.1.0/24", "a"),
            "servers-b": self.subnet("10.0.2.0/24", "b"),
            "database-a": self.subnet("10.0.11.0/24", "a"),
            "database-b": self.subnet("10.0.12.0/24", "b"),
        }
        self.acl = self.own_acl("database-a", "database-b")
        self.groups = {name: self.group(name) for name in ("servers", "database")}
        self.servers = {
            "ms1": self.server("ms1", "servers-a", "10.0.1.10"),
            "ms2": self.server("ms2", "servers-b", "10.0.2.10"),
        }
        self.zone = self.hosted_zone("corp.example", private=True)
        self.record(self.zone, ["10.0.1.10"])
        self.endpoint("secretsmanager")
        self.secret = self.secrets.create_secret(Name="ms-failover/monitor", SecretString="{}")["ARN"]

    # ---- what an account is made of --------------------------------------------------------------------------------

    def network(self, cidr: str) -> str:
        return str(self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])

    def subnet(self, cidr: str, zone: str, vpc: str = "", **more: Any) -> str:
        made = self.ec2.create_subnet(VpcId=vpc or self.vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}", **more)
        return str(made["Subnet"]["SubnetId"])

    def group(self, name: str, vpc: str = "") -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=f"the {name}", VpcId=vpc or self.vpc)
        return str(made["GroupId"])

    def own_acl(self, *names: str) -> str:
        """A network ACL of their own for some subnets, which allows everything at 100, as one made by the console."""
        acl = str(self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"])
        for egress in (False, True):
            self.entry(acl, 100, egress=egress)
        for each in self.ec2.describe_network_acls()["NetworkAcls"]:
            for association in each["Associations"]:
                if association["SubnetId"] in [self.subnets[name] for name in names]:
                    self.ec2.replace_network_acl_association(
                        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl
                    )
        return acl

    def entry(self, acl: str, number: int, *, egress: bool, action: str = "allow", cidr: str = "0.0.0.0/0") -> None:
        self.ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=number, Protocol="-1", RuleAction=action, Egress=egress, CidrBlock=cidr
        )

    def server(self, role: str, subnet: str, address: str, **more: Any) -> str:
        """A running instance with an agent that is online."""
        about: dict[str, Any] = {
            "NetworkInterfaces": [
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.subnets[subnet],
                    "PrivateIpAddress": address,
                    "Groups": [self.groups["servers"]],
                }
            ]
        }
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAMES[role]}]}]
        made = self.ec2.run_instances(
            ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=tags, **{**about, **more}
        )
        instance = str(made["Instances"][0]["InstanceId"])
        self.agents[instance] = {
            "InstanceId": instance,
            "PingStatus": "Online",
            "PlatformType": "Linux",
            "IPAddress": address,
            "ComputerName": f"{NAMES[role]}.corp.example",
        }
        return instance

    def hosted_zone(self, name: str, *, private: bool, vpc: str = "") -> str:
        about = {"VPC": {"VPCRegion": REGION, "VPCId": vpc or self.vpc}, "HostedZoneConfig": {"PrivateZone": True}}
        more: dict[str, Any] = about if private else {}
        made = self.route53.create_hosted_zone(Name=name, CallerReference=f"{name}{private}{vpc}", **more)
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def record(self, zone: str, values: list[str], **more: Any) -> None:
        kind = "AAAA" if values and ":" in values[0] else "A"
        simple: dict[str, Any] = {"TTL": 30, "ResourceRecords": [{"Value": each} for each in values]} if values else {}
        change = {"Name": RECORD, "Type": kind, **simple, **more}
        self.route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": change}]}
        )

    def replace_address(self, role: str, address: str) -> None:
        """Give a server another address beside its own, as somebody may do in the console."""
        (interface,) = self.ec2.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": [self.servers[role]]}]
        )["NetworkInterfaces"]
        self.ec2.assign_private_ip_addresses(
            NetworkInterfaceId=interface["NetworkInterfaceId"], PrivateIpAddresses=[address]
        )

    def forget_record(self) -> None:
        """Take the record out that leads to ms1."""
        change = {"Name": RECORD, "Type": "A", "TTL": 30, "ResourceRecords": [{"Value": "10.0.1.10"}]}
        self.route53.change_resource_record_sets(
            HostedZoneId=self.zone, ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": change}]}
        )

    def endpoint(self, service: str) -> None:
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            SubnetIds=[self.subnets["servers-a"]],
            PrivateDnsEnabled=True,
        )

    def rds_database(self, name: str = "tectia", engine: str = "postgres", **more: Any) -> str:
        """An RDS instance in the database's subnets; returns its endpoint."""
        self.rds.create_db_subnet_group(
            DBSubnetGroupName=f"{name}-subnets",
            DBSubnetGroupDescription="the database's",
            SubnetIds=[self.subnets["database-a"], self.subnets["database-b"]],
        )
        about: dict[str, Any] = {
            "DBInstanceClass": "db.m6g.large",
            "AllocatedStorage": 20,
            "MasterUsername": "owner",
            "MasterUserPassword": "a-password",
            "DBName": "tectia",
            "Port": 5432,
            "VpcSecurityGroupIds": [self.groups["database"]],
            "DBSubnetGroupName": f"{name}-subnets",
        }
        made = self.rds.create_db_instance(DBInstanceIdentifier=name, Engine=engine, **{**about, **more})
        return str(made["DBInstance"]["Endpoint"]["Address"])

    def ec2_database(self, subnet: str = "database-a", address: str = "10.0.11.20") -> str:
        """An instance that a database runs on."""
        made = self.ec2.run_instances(
            ImageId=IMAGE,
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.subnets[subnet],
                    "PrivateIpAddress": address,
                    "Groups": [self.groups["database"]],
                }
            ],
        )
        return str(made["Instances"][0]["InstanceId"])

    def admit(self, group: str, port: int, **source: Any) -> None:
        """A rule of the owner's: `cidr="10.0.0.0/16"` or `member="sg-…"`."""
        permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        if "cidr" in source:
            permission["IpRanges"] = [{"CidrIp": source["cidr"]}]
        else:
            permission["UserIdGroupPairs"] = [{"GroupId": source["member"]}]
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])

    # ---- the account as failoverctl sees it ------------------------------------------------------------------------

    def account(self, profile: str | None, region: str | None, _endpoint: str | None) -> Account:
        return Recorded(self, profile, region or REGION)

    def _agents_of(self, call: Mapping[str, Any]) -> dict[str, Any]:
        wanted = call["Filters"][0]["Values"]
        return {"InstanceInformationList": [self.agents[each] for each in wanted if each in self.agents]}

    def _limits(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self.limit, "UnreservedConcurrentExecutions": self.limit}}

    def answers(self, service: str, operations: list[str]) -> dict[str, Any]:
        """What is answered in moto's place, by operation."""
        known: dict[str, dict[str, Any]] = {
            "ssm": {"DescribeInstanceInformation": self._agents_of},
            "lambda": {"GetAccountSettings": self._limits},
        }
        refused = {name: self._refuse for name in operations if name in self.denied}
        return {**known.get(service, {}), **refused}

    def _refuse(self, _: Mapping[str, Any]) -> dict[str, Any]:
        raise Failure("AccessDenied", "You are not authorized to perform this operation.")


class Recorded(Account):
    """An account of moto's that keeps the name of every operation that is called."""

    def __init__(self, made_up: MadeUp, profile: str | None, region: str | None) -> None:
        super().__init__(profile, region)
        self._made_up = made_up
        self._heard: set[str] = set()

    def client(self, service: str, wait_s: float = 5.0) -> Any:
        found = super().client(service, wait_s)
        if service not in self._heard:
            self._heard.add(service)
            found.meta.events.register("before-parameter-build", lambda model, **_: self._note(service, model))
            answers = self._made_up.answers(service, found.meta.service_model.operation_names)
            checked = {name: _checked(found, name, answer) for name, answer in answers.items()}
            Wire(found, service, checked).__enter__()
        return found

    def _note(self, service: str, model: Any) -> None:
        self._made_up.called.append(f"{service}:{model.name}")


def _checked(client: Any, operation: str, answer: Any) -> Any:
    """An answer whose every field is one of AWS's, of AWS's kind."""

    def reply(call: Mapping[str, Any]) -> Any:
        found = answer(call)
        shape = client.meta.service_model.operation_model(operation).output_shape
        assert shape is not None or found == {}, f"{operation} answers nothing"
        if shape is not None:
            _demand(shape, found, operation)
        return found

    return reply


def _demand(shape: Any, value: Any, path: str) -> None:
    if shape.type_name == "structure":
        strange = set(value) - set(shape.members)
        assert not strange, f"{path}: AWS answers no {strange}"
        for name, each in value.items():
            _demand(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list":
        for each in value:
            _demand(shape.member, each, path)
    else:
        kinds = {"string": str, "integer": int, "long": int, "boolean": bool}
        assert isinstance(value, kinds[shape.type_name]), path
        assert not getattr(shape, "enum", None) or value in shape.enum, f"{path}: {value} is no value of AWS's"


@contextmanager
def made_up() -> Iterator[MadeUp]:
    """An account for the time of a `with`."""
    with mock_aws():
        yield MadeUp()
