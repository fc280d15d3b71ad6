"""What a call to AWS asks of the caller's policies: action, resources and condition keys, by the Service
Authorization Reference. A call that is not listed here is refused by the testbed, so that none goes unchecked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.testbed.iam.policies import Call

Params = Mapping[str, Any]
Here = Callable[[str, str], str]
"""The ARN of a service's resource in the account and region that is called: `here("ssm", "document/x")`."""


class UnknownCall(Exception):
    """A call of which is not written down what it asks of a policy."""


def call_of(service: str, operation: str, params: Params, here: Here) -> Call:
    """What IAM sees of a call.

    Args:
        service: boto3's name of it.
        operation: the API's operation, which is not always the action's name.
        params: the operation's parameters.
        here: makes ARNs.

    Raises:
        UnknownCall: nobody has written down what it touches.
    """
    name = f"{service}:{operation}"
    if service == "ec2" and operation.startswith("Describe") and name not in _CALLS:
        return Call(f"ec2:{operation}")
    if name not in _CALLS:
        raise UnknownCall(f"{name} is not among the calls that are known here: write down what it touches.")
    return _CALLS[name](params, here)


def _record(action: str, key: Callable[[Params], Any]) -> Callable[[Params, Here], Call]:
    def call(params: Params, here: Here) -> Call:
        table = str(params["TableName"])
        arn = table if table.startswith("arn:") else here("dynamodb", f"table/{table}")
        return Call(f"dynamodb:{action}", (arn,), {"dynamodb:LeadingKeys": (str(key(params)),)})

    return call


def _put_together(params: Params, here: Here) -> Call:
    """A transaction of puts, for which IAM asks dynamodb:PutItem, with the keys of all of them."""
    puts = [each["Put"] for each in params["TransactItems"]]
    keys = tuple(dict.fromkeys(str(each["Item"]["pair"]["S"]) for each in puts))
    arns = tuple(dict.fromkeys(here("dynamodb", f"table/{each['TableName']}") for each in puts))
    return Call("dynamodb:PutItem", arns, {"dynamodb:LeadingKeys": keys})


def _queried(params: Params) -> Any:
    """The partition key's value of a query: the first comparison of its condition."""
    found = re.match(r"\s*[#\w]+\s*=\s*(:\w+)", str(params["KeyConditionExpression"]))
    return params["ExpressionAttributeValues"][found[1]]["S"] if found else ""


def _access_group(action: str) -> Callable[[Params, Here], Call]:
    def call(params: Params, here: Here) -> Call:
        rules = params.get("SecurityGroupRuleIds") or ["sgr-00000000000000000"]  # a new one's id is not known yet
        group = here("ec2", f"security-group/{params['GroupId']}")
        return Call(f"ec2:{action}", (group, *(here("ec2", f"security-group-rule/{each}") for each in rules)))

    return call


def _network_acl(action: str) -> Callable[[Params, Here], Call]:
    def call(params: Params, here: Here) -> Call:
        acl = str(params["NetworkAclId"])
        return Call(f"ec2:{action}", (here("ec2", f"network-acl/{acl}"),), {"ec2:NetworkAclID": (acl,)})

    return call


def _instances(params: Params, here: Here) -> tuple[str, ...]:
    return tuple(
        here("ssm", f"managed-instance/{each}") if each.startswith("mi-") else here("ec2", f"instance/{each}")
        for each in params["InstanceIds"]
    )


def _send(params: Params, here: Here) -> Call:
    return Call("ssm:SendCommand", (here("ssm", f"document/{params['DocumentName']}"), *_instances(params, here)))


def _zone(params: Params) -> str:
    return f"arn:aws:route53:::hostedzone/{str(params['HostedZoneId']).split('/')[-1]}"


def _change(params: Params, _here: Here) -> Call:
    changes = params["ChangeBatch"]["Changes"]
    sets = [each["ResourceRecordSet"] for each in changes]
    about = "route53:ChangeResourceRecordSets"
    return Call(
        about,
        (_zone(params),),
        {
            f"{about}NormalizedRecordNames": tuple(sorted({each["Name"].rstrip(".").lower() for each in sets})),
            f"{about}RecordTypes": tuple(sorted({each["Type"] for each in sets})),
            f"{about}Actions": tuple(sorted({each["Action"] for each in changes})),
        },
    )


def _named(action: str, parameter: str) -> Callable[[Params, Here], Call]:
    """A call that names its one resource by its ARN."""
    return lambda params, _here: Call(action, (str(params[parameter]),))


