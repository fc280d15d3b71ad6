"""Judging a call by policies: what IAM documents of their evaluation, as far as this project's policies use it."""

from __future__ import annotations

from typing import Any

import pytest

from lab.testbed.iam.policies import Call, NotUnderstood, decide, statements_of

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/pair"
KEYS = "dynamodb:LeadingKeys"
ALL_KEYS = {"ForAllValues:StringEquals": {KEYS: ["ours"]}}


def allowed(call: Call, *statements: dict[str, Any]) -> bool:
    whole = [{"Effect": "Allow", "Action": call.action, "Resource": "*", **each} for each in statements]
    return decide(statements_of({"Statement": whole}), call).allowed


def keyed(*values: str) -> Call:
    return Call("dynamodb:GetItem", (TABLE,), {KEYS: values} if values else {})


def test_what_no_statement_allows_is_denied_and_the_sentence_says_so() -> None:
    decision = decide((), Call("sns:Publish", ("arn:aws:sns:x:1:t",)))
    assert not decision.allowed
    assert decision.sentence == "sns:Publish on arn:aws:sns:x:1:t is allowed by no statement."


def test_a_denial_overrides_every_permission() -> None:
    assert not allowed(Call("sns:Publish"), {}, {"Effect": "Deny", "Sid": "Never"})


@pytest.mark.parametrize(
    ("pattern", "held"),
    [("ec2:StopInstances", True), ("EC2:stopinstances", True), ("ec2:Stop*", True), ("*", True),
     ("ec2:?topInstances", True), ("ec2:Start*", False), ("ec2:StopInstance", False), ("ec2:StopInstancesNow", False)],
)  # fmt: skip
def test_actions_match_in_any_case_and_by_wildcards(pattern: str, held: bool) -> None:
    assert allowed(Call("ec2:StopInstances"), {"Action": pattern}) is held


@pytest.mark.parametrize(
    ("pattern", "held"),
    [(TABLE, True), ("arn:aws:dynamodb:*:123456789012:table/*", True), ("arn:aws:dynamodb:*:*:table/pai?", True),
     (TABLE.upper(), False), (TABLE + "2", False), (TABLE[:-1], False), ("arn:aws:dynamodb:*:table/pair", False),
     ("arn:aws:*:table/pair", False)],
)  # fmt: skip
def test_resources_match_in_their_case_and_no_wildcard_reaches_over_a_colon(pattern: str, held: bool) -> None:
    assert allowed(keyed("ours"), {"Resource": pattern}) is held


def test_a_call_without_resources_needs_all_of_them() -> None:
    assert not allowed(Call("ec2:DescribeInstances"), {"Resource": "arn:aws:ec2:x:1:instance/*"})


def test_each_resource_of_a_call_must_be_allowed() -> None:
    both = Call("ssm:SendCommand", ("arn:aws:ssm:x:1:document/stop", "arn:aws:ec2:x:1:instance/i-1"))
    document, instance = ({"Resource": each} for each in both.resources)
    assert allowed(both, document, instance)
    assert not allowed(both, document)
    assert not allowed(both, instance)


def test_a_denial_of_all_other_resources_leaves_its_own_alone() -> None:
    denied = {"Effect": "Deny", "Resource": None, "NotResource": "arn:aws:logs:x:1:log-group:/aws/lambda/ours-*"}
    del denied["Resource"]
    base = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    statements = statements_of({"Statement": [base, {**denied, "Action": "logs:PutLogEvents"}]})
    own = Call("logs:PutLogEvents", ("arn:aws:logs:x:1:log-group:/aws/lambda/ours-watch:log-stream:s",))
    strange = Call("logs:PutLogEvents", ("arn:aws:logs:x:1:log-group:/aws/lambda/theirs:log-stream:s",))
    assert decide(statements, own).allowed
    assert not decide(statements, strange).allowed


def test_every_value_must_be_among_those_that_are_allowed() -> None:
    assert allowed(keyed("ours"), {"Condition": ALL_KEYS})
    assert not allowed(keyed("ours", "theirs"), {"Condition": ALL_KEYS})


def test_a_key_that_a_call_does_not_bring_passes_for_all_values_and_not_where_it_must_be_there() -> None:
    assert allowed(keyed(), {"Condition": ALL_KEYS})
    assert not allowed(keyed(), {"Condition": {**ALL_KEYS, "Null": {KEYS: "false"}}})
    assert allowed(keyed("ours"), {"Condition": {**ALL_KEYS, "Null": {KEYS: "false"}}})
    assert allowed(keyed(), {"Condition": {"Null": {KEYS: "true"}}})


def test_any_value_will_do_for_any_value_but_there_must_be_one() -> None:
    condition = {"Condition": {"ForAnyValue:StringLike": {KEYS: "our*"}}}
    assert allowed(keyed("ours", "theirs"), condition)
    assert not allowed(keyed("theirs"), condition)
    assert not allowed(keyed(), condition)


def test_conditions_are_all_to_hold_and_keys_are_of_any_case() -> None:
    call = Call("sns:Publish", ("*",), {"aws:SourceArn": ("arn:aws:events:x:1:rule/a",), "aws:RequestedRegion": ("x",)})
    first = {"ArnLike": {"AWS:sourcearn": "arn:aws:events:*:1:rule/*"}}
    assert allowed(call, {"Condition": first})
    assert allowed(call, {"Condition": {**first, "StringEquals": {"aws:RequestedRegion": ["x", "y"]}}})
    assert not allowed(call, {"Condition": {**first, "StringEquals": {"aws:RequestedRegion": "y"}}})


@pytest.mark.parametrize(
    "strange",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringEqualsIfExists": {KEYS: "ours"}}},
        {"NotAction": "ec2:*"},
        {"Resource": "arn:aws:s3:::home/${aws:username}"},
        {"Effect": "Maybe"},
    ],
)
def test_what_is_not_understood_is_an_error_and_no_guess(strange: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        allowed(keyed("ours"), strange)


def test_several_values_for_an_operator_of_one_are_an_error() -> None:
    with pytest.raises(NotUnderstood, match="several values"):
        allowed(keyed("ours", "theirs"), {"Condition": {"StringEquals": {KEYS: "ours"}}})


def test_an_action_can_be_taken_out_of_a_statement_on_one_of_its_resources() -> None:
    (statement,) = statements_of({"Statement": {"Effect": "Allow", "Action": ["a:X", "a:Y"], "Resource": ["r1", "r2"]}})
    less = statement.without("a:X", "r1")
    assert [decide(less, Call(action, (on,))).allowed for action in ("a:X", "a:Y") for on in ("r1", "r2")] == [
        False, True, True, True,
    ]  # fmt: skip
    assert statement.without("a:X")[0].actions == ("a:Y",)
    assert statement.without("a:Z", "r1") == (statement,)
