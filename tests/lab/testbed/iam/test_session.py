"""A pair's whole life with every role's own keys and its permissions enforced; nothing is allowed that is not used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from lab.testbed.cloud.account import ACCOUNT, REGION
from lab.testbed.iam.policies import Call, Statement, decide, statements_of
from lab.testbed.testbed import STACK
from tests.lab.testbed.iam.haystacks import haystacks, planted
from tests.lab.testbed.iam.session import ROTATED, Session

pytestmark = pytest.mark.testbed

FUNCTIONS = (
    "Audit", "DatabaseAccess", "DatabaseSessions", "Dns", "GameDay", "Pair", "Probe", "Readiness", "Replicate",
    "Server", "Watch",
)  # fmt: skip
OTHERS = {
    "FailoverMachineRole": "states",
    "GameDayMachineRole": "states",
    "GameDayCalendarRole": "scheduler",
    "AlarmRole": "events",
    **{f"{name}Role": "scheduler" for name in (
        "AuditFunctionEachMinute", "ReadinessFunctionRegularly", "ReplicateFunctionDaily",
        "ReplicateFunctionRegularly", "ReplicateFunctionVerified", "WatchFunctionEachMinute",
    )},
}  # fmt: skip
"""The roles beside those of the functions, and the service that takes each on."""

UNUSED_HERE = {
    **{
        (role, "ssm:SendCommand", "*:managed-instance/*"): "for hosts outside EC2; the testbed's are in it"
        for role in ("ServerFunctionRole", "ReplicateFunctionRole")
    },
    **{
        (f"{function}FunctionRole", "sqs:SendMessage", f"*:{STACK}-undelivered"): "Lambda's, for a run that failed"
        for function in ("Audit", "Dns", "GameDay", "Readiness", "Replicate", "Watch")
    },
    ("ServerFunctionRole", "lambda:InvokeFunction", f"*:function:{STACK}-probe"): "for a source lost while it stops",
    (
        "GameDayFunctionRole",
        "states:DescribeExecution",
        f"*:execution:{STACK}-game-day:*",
    ): "for a game day before that was left half done",
    ("ServerFunctionRole", "ssm:CancelCommand", "*"): "for an order that its step gave up, as none is here",
}
"""What no call of the session needs: role, action, resource, and the reason why it is allowed all the same."""


def test_adoption_replication_switchover_and_failover_go_through(session: Session) -> None:
    assert session.outcomes == {
        "adopt": "promoted",
        "dry failover": "dry-run",
        "dry switchover": "dry-run",
        "switchover": "promoted",
        "game day": "completed",
        "resume while it runs": "refused",
        "failover": "promoted",
    }
    assert session.answers["replicated"]["last"]["complete"] is True
    assert session.answers["receipt"]["by"] == "power", "the machine was switched off with the role's own right"
    assert ("keep_out", "ms1") in [(each["act"], each["server"]) for each in session.answers["audit"]["done"]]


def test_readiness_finds_every_permission_there(session: Session) -> None:
    checks = {each["name"]: each for each in session.answers["readiness"]["checks"]}
    assert checks["permissions"]["answer"] == "yes", checks["permissions"]["sentence"]


def test_no_role_was_refused_anything(session: Session) -> None:
    refused = [each for each in session.testbed.cloud.permissions.seen if not each.allowed]
    assert [each.sentence for each in refused] == []


def test_every_event_that_was_announced_is_as_its_schema_says(session: Session) -> None:
    bus = session.testbed.cloud.bus
    assert {each["detail-type"] for each in bus.announced} >= {"Setting Changed", "Failover Held", "Finding Changed"}
    assert bus.faults == []


def test_every_function_has_a_role_of_its_own_that_only_lambda_takes_on(session: Session) -> None:
    assert set(session.roles.values()) == {f"{each}FunctionRole" for each in FUNCTIONS} | set(OTHERS)
    for role, logical in session.roles.items():
        trust = session.testbed.cloud.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        (statement,) = trust["Statement"]
        service = statement["Principal"]["Service"]
        assert service in (
            f"{OTHERS.get(logical, 'lambda')}.amazonaws.com",
            [f"{OTHERS.get(logical, 'lambda')}.amazonaws.com"],
        )


def test_a_schedule_or_rule_may_start_what_it_is_for_and_nothing_else(session: Session) -> None:
    for role in OTHERS:
        if role in ("FailoverMachineRole", "GameDayMachineRole"):
            continue
        function = next((each for each in FUNCTIONS if role.startswith(f"{each}Function")), None)
        machine = machine_of(session, "game-day") if role.startswith("GameDay") else session.testbed.machine
        starts = (
            ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{function.lower()}")
            if function
            else ("states:StartExecution", machine)
        )
        undelivered = ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-undelivered")
        allowed = [piece for each in session.statements(role) for piece in pieces(each)]
        assert allowed == ([starts] if role == "AlarmRole" else [starts, undelivered])


def machine_of(session: Session, name: str) -> str:
    """Another state machine of the stack, by its ARN."""
    return f"{session.testbed.machine.rpartition(':')[0]}:{STACK}-{name}"


def pieces(statement: Statement) -> Iterator[tuple[str, str]]:
    return ((action, resource) for action in statement.actions for resource in statement.resources)


def needed(session: Session, role: str, action: str, resource: str) -> bool:
    """Whether anything that the role did would have been refused without this."""
    statements = session.statements(role)
    less = [rest for each in statements for rest in (each.without(action, resource) if each.allows else (each,))]
    return any(not decide(less, each.call).allowed for each in session.seen(role) if each.call.action == action)


def excused(role: str, action: str, resource: str) -> bool:
    return any((role, action) == key[:2] and fnmatchcase(resource, key[2]) for key in UNUSED_HERE)


def test_with_any_permission_taken_away_something_of_this_would_have_failed(session: Session) -> None:
    superfluous = [
        (role, action, resource)
        for role in (*(f"{each}FunctionRole" for each in FUNCTIONS), "FailoverMachineRole", "GameDayMachineRole")
        for statement in session.statements(role)
        if statement.allows
        for action, resource in pieces(statement)
        if not needed(session, role, action, resource) and not excused(role, action, resource)
    ]
    assert superfluous == []


@pytest.mark.parametrize("exception", UNUSED_HERE, ids=lambda each: f"{each[1]} of {each[0]}")
def test_what_is_excused_is_there_and_really_not_used(session: Session, exception: tuple[str, str, str]) -> None:
    role, action, pattern = exception
    found = [
        on
        for each in session.statements(role)
        for what, on in pieces(each)
        if what == action and fnmatchcase(on, pattern)
    ]
    assert found
    assert not any(needed(session, role, action, resource) for resource in found)


WITHOUT_RESOURCES = {
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSubnets",
    "ssm:CancelCommand",
    "ssm:GetCommandInvocation",
}
"""For which the Service Authorization Reference knows no resource."""


def test_everything_is_allowed_only_where_the_service_knows_no_resources(session: Session) -> None:
    wide = {
        action
        for role in session.roles.values()
        for each in session.statements(role)
        if each.allows
        for action, resource in pieces(each)
        if resource == "*"
    }
    assert wide == WITHOUT_RESOURCES


FORGED = {
    "another pair's record": ("PairFunctionRole", "dynamodb:PutItem", {"dynamodb:LeadingKeys": ("other",)}),
    "the pair's record by replication": (
        "ReplicateFunctionRole",
        "dynamodb:PutItem",
        {"dynamodb:LeadingKeys": (STACK,)},
    ),
    "the record by a game day": ("GameDayFunctionRole", "dynamodb:PutItem", {"dynamodb:LeadingKeys": (STACK,)}),
    "the record by the audit": ("AuditFunctionRole", "dynamodb:PutItem", {"dynamodb:LeadingKeys": (STACK,)}),
}


@pytest.mark.parametrize(("role", "action", "context"), FORGED.values(), ids=FORGED)
def test_nobody_but_the_pair_function_writes_the_record(
    session: Session, role: str, action: str, context: dict[str, tuple[str, ...]]
) -> None:
    assert session.testbed.stack is not None
    (table,) = session.testbed.stack.of_type("AWS::DynamoDB::Table").values()
    call = Call(action, (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",), context)
    assert not decide(session.statements(role), call).allowed
    own = Call("dynamodb:PutItem", call.resources, {"dynamodb:LeadingKeys": (STACK,)})
    assert decide(session.statements("PairFunctionRole"), own).allowed


@pytest.mark.parametrize(
    "change",
    [{"NormalizedRecordNames": "www.corp.example"}, {"RecordTypes": "TXT"}, {"Actions": "UPSERT"}, {"Actions": ""}],
    ids=str,
)
def test_the_name_is_the_only_record_that_may_be_moved(session: Session, change: dict[str, str]) -> None:
    (seen, *_) = (
        each.call for each in session.seen("DnsFunctionRole") if each.call.action.endswith("ChangeResourceRecordSets")
    )
    ((what, strange),) = change.items()
    context = {**seen.context, f"route53:ChangeResourceRecordSets{what}": (strange,) if strange else ()}
    assert decide(session.statements("DnsFunctionRole"), seen).allowed
    assert not decide(session.statements("DnsFunctionRole"), Call(seen.action, seen.resources, context)).allowed


@pytest.mark.parametrize("kind", ["instance/i-0123456789abcdef0", "managed-instance/mi-0123456789abcdef0"])
def test_no_other_machine_may_be_told_anything_or_switched_off(session: Session, kind: str) -> None:
    other = f"arn:aws:{'ec2' if kind.startswith('i') else 'ssm'}:{REGION}:{ACCOUNT}:{kind}"
    for role in ("ServerFunctionRole", "ReplicateFunctionRole"):
        statements = session.statements(role)
        assert not decide(statements, Call("ec2:StopInstances", (other,))).allowed
        sent = next(each.call for each in session.seen(role) if each.call.action == "ssm:SendCommand")
        assert not decide(statements, Call("ssm:SendCommand", (sent.resources[0], other))).allowed
        shell = f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript"
        assert not decide(statements, Call("ssm:SendCommand", (shell, sent.resources[1]))).allowed


def test_no_other_group_may_be_edited(session: Session) -> None:
    rule = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group-rule/sgr-0123456789abcdef0"
    owners = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{session.testbed.owner.database_group_id}"
    for action in ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"):
        assert not decide(session.statements("DatabaseAccessFunctionRole"), Call(action, (owners, rule))).allowed


@cache
def managed() -> dict[str, Any]:
    """AWS's own policies, as moto has them."""
    known: dict[str, Any] = json.loads(aws_managed_policies_data)
    return known


