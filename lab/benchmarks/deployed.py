"""The functions as the template would deploy them: name, code, network, and an environment with plausible values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lab.testbed.cloud.template import expand
from lab.testbed.state_files import ROOT

REGION = "eu-central-1"
PARAMETERS = {
    "PairName": "bench",
    "Ms1InstanceId": "i-00000000000000a01",
    "Ms1Addresses": "10.0.0.11",
    "Ms2InstanceId": "i-00000000000000a02",
    "Ms2Addresses": "10.0.0.12",
    "DatabaseEngine": "postgresql",
    "DatabaseHost": "database.corp.example",
    "DatabasePort": "5432",
    "DatabaseName": "ms",
    "DatabaseSecretArn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:monitor-AbCdEf",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "RecordName": "ms.corp.example",
    "Resolvers": "10.0.0.2",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0",
    "AdminTlsName": "ms.corp.example",
}

AWS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "bench",
    "AWS::URLSuffix": "amazonaws.com",
}
"""What CloudFormation puts in by itself."""


@dataclass(frozen=True)
class Function:
    """A function of the template.

    Args:
        name: as its directory is called.
        code: that directory.
        environment: its variables, with values as a deployment would give them.
        in_vpc: whether it runs in the VPC, where it calls no AWS API when it starts.
    """

    name: str
    code: Path
    environment: Mapping[str, str]
    in_vpc: bool


@cache
def functions() -> dict[str, Function]:
    """Every function of a deployment with no more than its parameters demand, by name."""
    template = expand(ROOT / "template.yaml", PARAMETERS)
    values = {name: str(about.get("Default", "")) for name, about in template["Parameters"].items()}
    values |= PARAMETERS | AWS
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Lambda::Function" or "Condition" in resource:
            continue  # a probe of the same code as one that always is, and what leads game days
        properties = resource["Properties"]
        variables = properties["Environment"]["Variables"]
        code = Path("/") / properties["Code"]["S3Key"]
        environment = {key: _plain(value, values, template["Resources"]) for key, value in variables.items()}
        found[code.name] = Function(code.name, code, environment, "VpcConfig" in properties)
    return found


def _plain(value: Any, values: Mapping[str, str], resources: Mapping[str, Any]) -> str:
    """A value with its intrinsics resolved; a resource's id is one that such a resource could have."""
    if not isinstance(value, dict):
        return str(value)
    ((word, argument),) = value.items()
    if word == "Ref":
        return values[argument] if argument in values else _id(argument, resources[argument]["Type"])
    if word == "Fn::GetAtt":
        return _arn(argument[0], resources[argument[0]]["Type"])
    if word == "Fn::If":
        return _plain(argument[2], values, resources)  # nothing that may be left out is asked for
    if word == "Fn::Join":
        between, parts = argument
        several = parts if isinstance(parts, list) else [parts]  # a list by name is one value here, commas and all
        return str(between).join(_plain(each, values, resources) for each in several)
    if word == "Fn::Sub":
        return re.sub(r"\$\{([A-Za-z0-9:]+)\}", lambda name: values[name[1]], argument)
    raise ValueError(f"{word} in an environment is not understood here")


def _id(name: str, kind: str) -> str:
    if kind == "AWS::EC2::SecurityGroup":
        return "sg-0123456789abcdef0"
    if kind in ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"):
        return _arn(name, kind)
    if kind == "AWS::SQS::Queue":
        return f"https://sqs.{REGION}.amazonaws.com/123456789012/bench-{name}"
    return f"bench-{name}"


def _arn(name: str, kind: str) -> str:
    service = kind.split("::")[1].lower()
    return f"arn:aws:{service}:{REGION}:123456789012:{name}"
