"""The demo pair on the local cloud: from an empty account to parameters that the main template takes.

moto makes most of examples/demo/template.yaml; what it lacks or makes in part is made through the API by
lab/testbed/cloud/owner_resources.py, in CloudFormation's place. The SSM agents, which user data does not start here,
are answered at the wire. What setup.sh does on an instance is not run but for its SQL; server.py is, against a real
PostgreSQL (test_demo_server.py).
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from examples.demo import demo
from failoverctl import program
from failoverctl.discovery import samconfig
from failoverctl.errors import CommandError
from lab.testbed.cloud import deploy as deploying
from lab.testbed.cloud import owner_resources, resources
from lab.testbed.cloud import template as templates
from lab.testbed.cloud.account import REGION, backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.permissions import Permissions
from lab.testbed.iam.policies import Call, Statement, decide
from tests.failoverctl.discovery.made_up import MadeUp, Recorded
from tests.failoverctl.pages import ROOT

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
PAGE = ROOT / "examples/demo/README.md"


class Empty(MadeUp):
    """An account with nothing in it."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.agents: dict[str, dict[str, Any]] = {}
        self.limit, self.denied = 1000, set()

    def answers(self, service: str, operations: list[str]) -> dict[str, Any]:
        """CloudFormation forgets the stack and leaves what is in it: moto deletes nothing that was made for it here."""
        forgets = {"DeleteStack": self._forget} if service == "cloudformation" else {}
        return {**super().answers(service, operations), **forgets}

    def _forget(self, call: Mapping[str, Any]) -> dict[str, Any]:
        del backend("cloudformation").stacks[call["StackName"]]
        return {}

    def agents_online(self, out: dict[str, str]) -> None:
        """What the agents of both servers would say once their user data has run."""
        for name, address in (("Ms1", "10.99.0.10"), ("Ms2", "10.99.0.42")):
            instance = out[f"{name}InstanceId"]
            self.agents[instance] = {
                "InstanceId": instance,
                "PingStatus": "Online",
                "PlatformType": "Linux",
                "IPAddress": address,
                "ComputerName": name.lower(),
            }


