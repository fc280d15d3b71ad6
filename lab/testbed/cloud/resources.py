"""Resource types that moto's CloudFormation lacks or makes in the wrong place, made through the API.

They are registered in moto's own CloudFormation, so that references between resources, conditions and outputs work for
them as for any other, in both directions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.parsing import get_model_map, get_name_type_map

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.patching import Patches

Properties = dict[str, Any]
ClientOf = Callable[[str], Any]


class ResourceError(Exception):
    """A resource could not be made; the message names it."""


class Made:
    """A resource as CloudFormation sees it: what Ref gives and what GetAtt gives."""

    def __init__(self, physical_id: str, attributes: Mapping[str, str] | None = None) -> None:
        self.physical_resource_id = physical_id
        self._attributes = dict(attributes or {})
        self.cf_resource_type = ""
        self.logical_resource_id = ""

    def get_cfn_attribute(self, name: str) -> str:
        if name not in self._attributes:
            raise UnformattedGetAttTemplateException()
        return self._attributes[name]

    def is_created(self) -> bool:
        return True


Maker = Callable[[ClientOf, str, Properties], Made]


def install(patches: Patches, client_of: ClientOf, more: Mapping[str, tuple[str, frozenset[str], Maker]]) -> None:
    """Teach moto's CloudFormation the types in `MAKERS` and some `more`, and functions their layers."""
    for kind, (name_property, attributes, maker) in {**MAKERS, **more}.items():
        model = _model(kind, name_property, attributes, maker, client_of)
        patches.put_item(get_model_map(), kind, model, why=f"moto's CloudFormation does not make {kind}, or not so")
        patches.put_item(get_name_type_map(), kind, name_property, why=f"how {kind} is named")

    def create(_cls: type[Any], /, name: str, template: Any, account: str, region: str, **rest: Any) -> Any:
        function = make(name, template, account, region, **rest)
        function.layers = function._get_layers_data(template["Properties"].get("Layers", []))
        return function

    def create_named(logical_id: str, resource: Any, *rest: Any, **options: Any) -> Any:
        try:
            return create_one(logical_id, resource, *rest, **options)
        except ResourceError:
            raise
        except Exception as error:
            raise ResourceError(f"{logical_id} ({resource['Type']}): {type(error).__name__}: {error}") from error

    create_one = patches.put(
        parsing, "parse_and_create_resource", create_named, why="moto's errors do not say which resource failed"
    )

    def clean_json(template: Any, resources: Any) -> Any:
        cleaned = clean(template, resources)
        return [each for each in cleaned if each is not None] if isinstance(template, list) else cleaned

    clean = patches.put(
        parsing, "clean_json", clean_json, why="moto leaves a None in a list in the place of AWS::NoValue"
    )
    make = LambdaFunction.create_from_cloudformation_json
    patches.put(
        LambdaFunction,
        "create_from_cloudformation_json",
        classmethod(create),
        why="moto's CloudFormation drops a function's Layers",
    )


def _model(kind: str, name_property: str, attributes: frozenset[str], maker: Maker, client_of: ClientOf) -> type[Made]:
    class Model(Made):
        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @staticmethod
        def cloudformation_name_type() -> str:
            return name_property

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in attributes

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
        ) -> Made:
            del account_id, region_name
            properties = dict(cloudformation_json["Properties"])
            # moto finds the name by its own model's property, which is the wrong one for state machines.
            return maker(client_of, properties.get(name_property) or resource_name, properties)

    Model.__name__ = kind.replace("::", "")
    return Model


def _alarm(client_of: ClientOf, name: str, properties: Properties) -> Made:
    cloudwatch = client_of("cloudwatch")
    cloudwatch.put_metric_alarm(**{**_typed(cloudwatch, "PutMetricAlarm", properties), "AlarmName": name})
    return Made(name, {"Arn": backend("cloudwatch").alarms[name].alarm_arn})


def _schedule(client_of: ClientOf, name: str, properties: Properties) -> Made:
    scheduler = client_of("scheduler")
    made = scheduler.create_schedule(**{**_typed(scheduler, "CreateSchedule", properties), "Name": name})
    return Made(name, {"Arn": made["ScheduleArn"]})


def _schedule_group(client_of: ClientOf, name: str, properties: Properties) -> Made:
    made = client_of("scheduler").create_schedule_group(Name=name, Tags=properties.get("Tags", []))
    return Made(name, {"Arn": made["ScheduleGroupArn"]})


def _state_machine(client_of: ClientOf, name: str, properties: Properties) -> Made:
    definition = state_machine_definition(properties)
    made = client_of("stepfunctions").create_state_machine(
        name=name,
        definition=definition,
        roleArn=properties["RoleArn"],
        type=properties.get("StateMachineType", "STANDARD"),
        tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])],
    )
    return Made(made["stateMachineArn"], {"Arn": made["stateMachineArn"], "Name": name})