def with_managed(session: Session, role: str) -> list[Statement]:
    """A role's policies, and AWS's own that are attached to it (which the local cloud does not know)."""
    assert session.testbed.stack is not None
    attached = session.testbed.stack.template["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
    names = [str(each.get("Fn::Sub", each) if isinstance(each, dict) else each).rsplit("/", 1)[-1] for each in attached]
    return [*session.statements(role), *(one for name in names for one in statements_of(managed()[name]["Document"]))]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_beside_its_own_and_nowhere_else(session: Session, function: str) -> None:
    statements = with_managed(session, f"{function}FunctionRole")
    for group, allowed in ((f"/aws/lambda/{STACK}-anything", True), ("/aws/lambda/payroll", False), ("trail", False)):
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:2026/11/24/[$LATEST]1"
            assert decide(statements, Call(action, (stream,))).allowed is allowed


@pytest.mark.parametrize("function", ["Probe", "DatabaseSessions"])
def test_lambda_makes_the_interfaces_of_a_function_and_its_code_makes_none(session: Session, function: str) -> None:
    statements = with_managed(session, f"{function}FunctionRole")
    by_code = {"lambda:SourceFunctionArn": (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-probe",)}
    for action in ("CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses"):
        assert decide(statements, Call(f"ec2:{action}")).allowed
        assert not decide(statements, Call(f"ec2:{action}", ("*",), by_code)).allowed


# ---- What must not be seen -------------------------------------------------------------------------------------------


def test_a_rotated_password_is_fetched_when_the_old_one_is_refused(session: Session) -> None:
    assert session.answers["after the rotation"]["answer"] == "yes"
    assert "1 session" in session.answers["after the rotation"]["sentence"]


def test_no_secret_is_in_logs_metrics_histories_results_records_messages_or_environments(session: Session) -> None:
    secrets = planted(session)
    assert {
        "monitor's password",
        "rotated password",
        "application's password",
        "ms1 /etc/opt/ssh-mgmt/server/server.key",
    } <= set(secrets)
    assert secrets["rotated password"] == (ROTATED,)
    for place, text in haystacks(session).items():
        found = [name for name, parts in secrets.items() if any(part in text for part in parts)]
        assert found == [], f"{found} in {place}"


def test_those_places_were_really_called(session: Session) -> None:
    found = haystacks(session)
    assert '"secretsmanager' not in found["logs"]
    for place, known in {
        "logs": '"service":"pair"',
        "metrics": "ActiveServerAnswers",
        "execution histories": "VerifyFence",
        "command results": "ssh-ed25519",
        "records": "epoch",
        "messages": "promoted",
        "environments": session.testbed.owner.secret_arn,
    }.items():
        assert known in found[place], place
