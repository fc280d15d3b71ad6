"""What a desk does with a deployed pair: prepare both hosts with the stack's own parameters, and look at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from moto import mock_aws

from local.account.__main__ import main
from local.hosts.ssm_agent import values
from tests.core.deployment import CHOSEN, ROOT, template

PLAIN = {name: str(each.get("Default", "")) for name, each in template()["Parameters"].items()}
GIVEN = {**PLAIN, **{name: ",".join(each) if isinstance(each, list) else str(each) for name, each in CHOSEN.items()}}


class Hosts:
    """Systems Manager with two hosts that take a document and answer as prepare-host does."""

    class exceptions:  # noqa: N801  boto3 spells it so
        class InvocationDoesNotExist(Exception):
            pass

    def __init__(self, refusing: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        self._refusing = refusing

    def send_command(self, **given: Any) -> dict[str, Any]:
        self.sent.append(given)
        return {"Command": {"CommandId": str(len(self.sent) - 1)}}

    def get_command_invocation(self, CommandId: str, InstanceId: str) -> dict[str, Any]:  # noqa: N803
        role = "ms1" if InstanceId == GIVEN["Ms1InstanceId"] else "ms2"
        if role == self._refusing:
            return {"Status": "Failed", "StandardErrorContent": "rsync is not installed on this host: install it first"}
        told = {"public_key": f"ssh-ed25519 KEY-OF-{role}", "host_keys": f"HOST-KEYS-OF-{role}", "autostart": "off"}
        return {"Status": "Success", "StandardOutputContent": json.dumps(told)}


class Stacks:
    """CloudFormation with one stack of ours."""

    def __init__(self, changed: dict[str, str], door: str) -> None:
        parameters = [{"ParameterKey": key, "ParameterValue": each} for key, each in {**GIVEN, **changed}.items()]
        outputs = [{"OutputKey": "DoorGroupId", "OutputValue": door}]
        self._stack = {"Parameters": parameters, "Outputs": outputs}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName != "ms-failover":
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        return {"Stacks": [self._stack]}


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ec2", region_name="eu-central-1")


def desk(*words: str, ssm: Any = None, ec2: Any = None, door: str = "sg-1", **changed: str) -> int:
    clients = {"cloudformation": Stacks(changed, door), "ssm": ssm, "ec2": ec2}
    return main([*words], clients.__getitem__)


def test_each_host_is_told_what_the_other_one_answered(capsys: pytest.CaptureFixture[str]) -> None:
    hosts = Hosts()
    assert desk("prepare", "--stack", "ms-failover", ssm=hosts, ServiceName="tectia", ConfigPath="/etc/opt/t") == 0
    last = {each["Parameters"]["Role"][0]: each["Parameters"] for each in hosts.sent[-2:]}
    assert last["ms1"]["AuthorizedKey"] == ["ssh-ed25519 KEY-OF-ms2"]
    assert last["ms2"]["PeerHostKeys"] == ["HOST-KEYS-OF-ms1"]
    assert last["ms2"]["PeerAddress"] == ["10.0.0.11"]
    assert last["ms1"]["Service"] == ["tectia"]
    assert last["ms1"]["Paths"][0].endswith(" /etc/opt/t")
    assert "ms2 (i-00000000000000a02) is prepared; autostart is off." in capsys.readouterr().out


def test_what_the_hosts_are_asked_for_is_what_their_documents_take() -> None:
    hosts = Hosts()
    desk("prepare", "--stack", "ms-failover", ssm=hosts)
    desk("undo", "--stack", "ms-failover", ssm=hosts)
    for each in hosts.sent:
        name = each["DocumentName"].removeprefix("ms-failover-")
        # Keys are longer than the stand-in's; all else is as it goes out.
        asked = {key: value for key, value in each.get("Parameters", {}).items() if "Key" not in key}
        values(yaml.safe_load((ROOT / f"documents/{name}.yaml").read_text()), asked)


def test_undo_asks_both_hosts_to_take_away_what_prepare_made(capsys: pytest.CaptureFixture[str]) -> None:
    hosts = Hosts()
    assert desk("undo", "--stack", "ms-failover", ssm=hosts) == 0
    assert [each["Parameters"]["Undo"] for each in hosts.sent] == [["yes"], ["yes"]]
    assert "autostart, which stays off" in capsys.readouterr().out


def test_a_host_that_refuses_is_named_with_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("prepare", "--stack", "ms-failover", ssm=Hosts(refusing="ms2")) == 1
    said = capsys.readouterr().err
    assert GIVEN["Ms2InstanceId"] in said
    assert "rsync is not installed" in said
    assert "run again" in said


def test_a_stack_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("prepare", "--stack", "other") == 1
    assert "other does not exist" in capsys.readouterr().err


def database(ec2: Any, description: str) -> tuple[str, str, str]:
    """A database's interface at 10.0.0.30 with a group of its owner's; ids of both and of the door."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    groups = [ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in "od"]
    made = ec2.create_network_interface(
        SubnetId=subnet, PrivateIpAddress="10.0.0.30", Groups=groups[:1], Description=description
    )
    return made["NetworkInterface"]["NetworkInterfaceId"], groups[0], groups[1]


def test_a_door_that_is_attached_to_nothing_comes_with_the_command_that_attaches_it_beside_the_owners_groups(
    ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    interface, owners, door = database(ec2, "the database")
    desk("attach", "--stack", "ms-failover", ec2=ec2, door=door, DatabaseHost="10.0.0.30")
    assert f"--network-interface-id {interface} --groups {owners} {door}" in capsys.readouterr().out
    assert ec2.describe_network_interfaces()["NetworkInterfaces"][0]["Groups"][0]["GroupId"] == owners


def test_for_rds_it_is_the_command_of_rds(ec2: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, owners, door = database(ec2, "RDSNetworkInterface")
    desk("attach", "--stack", "ms-failover", ec2=ec2, door=door, DatabaseHost="10.0.0.30")
    assert "aws rds modify-db-instance" in (said := capsys.readouterr().out)
    assert f"--vpc-security-group-ids {owners} {door}" in said


def test_an_attached_door_is_said_to_be_attached(ec2: Any, capsys: pytest.CaptureFixture[str]) -> None:
    interface, owners, door = database(ec2, "the database")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[owners, door])
    desk("attach", "--stack", "ms-failover", ec2=ec2, door=door)
    assert f"{interface}, beside {owners}" in capsys.readouterr().out


def test_a_database_that_is_nowhere_in_the_account_is_said_to_be_nowhere(
    ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    desk("attach", "--stack", "ms-failover", ec2=ec2, door="sg-1", DatabaseHost="10.9.9.9")
    assert "No network interface of this account has an address of 10.9.9.9" in capsys.readouterr().out
