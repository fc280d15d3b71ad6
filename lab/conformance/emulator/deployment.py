"""The template on the other emulator, through its CloudFormation, as plain CloudFormation with code in its S3."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.conformance.emulator.emulator import REGION, Emulator
from lab.testbed.cloud import template as templates
from lab.testbed.cloud.functions import CODE_BUCKET
from lab.testbed.polling import wait_for

ROOT = Path(__file__).parents[3]
STACK = "ms-failover"
BUCKET = "code"
NOT_MADE = ("AWS::SSM::Document", "AWS::EC2::SecurityGroupIngress")
"""Types that its CloudFormation refuses by name; they are left out, and documents go by their names."""


class Refused(Exception):
    """The stack was not made; the emulator's own words."""


def furnish(emulator: Emulator) -> dict[str, str]:
    """Make what an owner has, and return the template's parameters for it."""
    ec2 = emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    zone = emulator.client("route53").create_hosted_zone(Name="corp.example", CallerReference="1")["HostedZone"]["Id"]
    one = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    made = [ec2.run_instances(PrivateIpAddress=address, **one) for address in ("10.0.0.11", "10.0.0.12")]
    instances = [each["Instances"][0]["InstanceId"] for each in made]
    emulator.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {
        "Ms1InstanceId": instances[0],
        "Ms1Addresses": "10.0.0.11",
        "Ms2InstanceId": instances[1],
        "Ms2Addresses": "10.0.0.12",
        "DatabaseHost": "10.0.0.30",
        "DatabaseName": "tectia",
        "DatabaseSecretArn": f"arn:aws:secretsmanager:{REGION}:000000000000:secret:monitor-AbCdEf",
        "HostedZoneId": zone.rsplit("/", 1)[-1],
        "RecordName": "ms.corp.example",
        "VpcId": vpc,
        "SubnetIds": subnet,
        "AdminTlsName": "ms.corp.example",
        "PowerPauseSeconds": "1",
    }


def deploy(emulator: Emulator, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create the stack and return its outputs. Raises Refused with the emulator's words."""
    body = json.dumps(_template(emulator, parameters)).encode()
    emulator.client("s3").put_object(Bucket=BUCKET, Key="template.json", Body=body)
    cloudformation = emulator.client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"{emulator.endpoint}/{BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": each} for key, each in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except cloudformation.exceptions.ClientError as error:
        raise Refused(str(error)) from error

    stack = _settled(emulator)
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def update(emulator: Emulator, parameters: Mapping[str, str], **changed: str) -> str:
    """Update the stack with other parameters and return its status. Raises Refused with the emulator's words."""
    given = {**parameters, **changed}
    cloudformation = emulator.client("cloudformation")
    cloudformation.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": key, "ParameterValue": each} for key, each in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return str(_settled(emulator, "UPDATE_COMPLETE")["StackStatus"])


def delete(emulator: Emulator) -> str:
    """Delete the stack and wait until it is gone."""
    cloudformation = emulator.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)

    def gone() -> bool:
        try:
            return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]) == "DELETE_COMPLETE"
        except cloudformation.exceptions.ClientError:
            return True

    wait_for("the end of the stack", gone, 90, every_s=0.5)
    return "gone"


def _settled(emulator: Emulator, wanted: str = "CREATE_COMPLETE") -> dict[str, Any]:
    cloudformation = emulator.client("cloudformation")

    def ended() -> Any:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack: dict[str, Any] = wait_for("the stack", ended, 90, every_s=0.5)
    if stack["StackStatus"] != wanted:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [each for each in events if "FAILED" in each["ResourceStatus"]]
        why = [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed]
        raise Refused(f"{stack['StackStatus']}: {'; '.join(why)}")
    return stack


def _template(emulator: Emulator, parameters: Mapping[str, str]) -> dict[str, Any]:
    expanded = templates.expand(ROOT / "template.yaml", parameters)
    for name, resource in list(expanded["Resources"].items()):
        if resource["Type"] in NOT_MADE:
            del expanded["Resources"][name]
            if "Name" in resource["Properties"]:
                expanded = _named(expanded, name, resource["Properties"]["Name"]["Fn::Sub"])
    for name, resource in expanded["Resources"].items():
        _upload(emulator, name, resource)
    return expanded


def _named(expanded: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """Put a resource's name in the place of references to it."""
    written = json.dumps(expanded).replace(f'{{"Ref": "{name}"}}', f'{{"Fn::Sub": "{text}"}}')
    found: dict[str, Any] = json.loads(written.replace(f"${{{name}}}", text))
    return found


def _upload(emulator: Emulator, name: str, resource: Mapping[str, Any]) -> None:
    """Put a function's, the layer's or the machine's code where the template can name it."""
    properties = resource.get("Properties", {})
    for key in ("Code", "Content"):
        place = properties.get(key)
        if isinstance(place, dict) and place.get("S3Bucket") == CODE_BUCKET:
            directory = Path("/") / place["S3Key"]
            packed = zipped(directory / "msfailover", "python/msfailover/") if key == "Content" else zipped(directory)
            emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=packed)
            properties[key] = {**place, "S3Bucket": BUCKET, "S3Key": f"{name}.zip"}
    place = properties.get("DefinitionS3Location")
    if place:
        text = (Path("/") / place["Key"]).read_bytes()
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.json", Body=text)
        properties["DefinitionS3Location"] = {"Bucket": BUCKET, "Key": f"{name}.json"}


def zipped(directory: Path, within: str = "") -> bytes:
    """A directory's Python files as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(directory.rglob("*.py")):
            archive.write(path, f"{within}{path.relative_to(directory)}")
    return packed.getvalue()