class Up:
    """A demo in an empty account, and what was said and asked."""

    def __init__(self) -> None:
        self.account = Empty()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.agrees = True
        self.demo = demo.Demo(Recorded(self.account, None, REGION), "ms-failover-demo", self.ask, self.said.append, 0)

    def ask(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees

    def up(self, hours: float = 4) -> dict[str, str]:
        self.demo.up(hours, NOW)
        return self.demo.outputs()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Up]:
    monkeypatch.setattr(demo, "CERTIFICATES", tmp_path)
    monkeypatch.setattr(demo, "MADE", tmp_path / "made")
    monkeypatch.setattr(demo, "SAMCONFIG", tmp_path / "samconfig.toml")
    (tmp_path / "database-ca.pem").write_text("RDS's own\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    for name in ("FAILOVER_STACK", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    patches = Patches()
    with mock_aws():
        resources.install(patches, lambda service: boto3.client(service, region_name=REGION), owner_resources.OWNERS)
        found = Up()
        monkeypatch.setattr(program, "Account", found.account.account)
        yield found
        patches.undo()


def test_from_an_empty_account_to_parameters_that_the_template_takes(
    here: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.account.agents_online(here.up())
    (line,) = [each for each in here.demo.next_steps() if "failoverctl init" in each]
    file = tmp_path / "samconfig.toml"  # which has the demo's own choices by now
    code = program.main([*line.split()[1:], "--config-file", str(file), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found["missing"] if each["needed"]] == []
    assert (code, found["unread"]) == (0, [])
    assert [each["name"] for each in found["obstacles"]] == ["owner-rule"], "as the owner's group is until `adopt`"
    given = samconfig.overrides(file.read_text(), "default")
    assert {"DatabaseNetworkAclIds", "DatabaseSecretArn", "DatabaseSubnetIds", "HostedZoneId"} <= set(given)
    assert (given["DatabaseEngine"], given["RecordName"]) == ("postgresql", "ms.demo.internal")
    out = here.demo.outputs()
    assert (given["SubnetIds"], given["PackageName"]) == (out["FunctionsSubnetIds"], demo.PACKAGE)
    assert found["drift"] == []
    deploying.check_parameters(templates.load(ROOT / "template.yaml"), given)


def test_it_is_asked_for_with_account_region_cost_and_end_and_not_made_without(here: Up) -> None:
    here.agrees = False
    with pytest.raises(CommandError, match="Nothing was made"):
        here.up()
    shown = " ".join(here.said)
    for each in ("123456789012", REGION, f"${demo.an_hour():.2f} an hour", "2026-11-27 16:00 UTC"):
        assert each in shown
    assert here.demo.outputs(or_none=True) == {}
    with pytest.raises(CommandError, match="half an hour"):
        here.up(hours=48)


def test_everything_bears_the_tag_and_removes_itself_once(here: Up) -> None:
    here.up()
    (stack,) = boto3.client("cloudformation", region_name=REGION).describe_stacks()["Stacks"]
    assert {"Key": "ms-failover-demo", "Value": "ms-failover-demo"} in stack["Tags"]
    scheduler = boto3.client("scheduler", region_name=REGION)
    schedules = {
        each["Name"]: scheduler.get_schedule(Name=each["Name"]) for each in scheduler.list_schedules()["Schedules"]
    }
    end = schedules["ms-failover-demo-remove-itself"]
    assert end["ScheduleExpression"] == "at(2026-11-27T16:00:00)"
    assert end["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack"
    order = json.loads(end["Target"]["Input"])
    assert order == {"StackName": stack["StackId"], "RoleARN": remover_arn()}
    back = schedules["ms-failover-demo-record-back"]
    assert back["ScheduleExpression"] == "at(2026-11-27T15:55:00)"
    (change,) = json.loads(back["Target"]["Input"])["ChangeBatch"]["Changes"]
    assert change["ResourceRecordSet"]["ResourceRecords"] == [{"Value": demo.FIRST_ADDRESS}]


def remover_arn() -> str:
    roles = boto3.client("iam").list_roles()["Roles"]
    (found,) = [each["Arn"] for each in roles if "Remover" in each["RoleName"]]
    return str(found)


def policy(role: str) -> tuple[Statement, ...]:
    return Permissions().statements(role)


def test_the_schedule_may_delete_this_stack_and_the_remover_what_is_in_it(here: Up) -> None:
    out = here.up()
    names = [each["RoleName"] for each in boto3.client("iam").list_roles()["Roles"]]
    schedules = policy(next(each for each in names if "SchedulesRole" in each))
    other = "arn:aws:cloudformation:eu-central-1:123456789012:stack/payroll/1"
    assert decide(schedules, Call("cloudformation:DeleteStack", (out["StackId"],))).allowed
    assert not decide(schedules, Call("cloudformation:DeleteStack", (other,))).allowed
    remover = policy(out["RemoverRole"])
    instance = f"arn:aws:ec2:{REGION}:123456789012:instance/{out['Ms1InstanceId']}"
    mine = {"aws:ResourceTag/aws:cloudformation:stack-id": (out["StackId"],)}
    assert decide(remover, Call("ec2:TerminateInstances", (instance,), mine)).allowed
    assert not decide(remover, Call("ec2:TerminateInstances", (instance,))).allowed
    database = f"arn:aws:rds:{REGION}:123456789012:db:"
    assert decide(remover, Call("rds:DeleteDBInstance", (database + out["DatabaseIdentifier"],))).allowed
    assert not decide(remover, Call("rds:DeleteDBInstance", (database + "payroll",))).allowed


def test_down_takes_the_role_that_is_left_and_refuses_while_a_pair_is_there(here: Up) -> None:
    out = here.up()
    ec2 = boto3.client("ec2", region_name=REGION)
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [out["VpcId"]]}])["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Description="AWS Lambda VPC ENI-ms-failover-probe")
    with pytest.raises(CommandError, match="sam delete"):
        here.demo.down()
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterface"]["NetworkInterfaceId"])
    here.agrees = False
    with pytest.raises(CommandError, match="Nothing was deleted"):
        here.demo.down()
    here.agrees = True
    here.demo.down()
    assert here.demo.outputs(or_none=True) == {}
    assert [each for each in boto3.client("iam").list_roles()["Roles"] if "Remover" in each["RoleName"]] == []
    with pytest.raises(CommandError, match="There is no stack"):
        here.demo.down()


def test_down_leaves_the_role_of_a_demo_of_the_same_name_in_another_region(here: Up) -> None:
    """Without it that demo could not remove itself any more, and would cost on."""
    here.up()
    there = Recorded(here.account, None, "eu-west-1")
    elsewhere = demo.Demo(there, here.demo.stack, here.ask, here.said.append, 0)
    with pytest.raises(CommandError, match="There is no stack"):
        elsewhere.down()
    assert remover_arn()


def test_the_remover_deletes_no_schedule_but_its_own(here: Up) -> None:
    remover = policy(here.up()["RemoverRole"])
    schedule = f"arn:aws:scheduler:{REGION}:123456789012:schedule/default/{here.demo.stack}"
    assert decide(remover, Call("scheduler:DeleteSchedule", (f"{schedule}-remove-itself",))).allowed
    assert decide(remover, Call("scheduler:DeleteSchedule", (f"{schedule}-record-back",))).allowed
    assert not decide(remover, Call("scheduler:DeleteSchedule", (f"{schedule}-2-remove-itself",))).allowed


def test_another_pair_s_authority_is_not_overwritten(here: Up, tmp_path: Path) -> None:
    (tmp_path / "admin-ca.pem").write_text("theirs\n")
    with pytest.raises(CommandError, match="another pair's"):
        here.up()
    assert (tmp_path / "admin-ca.pem").read_text() == "theirs\n"
    assert here.demo.outputs(or_none=True) == {}


def test_where_sam_s_file_names_another_pair_nothing_is_made(here: Up, tmp_path: Path) -> None:
    theirs = '[default.deploy.parameters]\nparameter_overrides = ["Ms1InstanceId=i-0123456789abcdef0"]\n'
    (tmp_path / "samconfig.toml").write_text(theirs)
    with pytest.raises(CommandError, match="names a pair already"):
        here.up()
    assert (tmp_path / "samconfig.toml").read_text() == theirs
    assert here.demo.outputs(or_none=True) == {}


def test_the_servers_stand_apart_from_all_that_a_network_acl_would_cut_off_with_them(here: Up) -> None:
    out = here.up()
    ec2 = boto3.client("ec2", region_name=REGION)
    servers = {}
    for group in ec2.describe_instances()["Reservations"]:
        for each in group["Instances"]:
            servers[each["InstanceId"]] = each["SubnetId"]
            assert {"Key": "ms-failover-demo", "Value": here.demo.stack} in each["Tags"]
    assert len(set(servers.values())) == len(servers) == 2
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    others = {each for one in endpoints for each in one.get("SubnetIds", [])} | set(
        out["FunctionsSubnetIds"].split(",")
    )
    assert not others & set(servers.values())


def test_the_texts_fit_into_parameters() -> None:
    """A parameter of CloudFormation and one of Systems Manager hold 4,096 bytes, a template in a call 51,200."""
    for name in ("setup.sh", "server.py"):
        assert len((ROOT / "examples/demo" / name).read_bytes()) <= 4096
    assert len((ROOT / "examples/demo/template.yaml").read_bytes()) <= 51_200


def test_the_page_has_the_bill_and_the_bill_has_what_the_template_makes() -> None:
    assert demo.bill() in PAGE.read_text()
    made = list(templates.load(ROOT / "examples/demo/template.yaml")["Resources"].values())
    for each in demo.COSTS:
        found = [one for one in made if one["Type"] == each.kind]
        found = [one for one in found if one["Properties"].get("VpcEndpointType") != "Gateway"]
        assert len(found) == each.count, each.what


def test_a_person_who_is_not_there_agrees_to_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["cost"]) == 0
    assert capsys.readouterr().out == demo.bill()
