"""A role's call is held against its policies, whatever service and protocol it goes to, and refused in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters.permission_checks import DENIED, is_allowed

from lab.testbed.cloud.account import ACCOUNT, REGION
from lab.testbed.cloud.server import client
from tests.lab.testbed.cloud.conftest import Sky

TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
MINE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/mine"


@pytest.fixture
def role(sky: Sky) -> Iterator[Any]:
    """Gives a role a policy, and clients with its keys."""
    iam = sky.cloud.client("iam")
    arn = iam.create_role(RoleName="tried", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def allow(*statements: dict[str, Any]) -> Any:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        iam.put_role_policy(RoleName="tried", PolicyName="own", PolicyDocument=json.dumps(document))
        keys = sky.cloud.credentials_of(arn)
        return lambda service: client(service, sky.cloud.endpoint, keys)

    yield allow
    iam.delete_role_policy(RoleName="tried", PolicyName="own")
    iam.delete_role(RoleName="tried")


CALLS = [
    ("dynamodb", lambda it: it.get_item(TableName="mine", Key={"pair": {"S": "a"}, "item": {"S": "state"}})),
    ("ec2", lambda it: it.stop_instances(InstanceIds=["i-00000000000000001"], DryRun=True)),
    ("lambda", lambda it: it.invoke(FunctionName="nobody", Payload=b"{}")),
    ("route53", lambda it: it.list_resource_record_sets(HostedZoneId="Z1")),
    ("secretsmanager", lambda it: it.get_secret_value(SecretId="arn:aws:secretsmanager:x:1:secret:s")),
    ("sns", lambda it: it.publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:nobody", Message="x")),
    ("ssm", lambda it: it.send_command(InstanceIds=["i-00000000000000001"], DocumentName="d")),
    ("stepfunctions", lambda it: it.start_execution(stateMachineArn="arn:aws:states:x:1:stateMachine:m", input="{")),
]  # fmt: skip


@pytest.mark.parametrize(("service", "call"), CALLS, ids=[each[0] for each in CALLS])
def test_what_no_policy_allows_is_refused_in_the_words_of_the_service(role: Any, service: str, call: Any) -> None:
    tried = role({"Action": "sqs:SendMessage", "Resource": "*"})(service)
    with pytest.raises(ClientError) as refused:
        call(tried)
    assert refused.value.response["Error"]["Code"] in DENIED
    assert "allowed by no statement" in refused.value.response["Error"]["Message"]
    assert is_allowed("it", lambda: call(tried), ()).is_no, "the dry tries of the functions understand it"


def test_an_allowed_call_goes_through_and_one_with_another_key_does_not(sky: Sky, role: Any) -> None:
    sky.cloud.client("dynamodb").create_table(
        TableName="mine",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pair", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pair", "KeyType": "HASH"}],
    )
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ours"]}}
    tried = role({"Action": "dynamodb:PutItem", "Resource": MINE, "Condition": condition})("dynamodb")
    tried.put_item(TableName="mine", Item={"pair": {"S": "ours"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        tried.put_item(TableName="mine", Item={"pair": {"S": "theirs"}})
    allowed = {seen.call.context["dynamodb:LeadingKeys"]: seen.allowed for seen in sky.cloud.permissions.seen[-2:]}
    assert allowed == {("ours",): True, ("theirs",): False}


def test_a_call_that_nobody_has_written_down_is_refused_even_where_everything_is_allowed(role: Any) -> None:
    tried = role({"Action": "*", "Resource": "*"})("dynamodb")
    with pytest.raises(ClientError, match="dynamodb:Scan is not among the calls that are known here"):
        tried.scan(TableName="mine")


def test_the_owner_may_do_everything(sky: Sky) -> None:
    sky.cloud.client("ec2").describe_vpcs()
