"""The template as a deployment with plain values would see it: its environment, its policies, its events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lab.testbed.cloud.template import load

ROOT = Path(__file__).parents[2]
REGION, ACCOUNT, STACK = "eu-central-1", "123456789012", "ms-failover"

CHOSEN = {
    "Ms1InstanceId": "i-00000000000000a01",
    "Ms1Addresses": ["10.0.0.11", "2001:db8::11"],
    "Ms2InstanceId": "i-00000000000000a02",
    "Ms2Addresses": ["10.0.0.12"],
    "DatabaseHost": "database.corp.example",
    "DatabaseName": "tectia",
    "DatabaseSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:monitor-AbCdEf",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "RecordName": "ms.corp.example",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": ["subnet-0123456789abcdef0"],
    "AdminTlsName": "ms.corp.example",
}
"""Values for the parameters that have no default."""

_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::StackName": STACK,
    "AWS::NoValue": "",
}


@cache
def template() -> dict[str, Any]:
    """The template as it is written, with its includes in place."""
    return load(ROOT / "template.yaml")


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, by logical id."""
    found = template()["Resources"].items()
    return {name: each.get("Properties", {}) for name, each in found if each["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every function, by the name of its directory; of two of the same code, the first one's."""
    found = list(resources("AWS::Serverless::Function").values())
    return {Path(each["CodeUri"]).name: each for each in reversed(found)}


def environment(function: str) -> dict[str, str]:
    """The environment the template gives a function, as plain values."""
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = functions()[function].get("Environment", {}).get("Variables", {})
    return {name: str(value(given)) for name, given in {**shared, **own}.items()}


def value(given: Any) -> Any:
    """What an expression of the template comes to."""
    if isinstance(given, list):
        return [value(each) for each in given]
    if not isinstance(given, Mapping):
        return given
    if len(given) == 1:
        name, argument = next(iter(given.items()))
        if name == "Ref":
            return _named(argument)
        if name == "Fn::GetAtt":
            return _attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
        if name == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: _substitute(found[1]), argument)
        if name == "Fn::If":
            assert argument[0] == "HasSecondProbe", "what is not asked for is left out"
            return value(argument[2])
        if name == "Fn::Join":
            return argument[0].join(value(argument[1]))
    return {name: value(each) for name, each in given.items()}


def _substitute(name: str) -> str:
    resource, _, attribute = name.partition(".")
    return str(_attribute(resource, attribute) if attribute and "::" not in name else _named(name))


def _named(name: str) -> Any:
    if name in _PSEUDO:
        return _PSEUDO[name]
    if name in template()["Parameters"]:
        about = template()["Parameters"][name]
        return CHOSEN[name] if "Default" not in about or name in CHOSEN else about["Default"]
    resource = template()["Resources"][name]
    kind, properties = resource["Type"], resource.get("Properties", {})
    own_name = {
        "AWS::Serverless::Function": "FunctionName",
        "AWS::SSM::Document": "Name",
        "AWS::CloudWatch::Alarm": "AlarmName",
    }
    if kind in own_name:
        return value(properties[own_name[kind]])
    return {
        "AWS::DynamoDB::Table": f"{STACK}-{name}-1ABCDEFGHIJKL",
        "AWS::EC2::SecurityGroup": "sg-0123456789abcdef0",
        "AWS::Serverless::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}-failover",
        "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}-watch-slots",
        "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-{name}",
        "AWS::Serverless::LayerVersion": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{STACK}-msfailover:1",
    }[kind]


def _attribute(name: str, attribute: str) -> str:
    if attribute == "QueueName":
        return str(value(template()["Resources"][name]["Properties"]["QueueName"]))
    assert attribute == "Arn", f"{name}.{attribute}"
    kind, where = template()["Resources"][name]["Type"], f"{REGION}:{ACCOUNT}"
    patterns = {
        "AWS::Serverless::Function": f"arn:aws:lambda:{where}:function:%s",
        "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{where}:alarm:%s",
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{where}:table/%s",
    }
    return patterns[kind] % _named(name) if kind in patterns else f"arn:aws:iam::{ACCOUNT}:role/{STACK}-{name}"