def _stack(action: str) -> Callable[[Params, Here], Call]:
    """A call for a stack, by its name or ARN; IAM sees an ARN with the stack's id, which is not known here."""

    def call(params: Params, here: Here) -> Call:
        name = str(params["StackName"])
        return Call(action, (name if name.startswith("arn:") else here("cloudformation", f"stack/{name}/id"),))

    return call


def _invoke(params: Params, here: Here) -> Call:
    name = str(params["FunctionName"])
    return Call("lambda:InvokeFunction", (name if name.startswith("arn:") else here("lambda", f"function:{name}"),))


def _log_group(params: Params, here: Here) -> Call:
    """The group's ARN ends in ":*" for what is about its events (CloudWatch Logs user guide, resources)."""
    return Call("logs:FilterLogEvents", (here("logs", f"log-group:{params['logGroupName']}:*"),))


def _queue(action: str) -> Callable[[Params, Here], Call]:
    return lambda params, here: Call(action, (here("sqs", str(params["QueueUrl"]).rsplit("/", 1)[-1]),))


_CALLS: Mapping[str, Callable[[Params, Here], Call]] = {
    "cloudformation:DescribeStacks": _stack("cloudformation:DescribeStacks"),
    "cloudformation:GetTemplate": _stack("cloudformation:GetTemplate"),
    "cloudwatch:DescribeAlarms": lambda _params, _here: Call("cloudwatch:DescribeAlarms"),
    "logs:FilterLogEvents": _log_group,
    "dynamodb:GetItem": _record("GetItem", lambda params: params["Key"]["pair"]["S"]),
    "dynamodb:PutItem": _record("PutItem", lambda params: params["Item"]["pair"]["S"]),
    "dynamodb:TransactWriteItems": _put_together,
    "dynamodb:UpdateItem": _record("UpdateItem", lambda params: params["Key"]["pair"]["S"]),
    "dynamodb:Query": _record("Query", _queried),
    "ec2:AuthorizeSecurityGroupIngress": _access_group("AuthorizeSecurityGroupIngress"),
    "ec2:RevokeSecurityGroupIngress": _access_group("RevokeSecurityGroupIngress"),
    "ec2:CreateNetworkAclEntry": _network_acl("CreateNetworkAclEntry"),
    "ec2:DeleteNetworkAclEntry": _network_acl("DeleteNetworkAclEntry"),
    "ec2:ReplaceNetworkAclEntry": _network_acl("ReplaceNetworkAclEntry"),
    "ec2:DescribeInstanceAttribute": lambda params, here: Call(
        "ec2:DescribeInstanceAttribute", (here("ec2", f"instance/{params['InstanceId']}"),)
    ),
    "ec2:StopInstances": lambda params, here: Call("ec2:StopInstances", _instances(params, here)),
    "ec2:GetManagedPrefixListEntries": lambda params, here: Call(
        "ec2:GetManagedPrefixListEntries", (here("ec2", f"prefix-list/{params['PrefixListId']}"),)
    ),
    "events:PutEvents": lambda params, here: Call(
        "events:PutEvents",
        (here("events", "event-bus/default"),),
        {"events:source": tuple(sorted({str(each["Source"]) for each in params["Entries"]}))},
    ),
    "lambda:Invoke": _invoke,
    "route53:GetChange": lambda params, _here: Call(
        "route53:GetChange", (f"arn:aws:route53:::change/{str(params['Id']).split('/')[-1]}",)
    ),
    "route53:ChangeResourceRecordSets": _change,
    "route53:ListResourceRecordSets": lambda params, _: Call("route53:ListResourceRecordSets", (_zone(params),)),
    "secretsmanager:GetSecretValue": _named("secretsmanager:GetSecretValue", "SecretId"),
    "sns:GetTopicAttributes": _named("sns:GetTopicAttributes", "TopicArn"),
    "sns:Publish": _named("sns:Publish", "TopicArn"),
    "sqs:SendMessageBatch": _queue("sqs:SendMessage"),
    "ssm:GetCommandInvocation": lambda _params, _here: Call("ssm:GetCommandInvocation"),
    "ssm:SendCommand": _send,
    "stepfunctions:DescribeExecution": _named("states:DescribeExecution", "executionArn"),
    "stepfunctions:ListExecutions": _named("states:ListExecutions", "stateMachineArn"),
    "stepfunctions:GetExecutionHistory": _named("states:GetExecutionHistory", "executionArn"),
    "stepfunctions:StartExecution": _named("states:StartExecution", "stateMachineArn"),
}
