"""What an operator does with a deployed pair: prepare both hosts, attach the access group, replicate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from moto import mock_aws

from failoverctl import preparing, program, setting_up
from failoverctl.errors import Exit
from lab.benchmarks import monthly_cost
from lab.testbed.hosts.ssm_agent import values
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import MACHINE, PAIR, Region
from tests.template.deployment import CHOSEN, ROOT, template

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

    def __init__(self, changed: dict[str, str], access: str) -> None:
        parameters = [{"ParameterKey": key, "ParameterValue": each} for key, each in {**GIVEN, **changed}.items()]
        given = {"StateMachineArn": MACHINE, "TableName": "pairs", "TopicArn": "arn:t", "AccessGroupId": access}
        outputs = [{"OutputKey": key, "OutputValue": each} for key, each in given.items()]
        self._stack = {
            "StackName": "ms-failover",
            "Parameters": parameters,
            "Outputs": outputs,
            "StackStatus": "CREATE_COMPLETE",
        }
        self.meta = SimpleNamespace(region_name="eu-central-1")

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName != "ms-failover":
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        return {"Stacks": [self._stack]}


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ec2", region_name="eu-central-1")


class Typed:
    """Runs a command line with these clients."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, ssm: Any = None, ec2: Any = None, access: str = "sg-1", **changed: str) -> int:
        clients = {"cloudformation": Stacks(changed, access), "ssm": ssm, "ec2": ec2}
        account = SimpleNamespace(client=clients.__getitem__)
        self._monkeypatch.setattr(program, "Account", lambda *_: account)
        self._monkeypatch.setattr(preparing, "POLL_EVERY_S", 0.0)
        return program.main([*words])


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    return Typed(monkeypatch)


