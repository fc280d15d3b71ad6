"""Nonsense is refused before anything is made, and what is made of good sense fits beside another pair's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.testbed.cloud import rules
from lab.testbed.cloud.deploy import DeployError, check_parameters
from lab.testbed.cloud.template import expand
from tests.template.deployment import CHOSEN, ROOT, resources, template

GOOD: dict[str, str] = {
    name: ",".join(given) if isinstance(given, list) else str(given) for name, given in CHOSEN.items()
}
EXPANDED = expand(ROOT / "template.yaml", GOOD)


def test_good_sense_is_taken() -> None:
    check_parameters(EXPANDED, GOOD)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Ms2InstanceId": GOOD["Ms1InstanceId"]}, "the same server"),
        ({"Ms2Addresses": GOOD["Ms1Addresses"]}, "could not be told apart"),
        ({"Ms1Addresses": "10.0.0.11", "Ms2Addresses": "10.0.0.12,10.0.0.11"}, "All of Ms1Addresses"),
        ({"Ms1Addresses": "10.0.0.11,10.0.0.12"}, "All of Ms2Addresses"),
        ({"Ms2HostNames": "ms1"}, "Ms1HostNames and Ms2HostNames are the same"),
        ({"DatabaseSecretArn": ""}, "Without either nobody can see"),
        ({"DatabaseIamUser": "monitor", "DatabaseEngine": "postgresql"}, "not both"),
        ({"DatabaseSecretArn": "", "DatabaseIamUser": "monitor"}, "Oracle takes no IAM tokens"),
        (
            {
                "DatabaseSecretArn": "",
                "DatabaseIamUser": "monitor",
                "DatabaseEngine": "mysql",
                "DatabaseTls": "off",
            },
            "travels as a password",
        ),
        ({"DatabaseCaFile": ""}, "nothing to verify against"),
        ({"DatabaseEngine": "postgresql", "DatabaseKillWith": "rds"}, "no procedure"),
        ({"DatabasePort": "1521"}, "Oracle's port 1521 speaks no TLS"),
        ({"DatabasePort": "2484", "DatabaseTls": "off"}, "Oracle's port 2484 speaks TLS"),
        ({"DatabaseEngine": "postgresql", "DatabasePort": "2484"}, "DatabaseEngine is postgresql, but"),
        ({"DatabaseEngine": "mysql", "DatabasePort": "5432"}, "DatabaseEngine is mysql, but"),
        ({"SecondProbeSubnetIds": GOOD["SubnetIds"]}, "All of SecondProbeSubnetIds are among SubnetIds"),
        ({"RecordTtlSeconds": "301"}, "RecordTtlSeconds"),
        ({"FailureThreshold": "0"}, "FailureThreshold"),
        ({"AlarmPeriods": "1"}, "AlarmPeriods"),
        ({"Ms1InstanceId": "ms1"}, "Ms1InstanceId"),
        ({"Ms1Addresses": "10.0.0.11,ms1.corp.example"}, "Ms1Addresses"),
        ({"Ms1Addresses": "10.0.0.0/24"}, "Ms1Addresses"),
        ({"AlarmPeriodSeconds": "15"}, "AlarmPeriodSeconds"),
        ({"StartCommand": "systemctl start x; rm -rf /"}, "StartCommand"),
        ({"RecordName": "*.corp.example"}, "RecordName"),
    ],
)
def test_nonsense_is_refused_with_its_reason(changed: dict[str, str], words: str) -> None:
    with pytest.raises(DeployError, match=words):
        check_parameters(EXPANDED, {**GOOD, **changed})


@pytest.mark.parametrize("not_given", [[], [""]], ids=["an empty list", "a list of an empty text"])
def test_no_second_probe_is_asked_for_in_either_reading_of_an_empty_list(not_given: list[str]) -> None:
    asked = template()["Rules"]["SecondProbeStandsElsewhere"]["RuleCondition"]
    assert not rules.holds(asked, {"SecondProbeSubnetIds": not_given})
    assert rules.holds(asked, {"SecondProbeSubnetIds": ["subnet-0123456789abcdef1"]})


def test_engine_port_and_tls_fit_each_other_by_default() -> None:
    defaults = {name: str(about["Default"]) for name, about in template()["Parameters"].items() if "Default" in about}
    assert (defaults["DatabaseEngine"], defaults["DatabasePort"], defaults["DatabaseTls"]) == (
        "oracle",
        "2484",
        "verify",
    )
    check_parameters(EXPANDED, {**GOOD, **{name: defaults[name] for name in ("DatabaseEngine", "DatabasePort")}})
    check_parameters(EXPANDED, {**GOOD, "DatabasePort": "1521", "DatabaseTls": "off"})
    check_parameters(EXPANDED, {**GOOD, "DatabaseEngine": "postgresql", "DatabasePort": "5432"})
    check_parameters(EXPANDED, {**GOOD, "DatabaseEngine": "mysql", "DatabasePort": "3306"})


def test_a_rule_breaks_alone_and_every_broken_one_is_told() -> None:
    same = {**GOOD, "Ms2InstanceId": GOOD["Ms1InstanceId"], "DatabaseSecretArn": ""}
    assert len(rules.broken(EXPANDED, same)) == 2


@pytest.mark.parametrize("name", template()["Parameters"])
def test_every_parameter_has_a_type_and_a_limit(name: str) -> None:
    about = template()["Parameters"][name]
    if about["Type"] == "Number":
        assert "AllowedValues" in about or {"MinValue", "MaxValue"} <= set(about)
    elif not about["Type"].replace("List<", "").startswith("AWS::EC2::"):
        assert about["Type"] in ("String", "CommaDelimitedList")
        assert "AllowedValues" in about or "AllowedPattern" in about
    if "Default" in about:
        check_parameters({"Parameters": {name: about}}, {name: str(about["Default"])})


NAMES = re.compile(
    r"(Function|Table|Topic|Queue|Document|Alarm|Role|Policy|Layer|LogGroup|StateMachine|Dashboard|Group)?Name"
)
NOT_THEIR_OWN = {"PolicyName"}  # a name within its role


def named(stack: str, node: Any, path: str = "") -> Iterator[str]:
    """Every name that a resource gives itself, with the stack's name in it."""
    for resource_name, resource in node["Resources"].items():
        for key, given in resource.get("Properties", {}).items():
            if NAMES.fullmatch(key) and key not in NOT_THEIR_OWN and "Ref" not in given:
                text = json.dumps(given).replace("${AWS::StackName}", stack)
                yield f"{resource['Type']} {resource_name} {text}"