def state_machine_definition(properties: Properties) -> str:
    """The definition with its substitutions made. Raises ValueError naming every `${...}` that has none."""
    if "DefinitionS3Location" in properties:
        text = (Path("/") / properties["DefinitionS3Location"]["Key"]).read_text()
    elif "Definition" in properties:
        text = json.dumps(properties["Definition"])
    else:
        text = properties["DefinitionString"]
    substitutions = properties.get("DefinitionSubstitutions", {})
    unknown = sorted(set(re.findall(r"\$\{([A-Za-z0-9_]+)\}", text)) - set(substitutions))
    if unknown:
        raise ValueError(f"the state machine's definition has no substitution for {', '.join(unknown)}")
    return re.sub(r"\$\{([A-Za-z0-9_]+)\}", lambda match: str(substitutions[match.group(1)]), text)


def _event_invoke_config(client_of: ClientOf, name: str, properties: Properties) -> Made:
    known = ("FunctionName", "MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    client = client_of("lambda")
    values = _typed(
        client, "PutFunctionEventInvokeConfig", {key: properties[key] for key in known if key in properties}
    )
    client.put_function_event_invoke_config(**values)
    return Made(name)


def _event_source_mapping(client_of: ClientOf, _name: str, properties: Properties) -> Made:
    client = client_of("lambda")
    made = client.create_event_source_mapping(**_typed(client, "CreateEventSourceMapping", properties))
    return Made(made["UUID"], {"Id": made["UUID"]})


def _layer(client_of: ClientOf, name: str, properties: Properties) -> Made:
    made = client_of("lambda").publish_layer_version(
        LayerName=name,
        Content={key: properties["Content"][key] for key in ("S3Bucket", "S3Key")},
        CompatibleRuntimes=properties.get("CompatibleRuntimes", []),
    )
    return Made(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})


def _subscription(client_of: ClientOf, _name: str, properties: Properties) -> Made:
    made = client_of("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties.get("Endpoint", ""),
        ReturnSubscriptionArn=True,
    )
    return Made(made["SubscriptionArn"], {"Arn": made["SubscriptionArn"]})


def _topic_policy(client_of: ClientOf, name: str, properties: Properties) -> Made:
    for topic in properties["Topics"]:
        client_of("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
        )
    return Made(name)


def _queue_policy(client_of: ClientOf, name: str, properties: Properties) -> Made:
    for queue in properties["Queues"]:
        policy = json.dumps(properties["PolicyDocument"])
        client_of("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    return Made(name)


def _egress(client_of: ClientOf, name: str, properties: Properties) -> Made:
    permission: Properties = {"IpProtocol": str(properties["IpProtocol"])}
    if "FromPort" in properties:
        permission |= {"FromPort": int(properties["FromPort"]), "ToPort": int(properties["ToPort"])}
    if "CidrIp" in properties:
        permission["IpRanges"] = [{"CidrIp": properties["CidrIp"]}]
    elif "DestinationSecurityGroupId" in properties:
        permission["UserIdGroupPairs"] = [{"GroupId": properties["DestinationSecurityGroupId"]}]
    else:
        raise ValueError(f"the egress rule {name} goes to what is not known here: {sorted(properties)}")
    client_of("ec2").authorize_security_group_egress(GroupId=properties["GroupId"], IpPermissions=[permission])
    return Made(name)


MAKERS: dict[str, tuple[str, frozenset[str], Maker]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", frozenset({"Arn"}), _alarm),
    "AWS::Scheduler::Schedule": ("Name", frozenset({"Arn"}), _schedule),
    "AWS::Scheduler::ScheduleGroup": ("Name", frozenset({"Arn"}), _schedule_group),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", frozenset({"Arn", "Name"}), _state_machine),
    "AWS::Lambda::LayerVersion": ("LayerName", frozenset({"LayerVersionArn"}), _layer),
    "AWS::Lambda::EventSourceMapping": ("", frozenset({"Id"}), _event_source_mapping),
    "AWS::Lambda::EventInvokeConfig": ("", frozenset(), _event_invoke_config),
    "AWS::SNS::Subscription": ("", frozenset({"Arn"}), _subscription),
    "AWS::SNS::TopicPolicy": ("", frozenset(), _topic_policy),
    "AWS::SQS::QueuePolicy": ("", frozenset(), _queue_policy),
    "AWS::EC2::SecurityGroupEgress": ("", frozenset(), _egress),
}


def _typed(client: Any, operation: str, properties: Properties) -> Properties:
    """Properties as the API takes them: CloudFormation lets numbers and truths be written as strings.

    Unknown names stay, so that the client refuses them by name.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {name: _cast(value, shape.members.get(name)) for name, value in properties.items()}


def _cast(value: Any, shape: Any) -> Any:
    if shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {name: _cast(item, shape.members.get(name)) for name, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_cast(item, shape.member) for item in value]
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("double", "float"):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value