def test_each_host_is_told_what_the_other_one_answered(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = Hosts()
    assert typed("prepare", "--stack", "ms-failover", ssm=hosts, ServiceName="tectia", ConfigPath="/etc/opt/t") == 0
    last = {each["Parameters"]["Role"][0]: each["Parameters"] for each in hosts.sent[-2:]}
    assert last["ms1"]["AuthorizedKey"] == ["ssh-ed25519 KEY-OF-ms2"]
    assert last["ms2"]["PeerHostKeys"] == ["HOST-KEYS-OF-ms1"]
    assert last["ms2"]["PeerAddress"] == ["10.0.0.11"]
    assert last["ms1"]["Service"] == ["tectia"]
    assert last["ms1"]["Paths"][0].endswith(" /etc/opt/t")
    assert (last["ms1"]["Pair"], last["ms1"]["Region"]) == (["management-server"], ["eu-central-1"])
    assert "ms2 (i-00000000000000a02) is prepared; autostart is off." in capsys.readouterr().out


def test_what_the_hosts_are_asked_for_is_what_their_documents_take(typed: Typed) -> None:
    hosts = Hosts()
    typed("prepare", "--stack", "ms-failover", ssm=hosts)
    typed("undo-prepare", "--yes", "--stack", "ms-failover", ssm=hosts)
    for each in hosts.sent:
        name = each["DocumentName"].removeprefix("ms-failover-")
        # Keys are longer than the stand-in's; all else is as it goes out.
        asked = {key: value for key, value in each.get("Parameters", {}).items() if "Key" not in key}
        values(yaml.safe_load((ROOT / f"documents/{name}.yaml").read_text()), asked)


def test_undo_asks_both_hosts_to_take_away_what_prepare_made(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = Hosts()
    assert typed("undo-prepare", "--yes", "--stack", "ms-failover", ssm=hosts) == 0
    assert [each["Parameters"]["Undo"] for each in hosts.sent] == [["yes"], ["yes"]]
    assert "autostart, which stays off" in capsys.readouterr().out


def test_a_host_that_refuses_is_named_with_its_own_words(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("prepare", "--stack", "ms-failover", ssm=Hosts(refusing="ms2")) == Exit.NOT_DONE
    said = capsys.readouterr().err
    assert GIVEN["Ms2InstanceId"] in said
    assert "rsync is not installed" in said
    assert "run again" in said


def test_a_stack_that_is_not_there_is_said_so(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("prepare", "--stack", "other") == Exit.CANNOT_ASK
    assert "There is no stack other" in capsys.readouterr().err


def database(ec2: Any, description: str) -> tuple[str, str, str]:
    """A database's interface at 10.0.0.30 with a group of its owner's; ids of both and of the access group."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    groups = [ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in "od"]
    made = ec2.create_network_interface(
        SubnetId=subnet, PrivateIpAddress="10.0.0.30", Groups=groups[:1], Description=description
    )
    return made["NetworkInterface"]["NetworkInterfaceId"], groups[0], groups[1]


def test_an_access_group_that_is_attached_to_nothing_comes_with_the_command_that_attaches_it_beside_the_owners_groups(
    typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    interface, owners, access = database(ec2, "the database")
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access, DatabaseHost="10.0.0.30")
    assert f"--network-interface-id {interface} --groups {owners} {access}" in capsys.readouterr().out
    assert ec2.describe_network_interfaces()["NetworkInterfaces"][0]["Groups"][0]["GroupId"] == owners


def test_for_rds_it_is_the_command_of_rds(typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, owners, access = database(ec2, "RDSNetworkInterface")
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access, DatabaseHost="10.0.0.30")
    assert "aws rds modify-db-instance" in (said := capsys.readouterr().out)
    assert f"--vpc-security-group-ids {owners} {access}" in said


def test_an_attached_access_group_is_said_to_be_attached(
    typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    interface, owners, access = database(ec2, "the database")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[owners, access])
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access)
    assert f"{interface}, beside {owners}" in capsys.readouterr().out


def test_subnets_and_acls_of_the_database_are_named_and_what_of_ours_is_in_them(
    typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    interface, owners, access = database(ec2, "RDSNetworkInterface")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[owners, access])
    subnet = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]["SubnetId"]
    before = [{"Name": "association.subnet-id", "Values": [subnet]}]
    acl = ec2.describe_network_acls(Filters=before)["NetworkAcls"][0]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl, RuleNumber=30, Protocol="-1", RuleAction="deny", Egress=True, CidrBlock="10.0.1.12/32"
    )
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access, DatabaseHost="10.0.0.30")
    said = capsys.readouterr().out
    assert f"behind {acl}: DatabaseNetworkAclIds." in said
    assert "name them all as DatabaseSubnetIds" in said
    assert f"{acl} denies 10.0.1.12/32: --rule-number 30 --egress" in said


def test_a_database_that_the_access_group_is_not_in_front_of_is_said_to_be_elsewhere(
    typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    interface, owners, access = database(ec2, "the database")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[owners, access])
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access, DatabaseHost="10.0.0.31")
    assert f"leads to 10.0.0.31, which is on no interface that carries {access}" in capsys.readouterr().out
    typed("attach", "--stack", "ms-failover", ec2=ec2, access=access, DatabaseHost="10.0.0.30")
    assert "leads to" not in capsys.readouterr().out


def test_a_database_that_is_nowhere_in_the_account_is_said_to_be_nowhere(
    typed: Typed, ec2: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("attach", "--stack", "ms-failover", ec2=ec2, access="sg-1", DatabaseHost="10.9.9.9")
    assert "No network interface of this account has an address of 10.9.9.9" in capsys.readouterr().out


FRESH = {"command": "c-2", "server": "ms1", "ended": True, "last": {"complete": True, "files": 12}, "version": 1}


def test_a_replication_is_asked_for_and_waited_for(ctl: Run, region: Region) -> None:
    region.items["freshness"] = FRESH
    said = ctl("replicate", "--full")
    assert (said.code, said.out.strip()) == (Exit.DONE, "ms2 holds all of ms1's files (12 of them).")
    assert region.invoked == [("replicate", {"action": "scheduled", "mode": "full"})]


def test_a_large_removal_is_accepted_for_one_run_by_the_pairs_name_and_no_other(ctl: Run, region: Region) -> None:
    region.items["freshness"] = FRESH
    refused = ctl("replicate", "--accept-removal", "another")
    assert (refused.code, region.invoked) == (Exit.USAGE, [])
    assert "nothing was sent" in refused.err
    assert ctl("replicate", "--accept-removal", PAIR).code == Exit.DONE
    assert region.invoked == [("replicate", {"action": "accept_removal", "confirm": PAIR})]


def test_a_replication_that_did_not_become_whole_is_told_with_the_host_s_reason(ctl: Run, region: Region) -> None:
    region.items["freshness"] = FRESH | {"last": {"complete": False, "reason": "No space left on ms2"}}
    said = ctl("replicate")
    assert (said.code, said.out.strip()) == (Exit.NOT_WELL, "Not complete: No space left on ms2")


def test_a_replication_that_may_not_be_sent_says_why(ctl: Run, region: Region) -> None:
    region.functions["replicate", "scheduled"] = {"answer": "no", "sentence": "Nothing is replicated: not adopted."}
    assert ctl("replicate").code == Exit.NOT_DONE


def test_a_replication_that_does_not_end_is_left_to_itself(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_up, "POLL_EVERY_S", 0.02)
    region.items["freshness"] = FRESH | {"ended": False}
    said = ctl("replicate", "--limit", "0.1")
    assert said.code == Exit.UNFOLLOWED
    assert "it goes on" in said.err


def test_what_differs_by_content_is_listed(ctl: Run, region: Region) -> None:
    drift = [{"name": "cds/a.rpm", "differs": "content"}]
    region.functions["replicate", "verify"] = {"answer": "no", "sentence": "1 differs.", "evidence": {"drift": drift}}
    said = ctl("verify-replication")
    assert said.code == Exit.NOT_WELL
    assert said.out.splitlines() == ["1 differs.", "  cds/a.rpm: content"]


def test_the_cost_is_that_of_the_stack_s_own_template_and_parameters(ctl: Run, region: Region) -> None:
    region.template = monthly_cost._expanded()
    said = ctl("cost")
    assert said.code == Exit.DONE
    assert "tectia at rest, dollars a month" in said.out
    assert "because AWS's list for eu-central-1 has none of them" in said.out
    found = ctl("cost", "--json").json()
    assert found["dollars_a_month"] == pytest.approx(sum(each["dollars"] for each in found["lines"]), abs=0.05)
    assert not any(each["service"] == "Secrets Manager" for each in found["lines"]), "this stack has no secret"
    region.template = "{}"
    assert ctl("cost").code == Exit.CANNOT_ASK