def test_two_pairs_in_one_account_and_region_give_nothing_the_same_name() -> None:
    first, second = set(named("one", EXPANDED)), set(named("two", EXPANDED))
    assert len(first) > 30
    assert first & second == set()


def test_two_pairs_of_the_same_name_are_refused_because_they_would_share_metrics_and_events() -> None:
    exports = [each["Export"]["Name"] for each in template()["Outputs"].values() if "Export" in each]
    assert exports == [{"Fn::Sub": "ms-failover-pair-${PairName}"}]


def test_what_the_pair_needs_when_the_stack_is_gone_stays() -> None:
    policies = {
        name: each["DeletionPolicy"] for name, each in template()["Resources"].items() if "DeletionPolicy" in each
    }
    # A creation that is rolled back takes the group along; the table it can't, which is protected from deletion.
    assert policies == {"AccessGroup": "RetainExceptOnCreate", "PairTable": "Retain"}
    kept = set(policies)
    assert all(template()["Resources"][name]["UpdateReplacePolicy"] == "Retain" for name in kept)
    assert resources("AWS::DynamoDB::Table")["PairTable"]["DeletionProtectionEnabled"] is True


def test_no_parameter_but_the_network_makes_another_access_group() -> None:
    """Another description or another VPC is another group, and that one is attached to nothing."""
    access = json.dumps(resources("AWS::EC2::SecurityGroup")["AccessGroup"])
    mentioned = {name for name in template()["Parameters"] if re.search(rf'"{name}"|\$\{{{name}\}}', access)}
    assert mentioned == {"VpcId"}


def test_the_access_group_lets_the_database_out_to_nowhere() -> None:
    (rule,) = resources("AWS::EC2::SecurityGroup")["AccessGroup"]["SecurityGroupEgress"]
    assert rule["CidrIp"] == "127.0.0.1/32"


def test_every_function_logs_to_a_group_that_forgets_when_it_is_told_to() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert all(each["RetentionInDays"] == {"Ref": "LogRetentionDays"} for each in groups.values())
    written = {each["LoggingConfig"]["LogGroup"]["Ref"] for each in resources("AWS::Serverless::Function").values()}
    assert written == set(groups)
    for each in resources("AWS::Serverless::Function").values():
        group = groups[each["LoggingConfig"]["LogGroup"]["Ref"]]["LogGroupName"]["Fn::Sub"]
        assert group == f"/aws/lambda/{each['FunctionName']['Fn::Sub']}"


def test_what_nobody_waits_for_is_handed_over_when_it_fails() -> None:
    handed = {"Arn": {"Fn::GetAtt": ["Undelivered", "Arn"]}}
    for rule in resources("AWS::Events::Rule").values():
        assert all(target["DeadLetterConfig"] == handed for target in rule["Targets"])
    for each in resources("AWS::Serverless::Function").values():
        events = each.get("Events", {}).values()
        assert all(event["Properties"]["DeadLetterConfig"] == handed for event in events)
        if events:
            assert each["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"] == handed["Arn"]


def test_every_rule_may_hand_over_what_it_could_not_deliver_however_long_the_stacks_name_is() -> None:
    """CloudFormation trims the stack's part of a name that it makes up to 25 characters; so each rule's is ours."""
    rules = [each["Properties"] for each in EXPANDED["Resources"].values() if each["Type"] == "AWS::Events::Rule"]
    assert len(rules) >= 3
    names = [json.dumps(each.get("Name")).replace("${AWS::StackName}", "s" * 40) for each in rules]
    found = [re.search(r'"(s{40}-[a-z-]+)"', name) for name in names]
    assert all(each and len(each[1]) <= 64 for each in found), names
    policy = EXPANDED["Resources"]["UndeliveredPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert ":rule/${AWS::StackName}-*" in json.dumps(policy["Condition"])
